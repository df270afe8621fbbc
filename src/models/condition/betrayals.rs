//! What can be wrong with the condition, or beneath it.

// The orderings here are the bugs, or stand for the algorithm's own: raw/ names each one's partner.
use std::cell::Cell;
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed};

use crate::explore::loom::{self, LoomWord};
use crate::models::broken::Sabotage;
use crate::world::{Deadline, OWNER_DIED, Update, Woken, Word};

thread_local! {
    static RUNG: Cell<bool> = const { Cell::new(false) };
}

/// A notifier rings, and wakes no one.
pub(super) struct RingsWithoutWake;
impl Sabotage for RingsWithoutWake {
    // Of all swaps only that of the bell is relaxed, and its wake comes next.
    fn swap(&self, word: &LoomWord, value: u32, order: Ordering) -> u32 {
        RUNG.set(order == Relaxed);
        word.swap(value, order)
    }
    fn wake(&self, word: &LoomWord, count: u32) -> u32 {
        let count = if RUNG.take() { 0 } else { count };
        word.wake(count)
    }
}

/// A notifier rings a bell that it has not announced.
pub(super) struct RingsUnannounced;
impl Sabotage for RingsUnannounced {
    fn swap(&self, word: &LoomWord, value: u32, order: Ordering) -> u32 {
        if order == Relaxed {
            loom::withdraw();
        }
        word.swap(value, order)
    }
}

/// A waiter sleeps on the lock's state and its bell only.
pub(super) struct SleepsOnItsBell;
impl Sabotage for SleepsOnItsBell {
    fn wait_any(&self, words: &[(&LoomWord, u32)], until: Option<Deadline>) -> Woken {
        LoomWord::wait_any(&words[..2], until)
    }
}

/// Whoever looks at a seat takes a dead one for a free one.
pub(super) struct OverlooksTheDead;
impl Sabotage for OverlooksTheDead {
    fn load(&self, word: &LoomWord, order: Ordering) -> u32 {
        let seen = word.load(order);
        // Of all loads only that of a seat acquires.
        if order == Acquire {
            seen & !OWNER_DIED
        } else {
            seen
        }
    }
    fn wait_any(&self, words: &[(&LoomWord, u32)], until: Option<Deadline>) -> Woken {
        let as_they_are: Vec<_> = words
            .iter()
            .map(|&(word, expected)| match word.load(Relaxed) {
                seen if seen & !OWNER_DIED == expected => (word, seen),
                _ => (word, expected),
            })
            .collect();
        LoomWord::wait_any(&as_they_are, until)
    }
}

/// Giving the lock up wakes no one who waits for something else under it.
pub(super) struct GivesUpSilently;
impl Sabotage for GivesUpSilently {
    fn update_and_wake_all(&self, word: &LoomWord, update: Update) -> u32 {
        if update == Update::Set(0) {
            return word.update_and_wake_all(update);
        }
        word.swap(update.operand(), AcqRel);
        0
    }
}
