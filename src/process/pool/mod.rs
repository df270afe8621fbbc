//! `Pool`: workers that run functions for their parent.
//!
//! ```
//! use forkproof::Pool;
//!
//! fn square(number: u64) -> u64 {
//!     number * number
//! }
//!
//! let pool = Pool::new(2)?;
//! assert_eq!(pool.map(square, 1..=4)?, [1, 4, 9, 16]);
//! # Ok::<(), forkproof::PoolError>(())
//! ```
//!
//! | part | |
//! |---|---|
//! | `dispatcher` | the parent's side: who of its threads does what, and when |
//! | `feed` | tasks into their queue, as there is room |
//! | `staff` | the workers, and what a death means |
//! | `worker` | what a worker does |
//! | `slots` | where it says what it is about to do |
//! | `envelope`, `function`, `initializer` | how values and functions travel through one queue |
//!
//! # What is not here
//! Threads; a pool of threads; a pool that can be sent to another process.

mod builder;
mod calls;
mod dispatcher;
pub(crate) mod envelope;
mod error;
mod feed;
pub(crate) mod function;
mod imap;
pub(crate) mod initializer;
mod journey;
mod panics;
mod result;
pub(crate) mod slots;
pub(crate) mod staff;
mod watch;
pub(crate) mod worker;

pub use builder::PoolBuilder;
pub use calls::Calls;
pub use error::{Failure, LostTask, PoolError, TaskPanic};
pub use function::{CALLABLE, Callable, Registered, registered};
pub use imap::Imap;
pub use initializer::{INITIALIZERS, RegisteredInitializer, registered_initializer};
pub use result::AsyncResult;
pub(crate) use watch::PoolWatch;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::process::target::Argument;
use dispatcher::{Dispatcher, Until};

/// Workers that run functions: plain functions, whose arguments and results serde can write, with the shared objects
/// in them.
///
/// ```
/// use forkproof::{Pool, PoolError};
///
/// fn divide(dividend: i32, divisor: i32) -> i32 {
///     dividend / divisor
/// }
///
/// fn leave(code: i32) {
///     std::process::exit(code);
/// }
///
/// fn main() -> Result<(), PoolError> {
///     let pool = Pool::new(2)?;
///     assert_eq!(pool.apply(divide, (7, 2))?, 3);
///     assert_eq!(pool.starmap(divide, [(6, 2), (9, 3)])?, [3, 3]);
///     match pool.apply(divide, (1, 0)) {
///         Err(PoolError::Panicked(panic)) => assert_eq!(panic.message, "attempt to divide by zero"),
///         other => panic!("{other:?}"),
///     }
///     match pool.apply(leave, (3,)) {
///         Err(PoolError::WorkerDied { exit, .. }) => assert_eq!(exit, Some(3)),
///         other => panic!("{other:?}"),
///     }
///     pool.close()?;
///     pool.join()
/// }
/// ```
///
/// Its methods may be called from any thread, several at once. It cannot be sent to another process, and a forked
/// child that inherits it cannot use it. Workers are daemons: they cannot start processes, and end with their parent.
///
/// # Chunks
/// A map's tasks travel in chunks: a quarter of each worker's share, rounded up, if nothing else is said; see
/// [`chunks`](Pool::chunks). [`imap`](Pool::imap)'s travel alone.
///
/// # Who does the work, and when
/// Workers take tasks from a queue by themselves, and put the results into another, also while the parent does other
/// things. There is no thread of the pool's own. What is the parent's happens inside its calls, those that submit tasks
/// (`apply` to `imap`), those that ask for results ([`AsyncResult`]'s, [`Imap`]'s), and [`close`](Pool::close) and
/// [`join`](Pool::join):
///
/// - results are taken up, and **callbacks** are called;
/// - workers that died, or have done their [number of tasks](PoolBuilder::max_tasks_per_child), are replaced;
/// - tasks for which there was no room, and those of an [`imap`](Pool::imap), are written and put. The queues have room
///   for 1 MiB each.
///
/// So a parent that submits much and then does not call for a long time may have idle workers. One thread at a time does
/// this for all.
///
/// # Errors of tasks
/// A task that returns a `Result` has it come back as it is, its error typed; for errors that serde cannot write there
/// is [`Failure`], into which `?` turns any error. A panic comes back as [`PoolError::Panicked`], with its text and its
/// backtrace.
///
/// # When a process dies
/// - A worker that is killed, or ends by `std::process::exit`, takes along the chunk of tasks that it had taken, and no
///   other: their results are [`PoolError::WorkerDied`], at once, which names the task that it was at. All other tasks
///   are run once. The worker is replaced. A result that it had sent is not lost. With [`retries`](Pool::retries) the
///   chunk is run again.
/// - An initializer that fails, panics or ends its worker stops the pool: one error for all that is not finished, and
///   for all later calls. A worker that is *killed* in it is replaced, but not for ever: after sixteen more than there
///   are workers, one after another, the pool stops as well.
/// - If the parent dies, however, its workers end.
///
/// # Memory ordering
/// What was written before a task was submitted is seen by the task; what the task wrote is seen by who has its result.
///
/// # Costs
/// Two queues and a pipe; three descriptors and two words of shared memory for each worker. Values of more than 32 KiB in a
/// chunk travel in memory of their own.
///
/// # Dropping
/// [Terminates](Pool::terminate) it, as the end of CPython's `with` does.
pub struct Pool {
    dispatcher: Arc<Dispatcher>,
}

