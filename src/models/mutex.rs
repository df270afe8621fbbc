//! The robust lock on trial: the shipped [`RawMutex`](crate::raw::RawMutex) and
//! [`RawReentrantMutex`](crate::raw::RawReentrantMutex), unchanged, in loom's memory model; and broken
//! variants of it, each of which the same models must catch.
//!
//! # Example
//! ```
//! use forkproof::models::model::{Budget, Verdict};
//! use forkproof::models::mutex;
//!
//! let model = mutex::models().into_iter().find(|model| model.name == "held throughout").unwrap();
//! let report = model.run(Budget::Quick, &mut |_| {});
//! assert_eq!(report.verdict, Verdict::Holds);
//!
//! let variant = mutex::VARIANTS.iter().find(|variant| variant.name == "no wake").unwrap();
//! assert!(variant.run(Budget::Quick, &mut |_| {}).is_caught());
//! ```
//!
//! # The parts
//! | file | holds |
//! |---|---|
//! | `visits` | what a lane does with a lock, and what must be true while it holds it |
//! | `models` | the models: lanes, victims, bounds |
//! | `betrayals` | the things that can be wrong |
//! | `variants` | the table of variants, and who must catch each |
//!
//! # What a pass proves
//! That no execution of the given lanes breaks one of these, in any interleaving within the preemption
//! bound, with any weak read that loom knows, with and without early returns, in both wake orders, on
//! kernels since 6.2 and before, starting with either value of the hint, and with a lane killed before any
//! of its steps:
//! 1. One at a time is inside, and sees what those before it did.
//! 2. No one sleeps while the lock is free and no one is about to take it.
//! 3. A death inside is told to the next one in, once; no other death is told of.
//! 4. After a death, what was not repaired is refused to everyone.
//! 5. One who was refused holds nothing and has changed nothing.
//! 6. When no one contends any more, no system call is made any more.
//!
//! # What it does not
//! More lanes, more rounds, more preemptions than were searched; the layout of the robust list, and the
//! compiler's order of accesses to it; fairness. On kernels before 6.2 a waiter that is killed after
//! *another's death* woke it takes that wake along (the kernel passes it on only for a word of 0, and the
//! word says `OWNER_DIED`): models with two deaths run by the newer rule alone.

mod betrayals;
mod models;
mod variants;
mod visits;

pub use variants::VARIANTS;

use super::model::Model;
use crate::explore::loom::Loom;

/// The models of the lock that may be taken once.
pub fn models() -> Vec<Model> {
    models::all::<Loom>()
}

/// The models of the lock that may be taken again.
pub fn reentrant_models() -> Vec<Model> {
    models::reentrant::<Loom>()
}
