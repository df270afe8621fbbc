//! The zoo: known bugs, each a small program beside its correct twin. The harness must catch the first and pass the
//! second, for ever.
//!
//! ```
//! let entry = forkproof::zoo::entries().into_iter().find(|entry| entry.name == "lost update").unwrap();
//! let report = entry.run();
//! assert!(report.holds(), "{report:?}");
//! ```
//!
//! Most are [`Model`](crate::explore::Model)s, written against [`World`](crate::world::World), so that the same source is
//! searched in real processes and in loom. What a technique cannot see is not in an entry's row: the controller knows no
//! weak orders, loom as it is used here no second round of deaths.
//!
//! # What it is not
//! A measure of the harness against bugs that it has not met. And a twin is correct for what its program does, under the
//! techniques of its row; most of them are no more than that.

mod barriers;
mod conditions;
mod counting;
mod dead_waiter;
mod events;
mod free_list;
mod ids;
mod initialising;
mod locks;
mod orderings;
mod ownership;
mod pieces;
mod pointers;
mod readers;
mod ring;
mod robust;
mod table;
mod trial;
mod two_locks;
mod updates;

pub use table::Table;
pub use trial::{Technique, Trial, TrialReport, Twin};

use serde::Serialize;

/// A known bug, and who must catch it.
pub struct Entry {
    /// In the order of the table; bugs of one kind share a number.
    pub number: u32,
    pub name: &'static str,
    /// What is wrong.
    pub bug: &'static str,
    /// Where it was met, or is told of.
    pub source: &'static str,
    pub trials: &'static [Trial],
}

/// What came of an entry's trials.
#[derive(Clone, Debug, Serialize)]
pub struct EntryReport {
    pub number: u32,
    pub name: &'static str,
    pub bug: &'static str,
    pub source: &'static str,
    pub trials: Vec<TrialReport>,
}

impl Entry {
    /// Every trial of it, one after the other: the same counts every time.
    pub fn run(&self) -> EntryReport {
        EntryReport {
            number: self.number,
            name: self.name,
            bug: self.bug,
            source: self.source,
            trials: self.trials.iter().map(Trial::run).collect(),
        }
    }
}

impl EntryReport {
    /// Every technique of its row catches the bug within its bound, and passes the twin.
    pub fn holds(&self) -> bool {
        !self.trials.is_empty() && self.trials.iter().all(TrialReport::holds)
    }
}

/// Every entry, in the order of their numbers.
pub fn entries() -> Vec<&'static Entry> {
    let families = [
        updates::ENTRIES,
        locks::ENTRIES,
        events::ENTRIES,
        orderings::ENTRIES,
        pieces::ENTRIES,
        ring::ENTRIES,
        free_list::ENTRIES,
        conditions::ENTRIES,
        ownership::ENTRIES,
        barriers::ENTRIES,
        two_locks::ENTRIES,
        readers::ENTRIES,
        robust::ENTRIES,
        initialising::ENTRIES,
        dead_waiter::ENTRIES,
        ids::ENTRIES,
        pointers::ENTRIES,
    ];
    let mut entries: Vec<_> = families.into_iter().flatten().collect();
    entries.sort_by_key(|entry| entry.number);
    entries
}
