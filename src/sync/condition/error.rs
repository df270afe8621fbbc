//! Why a wait did not simply return.

use std::fmt;

/// Why a wait did not begin, or did not simply return. `G` is the guard: all but
/// [`NotRecoverable`](ConditionError::NotRecoverable) hold the lock.
#[non_exhaustive]
pub enum ConditionError<G> {
    /// An owner of the lock was killed, or its thread ended, while it held it. The lock **is held, by the guard
    /// inside**; the wait is over, whether it was notified or not. As
    /// [`LockError::OwnerDied`](crate::LockError::OwnerDied).
    OwnerDied(G),
    /// An owner died, and the next one gave the lock back without `mark_consistent()`. For good, and for everyone.
    NotRecoverable,
    /// As many wait as the condition has room for ([`Condition::with_waiters`](crate::Condition::with_waiters)).
    /// There was no wait, and the lock is held throughout.
    TooManyWaiters(G),
    /// The calling thread holds 2,048 locks; a wait needs room for one more. There was no wait, and the lock is held
    /// throughout.
    TooManyHeld(G),
}

/// A [`ConditionError`] without the guard, which was dropped: what the `?` operator makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConditionFailure {
    #[error("the lock's owner died, and no one has repaired what it guards")]
    OwnerDied,
    #[error("the lock's owner died, and the lock was given up")]
    NotRecoverable,
    #[error("as many wait as the condition has room for")]
    TooManyWaiters,
    #[error("this thread holds 2048 locks, and a wait needs room for one more")]
    TooManyHeld,
}

impl<G> ConditionError<G> {
    /// The same error with another guard.
    pub fn map<H>(self, guard: impl FnOnce(G) -> H) -> ConditionError<H> {
        match self {
            ConditionError::OwnerDied(held) => ConditionError::OwnerDied(guard(held)),
            ConditionError::NotRecoverable => ConditionError::NotRecoverable,
            ConditionError::TooManyWaiters(held) => ConditionError::TooManyWaiters(guard(held)),
            ConditionError::TooManyHeld(held) => ConditionError::TooManyHeld(guard(held)),
        }
    }

    /// What happened, without the guard.
    pub fn failure(&self) -> ConditionFailure {
        match self {
            ConditionError::OwnerDied(_) => ConditionFailure::OwnerDied,
            ConditionError::NotRecoverable => ConditionFailure::NotRecoverable,
            ConditionError::TooManyWaiters(_) => ConditionFailure::TooManyWaiters,
            ConditionError::TooManyHeld(_) => ConditionFailure::TooManyHeld,
        }
    }
}

impl<G> fmt::Debug for ConditionError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.failure(), f)
    }
}

impl<G> fmt::Display for ConditionError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.failure(), f)
    }
}

impl<G> std::error::Error for ConditionError<G> {}

/// Drops the guard: after [`OwnerDied`](ConditionError::OwnerDied) the lock is
/// [`NotRecoverable`](ConditionError::NotRecoverable) from then on. Match on the error to repair instead.
impl<G> From<ConditionError<G>> for ConditionFailure {
    fn from(error: ConditionError<G>) -> ConditionFailure {
        error.failure()
    }
}
