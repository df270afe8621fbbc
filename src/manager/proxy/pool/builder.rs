//! How a manager's pool is to be.

use std::any::type_name;

use super::PoolProxy;
use crate::manager::error::ManagerError;
use crate::manager::item::{Item, ItemError, to_item};
use crate::manager::manager::Manager;
use crate::process::{Argument, StartMethod, Target};

/// How a [`PoolProxy`] is to be; made by [`Manager::pool_builder`].
///
/// ```
/// use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
///
/// use forkproof::manager::{Manager, ManagerError};
///
/// static FACTOR: AtomicI64 = AtomicI64::new(1);
///
/// fn set_factor(factor: i64) {
///     FACTOR.store(factor, Relaxed);
/// }
/// forkproof::initializer!(set_factor);
///
/// fn scale(number: i64) -> i64 {
///     number * FACTOR.load(Relaxed)
/// }
/// forkproof::callable!(scale);
///
/// fn main() -> Result<(), ManagerError> {
///     let manager = Manager::start()?;
///     let pool = manager
///         .pool_builder()
///         .processes(1)
///         .initializer(set_factor, (10,))?
///         .build()?;
///     assert_eq!(pool.map(scale, [1, 2])?, [10, 20]);
///     Ok(())
/// }
/// ```
#[must_use = "build() makes the pool"]
pub struct PoolProxyBuilder<'a> {
    manager: &'a Manager,
    processes: Item,
    most_tasks: Item,
    method: Item,
    /// The function's name.
    initializer: Item,
    initargs: Item,
}

impl<'a> PoolProxyBuilder<'a> {
    pub(in crate::manager) fn new(manager: &'a Manager) -> PoolProxyBuilder<'a> {
        PoolProxyBuilder {
            manager,
            processes: Item::None,
            most_tasks: Item::None,
            method: Item::None,
            initializer: Item::None,
            initargs: Item::None,
        }
    }

    /// So many workers. Otherwise there is one for each processor that the server may use.
    pub fn processes(mut self, count: usize) -> PoolProxyBuilder<'a> {
        self.processes = Item::Int(count as i128);
        self
    }

    /// Each worker calls this function with these arguments before its first task. The server's program must have it
    /// registered with [`initializer!`](crate::initializer). If it fails, panics or ends the worker, or if one worker
    /// after another is killed in it, the pool stops: see [`PoolError::Initializer`](crate::PoolError::Initializer).
    ///
    /// # Errors
    /// [`Item`](ManagerError::Item): the arguments cannot be written, or hold shared objects.
    pub fn initializer<F: Target<Args>, Args: Argument>(
        mut self,
        _function: F,
        args: Args,
    ) -> Result<PoolProxyBuilder<'a>, ManagerError> {
        let args = postcard::to_allocvec(&args);
        let refused = |error| ItemError(format!("the initializer's arguments: {error}"));
        self.initargs = Item::Bytes(args.map_err(refused)?);
        self.initializer = type_name::<F>().into();
        Ok(self)
    }

    /// Each worker ends after so many chunks of tasks, at least 1, and is replaced.
    ///
    /// # Panics
    /// If it is 0.
    pub fn max_tasks_per_child(mut self, chunks: u64) -> PoolProxyBuilder<'a> {
        assert!(chunks > 0, "a worker does one chunk of tasks at least");
        self.most_tasks = chunks.into();
        self
    }

    /// How the server starts the workers. Otherwise as [`start_method`](crate::process::start_method) says there.
    pub fn start_method(mut self, method: StartMethod) -> PoolProxyBuilder<'a> {
        self.method = to_item(&method).expect("a start method is a word");
        self
    }

    /// The pool, with its workers started.
    ///
    /// # Errors
    /// [`Pool`](ManagerError::Pool): [`NoWorkers`](crate::PoolError::NoWorkers);
    /// [`Start`](crate::PoolError::Start) if none can be started;
    /// [`UnknownInitializer`](crate::PoolError::UnknownInitializer); [`Io`](crate::PoolError::Io). Those of whatever a
    /// manager makes.
    pub fn build(self) -> Result<PoolProxy, ManagerError> {
        let args = vec![
            self.processes,
            self.most_tasks,
            self.method,
            self.initializer,
            self.initargs,
        ];
        self.manager.create("Pool", args).map(PoolProxy::over)
    }
}
