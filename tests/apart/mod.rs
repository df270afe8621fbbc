//! A test in a process of its own: for what is a process's, such as a limit, and for what would hang if it failed.

use forkproof::Process;
use forkproof::process::Target;
use forkproof::verify::stuck;

/// Runs it.
///
/// # Panics
/// If it panics, or hangs.
pub fn apart(test: impl Target<()>) {
    let process = Process::new(test, ());
    process.start().unwrap();
    let Some(code) = process.join_timeout(stuck::PATIENCE).unwrap() else {
        let family = stuck::family("the test", process.pid().unwrap());
        let text = stuck::describe("its end", &family);
        process.kill().unwrap();
        process.join().unwrap();
        panic!("{text}");
    };
    assert_eq!(code, 0, "see above");
}
