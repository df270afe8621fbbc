//! A process that does nothing: started, and joined.
//!
//! Some of them load a program: forkproof by spawn, posix_spawn and procspawn this one, CPython by spawn its own.

use std::ffi::CStr;
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
    [("start and join", 0), ("start, 1 GiB parent", 1 << 30)]
        .map(|(name, bytes)| Work {
            name: name.to_owned(),
            rows: rows(bytes),
        })
        .into()
}

fn nothing() {}
forkproof::spawnable!(nothing);

/// While this process has so many bytes of its own.
fn rows(bytes: usize) -> Vec<Row> {
    let by = |method: StartMethod| {
        with_bytes(bytes, move || {
            let process = Process::new(nothing, ()).start_method(method);
            process.start().expect("a process can be started");
            assert_eq!(process.join().expect("it was started"), 0);
        })
    };
    let mut rows = vec![
        Row::new("forkproof Process", by(StartMethod::Zygote)),
        Row::new("forkproof, by fork", by(StartMethod::Fork)),
        Row::new("forkproof, by spawn", by(StartMethod::Spawn)),
        Row::new("fork(2)", with_bytes(bytes, fork)),
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

fn fork() {
    // SAFETY: the child only exits, so it does not matter what other threads held.
    match unsafe { libc::fork() } {
        -1 => panic!("no process"),
        // SAFETY: ends the process at once.
        0 => unsafe { libc::_exit(0) },
        child => reap(child),
    }
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
