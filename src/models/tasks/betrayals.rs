//! The tasks, broken in one way each, and the models that must catch it.

// The orderings here are the bugs, or stand for the algorithm's own: raw/ring/tasks.rs names each one's partner.
use std::sync::atomic::Ordering::{self, Relaxed};

use super::models;
use crate::explore::loom::LoomWord;
use crate::models::betrayals::{NoWake, NotLinked};
use crate::models::broken::{Broken, Sabotage};
use crate::models::ring::betrayals::{CommitRelaxed, GateLeftAsleep, GateUnannounced};
use crate::models::variant::{Variant, variants};
use crate::world::{Deadline, Woken, Word};

const TAKING: u32 = 1;

/// Every broken variant of the tasks.
pub const VARIANTS: &[Variant] = variants![
    in models::all::<Broken>;
    "taken relaxed", CommitRelaxed: "a task leaves the ring before it is seen to be in a hand" => "joined";
    "no wake at the bell", NoWake: "whoever does the last task wakes no one" => "joined", "processed";
    "bell left asleep", GateLeftAsleep: "a wake, but whoever is about to sleep is not told" => "joined", "processed";
    "bell unannounced", GateUnannounced: "the kernel does not know who is about to wake" => "worker killed";
    "hands unwatched", HandsUnwatched: "who sleeps is not woken by a worker's death" => "worker killed at its task";
    "hand not robust", NotLinked: "a dead worker keeps its hand" => "worker killed", "worker killed at its task";
    "take undone", TakeUndone: "what the dead was about to take is in its hand" => "worker killed";
    "take forgotten", TakeForgotten: "what the dead had just taken is not in its hand" => "worker killed";
];

/// Sleeps on the bell alone.
struct HandsUnwatched;
impl Sabotage for HandsUnwatched {
    fn wait_any(&self, words: &[(&LoomWord, u32)], until: Option<Deadline>) -> Woken {
        LoomWord::wait_any(&words[..1], until)
    }
}

/// Only what is done in place of the dead is Relaxed.
struct TakeUndone;
impl Sabotage for TakeUndone {
    fn fetch_sub(&self, word: &LoomWord, value: u32, order: Ordering) -> u32 {
        match order {
            Relaxed if value == TAKING => word.fetch_add(value, order),
            _ => word.fetch_sub(value, order),
        }
    }
}

struct TakeForgotten;
impl Sabotage for TakeForgotten {
    fn fetch_add(&self, word: &LoomWord, value: u32, order: Ordering) -> u32 {
        match order {
            Relaxed if value == TAKING => word.fetch_sub(value, order),
            _ => word.fetch_add(value, order),
        }
    }
}
