//! The ring, broken in one way each, and the models that must catch it.

// The orderings here are the bugs, or stand for the algorithm's own: raw/ring.rs names each one's partner.
use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering::{self, Acquire, Relaxed};

use super::models;
use crate::explore::loom::{self, LoomWide, LoomWord};
use crate::models::betrayals::{NoWake, NotLinked};
use crate::models::broken::{Broken, Sabotage};
use crate::models::variant::{Variant, variants};
use crate::world::{TID_MASK, WAITERS, Wide, Word};

const AWAKE: u32 = 0;
const ASLEEP: u32 = WAITERS;

/// Every broken variant of the ring.
pub const VARIANTS: &[Variant] = variants![
    in models::all::<Broken>;
    "commit relaxed", CommitRelaxed: "a commit does not release" => "one putter, one getter";
    "place read relaxed", PlaceRelaxed: "the other end's place is read without acquiring" => "one putter, one getter";
    "torn commit", TornCommit: "position and count are two stores" => "one putter, one getter", "getter killed";
    "no wake at the gate", NoWake: "a commit wakes no one" => "one putter, one getter", "put, get, close";
    "gate left asleep", GateLeftAsleep: "a commit wakes, but whoever is about to sleep is not told" => "one putter, one getter";
    "gate after the commit", GateLate: "the gate is changed behind the commit, and not before it" => "room-maker killed", "closer of a full ring killed";
    "gate unannounced", GateUnannounced: "the kernel does not know who is about to wake" => "putter killed", "room-maker killed", "closer killed";
    "gate relaxed", GateRelaxed: "who has woken leaves the gate without releasing it" => "deadlines";
    "gate not owned", GateNotOwned: "who is about to wake does not say so" => "putter killed", "room-maker killed";
    "gate not linked", GateNotLinked: "the kernel does not know who is about to wake without the lock" => "putter killed", "room-maker killed";
    "gate overwritten", GateOverwritten: "who is about to sleep takes the gate from who is about to wake" => "deadlines";
    "withdrawn before the wake", WithdrawsBeforeWake: "who wakes withdraws before it" => "putter killed", "closer killed";
    "line not robust", NotLinked: "a dead leader keeps its place in the line" => "getter killed", "worker killed";
];

pub(in crate::models) struct CommitRelaxed;
impl Sabotage for CommitRelaxed {
    fn wide_store(&self, wide: &LoomWide, value: u64, _: Ordering) {
        wide.store(value, Relaxed);
    }
}

struct PlaceRelaxed;
impl Sabotage for PlaceRelaxed {
    fn wide_load(&self, wide: &LoomWide, _: Ordering) -> u64 {
        wide.load(Relaxed)
    }
}

struct TornCommit;
impl Sabotage for TornCommit {
    fn wide_store(&self, wide: &LoomWide, value: u64, order: Ordering) {
        let before = wide.load(Relaxed);
        let (position, count) = (value & u64::from(u32::MAX), before >> 32 << 32);
        wide.store(count | position, order);
        wide.store(value, order);
    }
}

pub(in crate::models) struct GateLeftAsleep;
impl Sabotage for GateLeftAsleep {
    fn store(&self, word: &LoomWord, value: u32, order: Ordering) {
        if value != AWAKE || !is_gate(word) {
            word.store(value, order);
        }
    }
}

struct GateLate;
thread_local! {
    static LATE: RefCell<Option<(LoomWord, u32)>> = const { RefCell::new(None) };
}
impl Sabotage for GateLate {
    fn store(&self, word: &LoomWord, value: u32, order: Ordering) {
        if is_owned(value) || value == AWAKE && is_gate(word) {
            LATE.set(Some((word.clone(), value)));
        } else {
            word.store(value, order);
        }
    }
    fn wide_store(&self, wide: &LoomWide, value: u64, order: Ordering) {
        let late = LATE.take(); // before any step, where another lane could run
        wide.store(value, order);
        if let Some((gate, value)) = late {
            gate.store(value, Relaxed);
        }
    }
}

pub(in crate::models) struct GateUnannounced;
impl Sabotage for GateUnannounced {
    fn announce(&self, word: &LoomWord) {
        // The newest value; a lock's word says this only after several had slept on it at once.
        let newest = word.compare_exchange(ASLEEP, ASLEEP, Relaxed, Relaxed);
        if newest.is_err() {
            loom::announce(word);
        }
    }
}

struct GateRelaxed;
impl Sabotage for GateRelaxed {
    fn store(&self, word: &LoomWord, value: u32, order: Ordering) {
        let order = if value == AWAKE && is_gate(word) {
            Relaxed
        } else {
            order
        };
        word.store(value, order);
    }
}

struct GateNotOwned;
impl Sabotage for GateNotOwned {
    fn store(&self, word: &LoomWord, value: u32, order: Ordering) {
        word.store(if is_owned(value) { AWAKE } else { value }, order);
    }
}

struct GateNotLinked;
thread_local! {
    static OWNED: Cell<bool> = const { Cell::new(false) };
}
impl Sabotage for GateNotLinked {
    fn store(&self, word: &LoomWord, value: u32, order: Ordering) {
        word.store(value, order);
        OWNED.set(is_owned(value)); // and then no step before it is linked
    }
    fn link(&self, word: &LoomWord) {
        if !OWNED.take() {
            loom::link(word);
        }
    }
}

struct GateOverwritten;
impl Sabotage for GateOverwritten {
    fn load(&self, word: &LoomWord, order: Ordering) -> u32 {
        let seen = word.load(order);
        if order == Acquire && is_owned(seen) {
            ASLEEP // a gate's load alone acquires
        } else {
            seen
        }
    }
}

/// What is stored in a gate by who is about to wake. In a lock's own word no one stores that: it is exchanged.
fn is_owned(value: u32) -> bool {
    value & WAITERS != 0 && value & TID_MASK != 0
}

struct WithdrawsBeforeWake;
impl Sabotage for WithdrawsBeforeWake {
    fn wake(&self, word: &LoomWord, count: u32) -> u32 {
        loom::withdraw();
        word.wake(count)
    }
}

/// Of a word that 0 is stored in: in a lock's own word no one stores that while it is announced.
fn is_gate(word: &LoomWord) -> bool {
    loom::is_announced(word)
}
