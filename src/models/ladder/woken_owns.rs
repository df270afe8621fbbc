//! To be woken is taken for owning: broken.
//!
//! The thought: an unlock wakes one, so the one that is woken is the next owner. But the word said `FREE`
//! for a moment, and another may have come; and a wait may return early, with the owner still inside.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::SmallLock;
use crate::world::{Woken, Word, World};

const FREE: u32 = 0;
const HELD: u32 = 1;
const CONTENDED: u32 = 2;

/// Broken: compare [`ThreeState`](super::ThreeState), which looks again after every wait.
pub struct WokenOwns<W: World> {
    word: W::Word,
}

impl<W: World> SmallLock for WokenOwns<W> {
    fn new() -> Self {
        WokenOwns {
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
        // Acquire, both: as above.
        while self.word.swap(CONTENDED, Acquire) != FREE {
            if W::wait(&self.word, CONTENDED, None) == Woken::Perhaps {
                self.word.swap(CONTENDED, Acquire);
                return;
            }
        }
    }

    fn unlock(&self) {
        // Release: pairs with the Acquires in lock().
        if self.word.swap(FREE, Release) == CONTENDED {
            W::wake(&self.word, 1);
        }
    }
}
