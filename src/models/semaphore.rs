//! The semaphore on trial: the shipped [`RawSemaphore`](crate::raw::RawSemaphore), and with it the
//! [`Roster`](crate::raw::Roster), unchanged, in loom's memory model; and broken variants, each of which the same
//! models must catch.
//!
//! # The parts
//! | file | holds |
//! |---|---|
//! | `seats` | what a lane does with a semaphore, and what must be true while it holds a permit |
//! | `models` | the models: lanes, victims, bounds |
//! | `variants` | the things that can be wrong, and who must catch each |
//!
//! # What a pass proves
//! That no execution of the given lanes breaks one of these, in any interleaving within the preemption bound, with any
//! weak read that loom knows, with and without early returns, in both wake orders, on kernels since 6.2 and before,
//! and with a lane killed before any of its steps:
//! 1. No more are inside than there are permits; who gets a permit sees what was written before it was given.
//! 2. No one sleeps while a permit is to be had and no one is about to take it.
//! 3. A permit of a place comes home when its holder dies; none is made twice, and none is lost.
//! 4. One who was refused holds nothing and has changed nothing.
//! 5. When no one contends any more, no system call is made any more.
//!
//! # What it does not
//! More lanes, places, rounds and preemptions than were searched; fairness. What kernels before 6.2 do with a waiter
//! that dies of another's death: as [`mutex`](super::mutex).

mod models;
mod seats;
mod variants;

pub use variants::VARIANTS;

use super::model::Model;
use crate::explore::loom::Loom;

/// The models of the semaphore.
pub fn models() -> Vec<Model> {
    models::all::<Loom>()
}