impl Pool {
    /// A pool of so many workers.
    ///
    /// # Errors
    /// As [`PoolBuilder::build`].
    pub fn new(processes: usize) -> Result<Pool, PoolError> {
        Pool::builder().processes(processes).build()
    }

    /// To say more about it.
    pub fn builder() -> PoolBuilder {
        PoolBuilder::new()
    }

    /// Runs a function once, and waits for what it returns.
    ///
    /// # Errors
    /// As [`apply_async`](Pool::apply_async) and [`AsyncResult::get`].
    pub fn apply<F, Args>(&self, function: F, args: Args) -> Result<F::Return, PoolError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        self.apply_async(function, args)?.into_inner()
    }

    /// Has a function run once.
    ///
    /// # Errors
    /// [`PoolError::Closed`], [`Terminated`](PoolError::Terminated), [`NotTheParent`](PoolError::NotTheParent),
    /// [`Initializer`](PoolError::Initializer), [`WorkersFail`](PoolError::WorkersFail): it will not be run.
    /// [`Start`](PoolError::Start), [`Io`](PoolError::Io): it may be run. What concerns the task alone, as
    /// arguments that cannot be written, is its result.
    pub fn apply_async<F, Args>(
        &self,
        function: F,
        args: Args,
    ) -> Result<AsyncResult<F::Return>, PoolError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        Calls::new(self).apply_async(function, args)
    }

    /// Runs a function for each item, and waits for what it returns for all of them, in their order.
    ///
    /// # Errors
    /// As [`apply_async`](Pool::apply_async) and [`AsyncResult::get`]: that of the first item that has one, after all
    /// have been run.
    pub fn map<F, A>(
        &self,
        function: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<Vec<F::Return>, PoolError>
    where
        F: Callable<(A,)>,
        A: Argument,
    {
        Calls::new(self).map(function, items)
    }

    /// Has a function run for each item.
    ///
    /// # Errors
    /// As [`apply_async`](Pool::apply_async).
    pub fn map_async<F, A>(
        &self,
        function: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<AsyncResult<Vec<F::Return>>, PoolError>
    where
        F: Callable<(A,)>,
        A: Argument,
    {
        Calls::new(self).map_async(function, items)
    }

    /// As [`map`](Pool::map), for a function of several arguments: each item is a tuple of them.
    ///
    /// # Errors
    /// As [`map`](Pool::map).
    pub fn starmap<F, Args>(
        &self,
        function: F,
        items: impl IntoIterator<Item = Args>,
    ) -> Result<Vec<F::Return>, PoolError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        Calls::new(self).starmap(function, items)
    }

    /// As [`map_async`](Pool::map_async), for a function of several arguments: each item is a tuple of them.
    ///
    /// # Errors
    /// As [`map_async`](Pool::map_async).
    pub fn starmap_async<F, Args>(
        &self,
        function: F,
        items: impl IntoIterator<Item = Args>,
    ) -> Result<AsyncResult<Vec<F::Return>>, PoolError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        Calls::new(self).starmap_async(function, items)
    }

    /// Runs a function for each item; gives the results one after another, in the order of the items. Items are made as
    /// results are taken: some 64 for each worker are under way, or wait. After [`close`](Pool::close) all that are left
    /// are made.
    ///
    /// # Errors
    /// As [`apply_async`](Pool::apply_async).
    pub fn imap<F, A, I>(&self, function: F, items: I) -> Result<Imap<F::Return>, PoolError>
    where
        F: Callable<(A,)>,
        A: Argument,
        I: IntoIterator<Item = A, IntoIter: Send + 'static>,
    {
        Calls::new(self).imap(function, items)
    }

    /// As [`imap`](Pool::imap), the results as they come.
    ///
    /// # Errors
    /// As [`imap`](Pool::imap).
    pub fn imap_unordered<F, A, I>(
        &self,
        function: F,
        items: I,
    ) -> Result<Imap<F::Return>, PoolError>
    where
        F: Callable<(A,)>,
        A: Argument,
        I: IntoIterator<Item = A, IntoIter: Send + 'static>,
    {
        Calls::new(self).imap_unordered(function, items)
    }

    /// Has a function run by its name, for someone else: `chunk` is a `Vec` of its arguments, as tuples, and the result
    /// will be a `Vec` of what it returns, each a `Result` whose error is a [`TaskPanic`]; both in postcard's format,
    /// and without shared objects.
    ///
    /// ```
    /// use forkproof::{Pool, TaskPanic};
    ///
    /// fn square(number: u64) -> u64 {
    ///     number * number
    /// }
    /// forkproof::callable!(square);
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let pool = Pool::new(1)?;
    ///     let chunk = postcard::to_allocvec(&vec![(3u64,), (4,)])?;
    ///     let returns = pool.run_named(std::any::type_name_of_val(&square), chunk)?.get()?;
    ///     let returns: Vec<Result<u64, TaskPanic>> = postcard::from_bytes(&returns)?;
    ///     assert_eq!(returns, [Ok(9), Ok(16)]);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`apply_async`](Pool::apply_async); [`PoolError::Unknown`] if it is not registered with
    /// [`callable!`](crate::callable).
    pub fn run_named(&self, name: &str, chunk: Vec<u8>) -> Result<AsyncResult<Vec<u8>>, PoolError> {
        Calls::new(self).run_named(name, chunk)
    }

    /// For who cannot wait inside [`run_named`](Pool::run_named)'s results, and has looked at all that it waits for
    /// when so much had [happened](Pool::happened).
    ///
    /// # Errors
    /// [`PoolError::Io`].
    pub(crate) fn watch(&self, looked: u64) -> Result<PoolWatch, PoolError> {
        PoolWatch::new(self.dispatcher.clone(), looked)
    }

    /// How much has been taken up, of results and of ends, by whoever did: to be asked before one looks.
    pub(crate) fn happened(&self) -> u64 {
        self.dispatcher.state().happened
    }

    /// Does what there is to do: for who is told of it by [`watch`](Pool::watch).
    ///
    /// # Errors
    /// [`PoolError::Start`], [`PoolError::Io`].
    pub(crate) fn tend(&self) -> Result<(), PoolError> {
        self.dispatcher.tend()
    }

    /// Does what there is to do; whether a closed pool has ended.
    ///
    /// # Errors
    /// As [`join`](Pool::join).
    pub(crate) fn try_join(&self) -> Result<bool, PoolError> {
        self.dispatcher.join_until(Until::after(Duration::ZERO))
    }

    /// How many of so many tasks travel together, if nothing else is said.
    pub(crate) fn share(&self, tasks: usize) -> usize {
        self.dispatcher.plan.share(tasks)
    }

    /// For calls with so many tasks to a chunk. What befalls a worker befalls the chunk that it had.
    ///
    /// # Errors
    /// [`PoolError::EmptyChunks`] if it is 0.
    pub fn chunks(&self, size: usize) -> Result<Calls<'_>, PoolError> {
        Calls::new(self).chunks(size)
    }

    /// For calls whose tasks are run again if their worker dies, up to so many times: see [`Calls::retries`].
    ///
    /// ```
    /// use forkproof::{Pool, Value};
    ///
    /// fn die_at_first(runs: Value<u32>) -> u32 {
    ///     runs.update(|runs| *runs += 1).expect("no owner died");
    ///     match runs.get().expect("no owner died") {
    ///         1 => std::process::abort(),
    ///         runs => runs,
    ///     }
    /// }
    ///
    /// let pool = Pool::new(1)?;
    /// assert_eq!(pool.retries(1).apply(die_at_first, (Value::new(0)?,))?, 2);
    /// # Ok::<(), forkproof::Error>(())
    /// ```
    pub fn retries(&self, times: u32) -> Calls<'_> {
        Calls::new(self).retries(times)
    }

    /// For calls whose tasks may take no longer than `limit` each: see [`Calls::time_limit`].
    pub fn time_limit(&self, limit: Duration) -> Calls<'_> {
        Calls::new(self).time_limit(limit)
    }

    /// No more tasks are taken. Those that were are run, and then the workers end. Nothing if it is closed or
    /// terminated already.
    ///
    /// # Errors
    /// [`PoolError::NotTheParent`]; [`Start`](PoolError::Start) and [`Io`](PoolError::Io), and the pool is closed.
    pub fn close(&self) -> Result<(), PoolError> {
        self.dispatcher.close()
    }

    /// Waits until all tasks are done and all workers have ended.
    ///
    /// # Errors
    /// [`PoolError::StillOpen`], [`NotTheParent`](PoolError::NotTheParent),
    /// [`Initializer`](PoolError::Initializer), [`WorkersFail`](PoolError::WorkersFail),
    /// [`Start`](PoolError::Start), [`Io`](PoolError::Io).
    pub fn join(&self) -> Result<(), PoolError> {
        self.dispatcher.join()
    }

    /// Kills the workers (SIGKILL), and waits until they have ended. Tasks that have no result do not get one:
    /// [`AsyncResult::get`] says [`PoolError::Terminated`], and their callbacks are not called. Nothing in a forked
    /// child.
    pub fn terminate(&self) {
        if self.dispatcher.is_made_here() {
            self.dispatcher.terminate();
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.terminate();
    }
}

/// As CPython's repr: `<Pool state=RUN pool_size=2>`; the others are CLOSE and TERMINATE.
impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.dispatcher.phase_name();
        let size = self.dispatcher.plan.processes;
        write!(f, "<Pool state={state} pool_size={size}>")
    }
}
