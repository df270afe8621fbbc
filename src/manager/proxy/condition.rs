//! `ConditionProxy`: a condition variable in the server.

use std::time::{Duration, Instant};

use super::lock::{Acquired, acquire, seconds};
use super::proxy;
use crate::manager::error::ManagerError;
use crate::manager::item::Item;
use crate::manager::reference::AnyProxy;
use crate::manager::server::Reply;

/// A condition variable in a manager's server, with a lock: its own, which is recursive, or one that was given.
///
/// A clone is the same condition; so is what arrives in another process.
///
/// ```
/// use forkproof::{Process, manager::{ConditionProxy, EventProxy, Manager, ManagerError}};
///
/// fn tell(changed: ConditionProxy, done: EventProxy) -> Result<(), ManagerError> {
///     let _ = changed.acquire()?;
///     done.set()?;
///     changed.notify_all()?;
///     changed.release()
/// }
///
/// let manager = Manager::start()?;
/// let (changed, done) = (manager.condition()?, manager.event()?);
/// let _ = changed.acquire()?;
/// let child = Process::new(tell, (changed.clone(), done.clone()));
/// child.start()?;
/// while !done.is_set()? {
///     changed.wait()?;
/// }
/// changed.release()?;
/// # child.join()?;
/// # Ok::<(), forkproof::Error>(())
/// ```
///
/// # Errors
/// Of each method: [`ServerGone`](ManagerError::ServerGone) after the server's end, also while it waits;
/// [`Raised`](ManagerError::Raised) as said there; [`Disconnected`](ManagerError::Disconnected),
/// [`Io`](ManagerError::Io).
///
/// # When a process dies
/// One that dies waiting takes no notification along. If one dies with the lock, the next that gets it is told:
/// [`Acquired::OwnerDied`].
pub struct ConditionProxy {
    any: AnyProxy,
}

/// How a wait ended. The caller has the lock again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Woken {
    /// It was notified; if not, the time passed.
    pub notified: bool,
    /// How it got the lock back.
    pub acquired: Acquired,
}

proxy!([] ConditionProxy, "Condition");

impl ConditionProxy {
    fn over(any: AnyProxy) -> Self {
        ConditionProxy { any }
    }

    /// Acquires the lock; waits as long as it takes.
    ///
    /// # Errors
    /// See [`ConditionProxy`].
    pub fn acquire(&self) -> Result<Acquired, ManagerError> {
        acquire(&self.any, Vec::new())?.ok_or(ManagerError::Disconnected)
    }

    /// Acquires the lock if that can be now; `None` if not.
    ///
    /// # Errors
    /// See [`ConditionProxy`].
    pub fn try_acquire(&self) -> Result<Option<Acquired>, ManagerError> {
        acquire(&self.any, vec![Item::Bool(false)])
    }

    /// Acquires the lock; waits no longer than `timeout`: then `None`.
    ///
    /// # Errors
    /// See [`ConditionProxy`].
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Option<Acquired>, ManagerError> {
        acquire(&self.any, vec![Item::Bool(true), seconds(timeout)])
    }

    /// Gives the lock back.
    ///
    /// # Errors
    /// A `RuntimeError` if the calling thread does not have it; see [`ConditionProxy`].
    pub fn release(&self) -> Result<(), ManagerError> {
        self.any.call("release", ())
    }

    /// Gives the lock back, waits to be notified, and acquires the lock again as often as it was.
    ///
    /// # Errors
    /// A `RuntimeError` if the calling thread does not have the lock; see [`ConditionProxy`].
    pub fn wait(&self) -> Result<Woken, ManagerError> {
        self.wait_with(Vec::new())
    }

    /// As [`wait`](ConditionProxy::wait); waits to be notified no longer than `timeout`, and for the lock then as long
    /// as it takes.
    ///
    /// # Errors
    /// As [`wait`](ConditionProxy::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Woken, ManagerError> {
        self.wait_with(vec![seconds(timeout)])
    }

    /// Waits until `predicate` holds, or for `timeout`; whether it holds.
    ///
    /// # Errors
    /// As [`wait`](ConditionProxy::wait).
    pub fn wait_for(
        &self,
        timeout: Option<Duration>,
        mut predicate: impl FnMut() -> bool,
    ) -> Result<bool, ManagerError> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        while !predicate() {
            match until.map(|until| until.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return Ok(false),
                Some(left) => self.wait_timeout(left)?,
                None => self.wait()?,
            };
        }
        Ok(true)
    }

    /// Wakes up to `count` that wait.
    ///
    /// # Errors
    /// A `RuntimeError` if the calling thread does not have the lock; see [`ConditionProxy`].
    pub fn notify(&self, count: usize) -> Result<(), ManagerError> {
        self.any.call("notify", (count as u64,))
    }

    /// Wakes all that wait.
    ///
    /// # Errors
    /// As [`notify`](ConditionProxy::notify).
    pub fn notify_all(&self) -> Result<(), ManagerError> {
        self.any.call("notify_all", ())
    }

    fn wait_with(&self, args: Vec<Item>) -> Result<Woken, ManagerError> {
        let (acquired, item) = match self.any.ask("wait", args)? {
            Reply::Value(item) => (Acquired::Clean, item),
            Reply::OwnerDied(item) => (Acquired::OwnerDied, item),
            Reply::Raised(raised) => return Err(raised.into()),
            Reply::Pool(_) | Reply::TooLarge { .. } => return Err(ManagerError::Disconnected),
        };
        let notified = item == Item::Bool(true);
        Ok(Woken { notified, acquired })
    }
}
