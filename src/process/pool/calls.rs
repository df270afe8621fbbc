//! `Calls`: the calls of a pool, with something said about how the tasks are to be run.

use std::sync::Arc;
use std::time::Duration;

use super::Pool;
use super::error::PoolError;
use super::feed::{Batch, Terms, pack, written};
use super::function::{Callable, Function};
use super::imap::{Imap, Stream};
use super::result::{AsyncResult, Gathering, Outcome, Row};
use crate::process::target::Argument;

/// The calls of a [`Pool`], with something said about how the tasks are to be run; made by [`Pool::chunks`],
/// [`Pool::retries`] and [`Pool::time_limit`].
///
/// ```
/// use forkproof::{Pool, PoolError};
/// use std::time::Duration;
///
/// fn search(number: u64) -> u64 {
///     while number == 3 {
///         std::thread::park(); // for ever
///     }
///     number
/// }
///
/// let pool = Pool::new(2)?;
/// let limited = pool.chunks(1)?.retries(2).time_limit(Duration::from_secs(1));
/// assert_eq!(limited.map(search, [1, 2])?, [1, 2]);
/// match limited.map(search, [1, 2, 3]) {
///     Err(PoolError::TimeLimitExceeded { task, .. }) => assert_eq!(task.item, 2),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), PoolError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is run before one of its calls"]
pub struct Calls<'a> {
    pool: &'a Pool,
    /// How many tasks travel together. `None`: as CPython has it.
    size: Option<usize>,
    terms: Terms,
}

/// So many chunks for each worker may wait in an [`Imap`].
const WINDOW: usize = 64;

impl<'a> Calls<'a> {
    pub(super) fn new(pool: &'a Pool) -> Calls<'a> {
        Calls {
            pool,
            size: None,
            terms: Terms::default(),
        }
    }

    /// See [`Pool::chunks`].
    ///
    /// # Errors
    /// As there.
    pub fn chunks(self, size: usize) -> Result<Calls<'a>, PoolError> {
        if size == 0 {
            return Err(PoolError::EmptyChunks);
        }
        Ok(Calls {
            size: Some(size),
            ..self
        })
    }

