//! `PoolProxy`: a pool in the server, for all clients.

use std::marker::PhantomData;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::lock::seconds;
use super::proxy;
use crate::manager::error::{Kind, ManagerError};
use crate::manager::item::{Item, ItemError};
use crate::manager::reference::AnyProxy;
use crate::process::pool::Callable;
use crate::process::{Argument, TaskPanic};

/// A [`Pool`](crate::Pool) whose workers are the server's children.
///
/// A client names a function, and the server's program must have it registered with
/// [`callable!`](crate::callable): so a client can have nothing else run.
///
/// ```
/// use forkproof::manager::Manager;
///
/// fn square(number: i64) -> i64 {
///     number * number
/// }
/// forkproof::callable!(square);
///
/// fn main() -> Result<(), forkproof::ManagerError> {
///     let manager = Manager::start()?;
///     let pool = manager.pool(2)?;
///     assert_eq!(pool.map(square, [1, 2, 3])?, [1, 4, 9]);
///     let result = pool.apply_async(square, (5,))?;
///     assert_eq!(result.get()?, 25);
///     Ok(())
/// }
/// ```
/// A clone is the same pool; so is what arrives in another process. Arguments and results are what serde can write,
/// without shared objects in them.
///
/// # Errors
/// Of each method: [`ServerGone`](ManagerError::ServerGone) after the server's end, also while it waits;
/// [`Raised`](ManagerError::Raised): an `AttributeError` for a function that is not registered, a `ValueError` if the
/// pool was closed or terminated, and as said there; [`Panicked`](ManagerError::Panicked);
/// [`Item`](ManagerError::Item) for what cannot be written or read; [`TooLarge`](ManagerError::TooLarge),
/// [`Disconnected`](ManagerError::Disconnected), [`Io`](ManagerError::Io).
///
/// # When a process dies
/// A worker: as in [`Pool`](crate::Pool), a `RemoteError` that tells of it, at once. A client: its tasks are run
/// nevertheless. The server replaces the workers, and puts tasks for which there was no room, also if no one waits.
pub struct PoolProxy {
    any: AnyProxy,
}

proxy!([] PoolProxy, "Pool");

impl PoolProxy {
    fn over(any: AnyProxy) -> Self {
        PoolProxy { any }
    }

