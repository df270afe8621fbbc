//! `EventProxy`: an event in the server.

use std::time::Duration;

use super::lock::seconds;
use super::proxy;
use crate::manager::error::ManagerError;
use crate::manager::reference::AnyProxy;

/// An event in a manager's server: set or not.
///
/// A clone is the same event; so is what arrives in another process.
///
/// # Errors
/// Of each method: [`ServerGone`](ManagerError::ServerGone) after the server's end, also while it waits;
/// [`Disconnected`](ManagerError::Disconnected), [`Io`](ManagerError::Io).
///
/// # When a process dies
/// It is set, or not, as whoever died left it.
pub struct EventProxy {
    any: AnyProxy,
}

proxy!([] EventProxy, "Event");

impl EventProxy {
    fn over(any: AnyProxy) -> Self {
        EventProxy { any }
    }

    /// Sets it: all that wait go on.
    ///
    /// # Errors
    /// See [`EventProxy`].
    pub fn set(&self) -> Result<(), ManagerError> {
        self.any.call("set", ())
    }

    /// # Errors
    /// See [`EventProxy`].
    pub fn clear(&self) -> Result<(), ManagerError> {
        self.any.call("clear", ())
    }

    /// # Errors
    /// See [`EventProxy`].
    pub fn is_set(&self) -> Result<bool, ManagerError> {
        self.any.call("is_set", ())
    }

    /// Waits until it is set.
    ///
    /// # Errors
    /// See [`EventProxy`].
    pub fn wait(&self) -> Result<(), ManagerError> {
        self.any.call::<bool>("wait", ()).map(|_| ())
    }

    /// Waits until it is set, no longer than `timeout`. Whether it was.
    ///
    /// # Errors
    /// See [`EventProxy`].
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool, ManagerError> {
        self.any.call("wait", (seconds(timeout),))
    }
}
