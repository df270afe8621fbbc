//! How a pool is to be.

use std::sync::Arc;
use std::thread;

use super::Pool;
use super::dispatcher::Dispatcher;
use super::error::PoolError;
use super::initializer::Prepared;
use super::staff::Plan;
use crate::process::StartMethod;
use crate::process::target::{Argument, Target};

/// How a [`Pool`] is to be; made by [`Pool::builder`].
///
/// ```
/// use forkproof::{Pool, Value};
///
/// fn introduce(workers: Value<u32>) -> forkproof::Result<()> {
///     Ok(workers.update(|count| *count += 1)?)
/// }
///
/// fn double(number: i32) -> i32 {
///     2 * number
/// }
///
/// let workers = Value::new(0)?;
/// let pool = Pool::builder()
///     .processes(1)
///     .initializer(introduce, (workers.clone(),))?
///     .build()?;
/// assert_eq!(pool.map(double, [1, 2])?, [2, 4]);
/// assert_eq!(workers.get()?, 1);
/// # Ok::<(), forkproof::Error>(())
/// ```
#[must_use = "build() makes the pool"]
pub struct PoolBuilder {
    plan: Plan,
}

impl PoolBuilder {
    pub(super) fn new() -> PoolBuilder {
        let processes = thread::available_parallelism().map_or(1, usize::from);
        PoolBuilder {
            plan: Plan {
                processes,
                method: None,
                most_tasks: None,
                initializer: None,
            },
        }
    }

    /// So many workers. Otherwise there is one for each processor that this process may use.
    pub fn processes(mut self, count: usize) -> PoolBuilder {
        self.plan.processes = count;
        self
    }

    /// Each worker calls this function with these arguments before its first task. If it fails, panics or ends the
    /// worker, or if one worker after another is killed in it, the pool stops: see [`PoolError::Initializer`].
    ///
    /// # Errors
    /// [`PoolError::Io`]: the function lies in a shared library.
    pub fn initializer<F: Target<Args>, Args: Argument + Sync>(
        mut self,
        _function: F,
        args: Args,
    ) -> Result<PoolBuilder, PoolError> {
        self.plan.initializer = Some(Prepared::new::<F, Args>(args)?);
        Ok(self)
    }

    /// As [`initializer`](PoolBuilder::initializer), for someone else: a function by its name, and a tuple of arguments
    /// in postcard's format, without shared objects.
    ///
    /// # Errors
    /// [`PoolError::UnknownInitializer`], [`PoolError::Io`].
    pub(crate) fn initializer_named(
        mut self,
        name: &str,
        args: Vec<u8>,
    ) -> Result<PoolBuilder, PoolError> {
        self.plan.initializer = Some(Prepared::named(name, args)?);
        Ok(self)
    }

    /// Each worker ends after so many chunks of tasks, at least 1, and is replaced.
    ///
    /// # Panics
    /// If it is 0.
    pub fn max_tasks_per_child(mut self, chunks: u64) -> PoolBuilder {
        assert!(chunks > 0, "a worker does one chunk of tasks at least");
        self.plan.most_tasks = Some(chunks);
        self
    }

    /// How the workers are started. Otherwise as [`start_method`](crate::process::start_method) says.
    pub fn start_method(mut self, method: StartMethod) -> PoolBuilder {
        self.plan.method = Some(method);
        self
    }

    /// The pool, with its workers started.
    ///
    /// # Errors
    /// [`PoolError::NoWorkers`]; [`Start`](PoolError::Start) if none can be started, in a daemon for example;
    /// [`Unsendable`](PoolError::Unsendable) if the initializer's arguments cannot be written;
    /// [`Io`](PoolError::Io).
    pub fn build(self) -> Result<Pool, PoolError> {
        if self.plan.processes == 0 {
            return Err(PoolError::NoWorkers);
        }
        let dispatcher = Arc::new(Dispatcher::new(self.plan)?);
        Ok(Pool { dispatcher })
    }
}