    /// A chunk of tasks whose worker died with it is run again, as a whole, by another worker, up to so many times;
    /// after that, or if this was not said, the answer is [`PoolError::WorkerDied`]. So a task may be run several
    /// times, each time up to any point, and must be one of which that is right. Nothing else is run again: neither
    /// panics, nor errors, nor tasks that exceeded their [limit](Calls::time_limit).
    ///
    /// The arguments are kept here, to be written again, until the answer has come: an end of a pipe among them stays
    /// open here, too.
    pub fn retries(self, times: u32) -> Calls<'a> {
        let terms = Terms {
            retries: times,
            ..self.terms
        };
        Calls { terms, ..self }
    }

    /// Each task may take so long, from the call of the function to its return; then the kernel ends its worker, also
    /// if the parent sleeps, and the answer to the tasks of its chunk is [`PoolError::TimeLimitExceeded`].
    ///
    /// A worker that is stopped (SIGSTOP), or has blocked the real-time signals, is killed a second later, and told of
    /// as [`PoolError::WorkerDied`] by SIGKILL.
    pub fn time_limit(self, limit: Duration) -> Calls<'a> {
        let terms = Terms {
            limit: Some(limit),
            ..self.terms
        };
        Calls { terms, ..self }
    }

    /// See [`Pool::apply`].
    ///
    /// # Errors
    /// As there.
    pub fn apply<F, Args>(self, function: F, args: Args) -> Result<F::Return, PoolError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        self.apply_async(function, args)?.into_inner()
    }

    /// See [`Pool::apply_async`].
    ///
    /// # Errors
    /// As there.
    pub fn apply_async<F, Args>(
        self,
        _function: F,
        args: Args,
    ) -> Result<AsyncResult<F::Return>, PoolError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        let dispatcher = &self.pool.dispatcher;
        let outcome = Arc::new(Outcome::new());
        let result = AsyncResult::new(dispatcher.clone(), outcome.clone());
        let finish = |all: Vec<F::Return>| {
            let only = all.into_iter().next();
            only.expect("a chunk has one answer at least")
        };
        let board = Gathering::new(1, finish, outcome);
        let loads = Box::new(pack(std::iter::once(args), 1));
        let function = Function::of::<F, Args>()?;
        dispatcher.submit(Batch::new(function, self.terms, loads, Arc::new(board)))?;
        Ok(result)
    }

    /// See [`Pool::run_named`].
    ///
    /// # Errors
    /// As there.
    pub fn run_named(self, name: &str, chunk: Vec<u8>) -> Result<AsyncResult<Vec<u8>>, PoolError> {
        let mut results = self.run_chunks(name, vec![chunk])?;
        Ok(results.pop().expect("each chunk has a result"))
    }

    /// As [`run_named`](Calls::run_named), for the chunks of one call, each of which has a result.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn run_chunks(
        self,
        name: &str,
        chunks: Vec<Vec<u8>>,
    ) -> Result<Vec<AsyncResult<Vec<u8>>>, PoolError> {
        let unknown = || PoolError::Unknown { name: name.into() };
        let function = Function::named(name)?.ok_or_else(unknown)?;
        let dispatcher = &self.pool.dispatcher;
        let row = Row::new(chunks.len());
        let results = row.outcomes();
        let loads = Box::new(written(chunks));
        dispatcher.submit(Batch::new(function, self.terms, loads, Arc::new(row)))?;
        let result = |outcome| AsyncResult::new(dispatcher.clone(), outcome);
        Ok(results.map(result).collect())
    }

    /// See [`Pool::map`].
    ///
    /// # Errors
    /// As there.
    pub fn map<F, A>(
        self,
        function: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<Vec<F::Return>, PoolError>
    where
        F: Callable<(A,)>,
        A: Argument,
    {
        self.map_async(function, items)?.into_inner()
    }

    /// See [`Pool::map_async`].
    ///
    /// # Errors
    /// As there.
    pub fn map_async<F, A>(
        self,
        function: F,
        items: impl IntoIterator<Item = A>,
    ) -> Result<AsyncResult<Vec<F::Return>>, PoolError>
    where
        F: Callable<(A,)>,
        A: Argument,
    {
        self.starmap_async(function, items.into_iter().map(|item| (item,)))
    }

    /// See [`Pool::starmap`].
    ///
    /// # Errors
    /// As there.
    pub fn starmap<F, Args>(
        self,
        function: F,
        items: impl IntoIterator<Item = Args>,
    ) -> Result<Vec<F::Return>, PoolError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        self.starmap_async(function, items)?.into_inner()
    }

    /// See [`Pool::starmap_async`].
    ///
    /// # Errors
    /// As there.
    pub fn starmap_async<F, Args>(
        self,
        _function: F,
        items: impl IntoIterator<Item = Args>,
    ) -> Result<AsyncResult<Vec<F::Return>>, PoolError>
    where
        F: Callable<Args>,
        Args: Argument,
    {
        let items: Vec<Args> = items.into_iter().collect();
        let dispatcher = &self.pool.dispatcher;
        let size = self
            .size
            .unwrap_or_else(|| dispatcher.plan.share(items.len()));
        let outcome = Arc::new(Outcome::new());
        let result = AsyncResult::new(dispatcher.clone(), outcome.clone());
        if items.is_empty() {
            dispatcher.check_open()?;
            outcome.settle(Ok(Vec::new()));
            return Ok(result);
        }
        let board = Gathering::new(items.len().div_ceil(size), |all| all, outcome);
        let loads = Box::new(pack(items.into_iter(), size));
        let function = Function::of::<F, Args>()?;
        dispatcher.submit(Batch::new(function, self.terms, loads, Arc::new(board)))?;
        Ok(result)
    }

    /// See [`Pool::imap`].
    ///
    /// # Errors
    /// As there.
    pub fn imap<F, A, I>(self, function: F, items: I) -> Result<Imap<F::Return>, PoolError>
    where
        F: Callable<(A,)>,
        A: Argument,
        I: IntoIterator<Item = A, IntoIter: Send + 'static>,
    {
        self.stream(function, items, true)
    }

    /// See [`Pool::imap_unordered`].
    ///
    /// # Errors
    /// As there.
    pub fn imap_unordered<F, A, I>(
        self,
        function: F,
        items: I,
    ) -> Result<Imap<F::Return>, PoolError>
    where
        F: Callable<(A,)>,
        A: Argument,
        I: IntoIterator<Item = A, IntoIter: Send + 'static>,
    {
        self.stream(function, items, false)
    }

    fn stream<F, A, I>(
        self,
        _function: F,
        items: I,
        is_ordered: bool,
    ) -> Result<Imap<F::Return>, PoolError>
    where
        F: Callable<(A,)>,
        A: Argument,
        I: IntoIterator<Item = A, IntoIter: Send + 'static>,
    {
        let dispatcher = &self.pool.dispatcher;
        let stream = Arc::new(Stream::new(is_ordered, WINDOW * dispatcher.plan.processes));
        let items = items.into_iter().map(|item| (item,));
        let loads = pack(items, self.size.unwrap_or(1));
        let function = Function::of::<F, (A,)>()?;
        let batch = Batch::new(function, self.terms, Box::new(loads), stream.clone());
        dispatcher.submit(batch)?;
        Ok(Imap::new(dispatcher.clone(), stream))
    }
}