    /// Runs a function once, and waits for what it returns.
    ///
    /// # Errors
    /// See [`PoolProxy`].
    pub fn apply<F, Args>(&self, function: F, args: Args) -> Result<F::Return, ManagerError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        self.apply_async(function, args)?.get()
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
        let read = |chunks| {
            let mut all = read_all(chunks)?.into_iter();
            let missing = || ItemError("a chunk without a result".into()).into();
            all.next().ok_or_else(missing)
        };
        self.submit(function, [args], Some(1), read)
    }

    /// Runs a function for each item, and waits for what it returns for all of them, in their order.
    ///
    /// # Errors
    /// See [`PoolProxy`]; that of the first item that has one, after all have been run.
    pub fn map<F, A>(
        &self,
        function: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<Vec<F::Return>, ManagerError>
    where
        F: Callable<(A,)>,
        A: Argument,
    {
        self.map_async(function, items)?.get()
    }

    /// Has a function run for each item.
    ///
    /// # Errors
    /// See [`PoolProxy`].
    pub fn map_async<F, A>(
        &self,
        function: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<PoolResultProxy<Vec<F::Return>>, ManagerError>
    where
        F: Callable<(A,)>,
        A: Argument,
    {
        self.starmap_async(function, items.into_iter().map(|item| (item,)))
    }

    /// As [`map`](PoolProxy::map), for functions of several arguments: each item is a tuple of them.
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
        self.starmap_async(function, items)?.get()
    }

    /// As [`map_async`](PoolProxy::map_async), for functions of several arguments.
    ///
    /// # Errors
    /// See [`PoolProxy`].
    pub fn starmap_async<F, Args>(
        &self,
        function: F,
        items: impl IntoIterator<Item = Args>,
    ) -> Result<PoolResultProxy<Vec<F::Return>>, ManagerError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        self.submit(function, items, None, read_all)
    }

    /// As [`starmap_async`](PoolProxy::starmap_async), with so many tasks to a chunk: what befalls a worker befalls the
    /// chunk that it had.
    ///
    /// # Errors
    /// A `ValueError` if that is 0; see [`PoolProxy`].
    pub fn starmap_chunks<F, Args>(
        &self,
        function: F,
        items: impl IntoIterator<Item = Args>,
        size: usize,
    ) -> Result<PoolResultProxy<Vec<F::Return>>, ManagerError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        self.submit(function, items, Some(size as i64), read_all)
    }

    /// Has a function run for each item; gives what it returns one after another, in order, while others are under way.
    ///
    /// # Errors
    /// See [`PoolProxy`].
    pub fn imap<F, A>(
        &self,
        function: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<ImapProxy<F::Return>, ManagerError>
    where
        F: Callable<(A,)>,
        A: Argument,
    {
        self.starmap_one_by_one(function, items.into_iter().map(|item| (item,)), true)
    }

    /// As [`imap`](PoolProxy::imap), in the order in which they are done.
    ///
    /// # Errors
    /// See [`PoolProxy`].
    pub fn imap_unordered<F, A>(
        &self,
        function: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<ImapProxy<F::Return>, ManagerError>
    where
        F: Callable<(A,)>,
        A: Argument,
    {
        self.starmap_one_by_one(function, items.into_iter().map(|item| (item,)), false)
    }

    /// No more tasks are taken.
    ///
    /// # Errors
    /// See [`PoolProxy`].
    pub fn close(&self) -> Result<(), ManagerError> {
        self.any.call("close", ())
    }

    /// Kills the workers, and forgets the tasks.
    ///
    /// # Errors
    /// See [`PoolProxy`].
    pub fn terminate(&self) -> Result<(), ManagerError> {
        self.any.call("terminate", ())
    }

    /// Waits until all tasks of a closed pool are done and all workers have ended.
    ///
    /// # Errors
    /// A `ValueError` if it is open; see [`PoolProxy`].
    pub fn join(&self) -> Result<(), ManagerError> {
        self.any.call("join", ())
    }

    pub(crate) fn starmap_one_by_one<F, Args>(
        &self,
        function: F,
        items: impl IntoIterator<Item = Args>,
        is_ordered: bool,
    ) -> Result<ImapProxy<F::Return>, ManagerError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        let result = self.submit(function, items, Some(1), read_all::<F::Return>)?;
        Ok(ImapProxy {
            any: result.any,
            next: is_ordered.then_some(0),
            of: PhantomData,
        })
    }

    fn submit<F, Args, V>(
        &self,
        _function: F,
        items: impl IntoIterator<Item = Args>,
        size: Option<i64>,
        read: fn(Vec<Item>) -> Result<V, ManagerError>,
    ) -> Result<PoolResultProxy<V>, ManagerError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        let written = items.into_iter().map(|args| {
            let bytes = postcard::to_allocvec(&args);
            bytes.map(Item::Bytes)
        });
        let tasks = written.collect::<Result<Vec<_>, _>>();
        let tasks = tasks.map_err(|error| ItemError(format!("a task's arguments: {error}")))?;
        let name = std::any::type_name::<F>();
        let pool = Item::Proxy(self.any.clone());
        let args = vec![
            pool,
            name.into(),
            Item::List(tasks),
            size.map_or(Item::None, Item::from),
        ];
        let any = self.any.create_beside("AsyncResult", args)?;
        Ok(PoolResultProxy { any, read })
    }
}

/// The result of tasks that may still be under way in a manager's pool.
///
/// # Errors
/// Of each method: see [`PoolProxy`].
pub struct PoolResultProxy<V> {
    any: AnyProxy,
    read: fn(Vec<Item>) -> Result<V, ManagerError>,
}

