//! The betrayals: each one method or two, wrong in one way.

// The orderings here are the bugs, or stand for the algorithm's own: raw/mutex.rs names each one's partner.
use std::cell::Cell;
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

use crate::explore::loom::{self, LoomWord};
use crate::models::broken::Sabotage;
use crate::world::{Deadline, OWNER_DIED, TID_MASK, Update, WAITERS, Woken, Word};

type Exchanged = Result<u32, u32>;

/// Giving a marked lock back by a plain store does not release.
pub(super) struct MarkedReleaseRelaxed;
impl Sabotage for MarkedReleaseRelaxed {
    fn store(&self, word: &LoomWord, value: u32, _: Ordering) {
        word.store(value, Relaxed);
    }
}

::loom::thread_local! {
    static HAS_WAITED: Cell<bool> = Cell::new(false)
}

/// Taking the lock acquires at the first attempt, and not after a sleep.
pub(super) struct RelaxedAfterSleep;
impl Sabotage for RelaxedAfterSleep {
    fn wait(&self, word: &LoomWord, expected: u32, until: Option<Deadline>) -> Woken {
        HAS_WAITED.with(|waited| waited.set(true));
        word.wait(expected, until)
    }
    fn compare_exchange(
        &self,
        word: &LoomWord,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Exchanged {
        let waited = HAS_WAITED.with(Cell::get);
        let success = if success == Acquire && waited {
            Relaxed
        } else {
            success
        };
        word.compare_exchange(current, new, success, failure)
    }
}

/// An unlock wakes no one.
pub(super) struct WakesNoOne;
impl Sabotage for WakesNoOne {
    fn wake(&self, _: &LoomWord, _: u32) -> u32 {
        0
    }
    fn update_and_wake_all(&self, word: &LoomWord, update: Update) -> u32 {
        word.swap(update.operand(), Release);
        0
    }
}

/// An unlock that leaves the mark wakes no one.
pub(super) struct MarkWithoutWake;
impl Sabotage for MarkWithoutWake {
    fn wake(&self, _: &LoomWord, _: u32) -> u32 {
        1
    }
}

/// An unlock wakes, and then gives the lock back.
pub(super) struct WakesBeforeStore;
impl Sabotage for WakesBeforeStore {
    fn update_and_wake_all(&self, word: &LoomWord, update: Update) -> u32 {
        let woken = word.wake(u32::MAX);
        word.swap(update.operand(), Release);
        woken
    }
}

/// An unlock that clears the mark wakes only one.
pub(super) struct ClearsMarkWakesOne;
impl Sabotage for ClearsMarkWakesOne {
    fn update_and_wake_all(&self, word: &LoomWord, update: Update) -> u32 {
        word.swap(update.operand(), Release);
        word.wake(1)
    }
}

/// An unlock that wakes one clears the mark of the others.
pub(super) struct WakesOneClearsMark;
impl Sabotage for WakesOneClearsMark {
    fn store(&self, word: &LoomWord, value: u32, order: Ordering) {
        word.store(value & !WAITERS, order);
    }
}

/// An unlock stores 0 without looking for the mark.
pub(super) struct StoresZero;
impl Sabotage for StoresZero {
    fn compare_exchange(
        &self,
        word: &LoomWord,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Exchanged {
        if success == Release {
            word.store(new, Release);
            return Ok(current);
        }
        word.compare_exchange(current, new, success, failure)
    }
}

/// A compare, and then a store.
pub(super) struct TornExchange;
impl Sabotage for TornExchange {
    fn compare_exchange(
        &self,
        word: &LoomWord,
        current: u32,
        new: u32,
        _: Ordering,
        _: Ordering,
    ) -> Exchanged {
        let seen = word.load(Acquire);
        if seen != current {
            return Err(seen);
        }
        word.store(new, Release);
        Ok(seen)
    }
}

/// A waiter sleeps without having set the mark.
pub(super) struct SleepsUnmarked;
impl Sabotage for SleepsUnmarked {
    fn compare_exchange(
        &self,
        word: &LoomWord,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Exchanged {
        if success == Relaxed {
            return Ok(current);
        }
        word.compare_exchange(current, new, success, failure)
    }
    fn wait(&self, word: &LoomWord, expected: u32, until: Option<Deadline>) -> Woken {
        word.wait(expected & !WAITERS, until)
    }
}

/// A waiter that gives up takes the mark with it.
pub(super) struct TimeOutClearsMark;
impl Sabotage for TimeOutClearsMark {
    fn wait(&self, word: &LoomWord, expected: u32, until: Option<Deadline>) -> Woken {
        let woken = word.wait(expected, until);
        if woken == Woken::TimedOut {
            let _ = word.compare_exchange(expected, expected & !WAITERS, Relaxed, Relaxed);
        }
        woken
    }
}

/// One who unlocks withdraws before it gives the lock back.
pub(super) struct WithdrawsBeforeStore;
impl Sabotage for WithdrawsBeforeStore {
    fn unlink(&self, word: &LoomWord) {
        loom::unlink(word);
        loom::withdraw();
    }
}

/// One who unlocks withdraws before it wakes.
pub(super) struct WithdrawsBeforeWake;
impl Sabotage for WithdrawsBeforeWake {
    fn wake(&self, word: &LoomWord, count: u32) -> u32 {
        loom::withdraw();
        word.wake(count)
    }
}

/// One who waits withdraws before it sleeps, and announces again when it is back.
pub(super) struct WithdrawsToSleep;
impl Sabotage for WithdrawsToSleep {
    fn wait(&self, word: &LoomWord, expected: u32, until: Option<Deadline>) -> Woken {
        loom::withdraw();
        let woken = word.wait(expected, until);
        loom::announce(word);
        woken
    }
}

/// An owner withdraws before it enters its robust list.
pub(super) struct LinkedLate;
impl Sabotage for LinkedLate {
    fn link(&self, word: &LoomWord) {
        loom::withdraw();
        loom::link(word);
    }
}

/// The kernel is taken for one that passes on the wake of a marked word.
pub(super) struct KernelMisjudged;
impl Sabotage for KernelMisjudged {
    fn death_wakes_marked_word(&self) -> bool {
        true
    }
}

/// A new owner does not look whether the last one died.
pub(super) struct DeathOverlooked;
impl Sabotage for DeathOverlooked {
    fn load(&self, word: &LoomWord, order: Ordering) -> u32 {
        word.load(order) & !OWNER_DIED
    }
    fn compare_exchange(
        &self,
        word: &LoomWord,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Exchanged {
        match word.compare_exchange(current, new, success, failure) {
            Err(seen) if seen & !OWNER_DIED == current && current & TID_MASK == 0 => {
                word.compare_exchange(seen, new, success, failure)
            }
            result => result,
        }
    }
}
