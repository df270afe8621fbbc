//! What can be wrong with the barrier, or beneath it.

// The orderings here are the bugs, or stand for the algorithm's own: raw/ names each one's partner.
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed};

use crate::explore::loom::{self, LoomWord};
use crate::world::{Deadline, OWNER_DIED, Update, WAITERS, Woken, Word};
use crate::zoo::broken::Sabotage;

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

/// A sleeper reads what it expects anew, just before it sleeps.
pub(super) struct ReadsExpectedAgain;
impl Sabotage for ReadsExpectedAgain {
    fn wait_any(&self, words: &[(&LoomWord, u32)], until: Option<Deadline>) -> Woken {
        let anew: Vec<_> = words
            .iter()
            .map(|(word, _)| (*word, word.load(Relaxed)))
            .collect();
        LoomWord::wait_any(&anew, until)
    }
}

/// A party sleeps on the phase only.
pub(super) struct SleepsOnThePhase;
impl Sabotage for SleepsOnThePhase {
    fn wait_any(&self, words: &[(&LoomWord, u32)], until: Option<Deadline>) -> Woken {
        LoomWord::wait_any(&words[..1], until)
    }
}

/// A seat is taken without the mark by which its taker's death wakes.
pub(super) struct SitsUnmarked;
impl Sabotage for SitsUnmarked {
    fn compare_exchange(
        &self,
        word: &LoomWord,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        // A lock's new owner only inherits the mark.
        let sits = success == Acquire && new & WAITERS > current & WAITERS;
        let new = if sits { new & !WAITERS } else { new };
        word.compare_exchange(current, new, success, failure)
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

/// The phase is read without an acquire.
pub(super) struct PassesRelaxed;
impl Sabotage for PassesRelaxed {
    fn load(&self, word: &LoomWord, _: Ordering) -> u32 {
        word.load(Relaxed)
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
