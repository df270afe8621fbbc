//! `Chunked`: the calls of a pool that run a function many times, with a say in how many tasks travel together.

use std::sync::Arc;

use super::Pool;
use super::error::PoolError;
use super::feed::{Batch, pack};
use super::function::{Callable, run};
use super::imap::{Imap, Stream};
use super::result::{AsyncResult, Gathering, Outcome};
use crate::process::target::Argument;

/// A pool, with so many tasks to a chunk; made by [`Pool::chunks`]. Its calls are those of the [`Pool`].
///
/// ```
/// # fn square(number: u64) -> u64 { number * number }
/// # let pool = forkproof::Pool::new(2)?;
/// assert_eq!(pool.chunks(100)?.map(square, 1..=3)?, [1, 4, 9]);
/// # Ok::<(), forkproof::PoolError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Chunked<'a> {
    pool: &'a Pool,
    /// `None`: as CPython has it.
    size: Option<usize>,
}

/// So many chunks for each worker may wait in an [`Imap`].
const WINDOW: usize = 64;

impl<'a> Chunked<'a> {
    pub(super) fn new(pool: &'a Pool, size: Option<usize>) -> Chunked<'a> {
        Chunked { pool, size }
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
        let finish = |all: Vec<Result<F::Return, PoolError>>| all.into_iter().collect();
        let board = Gathering::new(items.len().div_ceil(size), finish, outcome);
        let loads = pack(items.into_iter(), size);
        let batch = Batch::new(run::<F, Args>, Box::new(loads), Arc::new(board))?;
        dispatcher.submit(batch)?;
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
        let batch = Batch::new(run::<F, (A,)>, Box::new(loads), stream.clone())?;
        dispatcher.submit(batch)?;
        Ok(Imap::new(dispatcher.clone(), stream))
    }
}
