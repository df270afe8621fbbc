//! A process that does nothing: started, and joined.

use std::time::Instant;

use forkproof::{Process, StartMethod};

use crate::cpython;
use crate::table::{Row, Work};

const TIMES: u32 = 200;

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
        // Both load a program: /bin/true, and this one.
        Row::new("posix_spawn(3)", with_bytes(bytes, spawn_true)),
        Row::new("procspawn", with_bytes(bytes, procspawned)),
    ];
    for method in ["fork", "forkserver", "spawn"] {
        rows.extend(
            cpython::script(format!(
                "import multiprocessing as mp, time
def nothing(): pass
def main():
    held = bytearray({bytes})
    for at in range(0, {bytes}, 4096): held[at] = 1
    context = mp.get_context({method:?})
    def once():
        p = context.Process(target=int)
        p.start()
        p.join()
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

fn spawn_true() {
    let path = c"/bin/true";
    let arguments = [path.as_ptr().cast_mut(), std::ptr::null_mut()];
    let mut child = 0;
    // SAFETY: a path and arguments that end as they should, no environment, and a place for the child's number.
    let failed = unsafe {
        libc::posix_spawn(
            &mut child,
            path.as_ptr(),
            std::ptr::null(),
            std::ptr::null(),
            arguments.as_ptr(),
            std::ptr::null(),
        )
    };
    assert_eq!(failed, 0, "/bin/true is there");
    let mut status = 0;
    // SAFETY: a place for the status.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);
}

fn procspawned() {
    let child = procspawn::spawn((), |()| ());
    child.join().expect("it does not die");
}

fn fork() {
    // SAFETY: the child of this process of one thread only exits.
    match unsafe { libc::fork() } {
        -1 => panic!("no process"),
        // SAFETY: ends the process at once.
        0 => unsafe { libc::_exit(0) },
        child => {
            let mut status = 0;
            // SAFETY: a place for the status.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        }
    }
}
