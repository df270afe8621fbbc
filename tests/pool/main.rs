//! Pools of workers. Nothing here sleeps: tasks and tests meet in events, queues and pipes.

mod calls;
mod deaths;
mod imaps;
mod initializers;
mod methods;
mod results;
mod states;
mod terms;
mod threads;
mod values;

use std::time::Duration;

use forkproof::process::{Argument, Target};
use forkproof::{Event, Pool, PoolError, Process, Queue};

const NOW: Duration = Duration::ZERO;
/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

fn square(number: u64) -> u64 {
    number * number
}

fn add(left: i64, right: i64) -> i64 {
    left + right
}

fn pid() -> u32 {
    std::process::id()
}

/// The worker that has an item.
fn pid_for(_: u64) -> u32 {
    std::process::id()
}

fn panic_if_odd(number: u64) -> u64 {
    assert!(number.is_multiple_of(2), "{number} is odd");
    number
}

/// Says that it has begun, and returns when the gate is open.
fn pass(begun: Queue<u64>, gate: Event, number: u64) -> u64 {
    begun.put(number).unwrap();
    gate.wait();
    number
}

fn exit_with(code: i32) {
    std::process::exit(code)
}

fn kill_self() {
    let me = nix::unistd::Pid::this();
    nix::sys::signal::kill(me, nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[track_caller]
fn assert_panicked<T: std::fmt::Debug>(result: Result<T, PoolError>, message: &str) {
    match result {
        Err(PoolError::Panicked(panic)) => assert_eq!(panic.message, message),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_died<T: std::fmt::Debug>(result: Result<T, PoolError>, expected: i32) {
    match result {
        Err(PoolError::WorkerDied { exit, signal, .. }) if expected < 0 => {
            assert_eq!((exit, signal), (None, Some(-expected)));
        }
        Err(PoolError::WorkerDied { exit, signal, .. }) => {
            assert_eq!((exit, signal), (Some(expected), None));
        }
        other => panic!("{other:?}"),
    }
}

/// Runs a part of a test in a process of its own, of one thread, as the program's main would be.
fn in_child<F: Target<Args>, Args: Argument>(part: F, args: Args) {
    let child = Process::new(part, args);
    child.start().unwrap();
    match child.join_timeout(LONG).unwrap() {
        Some(code) => assert_eq!(code, 0, "see standard error"),
        None => {
            child.kill().unwrap();
            panic!("hung: {}", std::any::type_name::<F>());
        }
    }
}

fn pool(processes: usize) -> Pool {
    Pool::new(processes).unwrap()
}
