//! `BarrierProxy`: a barrier in the server.

use std::time::Duration;

use super::lock::seconds;
use super::proxy;
use crate::manager::error::ManagerError;
use crate::manager::reference::AnyProxy;

/// A barrier in a manager's server.
///
/// A clone is the same barrier; so is what arrives in another process.
///
/// # Errors
/// Of each method: [`ServerGone`](ManagerError::ServerGone) after the server's end, also while it waits;
/// [`Raised`](ManagerError::Raised) as said there; [`Disconnected`](ManagerError::Disconnected),
/// [`Io`](ManagerError::Io).
///
/// # When a process dies
/// If one dies that waits, the barrier breaks, and so the others do not wait for it for ever.
pub struct BarrierProxy {
    any: AnyProxy,
}

proxy!([] BarrierProxy, "Barrier");

impl BarrierProxy {
    fn over(any: AnyProxy) -> Self {
        BarrierProxy { any }
    }

    /// Waits until as many have come as it is for. A number from 0 on that is another for each of them.
    ///
    /// # Errors
    /// A `BrokenBarrierError` if it is broken or reset, or breaks or is reset meanwhile; see [`BarrierProxy`].
    pub fn wait(&self) -> Result<usize, ManagerError> {
        self.any.call("wait", ())
    }

    /// As [`wait`](BarrierProxy::wait). If `timeout` passes, the barrier breaks, for all.
    ///
    /// # Errors
    /// As [`wait`](BarrierProxy::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<usize, ManagerError> {
        self.any.call("wait", (seconds(timeout),))
    }

    /// Breaks it.
    ///
    /// # Errors
    /// See [`BarrierProxy`].
    pub fn abort(&self) -> Result<(), ManagerError> {
        self.any.call("abort", ())
    }

    /// As new. Those who wait get a `BrokenBarrierError`.
    ///
    /// # Errors
    /// See [`BarrierProxy`].
    pub fn reset(&self) -> Result<(), ManagerError> {
        self.any.call("reset", ())
    }

    /// How many it is for.
    ///
    /// # Errors
    /// See [`BarrierProxy`].
    pub fn parties(&self) -> Result<usize, ManagerError> {
        self.any.call("parties", ())
    }

    /// How many wait: out of date as soon as it is known.
    ///
    /// # Errors
    /// See [`BarrierProxy`].
    pub fn count_waiting(&self) -> Result<usize, ManagerError> {
        self.any.call("n_waiting", ())
    }

    /// # Errors
    /// See [`BarrierProxy`].
    pub fn is_broken(&self) -> Result<bool, ManagerError> {
        self.any.call("broken", ())
    }
}
