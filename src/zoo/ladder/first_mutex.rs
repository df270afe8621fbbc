//! Drepper's first mutex ("Futexes Are Tricky", section 5): broken.
//!
//! The word counts those who came. Two waiters take turns at adding one, each before the other's
//! comparison: neither finds the value that it expects, neither comes to sleep, and after 2^32 turns the
//! count says that the lock is free.

use std::sync::atomic::Ordering::{Acquire, Release};

use super::SmallLock;
use crate::world::{Word, World};

const FREE: u32 = 0;

/// Broken: compare [`ThreeState`](super::ThreeState), whose waiters all write the same value.
pub struct FirstMutex<W: World> {
    came: W::Word,
}

impl<W: World> SmallLock for FirstMutex<W> {
    fn new() -> Self {
        FirstMutex {
            came: W::Word::new(FREE),
        }
    }

    fn lock(&self) {
        loop {
            // Acquire: pairs with the Release in unlock().
            let before = self.came.fetch_add(1, Acquire);
            if before == FREE {
                return;
            }
            W::wait(&self.came, before.wrapping_add(1), None);
        }
    }

    fn unlock(&self) {
        // Release: pairs with the Acquire in lock().
        self.came.swap(FREE, Release);
        W::wake(&self.came, 1);
    }
}
