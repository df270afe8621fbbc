//! `PoolProxy`: a pool in the server, for all clients.
//!
//! | part | |
//! |---|---|
//! | `builder` | how the pool is to be |
//! | `calls` | tasks, as they are sent |
//! | `result` | what they return, as it arrives |

mod builder;
mod calls;
mod result;

pub use builder::PoolProxyBuilder;
pub use calls::CallsProxy;
pub use result::{ImapProxy, PoolResultProxy};

use std::time::Duration;

use super::proxy;
use crate::manager::error::ManagerError;
use crate::manager::reference::AnyProxy;
use crate::process::Argument;
use crate::process::pool::Callable;

/// A [`Pool`](crate::Pool) whose workers are the server's children.
///
/// A client names a function, and the server's program must have it registered with
/// [`callable!`](crate::callable): so a client can have nothing else run.
///
/// ```
/// use forkproof::PoolError;
/// use forkproof::manager::{Manager, ManagerError};
///
/// fn square(number: i64) -> i64 {
///     number * number
/// }
///
/// fn leave(code: i32) {
///     std::process::exit(code);
/// }
/// forkproof::callable!(square, leave);
///
/// fn main() -> Result<(), ManagerError> {
///     let manager = Manager::start()?;
///     let pool = manager.pool(2)?;
///     assert_eq!(pool.map(square, [1, 2, 3])?, [1, 4, 9]);
///     let result = pool.apply_async(square, (5,))?;
///     assert_eq!(result.get()?, 25);
///     match pool.retries(1).apply(leave, (3,)) {
///         Err(ManagerError::Pool(PoolError::WorkerDied { exit, .. })) => assert_eq!(exit, Some(3)),
///         other => panic!("{other:?}"),
///     }
///     Ok(())
/// }
/// ```
/// A clone is the same pool; so is what arrives in another process. Arguments and results are what serde can write,
/// without shared objects in them.
///
/// # Errors
/// Of each method: [`Pool`](ManagerError::Pool), with what a pool of one's own would say, above all
/// [`Unknown`](crate::PoolError::Unknown) for a function that is not registered, and [`Closed`](crate::PoolError::Closed),
/// [`Terminated`](crate::PoolError::Terminated), [`Initializer`](crate::PoolError::Initializer),
/// [`WorkersFail`](crate::PoolError::WorkersFail) for what no pool does any more;
/// [`ServerGone`](ManagerError::ServerGone) after the server's end, also while it waits;
/// [`Item`](ManagerError::Item) for what cannot be written or read; [`TooLarge`](ManagerError::TooLarge),
/// [`Disconnected`](ManagerError::Disconnected), [`Net`](ManagerError::Net), [`Io`](ManagerError::Io).
///
/// # When a process dies
/// - A worker: as in [`Pool`](crate::Pool), [`WorkerDied`](crate::PoolError::WorkerDied) for the chunk of tasks that it
///   had taken, at once, or the chunk is run again: see [`retries`](PoolProxy::retries). The worker is replaced, also if
///   no one waits.
/// - An initializer that fails is one error for all clients, and the server serves on.
/// - A client: its tasks are run nevertheless; those for which there was no room, too.
/// - The server: its workers end with it.
pub struct PoolProxy {
    any: AnyProxy,
}

proxy!([] PoolProxy, "Pool");

impl PoolProxy {
    pub(in crate::manager) fn over(any: AnyProxy) -> Self {
        PoolProxy { any }
    }

