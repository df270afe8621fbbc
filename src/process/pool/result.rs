//! `AsyncResult`: the result of tasks that may still be under way.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::dispatcher::{Dispatcher, Until};
use super::envelope::Envelope;
use super::error::PoolError;
use super::feed::Board;
use super::function::{Returns, told};
use crate::process::target::Argument;

/// The result of [`apply_async`](super::Pool::apply_async), [`map_async`](super::Pool::map_async) or
/// [`starmap_async`](super::Pool::starmap_async), which may still be under way.
///
/// Its methods may be called from any thread. Dropping it does not stop the tasks.
///
/// ```
/// use forkproof::{Pool, PoolError};
/// use std::time::Duration;
///
/// fn sleep(milliseconds: u64) -> u64 {
///     std::thread::sleep(Duration::from_millis(milliseconds));
///     milliseconds
/// }
///
/// let pool = Pool::new(1)?;
/// let result = pool.apply_async(sleep, (200,))?;
/// assert!(matches!(result.successful(), Err(PoolError::NotReady)));
/// assert!(matches!(result.get_timeout(Duration::from_millis(1)), Err(PoolError::TimedOut)));
/// assert_eq!(result.get()?, 200);
/// assert!(result.ready() && result.successful()?);
/// # Ok::<(), PoolError>(())
/// ```
pub struct AsyncResult<V> {
    dispatcher: Arc<Dispatcher>,
    outcome: Arc<Outcome<V>>,
}

pub(super) struct Outcome<V> {
    stage: Mutex<Stage<V>>,
}

type Callback<V> = Box<dyn FnOnce(&Result<V, PoolError>) + Send>;

enum Stage<V> {
    /// These are to be called.
    UnderWay(Vec<Callback<V>>),
    /// One runs on this thread; these came meanwhile.
    Calling(ThreadId, Vec<Callback<V>>),
    Settled(Result<V, PoolError>),
}

impl<V> AsyncResult<V> {
    pub(super) fn new(dispatcher: Arc<Dispatcher>, outcome: Arc<Outcome<V>>) -> AsyncResult<V> {
        AsyncResult {
            dispatcher,
            outcome,
        }
    }

    /// Has `callback` called with the value, once, if the tasks succeed: by the thread, and inside the call, that takes
    /// the last answer up (see [`Pool`](super::Pool)); at once, if that has happened. The value is there for others
    /// when the callback has returned.
    ///
    /// # Panics
    /// If the callback does, in the call that runs it. The result is there nevertheless.
    pub fn callback(self, callback: impl FnOnce(&V) + Send + 'static) -> AsyncResult<V> {
        self.outcome.add(Box::new(|result| {
            if let Ok(value) = result {
                callback(value);
            }
        }));
        self
    }

    /// As [`callback`](AsyncResult::callback), if the tasks do not succeed.
    ///
    /// # Panics
    /// As [`callback`](AsyncResult::callback).
    pub fn error_callback(
        self,
        callback: impl FnOnce(&PoolError) + Send + 'static,
    ) -> AsyncResult<V> {
        self.outcome.add(Box::new(|result| {
            if let Err(error) = result {
                callback(error);
            }
        }));
        self
    }

    /// Waits for the result. Any number of times; [`into_inner`](AsyncResult::into_inner) is for values that cannot be
    /// cloned.
    ///
    /// # Errors
    /// Of a map's tasks, the error of the first in order that has one, when all have been run:
    /// [`PoolError::Panicked`], [`Unsendable`](PoolError::Unsendable),
    /// [`UnsendableResult`](PoolError::UnsendableResult), [`Unreadable`](PoolError::Unreadable),
    /// [`WorkerDied`](PoolError::WorkerDied). Of the pool: [`Terminated`](PoolError::Terminated),
    /// [`Initializer`](PoolError::Initializer), [`WorkersFail`](PoolError::WorkersFail),
    /// [`Start`](PoolError::Start), [`Io`](PoolError::Io), [`NotTheParent`](PoolError::NotTheParent).
    /// In a callback of its own: [`NotReady`](PoolError::NotReady).
    pub fn get(&self) -> Result<V, PoolError>
    where
        V: Clone,
    {
        self.wait()?;
        self.outcome.cloned()
    }

