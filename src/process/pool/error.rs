//! What can go wrong with a pool, and with a task.

use std::backtrace::Backtrace;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::journey;
use crate::data::{GetError, PutFailure, WaitError};
use crate::process::ProcessError;
use crate::sync::LockFailure;

/// Why a pool did not do what it was asked to, or why a task has no result. What befell a task is answered as often as
/// one asks, so this can be cloned. It travels as a serde value: see [`ManagerError::Pool`](crate::ManagerError::Pool).
#[derive(Clone, Debug, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// A pool has one worker at least.
    #[error("a pool has at least 1 worker")]
    NoWorkers,
    /// A chunk has one item at least.
    #[error("a chunk has at least 1 item")]
    EmptyChunks,
    /// The pool was closed: it takes no more tasks.
    #[error("the pool is closed: it takes no more tasks")]
    Closed,
    /// The pool was terminated, or dropped: it takes no more tasks, and what it had not finished has no result.
    #[error("the pool was terminated")]
    Terminated,
    /// Only a pool that was closed or terminated comes to an end.
    #[error("the pool is still open: close it first, or terminate it")]
    StillOpen,
    /// No function, or several, are registered under this name: see [`callable!`](crate::callable).
    #[error("no function is registered as `{name}` with `forkproof::callable!`")]
    Unknown { name: String },
    /// No function, or several, are registered under this name: see [`initializer!`](crate::initializer).
    #[error("no function is registered as `{name}` with `forkproof::initializer!`")]
    UnknownInitializer { name: String },
    /// The pool was made by another process, of which the calling process is a fork.
    #[error("only the process that made the pool can use it")]
    NotTheParent,
    /// There was no result for the whole time (`_timeout` forms only).
    #[error("there was no result for the whole time")]
    TimedOut,
    /// There is no result yet.
    #[error("there is no result yet")]
    NotReady,
    /// The task panicked.
    #[error("the task {0}")]
    Panicked(TaskPanic),
    /// The task's arguments cannot be written; it was not run.
    #[error("the task's arguments: {0}")]
    Unsendable(String),
    /// The task has run, and its result cannot be written.
    #[error("the task's result: {0}")]
    UnsendableResult(String),
    /// The task's arguments, or its result, cannot be read.
    #[error("the task: {0}")]
    Unreadable(String),
    /// The worker that had taken the task ended before it had a result: killed, or by `std::process::exit` in the task.
    /// The task has begun, or was about to. The worker was replaced.
    #[error("the worker that had {task} died ({})", end_text(*exit, *signal))]
    WorkerDied {
        /// Its exit code, if it ended by itself.
        exit: Option<i32>,
        /// The number of the signal that killed it. If this is `None`, too, then how it ended was lost, because
        /// something else in this program has waited for the worker.
        signal: Option<i32>,
        /// What it was at.
        task: LostTask,
    },
    /// The task took longer than its [limit](super::Calls::time_limit), so its worker was ended, and replaced.
    #[error("{task} took longer than {limit:?}")]
    TimeLimitExceeded { limit: Duration, task: LostTask },
    /// The worker has no timer for the task's [limit](super::Calls::time_limit), so the task was not run.
    #[error("there is no timer for the task's limit: {0}")]
    NoTimer(String),
    /// The initializer failed, panicked or ended its worker, or one worker after another was killed in it; the pool has
    /// stopped, and all that it had not finished has this for a result.
    #[error("the pool's initializer {why}")]
    Initializer { why: String },
    /// One worker after another ended before it could take a task; the pool has stopped, as above.
    #[error("the pool's workers end before they take a task ({})", end_text(*exit, *signal))]
    WorkersFail {
        /// The last one's exit code, and signal, as in `WorkerDied`.
        exit: Option<i32>,
        signal: Option<i32>,
    },
    /// A worker cannot be started. If that befell the replacement of a dead one, nothing is lost, and the next call
    /// tries again.
    #[error(transparent)]
    Start(#[serde(with = "journey::start_error")] Arc<ProcessError>),
    /// No memory, or no descriptors left. Nothing is lost, and the next call tries again.
    #[error("the pool cannot go on: {0}")]
    Io(#[serde(with = "journey::io_error")] Arc<io::Error>),
}

pub(super) fn end_text(exit: Option<i32>, signal: Option<i32>) -> String {
    match (exit, signal) {
        (_, Some(signal)) => format!("signal {signal}"),
        (Some(code), None) => format!("exit code {code}"),
        (None, None) => "its exit code was lost".into(),
    }
}

/// A task whose worker died with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostTask {
    /// The function's full name.
    pub function: String,
    /// Which of the call's items, counted from 0, the worker had begun last, or was about to. That of `apply` is 0.
    pub item: usize,
    /// Which items were in the same chunk: they are lost with it, also if they were done.
    pub chunk: Range<usize>,
}

