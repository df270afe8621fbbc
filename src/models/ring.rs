//! The robust ring on trial: the shipped [`Ring`](crate::raw::Ring), unchanged, in loom's memory model; and broken
//! variants of it.
//!
//! # The parts
//! | file | holds |
//! |---|---|
//! | `traffic` | what a lane puts and gets, and what must be true of it in the end |
//! | `models` | the models: lanes, victims, bounds |
//! | `betrayals` | the things that can be wrong, and who must catch each |
//!
//! # What a pass proves
//! Of the given lanes, within the bounds, in any interleaving and with any weak read that loom knows, with and
//! without early returns, whoever is killed before any of its steps:
//! 1. What a put acknowledged is got once, whole, in its putter's order; but for one record for each killed getter.
//! 2. No one sleeps while there is what it waits for.
//! 3. No byte is overwritten that is being read, and none is read that is being written.
//! 4. A closed ring refuses puts, and gives what it has.
//!
//! # What it does not
//! Rings of more than a few units, more lanes, more records; what goes along outside of the ring.

pub(super) mod betrayals;
mod models;
pub(super) mod traffic;

pub use betrayals::VARIANTS;

use super::model::Model;
use crate::explore::loom::Loom;

/// The models of the ring.
pub fn models() -> Vec<Model> {
    models::all::<Loom>()
}