    /// As [`get`](AsyncResult::get), no longer than `timeout`.
    ///
    /// # Errors
    /// As [`get`](AsyncResult::get); [`PoolError::TimedOut`].
    pub fn get_timeout(&self, timeout: Duration) -> Result<V, PoolError>
    where
        V: Clone,
    {
        if !self.wait_timeout(timeout)? {
            return Err(PoolError::TimedOut);
        }
        self.outcome.cloned()
    }

    /// Waits for the result, and takes it.
    ///
    /// # Errors
    /// As [`get`](AsyncResult::get).
    pub fn into_inner(self) -> Result<V, PoolError> {
        self.wait()?;
        let taken = std::mem::replace(&mut *self.outcome.stage(), Stage::under_way());
        match taken {
            Stage::Settled(result) => result,
            _ => Err(PoolError::NotReady),
        }
    }

    /// Waits until there is a result, be it an error.
    ///
    /// # Errors
    /// Those of the pool in [`get`](AsyncResult::get).
    pub fn wait(&self) -> Result<(), PoolError> {
        self.attend(Until::Endless).map(|_| ())
    }

    /// Waits until there is a result, no longer than `timeout`. Whether there is.
    ///
    /// # Errors
    /// As [`wait`](AsyncResult::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool, PoolError> {
        self.attend(Until::after(timeout))
    }

    /// Whether there is a result, be it an error. Takes up what has arrived.
    pub fn ready(&self) -> bool {
        self.wait_timeout(Duration::ZERO).unwrap_or(false)
    }

    /// Whether the tasks succeeded. A task that returns a `Result` has succeeded in doing so.
    ///
    /// # Errors
    /// [`PoolError::NotReady`].
    pub fn successful(&self) -> Result<bool, PoolError> {
        self.ready();
        match &*self.outcome.stage() {
            Stage::Settled(result) => Ok(result.is_ok()),
            _ => Err(PoolError::NotReady),
        }
    }

    fn attend(&self, until: Until) -> Result<bool, PoolError> {
        let is_there = self.outcome.is_settled();
        Ok(is_there
            || self
                .dispatcher
                .attend(until, &|_| self.outcome.is_settled())?)
    }
}

impl<V> Stage<V> {
    fn under_way() -> Stage<V> {
        Stage::UnderWay(Vec::new())
    }
}

impl<V> Outcome<V> {
    pub fn new() -> Outcome<V> {
        Outcome {
            stage: Mutex::new(Stage::under_way()),
        }
    }

    /// In a callback of its own there is nothing to wait for.
    fn is_settled(&self) -> bool {
        match &*self.stage() {
            Stage::UnderWay(_) => false,
            Stage::Calling(caller, _) => *caller == thread::current().id(),
            Stage::Settled(_) => true,
        }
    }

    fn cloned(&self) -> Result<V, PoolError>
    where
        V: Clone,
    {
        match &*self.stage() {
            Stage::Settled(result) => result.clone(),
            _ => Err(PoolError::NotReady),
        }
    }

    pub(super) fn settle(&self, result: Result<V, PoolError>) {
        let mut stage = self.stage();
        let former = std::mem::replace(&mut *stage, Stage::Settled(result));
        if let Stage::UnderWay(callbacks) = former {
            self.call(stage, callbacks);
        }
    }

    fn add(&self, callback: Callback<V>) {
        let mut stage = self.stage();
        match &mut *stage {
            Stage::UnderWay(callbacks) | Stage::Calling(_, callbacks) => callbacks.push(callback),
            Stage::Settled(_) => self.call(stage, vec![callback]),
        }
    }

