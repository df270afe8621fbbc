//! `QueueProxy`: a queue in the server.

use std::marker::PhantomData;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::lock::seconds;
use super::proxy;
use crate::manager::error::ManagerError;
use crate::manager::item::Item;
use crate::manager::reference::AnyProxy;

/// A queue in a manager's server, whose tasks can be waited for.
///
/// A clone is the same queue; so is what arrives in another process.
///
/// # Errors
/// Of each method: [`ServerGone`](ManagerError::ServerGone) after the server's end, also while it waits;
/// [`Item`](ManagerError::Item) if a value cannot be an item, or what was got is no `T`;
/// [`Raised`](ManagerError::Raised) as said there; [`TooLarge`](ManagerError::TooLarge),
/// [`Disconnected`](ManagerError::Disconnected), [`Io`](ManagerError::Io).
///
/// # When a process dies
/// One that dies waiting takes nothing along. What was on the way to a getter that died, and that it had not taken
/// from its connection, is the first of the queue again; what it had taken is lost with it. Who waits in
/// [`join`](QueueProxy::join) is told at once of the tasks that it had not done, and so is who comes to wait, until
/// someone [writes them off](QueueProxy::write_off); as in [`JoinableQueue`](crate::JoinableQueue). The same holds for a
/// thread that ends while its process lives on.
pub struct QueueProxy<T = Item> {
    any: AnyProxy,
    of: PhantomData<fn(T) -> T>,
}

proxy!([T] QueueProxy<T>, "Queue" | "JoinableQueue");

impl<T> QueueProxy<T> {
    fn over(any: AnyProxy) -> Self {
        let of = PhantomData;
        QueueProxy { any, of }
    }

    /// How many items there are: out of date as soon as it is known.
    ///
    /// # Errors
    /// See [`QueueProxy`].
    pub fn len(&self) -> Result<usize, ManagerError> {
        self.any.call("qsize", ())
    }

    /// # Errors
    /// See [`QueueProxy`].
    pub fn is_empty(&self) -> Result<bool, ManagerError> {
        self.any.call("empty", ())
    }

    /// # Errors
    /// See [`QueueProxy`].
    pub fn is_full(&self) -> Result<bool, ManagerError> {
        self.any.call("full", ())
    }

    /// The work on an item that was got is done.
    ///
    /// # Errors
    /// A `ValueError` if all are done; see [`QueueProxy`].
    pub fn task_done(&self) -> Result<(), ManagerError> {
        self.any.call("task_done", ())
    }

    /// Waits until the work on all items is done.
    ///
    /// # Errors
    /// [`WorkerDied`](crate::manager::Kind::WorkerDied); see [`QueueProxy`].
    pub fn join(&self) -> Result<(), ManagerError> {
        self.any.call::<bool>("join", ()).map(|_| ())
    }

    /// As [`join`](QueueProxy::join), no longer than `timeout`. Whether all are done.
    ///
    /// # Errors
    /// As [`join`](QueueProxy::join).
    pub fn join_timeout(&self, timeout: Duration) -> Result<bool, ManagerError> {
        self.any.call("join", (seconds(timeout),))
    }

    /// Counts the tasks as done that their workers were gone with, and returns how many those were.
    ///
    /// # Errors
    /// See [`QueueProxy`].
    pub fn write_off(&self) -> Result<usize, ManagerError> {
        self.any.call("write_off", ())
    }
}

/// Putting.
impl<T: Serialize> QueueProxy<T> {
    /// Puts an item at the end; waits for room as long as it takes.
    ///
    /// # Errors
    /// See [`QueueProxy`].
    pub fn put(&self, item: T) -> Result<(), ManagerError> {
        self.any.call("put", (item,))
    }

    /// Puts an item if there is room.
    ///
    /// # Errors
    /// [`Full`](crate::manager::Kind::Full) if not; see [`QueueProxy`].
    pub fn try_put(&self, item: T) -> Result<(), ManagerError> {
        self.any.call("put_nowait", (item,))
    }

    /// Puts an item; waits for room no longer than `timeout`.
    ///
    /// # Errors
    /// [`Full`](crate::manager::Kind::Full) then; see [`QueueProxy`].
    pub fn put_timeout(&self, item: T, timeout: Duration) -> Result<(), ManagerError> {
        self.any.call("put", (item, true, seconds(timeout)))
    }
}

/// Getting.
impl<T: DeserializeOwned> QueueProxy<T> {
    /// Takes the first item; waits for one as long as it takes.
    ///
    /// # Errors
    /// See [`QueueProxy`].
    pub fn get(&self) -> Result<T, ManagerError> {
        self.any.call("get", ())
    }

    /// Takes the first item, if there is one.
    ///
    /// # Errors
    /// [`Empty`](crate::manager::Kind::Empty) if not; see [`QueueProxy`].
    pub fn try_get(&self) -> Result<T, ManagerError> {
        self.any.call("get_nowait", ())
    }

    /// Takes the first item; waits for one no longer than `timeout`.
    ///
    /// # Errors
    /// [`Empty`](crate::manager::Kind::Empty) then; see [`QueueProxy`].
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, ManagerError> {
        self.any.call("get", (true, seconds(timeout)))
    }
}
