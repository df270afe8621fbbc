//! A robust lock that its owner may take again.
//!
//! The depth is a word beside the [`RawMutex`], read and written by the owner only. A dead owner's depth
//! is overwritten by the next one, so there is nothing to repair.

use std::sync::atomic::Ordering::Relaxed;

use super::mutex::{Acquired, NotHeld, Patience, RawMutex, Refused};
use crate::world::{Word, World};

/// [`RawMutex`], with a depth.
#[repr(C)]
pub struct RawReentrantMutex<W: World> {
    mutex: RawMutex<W>,
    depth: W::Word,
    /// Instead of padding, which would show others what lay on its maker's stack.
    _reserved: u32,
}

impl<W: World> RawReentrantMutex<W> {
    /// Unlocked and consistent.
    pub fn new() -> Self {
        RawReentrantMutex {
            mutex: RawMutex::new(),
            depth: W::Word::new(0),
            _reserved: 0,
        }
    }

    /// Takes the lock, or takes it once more. Once more is always [`Acquired::Clean`]: the owner knows
    /// already.
    ///
    /// # Errors
    /// Those of [`RawMutex::lock`] but [`Refused::AlreadyHeld`].
    ///
    /// # Panics
    /// If the owner takes it 2^32 - 1 times.
    pub fn lock(&self, patience: Patience) -> Result<Acquired, Refused> {
        // Relaxed, here and below: the depth is the owner's, and the mutex orders owners.
        if self.mutex.is_mine() {
            let depth = self.depth.load(Relaxed);
            assert!(
                depth < u32::MAX,
                "an RLock is taken at most 2^32 - 1 times at once"
            );
            self.depth.store(depth + 1, Relaxed);
            return Ok(Acquired::Clean);
        }
        let acquired = self.mutex.lock(patience)?;
        self.depth.store(1, Relaxed);
        Ok(acquired)
    }

    /// Gives it back once.
    ///
    /// # Errors
    /// [`NotHeld`] if the calling thread does not hold the lock.
    pub fn unlock(&self) -> Result<(), NotHeld> {
        if !self.mutex.is_mine() {
            return Err(NotHeld);
        }
        let depth = self.depth.load(Relaxed); // Relaxed: as in lock()
        if depth > 1 {
            self.depth.store(depth - 1, Relaxed);
            return Ok(());
        }
        self.mutex.unlock()
    }

    /// Gives it back altogether; returns how often it was taken.
    ///
    /// # Errors
    /// [`NotHeld`] if the calling thread does not hold the lock.
    pub fn unlock_all(&self) -> Result<u32, NotHeld> {
        if !self.mutex.is_mine() {
            return Err(NotHeld);
        }
        let depth = self.depth.load(Relaxed); // Relaxed: as in lock()
        self.mutex.unlock().map(|()| depth)
    }

    /// Takes the lock, which the calling thread does not hold, `depth` times at once.
    ///
    /// # Errors
    /// Those of [`RawMutex::lock`].
    pub fn lock_to(&self, depth: u32) -> Result<Acquired, Refused> {
        let acquired = self.mutex.lock(Patience::Endless)?;
        self.depth.store(depth, Relaxed); // Relaxed: as in lock()
        Ok(acquired)
    }

    /// As [`RawMutex::until_given_up`].
    pub fn until_given_up(&self) -> Option<(&W::Word, u32)> {
        self.mutex.until_given_up()
    }

    /// As [`RawMutex::mark_consistent`].
    ///
    /// # Errors
    /// [`NotHeld`] if the calling thread does not hold the lock.
    pub fn mark_consistent(&self) -> Result<(), NotHeld> {
        self.mutex.mark_consistent()
    }

    /// Whether the calling thread holds the lock.
    pub fn is_mine(&self) -> bool {
        self.mutex.is_mine()
    }

    /// As [`RawMutex::is_locked`].
    pub fn is_locked(&self) -> bool {
        self.mutex.is_locked()
    }
}

impl<W: World> Default for RawReentrantMutex<W> {
    fn default() -> Self {
        Self::new()
    }
}
