//! The listener: whom to ring for, so that nobody rings for who is awake.
//!
//! One waits for what others put somewhere, and sleeps where it is dear to wake it: in poll(2), on a socket. It says so
//! before it looks for the last time; who has put something rings if it says so.
//!
//! # Memory ordering
//! The fences in `listen()` and `must_be_told()` pair with each other: of the word and the place where things are put each
//! side writes one, and then reads the other behind its fence; so at least one of them sees what the other has written.
//!
//! # After a death
//! Whoever dies listening is rung for, and does not hear it. Who dies between its put and its ring has put, and no one
//! knows: its end must be told by something else, as a socket's is.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use crate::world::{Word, World};

const LISTENS: u32 = 1;

/// A word that needs no destructor, no address of its own, and no other process.
#[repr(transparent)]
pub struct RawListener<W: World> {
    word: W::Word,
}

impl<W: World> RawListener<W> {
    /// Of one who does not listen.
    pub fn new() -> Self {
        RawListener {
            word: W::Word::new(0),
        }
    }

    /// What is put from now on is rung for; what was put before can be seen.
    pub fn listen(&self) {
        // Relaxed: the fence orders it. SeqCst: pairs with the fence in must_be_told().
        self.word.store(LISTENS, Relaxed);
        W::fence(SeqCst);
    }

    pub fn stop(&self) {
        // Relaxed: at worst one ring too many.
        self.word.store(0, Relaxed);
    }

    /// Whether to ring for what the calling thread has put.
    pub fn must_be_told(&self) -> bool {
        // SeqCst: pairs with the fence in listen(). Relaxed: the fence orders it.
        W::fence(SeqCst);
        self.word.load(Relaxed) == LISTENS
    }
}

impl<W: World> Default for RawListener<W> {
    fn default() -> Self {
        Self::new()
    }
}
