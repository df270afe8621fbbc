//! An event, set once and waited for by many; and one that believes its futex.

use std::sync::atomic::Ordering::{Acquire, Release};

use super::SmallEvent;
use crate::world::{Woken, Word, World};

const UNSET: u32 = 0;
const SET: u32 = 1;

/// The right one: only the word says that it is set.
pub struct Event<W: World> {
    word: W::Word,
}

impl<W: World> SmallEvent for Event<W> {
    fn new() -> Self {
        Event {
            word: W::Word::new(UNSET),
        }
    }

    fn set(&self) {
        // Release: pairs with the Acquire in wait().
        self.word.store(SET, Release);
        W::wake(&self.word, u32::MAX);
    }

    fn wait(&self) {
        // Acquire: pairs with the Release in set().
        while self.word.load(Acquire) == UNSET {
            W::wait(&self.word, UNSET, None);
        }
    }
}

/// Broken: the return of a futex wait is taken for the event, though it may come early, for a signal or
/// for a wake that was meant for an earlier use of the word.
pub struct TrustingEvent<W: World>(Event<W>);

impl<W: World> SmallEvent for TrustingEvent<W> {
    fn new() -> Self {
        TrustingEvent(Event::new())
    }

    fn set(&self) {
        self.0.set();
    }

    fn wait(&self) {
        // Acquire: pairs with the Release in set().
        while self.0.word.load(Acquire) == UNSET {
            if W::wait(&self.0.word, UNSET, None) == Woken::Perhaps {
                return;
            }
        }
    }
}
