//! A lock that anyone may give back.

// Acquire throughout: pairs with the Release of the unlock.
// Release throughout: pairs with the Acquire of the lock.
// Relaxed throughout: a refusal; nothing rests on it.
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use proptest::collection::vec;
use proptest::prelude::any;

use super::trial::{Outcome, drawn};
use super::{Entry, Trial};
use crate::check::Spec;
use crate::check::lock::{Call, Lock, Return, State};
use crate::sys::SharedWord;
use crate::world::Word;

const FREE: u32 = 0;

/// A lock whose word names its owner.
struct Named(SharedWord);

impl Named {
    fn try_lock(&self, who: u32) -> Return {
        match self.0.compare_exchange(FREE, who, Acquire, Relaxed) {
            Ok(_) => Return::Acquired,
            Err(owner) if owner == who => Return::AlreadyHeld,
            Err(_) => Return::WouldBlock,
        }
    }

    /// `looks`: at who gives it back.
    fn unlock(&self, who: u32, looks: bool) -> Return {
        if !looks {
            self.0.store(FREE, Release);
            return Return::Done;
        }
        match self.0.compare_exchange(who, FREE, Release, Relaxed) {
            Ok(_) => Return::Done,
            Err(_) => Return::NotHeld,
        }
    }
}

const DRAWN: u32 = 100;

/// Drawn calls of three callers, against the sequential lock.
fn calls(looks: bool) -> Outcome {
    let strategy = vec((1..4_u32, any::<bool>()), 0..12);
    drawn(DRAWN, &strategy, Vec::len, |calls| {
        let lock = Named(SharedWord::new(FREE));
        let mut state = State::default();
        for &(who, locks) in calls {
            let (call, returned) = if locks {
                (Call::TryAcquire { who }, lock.try_lock(who))
            } else {
                (Call::Release { who }, lock.unlock(who, looks))
            };
            let (after, expected) = Lock::apply(&state, &call);
            if returned != expected {
                return Err(format!(
                    "{call:?} is to return {expected:?}, not {returned:?}"
                ));
            }
            state = after;
        }
        Ok(())
    })
}

pub(super) const ENTRIES: &[Entry] = &[Entry {
    number: 16,
    name: "unlocked twice, or by another",
    bug: "the lock is given back by one who does not hold it",
    source: "pthread_mutex_unlock(3p): EPERM, for mutexes that look",
    trials: &[Trial::drawn(DRAWN as u64, || calls(false), || calls(true))],
}];
