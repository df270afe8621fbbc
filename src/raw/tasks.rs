//! The count of tasks that are done, and those who wait until all are.
//!
//! How many there are is not counted here: the caller says so, out of a number that only grows (a queue's count of
//! puts), so that a task and its count are one commit.
//!
//! # The word
//! | bits | meaning |
//! |---|---|
//! | 0 `AWAITED` | someone may be asleep until all is done; whoever does the last task clears it and wakes |
//! | 1–31 | how many tasks are done, modulo 2^31 |
//!
//! # Invariants
//! 1. The count changes under the lock only; it never passes the number of tasks.
//! 2. A sleeper ⇒ `AWAITED` is set, or the wake has been given in the step that cleared it.
//!
//! # Memory ordering
//! The Release of a count (or the full barrier of [`World::update_and_wake_all`]) pairs with the Acquire in
//! [`wait`](RawTasks::wait): who goes on sees what was done in all tasks.
//!
//! # After a death
//! A task is counted or it is not: nothing to repair. To count the last one and to wake is one step.
//!
//! # What is not covered
//! Whose task it was: a task whose worker died is unfinished, until someone says that it is done.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::mutex::{Acquired, NotHeld, Patience, RawMutex, Refused};
use crate::world::{Update, Woken, Word, World};

const AWAITED: u32 = 1;
const ONE: u32 = 2; // task

/// 48 bytes, to lie in shared memory.
#[repr(C)]
pub struct RawTasks<W: World> {
    lock: RawMutex<W>,
    word: W::Word,
    /// Instead of padding, which would show others what lay on its maker's stack.
    _reserved: u32,
}

/// Why a task was not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoneRefused {
    /// All are done already.
    TooOften,
    /// The count's memory was written to by something else.
    Corrupt,
    /// The calling thread holds as many locks as the kernel would look at if it died.
    TooManyHeld,
}

impl<W: World> RawTasks<W> {
    /// None is done.
    pub fn new() -> Self {
        RawTasks {
            lock: RawMutex::new(),
            word: W::Word::new(0),
            _reserved: 0,
        }
    }

    /// One more is done, of as many as `all` says (modulo 2^31).
    ///
    /// # Errors
    /// [`DoneRefused`]; nothing was counted.
    pub fn done(&self, all: impl Fn() -> u32) -> Result<(), DoneRefused> {
        match self.lock.lock(Patience::Endless) {
            Ok(Acquired::Clean) => {}
            Ok(Acquired::OwnerDied) => self.lock.mark_consistent().expect("just taken"),
            Err(Refused::TooManyHeld) => return Err(DoneRefused::TooManyHeld),
            // Every owner's death is made good at once, and the lock is given back before the return.
            Err(_) => return Err(DoneRefused::Corrupt),
        }
        let counted = self.count(all);
        let (Ok(()) | Err(NotHeld)) = self.lock.unlock();
        counted
    }

    /// Under the lock.
    fn count(&self, all: impl Fn() -> u32) -> Result<(), DoneRefused> {
        loop {
            // Relaxed: the count is ours to change; the mark is confirmed by the exchange.
            let seen = self.word.load(Relaxed);
            let left = left(seen, all());
            if left == 0 {
                return Err(DoneRefused::TooOften);
            }
            if left == 1 && seen & AWAITED != 0 {
                // One more, and the mark is gone. A full barrier: pairs with the Acquire in wait().
                W::update_and_wake_all(&self.word, Update::Add(ONE - AWAITED));
                return Ok(());
            }
            let more = seen.wrapping_add(ONE);
            // Release: pairs with the Acquire in wait(). Relaxed on failure: someone has come to wait.
            if self
                .word
                .compare_exchange(seen, more, Release, Relaxed)
                .is_ok()
            {
                return Ok(());
            }
        }
    }

    /// Waits until all are done.
    ///
    /// # Errors
    /// [`Woken::TimedOut`] as `Refused::TimedOut`; for [`Patience::None`], `Refused::WouldBlock`.
    pub fn wait(&self, all: impl Fn() -> u32, patience: Patience) -> Result<(), Refused> {
        let until = match patience {
            Patience::Until(deadline) => Some(deadline),
            Patience::None | Patience::Endless => None,
        };
        loop {
            // Acquire: pairs with the Release, or the barrier, in count().
            let seen = self.word.load(Acquire);
            if left(seen, all()) == 0 {
                return Ok(());
            }
            if patience == Patience::None {
                return Err(Refused::WouldBlock);
            }
            let marked = seen | AWAITED;
            // Relaxed, both: the mark carries no data, and the futex compares again.
            if seen != marked
                && self
                    .word
                    .compare_exchange(seen, marked, Relaxed, Relaxed)
                    .is_err()
            {
                continue;
            }
            if W::wait(&self.word, marked, until) == Woken::TimedOut {
                return Err(Refused::TimedOut);
            }
        }
    }

    /// How many of `all` are not done: out of date as soon as it is known.
    pub fn left(&self, all: u32) -> u32 {
        // Relaxed: advice.
        left(self.word.load(Relaxed), all)
    }

    /// What its parts are called in a trace, by their offset in bytes.
    pub fn part(offset: usize) -> &'static str {
        match offset {
            0..40 => "tasks' lock",
            _ => "tasks done",
        }
    }
}

fn left(word: u32, all: u32) -> u32 {
    all.wrapping_sub(word / ONE) & (u32::MAX / ONE)
}

impl<W: World> Default for RawTasks<W> {
    fn default() -> Self {
        Self::new()
    }
}
