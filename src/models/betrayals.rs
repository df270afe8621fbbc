//! Betrayals that more than one algorithm is tried with.

// The orderings here are the bugs, or stand for the algorithm's own: raw/ names each one's partner.
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

use super::broken::Sabotage;
use crate::explore::loom::{self, LoomWord};
use crate::world::{Deadline, Update, WAITERS, Woken, Word};

/// What should acquire does not.
pub(super) struct AcquireRelaxed;
impl Sabotage for AcquireRelaxed {
    fn compare_exchange(
        &self,
        word: &LoomWord,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        let success = if success == Acquire { Relaxed } else { success };
        word.compare_exchange(current, new, success, failure)
    }
}

/// What should release does not.
pub(super) struct ReleaseRelaxed;
impl Sabotage for ReleaseRelaxed {
    fn compare_exchange(
        &self,
        word: &LoomWord,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        let success = if success == Release { Relaxed } else { success };
        word.compare_exchange(current, new, success, failure)
    }
}

/// Looking does not acquire.
pub(super) struct LoadsRelaxed;
impl Sabotage for LoadsRelaxed {
    fn load(&self, word: &LoomWord, _: Ordering) -> u32 {
        word.load(Relaxed)
    }
}

/// The store, and then the wake of all: two steps, so that a death comes between.
pub(super) struct StoreThenWakeAll;
impl Sabotage for StoreThenWakeAll {
    fn update_and_wake_all(&self, word: &LoomWord, update: Update) -> u32 {
        word.swap(update.operand(), Release);
        word.wake(u32::MAX)
    }
}

/// Who takes a word takes its mark away.
pub(super) struct DropsMark;
impl Sabotage for DropsMark {
    fn compare_exchange(
        &self,
        word: &LoomWord,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        let new = if success == Acquire {
            new & !WAITERS
        } else {
            new
        };
        word.compare_exchange(current, new, success, failure)
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

/// A sleeper reads what it expects anew, just before it sleeps.
pub(super) struct ReadsExpectedAgain;
impl Sabotage for ReadsExpectedAgain {
    fn wait(&self, word: &LoomWord, _: u32, until: Option<Deadline>) -> Woken {
        let expected = word.load(Relaxed);
        word.wait(expected, until)
    }
}

/// A sleeper on several words reads what it expects of them anew, just before it sleeps.
pub(super) struct ReadsAllAgain;
impl Sabotage for ReadsAllAgain {
    fn wait_any(&self, words: &[(&LoomWord, u32)], until: Option<Deadline>) -> Woken {
        let anew: Vec<_> = words
            .iter()
            .map(|(word, _)| (*word, word.load(Relaxed)))
            .collect();
        LoomWord::wait_any(&anew, until)
    }
}

/// Only what is in the robust list is announced: not what is about to be taken.
pub(super) struct Unannounced;
impl Sabotage for Unannounced {
    fn announce(&self, word: &LoomWord) {
        if loom::is_linked(word) {
            loom::announce(word);
        }
    }
}

/// What is in the robust list is not announced before it is taken out.
pub(super) struct UnannouncedLeave;
impl Sabotage for UnannouncedLeave {
    fn announce(&self, word: &LoomWord) {
        if !loom::is_linked(word) {
            loom::announce(word);
        }
    }
}

/// Nothing is ever put into a robust list.
pub(super) struct NotLinked;
impl Sabotage for NotLinked {
    fn link(&self, _: &LoomWord) {}
}

/// The locks' own wakes go by another way, unless very many sleep.
pub(super) struct NoWake;
impl Sabotage for NoWake {
    fn wake(&self, _: &LoomWord, _: u32) -> u32 {
        0
    }
}
