//! `RLock`: a lock that its holder may take again.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::LockError;
use super::lock::patience;
use crate::raw::{Acquired, NotHeld, Patience, RawMutex, RawReentrantMutex};
use crate::shm::{Block, InShared, Shared, block};
use crate::sys::Os;

// SAFETY: `repr(C)`: a mutex, of which sync/lock.rs argues, and an atomic.
unsafe impl InShared for RawReentrantMutex<Os> {}

/// A [`Lock`](crate::Lock) that its holder, a thread, may take again; it is free when each guard is dropped.
///
/// ```
/// let lock = forkproof::RLock::new()?;
/// let outer = lock.lock()?;
/// let inner = lock.lock()?;
/// drop(outer); // still held
/// drop(inner);
/// # Ok::<(), forkproof::Error>(())
/// ```
///
/// When a process dies, and the order of memory: as [`Lock`](crate::Lock). The next holder starts at depth 1.
#[derive(Clone)]
pub struct RLock {
    block: Arc<Block>,
}

/// One hold on the lock.
#[must_use = "the lock is given back as soon as the guard is dropped"]
pub struct RLockGuard<'a> {
    mutex: &'a RawReentrantMutex<Os>,
    not_send: PhantomData<*const ()>,
}

impl RLock {
    /// # Errors
    /// No memory, or no descriptor for a new arena.
    pub fn new() -> std::io::Result<RLock> {
        let block = Block::allocate(size_of::<RawReentrantMutex<Os>>(), tag())?;
        block.made("RLock", false, part);
        block.init(0, RawReentrantMutex::<Os>::new());
        Ok(RLock {
            block: Arc::new(block),
        })
    }

    /// Takes the lock, or takes it once more, waiting as long as it takes.
    ///
    /// # Errors
    /// [`LockError`], except `AlreadyHeld`, `WouldBlock` and `TimedOut`. To take it once more never fails.
    pub fn lock(&self) -> Result<RLockGuard<'_>, LockError<RLockGuard<'_>>> {
        guard(self.mutex(), Patience::Endless)
    }

    /// Takes the lock if no one else holds it.
    ///
    /// # Errors
    /// [`LockError`], except `AlreadyHeld` and `TimedOut`.
    pub fn try_lock(&self) -> Result<RLockGuard<'_>, LockError<RLockGuard<'_>>> {
        guard(self.mutex(), Patience::None)
    }

    /// Takes the lock, waiting for it no longer than `timeout`.
    ///
    /// # Errors
    /// [`LockError`], except `AlreadyHeld` and `WouldBlock`.
    pub fn lock_timeout(
        &self,
        timeout: Duration,
    ) -> Result<RLockGuard<'_>, LockError<RLockGuard<'_>>> {
        guard(self.mutex(), patience(timeout))
    }

    /// Whether someone holds it: out of date as soon as it is known.
    pub fn is_locked(&self) -> bool {
        self.mutex().is_locked()
    }

    /// Whether the calling thread holds it.
    pub fn is_mine(&self) -> bool {
        self.mutex().is_mine()
    }

    pub(super) fn mutex(&self) -> &RawReentrantMutex<Os> {
        // SAFETY: new() put it there; a handle that arrives is checked by its tag.
        unsafe { self.block.object(0) }
    }
}

fn guard(
    mutex: &RawReentrantMutex<Os>,
    patience: Patience,
) -> Result<RLockGuard<'_>, LockError<RLockGuard<'_>>> {
    let acquired = mutex.lock(patience)?;
    let guard = RLockGuard {
        mutex,
        not_send: PhantomData,
    };
    match acquired {
        Acquired::Clean => Ok(guard),
        Acquired::OwnerDied => Err(LockError::OwnerDied(guard)),
    }
}

fn tag() -> u32 {
    Block::tag("RLock", size_of::<RawReentrantMutex<Os>>())
}

impl RLockGuard<'_> {
    /// As [`LockGuard::mark_consistent`](crate::LockGuard::mark_consistent).
    ///
    /// # Panics
    /// In a child that inherited the guard by fork(2): it does not hold the lock.
    pub fn mark_consistent(&self) {
        self.mutex
            .mark_consistent()
            .expect("only the thread that holds a lock can vouch for its data");
    }
}

impl Drop for RLockGuard<'_> {
    fn drop(&mut self) {
        // A copy of the guard in a forked child holds nothing, and gives nothing back.
        let (Ok(()) | Err(NotHeld)) = self.mutex.unlock();
    }
}

impl fmt::Debug for RLockGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<RLockGuard>")
    }
}

impl Shared for RLock {
    fn block(&self) -> &Block {
        &self.block
    }

    fn part(&self, offset: usize) -> String {
        part(offset)
    }
}

fn part(offset: usize) -> String {
    match offset {
        0..40 => format!("'s {}", RawMutex::<Os>::part(offset)),
        _ => "'s depth".to_owned(),
    }
}

impl fmt::Debug for RLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_locked() {
            "locked"
        } else {
            "unlocked"
        };
        write!(f, "<RLock({state}) at {:#x}>", self.block.address())
    }
}

impl Serialize for RLock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        block::serialize(&self.block, serializer)
    }
}

impl<'de> Deserialize<'de> for RLock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RLock, D::Error> {
        let bytes = size_of::<RawReentrantMutex<Os>>();
        block::deserialize(deserializer, "RLock", tag(), bytes).map(|block| RLock { block })
    }
}
