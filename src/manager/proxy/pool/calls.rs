//! `CallsProxy`: the calls of a manager's pool, with something said about how the tasks are to be run.

use std::any::type_name;
use std::time::Duration;

use super::PoolProxy;
use super::result::{ImapProxy, PoolResultProxy, read_all};
use crate::manager::error::ManagerError;
use crate::manager::item::{Item, ItemError};
use crate::manager::proxy::lock::seconds;
use crate::manager::reference::AnyProxy;
use crate::process::pool::Callable;
use crate::process::{Argument, PoolError};

/// The calls of a [`PoolProxy`], with something said about how the tasks are to be run; made by
/// [`PoolProxy::chunks`], [`PoolProxy::retries`] and [`PoolProxy::time_limit`]. As [`Calls`](crate::Calls) of a pool of
/// one's own.
///
/// ```
/// use std::time::Duration;
///
/// use forkproof::PoolError;
/// use forkproof::manager::{Manager, ManagerError};
///
/// fn search(number: u64) -> u64 {
///     while number == 3 {
///         std::thread::park(); // for ever
///     }
///     number
/// }
/// forkproof::callable!(search);
///
/// fn main() -> Result<(), ManagerError> {
///     let manager = Manager::start()?;
///     let pool = manager.pool(2)?;
///     let limited = pool.chunks(1)?.retries(2).time_limit(Duration::from_secs(1));
///     assert_eq!(limited.map(search, [1, 2])?, [1, 2]);
///     match limited.map(search, [1, 2, 3]) {
///         Err(ManagerError::Pool(PoolError::TimeLimitExceeded { task, .. })) => assert_eq!(task.item, 2),
///         other => panic!("{other:?}"),
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is run before one of its calls"]
pub struct CallsProxy<'a> {
    pool: &'a PoolProxy,
    /// How many tasks travel together. `None`: as CPython has it.
    size: Option<usize>,
    retries: u32,
    limit: Option<Duration>,
}

impl<'a> CallsProxy<'a> {
    pub(super) fn new(pool: &'a PoolProxy) -> CallsProxy<'a> {
        CallsProxy {
            pool,
            size: None,
            retries: 0,
            limit: None,
        }
    }

    /// See [`PoolProxy::chunks`].
    ///
    /// # Errors
    /// As there.
    pub fn chunks(self, size: usize) -> Result<CallsProxy<'a>, ManagerError> {
        if size == 0 {
            return Err(PoolError::EmptyChunks.into());
        }
        let size = Some(size);
        Ok(CallsProxy { size, ..self })
    }

