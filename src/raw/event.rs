//! The event: a flag that threads wait for.
//!
//! # The word
//! | bits | meaning |
//! |---|---|
//! | 0 `SET` | the event has happened, and has not been cleared since |
//! | 1 `SLEEPERS` | someone may be asleep: to set it is to wake; cleared with the flag |
//! | 2–31 | how often it was cleared, modulo 2^30 |
//!
//! # Invariants
//! 1. A sleeper fell asleep on the word as it is now, or was woken: each change of it, but for the mark, is
//!    made while no mark says that someone sleeps, or wakes everyone in the same step.
//! 2. Who waits returns as soon as it sees the flag, or another count of clears than it began with: an event
//!    that was set is not missed by those who waited, however soon it is cleared.
//!
//! # Memory ordering
//! The Release in `set()` pairs with the Acquire in `wait()` and `is_set()`. To set an event that is set already is
//! a read-modify-write, too, and so is each clear: a clear comes before a given set in the order of the word, and
//! is undone by it, or after, and then sees what was written before that set. With a plain look at the flag, a
//! producer could find it set and a consumer clear it, and miss the other's last item, both.
//!
//! # After a death
//! No one owns an event, so no death leaves anything to take back, and the kernel needs to know of none. A
//! thread that is killed in `set()` has set the event and woken all, or neither: it is one step. A waiter that is
//! killed takes no one's wake along, as all are woken.
//!
//! # What is not covered
//! - A waiter that gets no processor for exactly 2^30 times set and clear sleeps on until the next set.
//! - An event that no one is left to set: who waits for a process should watch it, too.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use super::mutex::Patience;
use crate::world::{Update, Woken, Word, World, pause};

const SET: u32 = 1;
const SLEEPERS: u32 = 2;
/// One clear.
const CLEARED: u32 = 4;

/// An event of 4 bytes that needs no destructor, no address of its own, and no other process.
#[repr(transparent)]
pub struct RawEvent<W: World> {
    word: W::Word,
}

impl<W: World> RawEvent<W> {
    /// Not set.
    pub fn new() -> Self {
        RawEvent {
            word: W::Word::new(0),
        }
    }

    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        // Acquire: pairs with the Release in set().
        self.word.load(Acquire) & SET != 0
    }

    /// Sets it, and wakes everyone. Nothing if it is set.
    pub fn set(&self) {
        // Relaxed: confirmed by the exchange, or by the kernel's own.
        let mut seen = self.word.load(Relaxed);
        loop {
            if seen & (SET | SLEEPERS) == SLEEPERS {
                // Invariant 1. The kernel's full barrier stands for the Release. If someone else was faster, the
                // event is set again, or still.
                W::update_and_wake_all(&self.word, Update::Or(SET));
                return;
            }
            // AcqRel: the Release pairs with the Acquire in wait(), is_set() and clear(). An exchange even if nothing
            // changes: see the module's head. Relaxed on failure: looked at again.
            match self
                .word
                .compare_exchange(seen, seen | SET, AcqRel, Relaxed)
            {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// Takes the flag down. Nothing if it is down.
    pub fn clear(&self) {
        // Relaxed: confirmed by the exchange.
        let mut seen = self.word.load(Relaxed);
        while seen & SET != 0 {
            let cleared = (seen & !(SET | SLEEPERS)).wrapping_add(CLEARED);
            // AcqRel: the Acquire pairs with the Release in set(), so that who clears sees what was done before; the
            // Release passes it on to those who see the new count. Relaxed on failure: looked at again.
            match self.word.compare_exchange(seen, cleared, AcqRel, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// Waits until it is set, as long as `patience` says. False if it was not.
    pub fn wait(&self, patience: Patience) -> bool {
        let until = match patience {
            Patience::Until(deadline) => Some(deadline),
            Patience::None | Patience::Endless => None,
        };
        // Acquire: pairs with the Release in set(), directly or through clear().
        let look = || self.word.load(Acquire);
        let first = look();
        let happened = |seen: u32| seen & SET != 0 || seen / CLEARED != first / CLEARED; // invariant 2
        let mut seen = first;
        let mut looks = 0;
        loop {
            if happened(seen) {
                return true;
            }
            if patience == Patience::None {
                return false;
            }
            if looks < W::spins() {
                pause(looks);
                looks += 1;
                seen = look();
                continue;
            }
            let marked = seen | SLEEPERS;
            // Relaxed: the mark carries no data, and the futex compares again under the kernel's lock.
            if seen != marked
                && self
                    .word
                    .compare_exchange(seen, marked, Relaxed, Relaxed)
                    .is_err()
            {
                seen = look();
                continue;
            }
            let woken = W::wait(&self.word, marked, until);
            seen = look();
            if woken == Woken::TimedOut {
                return happened(seen);
            }
        }
    }
}

impl<W: World> Default for RawEvent<W> {
    fn default() -> Self {
        Self::new()
    }
}
