//! The barrier on trial: the shipped [`RawBarrier`](crate::raw::RawBarrier), unchanged, in loom's memory model; and
//! broken variants, each of which the same models must catch.
//!
//! # What a pass proves
//! For the lanes, rounds and settings given, with a lane killed before any of its steps:
//! 1. No one passes before all have come, and each passes with a number of its own.
//! 2. Who passes sees what all did before they came.
//! 3. Who comes again is not let in to a round that others have not left.
//! 4. If one dies, gives up, aborts or resets, no one sleeps for ever: those whose round had not passed are refused.
//! 5. An action runs once a round, by the last to come, before anyone passes.
//!
//! # What it does not
//! More than three lanes, or three parties; more rounds than two.

mod betrayals;
mod models;
mod scene;
mod variants;

pub use variants::VARIANTS;

use super::model::Model;
use crate::explore::loom::Loom;

/// Every model of the barrier.
pub fn models() -> Vec<Model> {
    models::all::<Loom>()
}
