//! Locks, values and arrays, as their user meets them, across real processes. Nothing here sleeps: tests and
//! children tell each other over wires where they are.

mod arrays;
mod deaths;
mod handles;
mod locks;
mod types;
mod values;
#[path = "../process/wire.rs"]
#[expect(dead_code, reason = "the tests of processes use the rest")]
mod wire;

use forkproof::Process;
use forkproof::process::{Argument, Target};
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
