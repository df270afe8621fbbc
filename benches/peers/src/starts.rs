//! A process that does nothing: started, and joined.
//!
//! Some of them load a program: forkproof by spawn, posix_spawn and procspawn this one, CPython by spawn its own. Of those that
//! fork(2), ours and CPython's end as a program does; the bare ones at once, and once more as a program.

use std::ffi::CStr;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Instant;

use forkproof::{Process, StartMethod};

use crate::cpython;
use crate::table::{Row, Work};

const TIMES: u32 = 200;

/// The argument of what posix_spawn(3) starts: this program, which then has nothing to do.
const NOTHING: &CStr = c"--nothing";

pub fn is_spawned_for_nothing() -> bool {
    std::env::args_os().nth(1).as_deref() == NOTHING.to_str().ok().map(AsRef::as_ref)
}

pub fn works() -> Vec<Work> {
    let server = Rc::new(Server::new()); // forked now, while this process is small
    [("start and join", 0), ("start, 1 GiB parent", 1 << 30)]
        .map(|(name, bytes)| Work {
            name: name.to_owned(),
            rows: rows(bytes, server.clone()),
        })
        .into()
}

fn nothing() {}
forkproof::spawnable!(nothing);

/// While this process has so many bytes of its own.
fn rows(bytes: usize, server: Rc<Server>) -> Vec<Row> {
    let by = |method: StartMethod| {
        with_bytes(bytes, move || {
            let process = Process::new(nothing, ()).start_method(method);
            process.start().expect("a process can be started");
            assert_eq!(process.join().expect("it was started"), 0);
        })
    };
    let by_server = |end: End| {
        let server = server.clone();
        with_bytes(bytes, move || server.fork(end))
    };
    let mut rows = vec![
        Row::new("forkproof Process", by(StartMethod::Zygote)),
        Row::new("forkproof, by fork", by(StartMethod::Fork)),
        Row::new("forkproof, by spawn", by(StartMethod::Spawn)),
        Row::new("fork(2)", with_bytes(bytes, || fork(End::AtOnce))),
        Row::new(
            "fork(2), exit(3)",
            with_bytes(bytes, || fork(End::AsProgram)),
        ),
        Row::new("fork(2) of a server", by_server(End::AtOnce)),
        Row::new("fork(2) of a server, exit(3)", by_server(End::AsProgram)),
        Row::new("posix_spawn(3)", with_bytes(bytes, posix_spawn)),
        Row::new("procspawn", with_bytes(bytes, procspawned)),
    ];
    for method in ["fork", "forkserver", "spawn"] {
        rows.extend(
            cpython::script(format!(
                "import multiprocessing as mp, time
def main():
    held = bytearray({bytes})
    for at in range(0, {bytes}, 4096): held[at] = 1
    context = mp.get_context({method:?})
    def once():
        p = context.Process(target=int)
        p.start()
        p.join()
        assert p.exitcode == 0
    once()
    begun = time.perf_counter_ns()
    for _ in range(20): once()
    print((time.perf_counter_ns() - begun) / 20)
if __name__ == '__main__': main()
"
            ))
            .map(|row| Row {
                who: match method {
                    "fork" => "CPython, fork",
                    "forkserver" => "CPython, forkserver",
                    _ => "CPython, spawn",
                },
                ..row
            }),
        );
    }
    rows
}

fn with_bytes(bytes: usize, mut act: impl FnMut()) -> impl FnMut() -> f64 {
    move || {
        let held = vec![1u8; bytes]; // of ones: zeroes would not be there yet
        std::hint::black_box(&held);
        act(); // a server is started by the first
        let begun = Instant::now();
        for _ in 0..TIMES {
            act();
        }
        begun.elapsed().as_nanos() as f64 / f64::from(TIMES)
    }
}

/// How a child ends that has nothing to do.
#[derive(Clone, Copy, PartialEq)]
enum End {
    AtOnce,
    /// After what is to be done at the end: exit(3).
    AsProgram,
}

impl End {
    fn come(self) -> ! {
        match self {
            // SAFETY: ends the process at once.
            End::AtOnce => unsafe { libc::_exit(0) },
            // SAFETY: the process is a copy of one whose only thread called this: no handler runs elsewhere.
            End::AsProgram => unsafe { libc::exit(0) },
        }
    }
}

fn fork(end: End) {
    // SAFETY: the child only ends; no other thread is there that could hold what its handlers want.
    match unsafe { libc::fork() } {
        -1 => panic!("no process"),
        0 => end.come(),
        child => reap(child),
    }
}

/// A small process that forks when it is asked to, and that is all: what a start costs at least that does not grow with
/// the parent.
struct Server(UnixStream);

impl Server {
    fn new() -> Server {
        let (ours, its) = UnixStream::pair().expect("sockets");
        // SAFETY: no other thread is there yet, and the child does not return.
        match unsafe { libc::fork() } {
            -1 => panic!("no process"),
            0 => {
                drop(ours);
                serve(its)
            }
            _ => Server(ours),
        }
    }

    fn fork(&self, end: End) {
        let mut child = [0; 4];
        let asked = [u8::from(end == End::AsProgram)];
        (&self.0).write_all(&asked).expect("the server is there");
        (&self.0)
            .read_exact(&mut child)
            .expect("the server is there");
        reap(libc::pid_t::from_ne_bytes(child));
    }
}

/// The children are the parent's, as if it had forked them. Ends with it.
fn serve(asked: UnixStream) -> ! {
    let mut request = [0];
    while (&asked).read_exact(&mut request).is_ok() {
        let flags = libc::c_long::from(libc::CLONE_PARENT | libc::SIGCHLD);
        // SAFETY: as fork(2), without a stack of its own; there are no other threads.
        let child = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } as libc::pid_t;
        match (child, request) {
            (0, [0]) => End::AtOnce.come(),
            (0, _) => End::AsProgram.come(),
            _ => (&asked)
                .write_all(&child.to_ne_bytes())
                .expect("the asker waits"),
        }
    }
    End::AtOnce.come()
}

fn posix_spawn() {
    unsafe extern "C" {
        static environ: *const *mut libc::c_char;
    }
    let program = c"/proc/self/exe";
    let arguments = [program.as_ptr(), NOTHING.as_ptr(), std::ptr::null()];
    let mut child = 0;
    // SAFETY: the strings end in 0, the lists in null; nobody changes the environment meanwhile, nor the arguments ever.
    let failed = unsafe {
        libc::posix_spawn(
            &mut child,
            program.as_ptr(),
            std::ptr::null(),
            std::ptr::null(),
            arguments.as_ptr().cast(),
            environ,
        )
    };
    assert_eq!(failed, 0, "no process");
    reap(child);
}

fn procspawned() {
    let process = procspawn::spawn((), |()| ());
    process.join().expect("it does nothing");
}

fn reap(child: libc::pid_t) {
    let mut status = 0;
    // SAFETY: a place for the status.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0, "it did something");
}