    /// Runs a function once, and waits for what it returns.
    ///
    /// # Errors
    /// As [`apply_async`](PoolProxy::apply_async) and [`PoolResultProxy::get`].
    pub fn apply<F, Args>(&self, function: F, args: Args) -> Result<F::Return, ManagerError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        CallsProxy::new(self).apply(function, args)
    }

    /// Has a function run once.
    ///
    /// # Errors
    /// See [`PoolProxy`].
    pub fn apply_async<F, Args>(
        &self,
        function: F,
        args: Args,
    ) -> Result<PoolResultProxy<F::Return>, ManagerError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        CallsProxy::new(self).apply_async(function, args)
    }

    /// Runs a function for each item, and waits for what it returns for all of them, in their order.
    ///
    /// # Errors
    /// As [`apply_async`](PoolProxy::apply_async) and [`PoolResultProxy::get`]: that of the first item that has one,
    /// after all have been run.
    pub fn map<F, A>(
        &self,
        function: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<Vec<F::Return>, ManagerError>
    where
        F: Callable<(A,)>,
        A: Argument,
    {
        CallsProxy::new(self).map(function, items)
    }

    /// Has a function run for each item.
    ///
    /// # Errors
    /// As [`apply_async`](PoolProxy::apply_async).
    pub fn map_async<F, A>(
        &self,
        function: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<PoolResultProxy<Vec<F::Return>>, ManagerError>
    where
        F: Callable<(A,)>,
        A: Argument,
    {
        CallsProxy::new(self).map_async(function, items)
    }

    /// As [`map`](PoolProxy::map), for a function of several arguments: each item is a tuple of them.
    ///
    /// # Errors
    /// As [`map`](PoolProxy::map).
    pub fn starmap<F, Args>(
        &self,
        function: F,
        items: impl IntoIterator<Item = Args>,
    ) -> Result<Vec<F::Return>, ManagerError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        CallsProxy::new(self).starmap(function, items)
    }

    /// As [`map_async`](PoolProxy::map_async), for a function of several arguments: each item is a tuple of them.
    ///
    /// # Errors
    /// As [`map_async`](PoolProxy::map_async).
    pub fn starmap_async<F, Args>(
        &self,
        function: F,
        items: impl IntoIterator<Item = Args>,
    ) -> Result<PoolResultProxy<Vec<F::Return>>, ManagerError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        CallsProxy::new(self).starmap_async(function, items)
    }

    /// Runs a function for each item; gives the results one after another, in the order of the items, while others are
    /// under way. Unlike those of a pool of one's own, all items are made and sent at once.
    ///
    /// # Errors
    /// As [`apply_async`](PoolProxy::apply_async).
    pub fn imap<F, A>(
        &self,
        function: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<ImapProxy<F::Return>, ManagerError>
    where
        F: Callable<(A,)>,
        A: Argument,
    {
        CallsProxy::new(self).imap(function, items)
    }

    /// As [`imap`](PoolProxy::imap), the results as they come.
    ///
    /// # Errors
    /// As [`imap`](PoolProxy::imap).
    pub fn imap_unordered<F, A>(
        &self,
        function: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<ImapProxy<F::Return>, ManagerError>
    where
        F: Callable<(A,)>,
        A: Argument,
    {
        CallsProxy::new(self).imap_unordered(function, items)
    }

    /// For calls whose tasks travel so many together: see [`Pool::chunks`](crate::Pool::chunks).
    ///
    /// # Errors
    /// [`PoolError::EmptyChunks`](crate::PoolError::EmptyChunks).
    pub fn chunks(&self, size: usize) -> Result<CallsProxy<'_>, ManagerError> {
        CallsProxy::new(self).chunks(size)
    }

    /// For calls whose tasks are run again if their worker dies, up to so many times: see [`CallsProxy::retries`].
    pub fn retries(&self, times: u32) -> CallsProxy<'_> {
        CallsProxy::new(self).retries(times)
    }

    /// For calls whose tasks may take no longer than `limit` each: see [`CallsProxy::time_limit`].
    pub fn time_limit(&self, limit: Duration) -> CallsProxy<'_> {
        CallsProxy::new(self).time_limit(limit)
    }

    /// No more tasks are taken. Those that were are run, and then the workers end.
    ///
    /// # Errors
    /// See [`PoolProxy`].
    pub fn close(&self) -> Result<(), ManagerError> {
        self.any.call("close", ())
    }

    /// Kills the workers, and forgets the tasks: who waits for their results is told
    /// [`Terminated`](crate::PoolError::Terminated).
    ///
    /// # Errors
    /// See [`PoolProxy`].
    pub fn terminate(&self) -> Result<(), ManagerError> {
        self.any.call("terminate", ())
    }

    /// Waits until all tasks of a closed pool are done and all workers have ended.
    ///
    /// # Errors
    /// [`PoolError::StillOpen`](crate::PoolError::StillOpen); see [`PoolProxy`].
    pub fn join(&self) -> Result<(), ManagerError> {
        self.any.call("join", ())
    }
}
