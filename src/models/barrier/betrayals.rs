//! What can be wrong with the barrier, or beneath it.

// The orderings here are the bugs, or stand for the algorithm's own: raw/ names each one's partner.
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed};

use crate::explore::loom::{self, LoomWord};
use crate::models::broken::Sabotage;
use crate::world::{Deadline, OWNER_DIED, Update, Woken, Word};

/// The phase changes, and no one is woken. (Who leaves a seat still wakes those who watch it.)
pub(super) struct PassesSilently;
impl Sabotage for PassesSilently {
    fn update_and_wake_all(&self, word: &LoomWord, update: Update) -> u32 {
        match update {
            Update::Add(operand) => {
                word.fetch_add(operand, AcqRel);
                0
            }
            _ => word.update_and_wake_all(update),
        }
    }
}

/// The phase changes, and then all are woken.
pub(super) struct PassesInTwoSteps;
impl Sabotage for PassesInTwoSteps {
    fn update_and_wake_all(&self, word: &LoomWord, update: Update) -> u32 {
        match update {
            Update::Add(operand) => {
                word.fetch_add(operand, AcqRel);
                word.wake(u32::MAX)
            }
            _ => word.update_and_wake_all(update),
        }
    }
}

/// A party sleeps on the phase only.
pub(super) struct SleepsOnThePhase;
impl Sabotage for SleepsOnThePhase {
    fn wait_any(&self, words: &[(&LoomWord, u32)], until: Option<Deadline>) -> Woken {
        LoomWord::wait_any(&words[..1], until)
    }
}

/// Whoever looks at a seat takes a dead one for a free one.
pub(super) struct OverlooksTheDead;
impl Sabotage for OverlooksTheDead {
    fn load(&self, word: &LoomWord, order: Ordering) -> u32 {
        let seen = word.load(order);
        // Lane 3 only ushers.
        if order == Acquire && loom::me() < 3 {
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

/// Who leaves a seat wakes no one.
pub(super) struct LeavesSilently;
impl Sabotage for LeavesSilently {
    fn update_and_wake_all(&self, word: &LoomWord, update: Update) -> u32 {
        match update {
            // A lock's last owner finds its word marked, too, but no one has sat in that word unmarked.
            Update::Set(0) => {
                word.swap(0, AcqRel);
                0
            }
            _ => word.update_and_wake_all(update),
        }
    }
}
