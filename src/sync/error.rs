//! Why a lock was not taken, or was taken over from the dead.

use std::fmt;

use crate::raw::Refused;

/// Why a lock was not simply taken. `G` is the guard: [`OwnerDied`](LockError::OwnerDied) holds the lock.
pub enum LockError<G> {
    /// An owner was killed, or its thread ended, while it held the lock. The lock **is held now, by the
    /// guard inside**, and the data can be looked at and repaired: `guard.mark_consistent()`, or else the
    /// lock becomes [`NotRecoverable`](LockError::NotRecoverable) when the guard is dropped.
    OwnerDied(G),
    /// An owner died, and the next one gave the lock back without `mark_consistent()`; or the lock's memory was
    /// written to by something else, and names an owner that is no thread. For good, and for everyone.
    NotRecoverable,
    /// The calling thread holds this lock already, and would wait for itself. Use an
    /// [`RLock`](crate::RLock) to lock more than once.
    AlreadyHeld,
    /// The calling thread holds 2,048 locks; of a longer list the kernel would lose the oldest if the
    /// thread died.
    TooManyHeld,
    /// Someone else holds it (`try_` forms only).
    WouldBlock,
    /// Someone else held it for the whole time (`_timeout` forms only).
    TimedOut,
}

/// A [`LockError`] without the guard, which was dropped: what the `?` operator makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LockFailure {
    #[error("the lock's owner died, and no one has repaired what it guards")]
    OwnerDied,
    #[error("the lock's owner died, and the lock was given up")]
    NotRecoverable,
    #[error("this thread holds the lock already (an RLock may be taken again)")]
    AlreadyHeld,
    #[error("this thread holds 2048 locks, the most that can be recovered if it dies")]
    TooManyHeld,
    #[error("the lock is held by another")]
    WouldBlock,
    #[error("the lock was held by another for the whole time")]
    TimedOut,
}

impl<G> LockError<G> {
    /// The same error with another guard.
    pub fn map<H>(self, guard: impl FnOnce(G) -> H) -> LockError<H> {
        match self {
            LockError::OwnerDied(held) => LockError::OwnerDied(guard(held)),
            LockError::NotRecoverable => LockError::NotRecoverable,
            LockError::AlreadyHeld => LockError::AlreadyHeld,
            LockError::TooManyHeld => LockError::TooManyHeld,
            LockError::WouldBlock => LockError::WouldBlock,
            LockError::TimedOut => LockError::TimedOut,
        }
    }

    /// What happened, without the guard.
    pub fn failure(&self) -> LockFailure {
        match self {
            LockError::OwnerDied(_) => LockFailure::OwnerDied,
            LockError::NotRecoverable => LockFailure::NotRecoverable,
            LockError::AlreadyHeld => LockFailure::AlreadyHeld,
            LockError::TooManyHeld => LockFailure::TooManyHeld,
            LockError::WouldBlock => LockFailure::WouldBlock,
            LockError::TimedOut => LockFailure::TimedOut,
        }
    }
}

impl<G> From<Refused> for LockError<G> {
    fn from(refused: Refused) -> LockError<G> {
        match refused {
            Refused::NotRecoverable => LockError::NotRecoverable,
            Refused::AlreadyHeld => LockError::AlreadyHeld,
            Refused::TooManyHeld => LockError::TooManyHeld,
            Refused::WouldBlock => LockError::WouldBlock,
            Refused::TimedOut => LockError::TimedOut,
        }
    }
}

impl<G> fmt::Debug for LockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.failure(), f)
    }
}

impl<G> fmt::Display for LockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.failure(), f)
    }
}

impl<G> std::error::Error for LockError<G> {}

/// Drops the guard: after [`OwnerDied`](LockError::OwnerDied) the lock is
/// [`NotRecoverable`](LockError::NotRecoverable) from then on. Match on the error to repair instead.
impl<G> From<LockError<G>> for LockFailure {
    fn from(error: LockError<G>) -> LockFailure {
        error.failure()
    }
}