    /// Calls them with the result that is there, outside of the lock.
    fn call<'a>(&'a self, mut stage: MutexGuard<'a, Stage<V>>, mut callbacks: Vec<Callback<V>>) {
        let calling = || Stage::Calling(thread::current().id(), Vec::new());
        while !callbacks.is_empty() {
            let Stage::Settled(result) = std::mem::replace(&mut *stage, calling()) else {
                unreachable!("a result is there before anyone is called");
            };
            drop(stage);
            let called = panic::catch_unwind(AssertUnwindSafe(|| {
                callbacks.drain(..).for_each(|callback| callback(&result));
            }));
            stage = self.stage();
            let came = std::mem::replace(&mut *stage, Stage::Settled(result));
            if let Err(payload) = called {
                drop(stage);
                panic::resume_unwind(payload);
            }
            if let Stage::Calling(_, later) = came {
                callbacks = later;
            }
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage<V>> {
        // Only whole stages are written.
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Collects the answers to a call's tasks; when all are there, makes them the call's result.
pub(super) struct Gathering<R, V> {
    parts: Mutex<Parts<R>>,
    finish: Finish<R, V>,
    outcome: Arc<Outcome<V>>,
}

type Finish<R, V> = fn(Vec<R>) -> V;

/// What each task of a chunk returned, or the error of the first that has one.
type Part<R> = Result<Vec<R>, PoolError>;

struct Parts<R> {
    chunks: Vec<Option<Part<R>>>,
    missing: usize,
}

impl<R, V> Gathering<R, V> {
    /// Of so many chunks, of which there is one at least.
    pub fn new(chunks: usize, finish: Finish<R, V>, outcome: Arc<Outcome<V>>) -> Gathering<R, V> {
        let parts = Parts {
            chunks: (0..chunks).map(|_| None).collect(),
            missing: chunks,
        };
        Gathering {
            parts: Mutex::new(parts),
            finish,
            outcome,
        }
    }
}

/// The answers to a chunk's tasks.
///
/// # Errors
/// There is none to any of them.
pub(super) fn opened<R: Argument>(
    answer: Result<Envelope, PoolError>,
) -> Result<Returns<R>, PoolError> {
    let envelope = answer?;
    told(|| envelope.open()).map_err(PoolError::Unreadable)
}

impl<R: Argument, V: Send> Board for Gathering<R, V> {
    fn post(&self, chunk: usize, _: usize, answer: Result<Envelope, PoolError>) {
        let part = opened(answer).and_then(|returns: Returns<R>| {
            let part = returns.into_iter().collect::<Result<_, _>>();
            part.map_err(PoolError::panicked)
        });
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.chunks[chunk] = Some(part);
        parts.missing -= 1;
        if parts.missing > 0 {
            return;
        }
        let all = std::mem::take(&mut parts.chunks);
        drop(parts);
        let all: Result<Vec<Vec<R>>, PoolError> = all.into_iter().flatten().collect();
        let all = all.map(|parts| parts.into_iter().flatten().collect());
        self.outcome.settle(all.map(self.finish));
    }

    fn ends(&self, _: usize, failure: Option<PoolError>) {
        if let Some(failure) = failure {
            self.outcome.settle(Err(failure));
        }
    }

    fn wants(&self, _: usize) -> bool {
        true
    }
}

/// The answers to each chunk of a call as they were written.
pub(super) struct Row(Vec<Arc<Outcome<Vec<u8>>>>);

impl Row {
    pub fn new(chunks: usize) -> Row {
        Row((0..chunks).map(|_| Arc::new(Outcome::new())).collect())
    }

    pub fn outcomes(&self) -> std::vec::IntoIter<Arc<Outcome<Vec<u8>>>> {
        self.0.clone().into_iter()
    }
}

impl Board for Row {
    fn post(&self, chunk: usize, _: usize, answer: Result<Envelope, PoolError>) {
        let bytes = |envelope: Envelope| {
            let bytes = envelope.into_bytes();
            bytes.map_err(|error| PoolError::UnsendableResult(error.to_string()))
        };
        self.0[chunk].settle(answer.and_then(bytes));
    }

    fn ends(&self, chunks: usize, failure: Option<PoolError>) {
        let Some(failure) = failure else {
            return;
        };
        for never_packed in &self.0[chunks..] {
            never_packed.settle(Err(failure.clone()));
        }
    }

    fn wants(&self, _: usize) -> bool {
        true
    }
}

impl<V> fmt::Debug for AsyncResult<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.outcome.stage() {
            Stage::UnderWay(_) | Stage::Calling(..) => "<AsyncResult under way>",
            Stage::Settled(Ok(_)) => "<AsyncResult of success>",
            Stage::Settled(Err(_)) => "<AsyncResult of failure>",
        })
    }
}