impl<V> PoolResultProxy<V> {
    /// Waits for the result. Any number of times.
    ///
    /// # Errors
    /// See [`PoolResultProxy`].
    pub fn get(&self) -> Result<V, ManagerError> {
        (self.read)(self.any.call("get", ()).map(list)?)
    }

    /// As [`get`](PoolResultProxy::get), no longer than `timeout`.
    ///
    /// # Errors
    /// [`TimeoutError`](Kind::TimeoutError) then; see [`PoolResultProxy`].
    pub fn get_timeout(&self, timeout: Duration) -> Result<V, ManagerError> {
        (self.read)(self.any.call("get", (seconds(timeout),)).map(list)?)
    }

    /// Waits until there is a result, be it an error.
    ///
    /// # Errors
    /// See [`PoolResultProxy`].
    pub fn wait(&self) -> Result<(), ManagerError> {
        self.any.call::<bool>("wait", ()).map(|_| ())
    }

    /// Waits until there is a result, no longer than `timeout`. Whether there is.
    ///
    /// # Errors
    /// See [`PoolResultProxy`].
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool, ManagerError> {
        self.any.call("wait", (seconds(timeout),))
    }

    /// # Errors
    /// See [`PoolResultProxy`].
    pub fn ready(&self) -> Result<bool, ManagerError> {
        self.any.call("ready", ())
    }

    /// Whether no worker died with a task, and all could be written and read. A task that panicked is told by
    /// [`get`](PoolResultProxy::get).
    ///
    /// # Errors
    /// A `ValueError` if there is no result yet; see [`PoolResultProxy`].
    pub fn successful(&self) -> Result<bool, ManagerError> {
        self.any.call("successful", ())
    }
}

/// Results of a manager's pool, one after another. Its iteration ends after all, or after an error of the server's.
///
/// # Errors
/// See [`PoolProxy`].
pub struct ImapProxy<R> {
    any: AnyProxy,
    /// Which is the next; `None`: whichever is done.
    next: Option<u64>,
    of: PhantomData<fn() -> R>,
}

impl<R: DeserializeOwned> ImapProxy<R> {
    /// The next result; waits for it no longer than `timeout`. `None` after the last.
    ///
    /// # Errors
    /// [`TimeoutError`](Kind::TimeoutError) then, and it may be asked again; that of the task.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<R>, ManagerError> {
        self.take(seconds(timeout))
    }

    fn take(&mut self, timeout: Item) -> Result<Option<R>, ManagerError> {
        let chunk = match self.next {
            Some(place) => self.any.invoke("chunk", vec![place.into(), timeout]),
            None => self.any.invoke("next_of_any", vec![timeout]),
        };
        let is_kind = |error: &ManagerError, kind| error.kind() == Some(kind);
        match &chunk {
            Err(error) if is_kind(error, Kind::StopIteration) => return Ok(None),
            Err(error) if is_kind(error, Kind::TimeoutError) => {}
            _ => self.next = self.next.map(|place| place + 1),
        }
        read_all(vec![chunk?]).map(|mut all| all.pop())
    }
}

impl<R: DeserializeOwned> Iterator for ImapProxy<R> {
    type Item = Result<R, ManagerError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take(Item::None).transpose()
    }
}

/// What the tasks of some chunks returned; or the first that panicked.
fn read_all<R: DeserializeOwned>(chunks: Vec<Item>) -> Result<Vec<R>, ManagerError> {
    let mut all = Vec::new();
    for chunk in chunks {
        let Item::Bytes(bytes) = chunk else {
            return Err(ItemError("a chunk of results that is no bytes".into()).into());
        };
        let returns = postcard::from_bytes::<Vec<Result<R, TaskPanic>>>(&bytes);
        for returned in returns.map_err(|error| ItemError(format!("a result: {error}")))? {
            all.push(returned.map_err(ManagerError::Panicked)?);
        }
    }
    Ok(all)
}

fn list(item: Item) -> Vec<Item> {
    match item {
        Item::List(items) => items,
        other => vec![other],
    }
}
