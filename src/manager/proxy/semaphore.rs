//! `SemaphoreProxy`: a semaphore in the server.

use std::time::Duration;

use super::lock::{acquire, seconds};
use super::proxy;
use crate::manager::error::ManagerError;
use crate::manager::item::Item;
use crate::manager::reference::AnyProxy;

/// A semaphore in a manager's server, bounded or not.
///
/// A clone is the same semaphore; so is what arrives in another process.
///
/// # Errors
/// Of each method: [`ServerGone`](ManagerError::ServerGone) after the server's end, also while it waits;
/// [`Raised`](ManagerError::Raised) as said there; [`Disconnected`](ManagerError::Disconnected),
/// [`Io`](ManagerError::Io).
///
/// # When a process dies
/// What a thread acquired and did not release comes back when it ends, however it ends. (What one acquires and
/// *another* releases counts for no one: if the first dies then, its permits come back too, though of a bounded
/// semaphore never more than fit.)
pub struct SemaphoreProxy {
    any: AnyProxy,
}

proxy!([] SemaphoreProxy, "Semaphore" | "BoundedSemaphore");

impl SemaphoreProxy {
    fn over(any: AnyProxy) -> Self {
        SemaphoreProxy { any }
    }

    /// Takes a permit; waits for it as long as it takes.
    ///
    /// # Errors
    /// See [`SemaphoreProxy`].
    pub fn acquire(&self) -> Result<(), ManagerError> {
        acquire(&self.any, Vec::new()).map(|_| ())
    }

    /// Takes a permit if there is one: whether it did.
    ///
    /// # Errors
    /// See [`SemaphoreProxy`].
    pub fn try_acquire(&self) -> Result<bool, ManagerError> {
        Ok(acquire(&self.any, vec![Item::Bool(false)])?.is_some())
    }

    /// Takes a permit; waits no longer than `timeout`. Whether it did.
    ///
    /// # Errors
    /// See [`SemaphoreProxy`].
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<bool, ManagerError> {
        Ok(acquire(&self.any, vec![Item::Bool(true), seconds(timeout)])?.is_some())
    }

    /// Gives a permit back.
    ///
    /// # Errors
    /// A `ValueError` if a bounded one has as many as at first; see [`SemaphoreProxy`].
    pub fn release(&self) -> Result<(), ManagerError> {
        self.release_many(1)
    }

    /// Gives `count` permits back: all, or none.
    ///
    /// # Errors
    /// A `ValueError` if that is too many, or 0; see [`SemaphoreProxy`].
    pub fn release_many(&self, count: u64) -> Result<(), ManagerError> {
        self.any.call("release", (count,))
    }

    /// How many permits there are: out of date as soon as it is known.
    ///
    /// # Errors
    /// See [`SemaphoreProxy`].
    pub fn value(&self) -> Result<u64, ManagerError> {
        self.any.call("get_value", ())
    }
}
