//! The mutex of three states: Ulrich Drepper, "Futexes Are Tricky", mutex2.
//!
//! | word | meaning |
//! |---|---|
//! | `FREE` | no owner |
//! | `HELD` | an owner, and no one asleep |
//! | `CONTENDED` | an owner, and someone may be asleep |
//!
//! Whoever had to wait takes it as `CONTENDED`, as it cannot know whether others sleep: one wake too many
//! at the end, and none too few.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::SmallLock;
use crate::world::{Word, World};

const FREE: u32 = 0;
const HELD: u32 = 1;
const CONTENDED: u32 = 2;

/// The right one.
pub struct ThreeState<W: World> {
    word: W::Word,
}

impl<W: World> SmallLock for ThreeState<W> {
    fn new() -> Self {
        ThreeState {
            word: W::Word::new(FREE),
        }
    }

    fn lock(&self) {
        // Acquire: pairs with the Release in unlock(). Relaxed on failure: the swap looks again.
        if self
            .word
            .compare_exchange(FREE, HELD, Acquire, Relaxed)
            .is_ok()
        {
            return;
        }
        // Acquire: as above.
        while self.word.swap(CONTENDED, Acquire) != FREE {
            W::wait(&self.word, CONTENDED, None);
        }
    }

    fn unlock(&self) {
        // Release: pairs with the Acquires in lock().
        if self.word.swap(FREE, Release) == CONTENDED {
            W::wake(&self.word, 1); // its own unlock will wake the next
        }
    }
}
