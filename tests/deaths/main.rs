//! Deaths that hang or mislead others elsewhere: what CPython does, forks beside a held lock, thread ids that are used
//! again, and the C library's robust mutexes beside our locks.

mod c_library;
mod forks;
mod full_list;
mod ids;
mod peers;
#[path = "../process/wire.rs"]
#[expect(dead_code, reason = "the tests of processes use the rest")]
mod wire;

use std::time::{Duration, Instant};

use forkproof::Process;
use forkproof::process::{Argument, Target};
use wire::{Exchange, Wire};

/// A wait that nothing ends.
const SHORT: Duration = Duration::from_millis(20);
/// A wait that is ended by what it waits for, or the test fails.
const LONG: Duration = Duration::from_secs(60);

/// Starts a child that calls as soon as it has come so far, and waits until it has. It ends with a test that fails.
fn start<F: Target<Args>, Args: Argument>(
    target: F,
    args: impl FnOnce(String) -> Args,
) -> (Process, Wire) {
    start_as(true, target, args)
}

/// The same, of one that starts others.
fn start_parent<F: Target<Args>, Args: Argument>(
    target: F,
    args: impl FnOnce(String) -> Args,
) -> (Process, Wire) {
    start_as(false, target, args)
}

fn start_as<F: Target<Args>, Args: Argument>(
    daemon: bool,
    target: F,
    args: impl FnOnce(String) -> Args,
) -> (Process, Wire) {
    let exchange = Exchange::new();
    let p = Process::new(target, args(exchange.name.clone())).daemon(daemon);
    p.start().unwrap();
    let mut wire = exchange.accept();
    assert_eq!(wire.hear(), "here");
    (p, wire)
}

/// A child's side of [`start`]: then it does what it is there for, and stays.
fn here(exchange: &str) -> Wire {
    let mut wire = Wire::call(exchange);
    wire.say("here");
    wire
}

/// Until it sleeps: in what it does after [`here`].
fn asleep(p: &Process) {
    let stat = format!("/proc/{}/stat", p.pid().unwrap());
    let deadline = Instant::now() + LONG;
    loop {
        // Behind the name, which is in parentheses.
        let text = std::fs::read_to_string(&stat).unwrap();
        if text.rsplit(") ").next().unwrap().starts_with('S') {
            return;
        }
        assert!(Instant::now() < deadline, "{p:?} does not fall asleep");
        std::thread::yield_now();
    }
}

fn stay() -> ! {
    loop {
        std::thread::park();
    }
}

fn kill(p: &Process) {
    p.kill().unwrap();
    assert_eq!(p.join().unwrap(), -9);
}

/// Runs in a process of its own, in which a call that hangs is seen to hang.
fn in_time<F: Target<Args>, Args: Argument>(what: F, args: Args) {
    let p = Process::new(what, args);
    p.start().unwrap();
    let code = p.join_timeout(LONG).unwrap();
    if code.is_none() {
        p.kill().unwrap();
    }
    assert_eq!(code, Some(0), "{p:?} hangs, or failed with a message above");
}