    /// A chunk of tasks whose worker died with it is run again, as a whole, by another worker, up to so many times;
    /// after that, or if this was not said, the answer is [`PoolError::WorkerDied`]. So a task may be run several
    /// times, each time up to any point, and must be one of which that is right. Nothing else is run again: neither
    /// panics, nor errors, nor tasks that exceeded their [limit](CallsProxy::time_limit).
    ///
    /// The arguments are kept in the server until the answer has come.
    pub fn retries(self, times: u32) -> CallsProxy<'a> {
        let retries = times;
        CallsProxy { retries, ..self }
    }

    /// Each task may take so long, from the call of the function to its return; then the kernel of the server's
    /// computer ends its worker, and the answer to the tasks of its chunk is [`PoolError::TimeLimitExceeded`]. The time
    /// that requests and results travel does not count.
    ///
    /// A worker that is stopped (SIGSTOP), or has blocked the real-time signals, is killed a second later, and told of
    /// as [`PoolError::WorkerDied`] by SIGKILL.
    pub fn time_limit(self, limit: Duration) -> CallsProxy<'a> {
        let limit = Some(limit);
        CallsProxy { limit, ..self }
    }

    /// See [`PoolProxy::apply`].
    ///
    /// # Errors
    /// As there.
    pub fn apply<F, Args>(self, function: F, args: Args) -> Result<F::Return, ManagerError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        self.apply_async(function, args)?.get()
    }

    /// See [`PoolProxy::apply_async`].
    ///
    /// # Errors
    /// As there.
    pub fn apply_async<F, Args>(
        self,
        function: F,
        args: Args,
    ) -> Result<PoolResultProxy<F::Return>, ManagerError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        let read = |chunks| {
            let mut all = read_all(chunks)?.into_iter();
            let missing = || ItemError("a chunk without a result".into()).into();
            all.next().ok_or_else(missing)
        };
        let any = self.submit(function, written([args])?)?;
        Ok(PoolResultProxy::new(any, read))
    }

    /// See [`PoolProxy::map`].
    ///
    /// # Errors
    /// As there.
    pub fn map<F, A>(
        self,
        function: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<Vec<F::Return>, ManagerError>
    where
        F: Callable<(A,)>,
        A: Argument,
    {
        self.map_async(function, items)?.get()
    }

    /// See [`PoolProxy::map_async`].
    ///
    /// # Errors
    /// As there.
    pub fn map_async<F, A>(
        self,
        function: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<PoolResultProxy<Vec<F::Return>>, ManagerError>
    where
        F: Callable<(A,)>,
        A: Argument,
    {
        self.starmap_async(function, items.into_iter().map(|item| (item,)))
    }

    /// See [`PoolProxy::starmap`].
    ///
    /// # Errors
    /// As there.
    pub fn starmap<F, Args>(
        self,
        function: F,
        items: impl IntoIterator<Item = Args>,
    ) -> Result<Vec<F::Return>, ManagerError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        self.starmap_async(function, items)?.get()
    }

    /// See [`PoolProxy::starmap_async`].
    ///
    /// # Errors
    /// As there.
    pub fn starmap_async<F, Args>(
        self,
        function: F,
        items: impl IntoIterator<Item = Args>,
    ) -> Result<PoolResultProxy<Vec<F::Return>>, ManagerError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        let any = self.submit(function, written(items)?)?;
        Ok(PoolResultProxy::new(any, read_all))
    }

    /// See [`PoolProxy::imap`].
    ///
    /// # Errors
    /// As there.
    pub fn imap<F, A>(
        self,
        function: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<ImapProxy<F::Return>, ManagerError>
    where
        F: Callable<(A,)>,
        A: Argument,
    {
        self.stream(function, items.into_iter().map(|item| (item,)), true)
    }

    /// See [`PoolProxy::imap_unordered`].
    ///
    /// # Errors
    /// As there.
    pub fn imap_unordered<F, A>(
        self,
        function: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<ImapProxy<F::Return>, ManagerError>
    where
        F: Callable<(A,)>,
        A: Argument,
    {
        self.stream(function, items.into_iter().map(|item| (item,)), false)
    }

    /// For functions of several arguments, too.
    pub(crate) fn stream<F, Args>(
        self,
        function: F,
        items: impl IntoIterator<Item = Args>,
        is_ordered: bool,
    ) -> Result<ImapProxy<F::Return>, ManagerError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        let size = self.size.unwrap_or(1);
        let tasks = written(items)?;
        let count = tasks.len();
        let any = self.chunks(size)?.submit(function, tasks)?;
        Ok(ImapProxy::new(any, count, size, is_ordered))
    }

    fn submit<F, Args>(self, _function: F, tasks: Vec<Item>) -> Result<AnyProxy, ManagerError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        let args = vec![
            Item::Proxy(self.pool.any.clone()),
            type_name::<F>().into(),
            Item::List(tasks),
            self.size.map_or(Item::None, |size| Item::Int(size as i128)),
            self.retries.into(),
            self.limit.map_or(Item::None, seconds),
        ];
        self.pool.any.create_beside("AsyncResult", args)
    }
}

/// The arguments of each task.
fn written<Args: Argument>(
    items: impl IntoIterator<Item = Args>,
) -> Result<Vec<Item>, ManagerError> {
    let refused = |error| ItemError(format!("a task's arguments: {error}")).into();
    let bytes = |args| postcard::to_allocvec(&args).map(Item::Bytes);
    let all = items.into_iter().map(bytes);
    all.collect::<Result<Vec<_>, _>>().map_err(refused)
}
