//! `Lock`: one holder at a time, among all processes that have it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::LockError;
use crate::raw::{Acquired, NotHeld, Patience, RawMutex};
use crate::shm::{Block, InShared, Shared, block};
use crate::sys::Os;
use crate::world::World;

// SAFETY: `repr(transparent)` over a node: atomics, reserved numbers, and links that only the owner follows.
unsafe impl InShared for RawMutex<Os> {}

/// Mutual exclusion between processes, and between threads of one.
///
/// A clone is the same lock. As an argument of a process it is the same lock there.
///
/// ```
/// let lock = forkproof::Lock::new()?;
/// {
///     let _held = lock.lock()?;
///     // one at a time
/// } // given back here
/// # Ok::<(), forkproof::Error>(())
/// ```
///
/// # When a process dies
/// If the holder is killed, the next one gets the lock at once, as [`LockError::OwnerDied`] with the guard
/// inside, to repair what the lock guards:
/// ```
/// # use forkproof::{Lock, LockError};
/// # let lock = Lock::new()?;
/// let held = match lock.lock() {
///     Ok(held) => held,
///     Err(LockError::OwnerDied(held)) => {
///         // look at the data, mend it, and then:
///         held.mark_consistent();
///         held
///     }
///     Err(other) => return Err(other.into()),
/// };
/// # drop(held);
/// # Ok::<(), forkproof::Error>(())
/// ```
/// A waiter that is killed takes nothing with it. The same holds for a thread that ends while its process
/// lives on.
///
/// # Ownership
/// It belongs to a thread, which alone can give it back: [`LockGuard`] is not `Send`. (CPython lets anyone
/// release a lock; then no one could say whose death to recover from.)
///
/// # Memory ordering
/// What was written before a release is seen after the next acquire, also if the next one comes by a death.
#[derive(Clone)]
pub struct Lock {
    block: Arc<Block>,
}

/// The lock is held for as long as this lives.
#[must_use = "the lock is given back as soon as the guard is dropped"]
pub struct LockGuard<'a> {
    mutex: &'a RawMutex<Os>,
    not_send: PhantomData<*const ()>,
}

impl Lock {
    /// # Errors
    /// No memory, or no descriptor for a new arena.
    pub fn new() -> std::io::Result<Lock> {
        let block = Block::allocate(size_of::<RawMutex<Os>>(), tag())?;
        block.made("Lock", false, part);
        block.init(0, RawMutex::<Os>::new());
        Ok(Lock {
            block: Arc::new(block),
        })
    }

    /// Takes the lock, waiting for it as long as it takes.
    ///
    /// # Errors
    /// [`LockError`], except `WouldBlock` and `TimedOut`.
    #[inline]
    pub fn lock(&self) -> Result<LockGuard<'_>, LockError<LockGuard<'_>>> {
        guard(self.mutex(), Patience::Endless)
    }

    /// Takes the lock if no one holds it.
    ///
    /// # Errors
    /// [`LockError`], except `TimedOut`.
    #[inline]
    pub fn try_lock(&self) -> Result<LockGuard<'_>, LockError<LockGuard<'_>>> {
        guard(self.mutex(), Patience::None)
    }

    /// Takes the lock, waiting for it no longer than `timeout`. A time of zero still takes a free lock.
    ///
    /// # Errors
    /// [`LockError`], except `WouldBlock`.
    pub fn lock_timeout(
        &self,
        timeout: Duration,
    ) -> Result<LockGuard<'_>, LockError<LockGuard<'_>>> {
        guard(self.mutex(), patience(timeout))
    }

    /// Whether someone holds it: out of date as soon as it is known.
    pub fn is_locked(&self) -> bool {
        self.mutex().is_locked()
    }

    #[inline]
    pub(super) fn mutex(&self) -> &RawMutex<Os> {
        // SAFETY: new() put it there; a handle that arrives is checked by its tag.
        unsafe { self.block.object(0) }
    }
}

/// No deadline if it lies beyond what the clock can count.
pub(crate) fn patience(timeout: Duration) -> Patience {
    Os::deadline(timeout).map_or(Patience::Endless, Patience::Until)
}

#[inline]
fn guard(
    mutex: &RawMutex<Os>,
    patience: Patience,
) -> Result<LockGuard<'_>, LockError<LockGuard<'_>>> {
    mutex.lock_then(patience, |outcome| {
        let acquired = outcome?;
        let guard = LockGuard {
            mutex,
            not_send: PhantomData,
        };
        match acquired {
            Acquired::Clean => Ok(guard),
            Acquired::OwnerDied => Err(LockError::OwnerDied(guard)),
        }
    })
}

fn tag() -> u32 {
    Block::tag("Lock", size_of::<RawMutex<Os>>())
}

impl LockGuard<'_> {
    /// What the lock guards is whole again: after an owner's death the lock is then as good as new. Nothing
    /// otherwise.
    ///
    /// # Panics
    /// In a child that inherited the guard by fork(2): it does not hold the lock.
    pub fn mark_consistent(&self) {
        self.mutex
            .mark_consistent()
            .expect("only the thread that holds a lock can vouch for its data");
    }
}

impl Drop for LockGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // A copy of the guard in a forked child holds nothing, and gives nothing back.
        let (Ok(()) | Err(NotHeld)) = self.mutex.unlock();
    }
}

impl fmt::Debug for LockGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<LockGuard>")
    }
}

impl Shared for Lock {
    fn block(&self) -> &Block {
        &self.block
    }

    fn part(&self, offset: usize) -> String {
        part(offset)
    }
}

fn part(offset: usize) -> String {
    format!("'s {}", RawMutex::<Os>::part(offset))
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_locked() {
            "locked"
        } else {
            "unlocked"
        };
        write!(f, "<Lock({state}) at {:#x}>", self.block.address())
    }
}

impl Serialize for Lock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        block::serialize(&self.block, serializer)
    }
}

impl<'de> Deserialize<'de> for Lock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Lock, D::Error> {
        let bytes = size_of::<RawMutex<Os>>();
        block::deserialize(deserializer, "Lock", tag(), bytes).map(|block| Lock { block })
    }
}
