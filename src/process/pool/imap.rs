//! `Imap`: results one after another, while the tasks are still being made.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::dispatcher::{Dispatcher, Until};
use super::envelope::Envelope;
use super::error::PoolError;
use super::feed::Board;
use super::result::opened;
use crate::process::target::Argument;

/// The results of [`imap`](super::Pool::imap), in the order of the tasks, or of
/// [`imap_unordered`](super::Pool::imap_unordered), as they come.
///
/// Each task has one result, also if it is an error; after that of a task that panicked come those of the others.
/// When the pool has stopped, one error, and then the end.
#[must_use = "tasks beyond the first few are made when results are taken"]
pub struct Imap<R> {
    dispatcher: Arc<Dispatcher>,
    stream: Arc<Stream<R>>,
    /// The pool said that there will be no more.
    is_over: bool,
}

pub(super) struct Stream<R> {
    flow: Mutex<Flow<R>>,
    is_ordered: bool,
    /// How many chunks may be under way, or wait to be taken.
    window: usize,
}

struct Flow<R> {
    /// To be taken next.
    there: VecDeque<Result<R, PoolError>>,
    /// By chunk, those that have overtaken others.
    early: BTreeMap<usize, Vec<Result<R, PoolError>>>,
    /// Of how many chunks, in front, all is there or was taken.
    passed: usize,
    /// How many chunks were made in all, when that is known.
    chunks: Option<usize>,
}

impl<R> Stream<R> {
    pub fn new(is_ordered: bool, window: usize) -> Stream<R> {
        Stream {
            flow: Mutex::new(Flow {
                there: VecDeque::new(),
                early: BTreeMap::new(),
                passed: 0,
                chunks: None,
            }),
            is_ordered,
            window,
        }
    }

    fn flow(&self) -> MutexGuard<'_, Flow<R>> {
        // No user's code runs under it.
        self.flow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R> Flow<R> {
    /// All was taken that there will be.
    fn is_dry(&self) -> bool {
        self.there.is_empty() && self.chunks == Some(self.passed)
    }
}

impl<R: Argument> Board for Stream<R> {
    fn post(&self, chunk: usize, tasks: usize, answer: Result<Envelope, PoolError>) {
        let answers: Vec<_> = match opened(answer) {
            Ok(returns) => {
                let returns = returns.into_iter();
                returns.map(|it| it.map_err(PoolError::panicked)).collect()
            }
            Err(error) => (0..tasks).map(|_| Err(error.clone())).collect(),
        };
        let mut flow = self.flow();
        if !self.is_ordered {
            flow.there.extend(answers);
            flow.passed += 1;
            return;
        }
        flow.early.insert(chunk, answers);
        loop {
            let next = flow.passed;
            let Some(answers) = flow.early.remove(&next) else {
                break;
            };
            flow.there.extend(answers);
            flow.passed += 1;
        }
    }

    fn ends(&self, chunks: usize, failure: Option<PoolError>) {
        let mut flow = self.flow();
        flow.chunks = Some(chunks);
        flow.there.extend(failure.map(Err));
    }

    fn wants(&self, chunks: usize) -> bool {
        let flow = self.flow();
        // At least one task waits in each chunk that was passed and not taken.
        let taken = flow.passed.saturating_sub(flow.there.len());
        chunks - taken.min(chunks) < self.window
    }
}

impl<R> Imap<R> {
    pub(super) fn new(dispatcher: Arc<Dispatcher>, stream: Arc<Stream<R>>) -> Imap<R> {
        Imap {
            dispatcher,
            stream,
            is_over: false,
        }
    }

    /// The next result, waiting for it no longer than `timeout`; `None` at the end.
    ///
    /// # Errors
    /// That of the task, or of the pool, as in [`AsyncResult::get`](super::AsyncResult::get);
    /// [`PoolError::TimedOut`], and the result is still to come.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<R>, PoolError> {
        self.take(Until::after(timeout))
    }

    fn take(&mut self, until: Until) -> Result<Option<R>, PoolError> {
        let is_there = || {
            let flow = self.stream.flow();
            !flow.there.is_empty() || flow.is_dry()
        };
        if self.is_over {
            return Ok(None);
        }
        let attended = self.dispatcher.attend(until, &|_| is_there());
        let mut flow = self.stream.flow();
        if let Some(next) = flow.there.pop_front() {
            return next.map(Some);
        }
        drop(flow);
        match attended {
            Ok(true) => Ok(None),
            Ok(false) => Err(PoolError::TimedOut),
            Err(error) => {
                self.is_over = matches!(error, PoolError::Terminated | PoolError::NotTheParent);
                Err(error)
            }
        }
    }
}

impl<R> Iterator for Imap<R> {
    type Item = Result<R, PoolError>;

    /// Waits for the next result; see [`next_timeout`](Imap::next_timeout).
    fn next(&mut self) -> Option<Result<R, PoolError>> {
        self.take(Until::Endless).transpose()
    }
}

impl<R> fmt::Debug for Imap<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flow = self.stream.flow();
        write!(f, "<Imap with {} results>", flow.there.len())
    }
}