/// `` item 7 of `my_program::square` ``, and those that are lost with it.
impl fmt::Display for LostTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {} of `{}`", self.item, self.function)?;
        match self.chunk.len() {
            ..=1 => Ok(()),
            _ => write!(f, ", in the chunk of {:?},", self.chunk),
        }
    }
}

impl PoolError {
    /// As a task's answer has it: in a small place, as most tasks do not panic.
    #[allow(clippy::boxed_local)] // it comes in one
    pub(crate) fn panicked(panic: Box<TaskPanic>) -> PoolError {
        PoolError::Panicked(*panic)
    }
}

/// What a task said when it panicked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskPanic {
    /// The panic's message.
    pub message: String,
    /// File, line and column.
    pub place: Option<String>,
    /// As text, for people: its form is the compiler's.
    pub backtrace: String,
}

/// `panicked at src/x.rs:3:5: message`; the backtrace with `{:#}`.
impl fmt::Display for TaskPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("panicked")?;
        if let Some(place) = &self.place {
            write!(f, " at {place}")?;
        }
        write!(f, ": {}", self.message)?;
        if f.alternate() {
            write!(f, "\n{}", self.backtrace)?;
        }
        Ok(())
    }
}

/// Any error of a task, in a form that travels: what the `?` operator makes of errors that are no serde values.
///
/// ```
/// use forkproof::{Failure, Pool};
///
/// fn parse(text: String) -> Result<i32, Failure> {
///     Ok(text.parse()?)
/// }
///
/// let pool = Pool::new(1)?;
/// assert_eq!(pool.apply(parse, ("42".to_owned(),))?.unwrap(), 42);
/// let failure = pool.apply(parse, ("many".to_owned(),))?.unwrap_err();
/// assert_eq!(failure.text, "invalid digit found in string");
/// assert_eq!(failure.type_name, "core::num::error::ParseIntError");
/// # Ok::<(), forkproof::PoolError>(())
/// ```
/// An error that is a serde value needs none of this: it comes back as itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What the error says.
    pub text: String,
    /// The error's type, for people: its form is the compiler's.
    pub type_name: String,
    /// What its sources say, the next first.
    pub sources: Vec<String>,
    /// Where it was met, as text, for people.
    pub backtrace: String,
}

/// As `anyhow::Error`, it is no `std::error::Error` itself, so that all of these can become it.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Failure {
        let first = error.source();
        let sources = std::iter::successors(first, |source| source.source());
        Failure {
            text: error.to_string(),
            type_name: std::any::type_name::<E>().to_owned(),
            sources: sources.map(ToString::to_string).collect(),
            backtrace: Backtrace::force_capture().to_string(),
        }
    }
}

/// The text; with `{:#}`, its sources as well.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if f.alternate() {
            for source in &self.sources {
                write!(f, ": {source}")?;
            }
        }
        Ok(())
    }
}

impl From<ProcessError> for PoolError {
    fn from(error: ProcessError) -> PoolError {
        PoolError::Start(Arc::new(error))
    }
}

impl From<io::Error> for PoolError {
    fn from(error: io::Error) -> PoolError {
        PoolError::Io(Arc::new(error))
    }
}

impl From<WaitError> for PoolError {
    fn from(error: WaitError) -> PoolError {
        PoolError::from(io::Error::other(error))
    }
}

impl From<GetError> for PoolError {
    fn from(error: GetError) -> PoolError {
        match error {
            GetError::Io(error) => error.into(),
            other => PoolError::from(io::Error::other(other)),
        }
    }
}

impl From<PutFailure> for PoolError {
    fn from(error: PutFailure) -> PoolError {
        match error {
            PutFailure::Io(error) => error.into(),
            other => PoolError::from(io::Error::other(other)),
        }
    }
}

impl From<LockFailure> for PoolError {
    fn from(error: LockFailure) -> PoolError {
        PoolError::from(io::Error::other(error))
    }
}
