//! The lock of a condition, held.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::{Condition, ConditionError};
use crate::raw::{Acquired, NoWait, NotHeld, Waited};
use crate::sys::Os;
use crate::world::{Deadline, World};

/// The rule that a copy of the guard in a forked child breaks.
const HOLDER: &str = "only the thread that holds a condition's lock can use the condition";

/// The lock of a [`Condition`] is held for as long as this lives, except during its waits.
#[must_use = "the lock is given back as soon as the guard is dropped"]
pub struct ConditionGuard<'a> {
    condition: &'a Condition,
    /// Whether it is this guard that sits in the owner's seat; of several of one thread, the first.
    in_owners_seat: bool,
    not_send: PhantomData<*const ()>,
}

impl<'a> ConditionGuard<'a> {
    pub(super) fn new(condition: &'a Condition, in_owners_seat: bool) -> ConditionGuard<'a> {
        ConditionGuard {
            condition,
            in_owners_seat,
            not_send: PhantomData,
        }
    }

    /// Gives the lock back, waits to be notified, and takes the lock again. If it is held by several guards, it is
    /// given back altogether, and held by all of them again.
    ///
    /// # Errors
    /// [`ConditionError`].
    ///
    /// # Panics
    /// In a child that inherited the guard by fork(2): it does not hold the lock.
    pub fn wait(self) -> Result<Self, ConditionError<Self>> {
        self.wait_until(None).map(|(guard, _)| guard)
    }

    /// As [`wait`](ConditionGuard::wait), but waits no longer than `timeout` to be notified. True if it was. To take
    /// the lock again it waits as long as it takes; a notification that comes meanwhile is one.
    ///
    /// # Errors
    /// [`ConditionError`].
    ///
    /// # Panics
    /// As [`wait`](ConditionGuard::wait).
    pub fn wait_timeout(self, timeout: Duration) -> Result<(Self, bool), ConditionError<Self>> {
        self.wait_until(Os::deadline(timeout))
    }

    /// Waits until `predicate` is true. It is called with the lock held: at first, and after each notification.
    ///
    /// # Errors
    /// [`ConditionError`].
    ///
    /// # Panics
    /// As [`wait`](ConditionGuard::wait); if `predicate` does. The lock is then given back.
    pub fn wait_for(
        self,
        mut predicate: impl FnMut() -> bool,
    ) -> Result<Self, ConditionError<Self>> {
        let mut guard = self;
        while !predicate() {
            guard = guard.wait()?;
        }
        Ok(guard)
    }

    /// As [`wait_for`](ConditionGuard::wait_for), but no longer than `timeout`. What `predicate` returned last.
    ///
    /// # Errors
    /// [`ConditionError`].
    ///
    /// # Panics
    /// As [`wait_for`](ConditionGuard::wait_for).
    pub fn wait_for_timeout(
        self,
        mut predicate: impl FnMut() -> bool,
        timeout: Duration,
    ) -> Result<(Self, bool), ConditionError<Self>> {
        let until = Os::deadline(timeout);
        let (mut guard, mut in_time) = (self, true);
        while !predicate() {
            if !in_time {
                return Ok((guard, false));
            }
            (guard, in_time) = guard.wait_until(until)?;
        }
        Ok((guard, true))
    }

    /// Notifies the `count` that have waited longest, or all if fewer wait; returns how many. They return when they get
    /// the lock.
    ///
    /// # Panics
    /// As [`wait`](ConditionGuard::wait).
    pub fn notify(&self, count: usize) -> usize {
        self.condition.notify(count).expect(HOLDER)
    }

    /// Notifies the one that has waited longest. False if no one waits.
    ///
    /// # Panics
    /// As [`wait`](ConditionGuard::wait).
    pub fn notify_one(&self) -> bool {
        self.notify(1) > 0
    }

    /// Notifies all who wait; returns how many.
    ///
    /// # Panics
    /// As [`wait`](ConditionGuard::wait).
    pub fn notify_all(&self) -> usize {
        self.notify(usize::MAX)
    }

    /// As [`LockGuard::mark_consistent`](crate::LockGuard::mark_consistent).
    ///
    /// # Panics
    /// As [`wait`](ConditionGuard::wait).
    pub fn mark_consistent(&self) {
        self.condition.mark_consistent().expect(HOLDER);
    }

    fn wait_until(self, until: Option<Deadline>) -> Result<(Self, bool), ConditionError<Self>> {
        match self.condition.wait(until) {
            Ok(Waited { notified, acquired }) => match acquired {
                Acquired::Clean => Ok((self, notified)),
                Acquired::OwnerDied => Err(ConditionError::OwnerDied(self)),
            },
            Err(NoWait::TooManyWaiters) => Err(ConditionError::TooManyWaiters(self)),
            Err(NoWait::TooManyHeld) => Err(ConditionError::TooManyHeld(self)),
            Err(NoWait::NotRecoverable) => {
                std::mem::forget(self); // it holds nothing any more
                Err(ConditionError::NotRecoverable)
            }
            Err(NoWait::NotHeld) => panic!("{HOLDER}"),
        }
    }
}

impl Drop for ConditionGuard<'_> {
    fn drop(&mut self) {
        // A copy of the guard in a forked child holds nothing, and gives nothing back.
        if self.in_owners_seat {
            self.condition.let_go();
        }
        let (Ok(()) | Err(NotHeld)) = self.condition.unlock();
    }
}

impl fmt::Debug for ConditionGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<ConditionGuard>")
    }
}
