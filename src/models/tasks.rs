//! The tasks of a ring on trial: the shipped [`RawTasks`](crate::raw::RawTasks) on the shipped
//! [`Ring`](crate::raw::Ring), unchanged, in loom's memory model; and broken variants of them.
//!
//! # The parts
//! | file | holds |
//! |---|---|
//! | `work` | how a lane gets tasks, does them and waits for their end, and what must be true of it |
//! | `models` | the models: lanes, victims, bounds |
//! | `betrayals` | the things that can be wrong, and who must catch each |
//!
//! # What a pass proves
//! Of the given lanes, within the bounds, in any interleaving and with any weak read that loom knows, with and
//! without early returns, whoever is killed before any of its steps:
//! 1. Who waits for the tasks goes on when all are done, and not before; and sees what was done in them.
//! 2. Who waits is told of the tasks that a worker died with, of as many as there are, and of no living one's.
//! 3. No one sleeps on when all are done, or when the rest is the dead's.
//! 4. What was got, and what was done, is counted, and once.
//!
//! # What it does not
//! More hands than two, more lanes, more tasks.

mod betrayals;
mod models;
mod work;

pub use betrayals::VARIANTS;

use super::model::Model;
use crate::explore::loom::Loom;

/// The models of the tasks.
pub fn models() -> Vec<Model> {
    models::all::<Loom>()
}
