//! `JoinableQueue`: a queue whose putters can wait until all that was put has been worked on.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::channel::Channel;
use super::error::{GetError, TaskError};
use super::{QUEUE_BYTES, Queue, describe, tag};
use crate::raw::Patience;
use crate::raw::tasks::DoneRefused;
use crate::shm::{Block, Shared};
use crate::sync::patience;

/// A [`Queue`] of tasks: each item that was put is one, and is unfinished until [`task_done`](JoinableQueue::task_done)
/// was called for it. Puts and gets as its [`Queue`], to which it dereferences.
///
/// ```
/// use forkproof::{JoinableQueue, Process, Value};
///
/// fn add_up(numbers: JoinableQueue<i64>, sum: Value<i64>) -> forkproof::Result<()> {
///     for number in numbers.iter() {
///         let number = number?;
///         sum.update(|sum| *sum += number)?;
///         numbers.task_done()?;
///     }
///     Ok(())
/// }
///
/// fn main() -> forkproof::Result<()> {
///     let (numbers, sum) = (JoinableQueue::new()?, Value::new(0)?);
///     let child = Process::new(add_up, (numbers.clone(), sum.clone()));
///     child.start()?;
///     for number in [1, 2, 3] {
///         numbers.put(number)?;
///     }
///     numbers.join(); // until all of them are added
///     assert_eq!(sum.get()?, 6);
///     numbers.close()?;
///     child.join()?;
///     Ok(())
/// }
/// ```
///
/// # When a process dies
/// As [`Queue`]. A task counts with the very store that puts it in the queue, so the count is true whoever dies:
/// a putter that is killed has made a task or has not. **The task of a worker that was killed stays unfinished**, and
/// [`join`](JoinableQueue::join) goes on waiting, as there is no one who would know whether it was done. Whoever
/// learns of the death, by the worker's exit code, may put the item again, or not, and call
/// [`task_done`](JoinableQueue::task_done) in its place: anyone may. Or wait with
/// [`join_timeout`](JoinableQueue::join_timeout).
///
/// # Memory ordering
/// As [`Queue`]; what was written before `task_done` is seen after `join`.
pub struct JoinableQueue<T> {
    queue: Queue<T>,
}

impl<T> JoinableQueue<T> {
    /// With room for [`QUEUE_BYTES`].
    ///
    /// # Errors
    /// As [`Queue::new`].
    pub fn new() -> io::Result<JoinableQueue<T>> {
        JoinableQueue::with_capacity(None, QUEUE_BYTES)
    }

    /// With room for `items` items and [`QUEUE_BYTES`].
    ///
    /// # Errors
    /// As [`Queue::bounded`].
    pub fn bounded(items: usize) -> io::Result<JoinableQueue<T>> {
        JoinableQueue::with_capacity(Some(items), QUEUE_BYTES)
    }

    /// As [`Queue::with_capacity`].
    ///
    /// # Errors
    /// As [`Queue::with_capacity`].
    pub fn with_capacity(items: Option<usize>, bytes: usize) -> io::Result<JoinableQueue<T>> {
        let channel = Channel::new(items, bytes, tag::<JoinableQueue<T>>())?;
        Ok(JoinableQueue::over(channel))
    }

    /// One item that was put has been worked on.
    ///
    /// # Errors
    /// [`TaskError`]; nothing was counted.
    pub fn task_done(&self) -> Result<(), TaskError> {
        let channel = &self.queue.channel;
        let done = channel.tasks().done(|| channel.count_puts());
        done.map_err(|refused| match refused {
            DoneRefused::TooOften => TaskError::TooManyDone,
            DoneRefused::Corrupt => TaskError::Corrupt,
            DoneRefused::TooManyHeld => TaskError::TooManyHeld,
        })
    }

    /// Waits until every item that was put has been worked on.
    pub fn join(&self) {
        let joined = self.join_in(Patience::Endless);
        assert!(joined, "a wait without an end has come to one");
    }

    /// Waits for that no longer than `timeout`: whether it is so.
    pub fn join_timeout(&self, timeout: Duration) -> bool {
        self.join_in(patience(timeout))
    }

    fn join_in(&self, patience: Patience) -> bool {
        let channel = &self.queue.channel;
        let waited = channel.tasks().wait(|| channel.count_puts(), patience);
        waited.is_ok()
    }

    /// Items that were put and are not yet worked on, modulo 2^31: out of date as soon as it is known.
    pub fn unfinished(&self) -> usize {
        let channel = &self.queue.channel;
        channel.tasks().left(channel.count_puts()) as usize
    }

    fn over(channel: Channel) -> JoinableQueue<T> {
        JoinableQueue {
            queue: Queue::over(channel),
        }
    }
}

impl<T: DeserializeOwned> JoinableQueue<T> {
    /// As [`Queue::process`], and then [`task_done`](JoinableQueue::task_done). Killed between the two, a worker
    /// leaves a task that is done and counts as unfinished.
    ///
    /// # Errors
    /// As [`Queue::process`].
    ///
    /// # Panics
    /// If `work` does.
    pub fn process<R>(&self, work: impl FnOnce(T) -> R) -> Result<R, GetError> {
        let result = self.queue.process(work)?;
        self.processed(result)
    }

    /// As [`Queue::process_timeout`], and then [`task_done`](JoinableQueue::task_done), as in
    /// [`process`](JoinableQueue::process).
    ///
    /// # Errors
    /// As [`Queue::process_timeout`].
    ///
    /// # Panics
    /// If `work` does.
    pub fn process_timeout<R>(
        &self,
        timeout: Duration,
        work: impl FnOnce(T) -> R,
    ) -> Result<R, GetError> {
        let result = self.queue.process_timeout(timeout, work)?;
        self.processed(result)
    }

    fn processed<R>(&self, result: R) -> Result<R, GetError> {
        match self.task_done() {
            // Someone has called it once too often, and said so of this one.
            Ok(()) | Err(TaskError::TooManyDone) => Ok(result),
            Err(TaskError::Corrupt) => Err(GetError::Corrupt),
            Err(TaskError::TooManyHeld) => Err(GetError::TooManyHeld),
        }
    }
}

impl<T> Deref for JoinableQueue<T> {
    type Target = Queue<T>;

    fn deref(&self) -> &Queue<T> {
        &self.queue
    }
}

impl<T> Shared for JoinableQueue<T> {
    fn block(&self) -> &Block {
        self.queue.block()
    }

    fn part(&self, offset: usize) -> String {
        self.queue.part(offset)
    }
}

impl<T> Clone for JoinableQueue<T> {
    fn clone(&self) -> Self {
        JoinableQueue {
            queue: self.queue.clone(),
        }
    }
}

impl<T> fmt::Debug for JoinableQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(f, "JoinableQueue", self)
    }
}

impl<T> Serialize for JoinableQueue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.queue.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for JoinableQueue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<JoinableQueue<T>, D::Error> {
        let name = std::any::type_name::<JoinableQueue<T>>();
        Channel::deserialize(deserializer, name, tag::<JoinableQueue<T>>()).map(JoinableQueue::over)
    }
}
