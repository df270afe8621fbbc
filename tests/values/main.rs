//! Locks, semaphores, events, values and arrays, as their user meets them, across real processes. Nothing here sleeps: tests and
//! children tell each other over wires where they are.

mod arrays;
mod barriers;
mod conditions;
mod deaths;
mod events;
mod handles;
mod locks;
mod semaphores;
mod types;
mod values;
#[path = "../process/wire.rs"]
#[expect(dead_code, reason = "the tests of processes use the rest")]
mod wire;

use forkproof::Process;
use forkproof::process::{Argument, Target};
use nix::sys::signal::{Signal, raise};
use wire::{Exchange, Wire};

/// Starts a child that calls as soon as it has come so far, and waits until it has.
fn start<F: Target<Args>, Args: Argument>(
    target: F,
    args: impl FnOnce(String) -> Args,
) -> (Process, Wire) {
    let exchange = Exchange::new();
    let p = Process::new(target, args(exchange.name.clone()));
    p.start().unwrap();
    (p, exchange.accept())
}

/// Starts children that all call before any of them goes on, and waits until they have ended well.
fn race<F: Target<Args> + Copy, Args: Argument>(
    target: F,
    lanes: usize,
    args: impl Fn(String) -> Args,
) {
    let exchange = Exchange::new();
    let children: Vec<Process> = (0..lanes)
        .map(|_| Process::new(target, args(exchange.name.clone())))
        .collect();
    children.iter().for_each(|child| child.start().unwrap());
    let mut wires: Vec<Wire> = children.iter().map(|_| exchange.accept()).collect();
    wires.iter_mut().for_each(|wire| wire.say("go"));
    for child in &children {
        assert_eq!(child.join().unwrap(), 0);
    }
}

/// A child's side of [`race`].
fn at_the_start(exchange: String) {
    assert_eq!(Wire::call(&exchange).hear(), "go");
}

/// The calling process is killed.
fn die() {
    raise(Signal::SIGKILL).unwrap();
}

/// Runs a process that dies.
fn killed(p: Process) {
    p.start().unwrap();
    assert_eq!(p.join().unwrap(), -9);
}
