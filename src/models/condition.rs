//! The condition on trial: the shipped [`RawCondvar`](crate::raw::RawCondvar), unchanged, in loom's memory model, with
//! the lock it goes with; and broken variants, each of which the same models must catch.
//!
//! # What a pass proves
//! For the lanes, rounds and settings given, with a lane killed before any of its steps:
//! 1. A notification given while someone waits is returned with, by one of those who waited then; if that one dies
//!    before it has, by another of them, if there is one.
//! 2. No one returns without one, but by its deadline, or because the lock's owner died or gave it up.
//! 3. Who returns holds the lock alone, as often as before, and sees what was done under it.
//! 4. No one sleeps for ever: a notifier's death between the ring and the wake wakes, and so does giving the lock up.
//!
//! # What it does not
//! More lanes than three, more seats than two; fairness.

mod betrayals;
mod models;
mod scene;
mod variants;

pub use variants::VARIANTS;

use super::model::Model;
use crate::explore::loom::Loom;

/// Every model of the condition.
pub fn models() -> Vec<Model> {
    models::all::<Loom>()
}
