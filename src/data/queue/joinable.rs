//! `JoinableQueue`: a queue whose putters can wait until all that was put has been worked on.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::channel::{Channel, Kind};
use super::error::{JoinError, TaskError};
use super::{QUEUE_BYTES, Queue, describe, hands};
use crate::raw::ring::tasks::{DoneRefused, JoinRefused};
use crate::raw::{Patience, RawTasks, Refused};
use crate::shm::{Block, Shared};
use crate::sync::patience;
use crate::sys::Os;

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
///     numbers.join()?; // until all of them are added
///     assert_eq!(sum.get()?, 6);
///     numbers.close()?;
///     child.join()?;
///     Ok(())
/// }
/// ```
///
/// # Whose a task is
/// From [`get`](Queue::get) until [`task_done`](JoinableQueue::task_done), it is the task of the thread that got it.
/// Another thread may say that it is done, in the same process or another one; then it is one of the caller's own
/// tasks that is done, if it has any, or else one of someone else's. [`process`](Queue::process) and
/// [`process_timeout`](Queue::process_timeout) do the work in the queue: with the very store that takes the item out,
/// it is done.
///
/// # When a process dies
/// As [`Queue`]. A task counts with the store that puts it in the queue, is its worker's with the store that takes it
/// out, and is done with one store: the count is true whoever dies. **A worker that is killed with tasks** is told to
/// all who wait in [`join`](JoinableQueue::join), at once, and to all who come to wait:
/// [`WorkerDied`](JoinError::WorkerDied), with how many tasks. So is a thread that ends with tasks while its process
/// lives on, or whose process lets go of the queue. Whether they were done, nobody knows; whoever does may put the items again, or not, and then
/// [writes them off](JoinableQueue::write_off). A task that is [processed](Queue::process) is in the queue again when
/// its worker dies, for the next one, and nobody needs to be told.
///
/// Of that the kernel tells for at most 100 threads at a time: what the hundred and first gets is nobody's task, and
/// if it dies, `join` waits on. A thread's place comes back when it ends, or has let go of the queue.
///
/// # When something else writes to its memory
/// As [`Queue`]. But a thread that got tasks has a place in the queue's memory, as the owner of a lock has it: links that
/// are changed there are followed.
///
/// # Memory ordering
/// As [`Queue`]; what was written before `task_done`, or in `process`, is seen after `join`.
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
        let channel = Channel::new(items, bytes, kind::<T>())?;
        Ok(JoinableQueue::over(channel))
    }

    /// One item that was got has been worked on.
    ///
    /// # Errors
    /// [`TaskError`]; nothing was counted.
    pub fn task_done(&self) -> Result<(), TaskError> {
        let hand = hands::own(self.queue.channel.block());
        self.tasks().done(hand).map_err(task_error)
    }

    /// Waits until every item that was put has been worked on.
    ///
    /// # Errors
    /// [`JoinError`].
    pub fn join(&self) -> Result<(), JoinError> {
        let joined = self.join_in(Patience::Endless)?;
        assert!(joined, "a wait without an end has come to one");
        Ok(())
    }

    /// Waits for that no longer than `timeout`: whether it is so.
    ///
    /// # Errors
    /// [`JoinError`].
    pub fn join_timeout(&self, timeout: Duration) -> Result<bool, JoinError> {
        self.join_in(patience(timeout))
    }

    fn join_in(&self, patience: Patience) -> Result<bool, JoinError> {
        match self.tasks().wait(patience) {
            Ok(()) => Ok(true),
            Err(JoinRefused::Dead(tasks)) => Err(JoinError::WorkerDied {
                tasks: tasks as usize,
            }),
            Err(JoinRefused::Refused(refused)) => match refused {
                Refused::TimedOut | Refused::WouldBlock => Ok(false),
                Refused::TooManyHeld => Err(JoinError::TooManyHeld),
                Refused::NotRecoverable | Refused::AlreadyHeld => Err(JoinError::Corrupt),
            },
        }
    }

    /// Counts the tasks as done that their workers died with, and returns how many those were. Whoever waits for the
    /// others goes on to do so.
    ///
    /// ```
    /// use forkproof::{JoinError, JoinableQueue, Process};
    ///
    /// fn die_of(tasks: JoinableQueue<u32>) {
    ///     let _task = tasks.get();
    ///     std::process::abort();
    /// }
    ///
    /// # fn main() -> forkproof::Result<()> {
    /// let tasks = JoinableQueue::new()?;
    /// tasks.put(7)?;
    /// Process::new(die_of, (tasks.clone(),)).start()?;
    /// assert_eq!(tasks.join(), Err(JoinError::WorkerDied { tasks: 1 }));
    /// tasks.put(7)?; // for someone else
    /// assert_eq!(tasks.write_off()?, 1);
    /// tasks.process(|task| assert_eq!(task, 7))?;
    /// tasks.join()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`TaskError`], but for `TooManyDone`; nothing was counted.
    ///
    /// # When a process dies
    /// Killed in it, the caller has written off some of the dead's tasks, or all, or none.
    pub fn write_off(&self) -> Result<usize, TaskError> {
        let written_off = self.tasks().write_off();
        written_off.map(|tasks| tasks as usize).map_err(task_error)
    }

    /// Items that were put and are not yet worked on, modulo 2^31: out of date as soon as it is known.
    pub fn unfinished(&self) -> usize {
        self.tasks().left() as usize
    }

    fn tasks(&self) -> RawTasks<'_, Os> {
        let tasks = self.queue.channel.tasks();
        tasks.expect("its kind counts tasks")
    }

    fn over(channel: Channel) -> JoinableQueue<T> {
        JoinableQueue {
            queue: Queue::over(channel),
        }
    }
}

fn kind<T>() -> Kind {
    Kind {
        counts_tasks: true,
        ..Kind::of::<JoinableQueue<T>>()
    }
}

fn task_error(refused: DoneRefused) -> TaskError {
    match refused {
        DoneRefused::TooOften => TaskError::TooManyDone,
        DoneRefused::Corrupt => TaskError::Corrupt,
        DoneRefused::TooManyHeld => TaskError::TooManyHeld,
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

impl<T> Drop for JoinableQueue<T> {
    fn drop(&mut self) {
        hands::let_go(self.queue.channel.block());
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
        Channel::deserialize(deserializer, kind::<T>()).map(JoinableQueue::over)
    }
}
