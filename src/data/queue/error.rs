//! Why an item was not put, or not got.

use std::fmt;
use std::io;

use crate::shm::passage::PassageError;

/// Why an item was not put, with the item.
pub enum PutError<T> {
    /// There is no room, and the caller would not wait (`try_put` only).
    Full(T),
    /// There was no room for the whole time (`put_timeout` only).
    TimedOut(T),
    /// It has more bytes than the whole queue has room for; no one needs to wait to learn that.
    TooLarge(T),
    /// The queue was closed.
    Closed(T),
    /// It cannot be written.
    Unsendable(PassageError, T),
    /// Its shared objects lie in more memory, or have more open files, than one item can carry.
    TooManyFiles(T),
    /// The queue's memory was written to by something else, and makes no sense any more.
    Corrupt(T),
    /// The calling thread holds 2,048 locks, the most that can be recovered if it dies.
    TooManyHeld(T),
    /// Its open files cannot be sent: no memory, or too many of this user are on their way.
    Io(io::Error, T),
}

/// A [`PutError`] without the item, which was dropped: what the `?` operator makes of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PutFailure {
    #[error("the queue is full")]
    Full,
    #[error("the queue was full for the whole time")]
    TimedOut,
    #[error("the item has more bytes than the queue has room for")]
    TooLarge,
    #[error("the queue is closed")]
    Closed,
    #[error("the item {0}")]
    Unsendable(PassageError),
    #[error("the item has more open files in it than one item can carry")]
    TooManyFiles,
    #[error("something else has written to the queue's memory")]
    Corrupt,
    /// Of a [`ByteQueue`](super::ByteQueue) only.
    #[error("this thread has reserved room in the queue, and would wait for itself")]
    Nested,
    #[error("this thread holds 2048 locks, the most that can be recovered if it dies")]
    TooManyHeld,
    #[error(transparent)]
    Io(io::Error),
}

/// Why no item was got.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GetError {
    /// There is none, or the first is being [processed](super::Queue::process), and the caller would not wait
    /// (`try_get` only).
    #[error("the queue is empty")]
    Empty,
    /// There was none for the whole time (`_timeout` forms only).
    #[error("the queue was empty for the whole time")]
    TimedOut,
    /// The queue was closed, and all that was in it has been got.
    #[error("the queue is closed, and empty")]
    Closed,
    /// What was got is no such item. It is no longer in the queue.
    #[error("the item {0}")]
    Unreadable(PassageError),
    /// The calling thread is processing the first item, and would wait for itself. Of a [`ByteQueue`](super::ByteQueue),
    /// also if it has reserved room in it.
    #[error("this thread is working in the queue itself, and would wait for itself")]
    Nested,
    /// The first message is longer than the buffer. It stays in the queue. Of a [`ByteQueue`](super::ByteQueue) only.
    #[error("the message has {bytes} bytes, and the buffer room for {room}")]
    BufferTooShort { bytes: usize, room: usize },
    /// The queue's memory was written to by something else, and what it says of the first item makes no sense.
    #[error("something else has written to the queue's memory")]
    Corrupt,
    /// The calling thread holds 2,048 locks, the most that can be recovered if it dies.
    #[error("this thread holds 2048 locks, the most that can be recovered if it dies")]
    TooManyHeld,
    /// No memory for the item's bytes, or its open files cannot be received, as this process has too many. The item
    /// stays in the queue.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// [`task_done`](super::JoinableQueue::task_done) was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// More tasks would be done than items were put.
    #[error("task_done() was called too many times: no item is unfinished")]
    TooManyDone,
    /// The queue's memory was written to by something else.
    #[error("something else has written to the queue's memory")]
    Corrupt,
    /// The calling thread holds 2,048 locks, the most that can be recovered if it dies.
    #[error("this thread holds 2048 locks, the most that can be recovered if it dies")]
    TooManyHeld,
}

/// A [`join`](super::JoinableQueue::join) ended, and not all is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// Threads died, or ended, that had got so many tasks, and no one has said that those are done.
    #[error("tasks whose worker has died: {tasks}")]
    WorkerDied { tasks: usize },
    /// The queue's memory was written to by something else.
    #[error("something else has written to the queue's memory")]
    Corrupt,
    /// The calling thread holds 2,048 locks, the most that can be recovered if it dies.
    #[error("this thread holds 2048 locks, the most that can be recovered if it dies")]
    TooManyHeld,
}

impl<T> PutError<T> {
    /// What happened, and the item.
    pub fn into_parts(self) -> (PutFailure, T) {
        match self {
            PutError::Full(item) => (PutFailure::Full, item),
            PutError::TimedOut(item) => (PutFailure::TimedOut, item),
            PutError::TooLarge(item) => (PutFailure::TooLarge, item),
            PutError::Closed(item) => (PutFailure::Closed, item),
            PutError::Unsendable(error, item) => (PutFailure::Unsendable(error), item),
            PutError::TooManyFiles(item) => (PutFailure::TooManyFiles, item),
            PutError::Corrupt(item) => (PutFailure::Corrupt, item),
            PutError::TooManyHeld(item) => (PutFailure::TooManyHeld, item),
            PutError::Io(error, item) => (PutFailure::Io(error), item),
        }
    }

    /// The item, to try again with.
    pub fn into_item(self) -> T {
        self.into_parts().1
    }
}

impl<T> From<PutError<T>> for PutFailure {
    fn from(error: PutError<T>) -> PutFailure {
        error.into_parts().0
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PutError::Full(_) => "Full(..)",
            PutError::TimedOut(_) => "TimedOut(..)",
            PutError::TooLarge(_) => "TooLarge(..)",
            PutError::Closed(_) => "Closed(..)",
            PutError::Unsendable(error, _) => return write!(f, "Unsendable({error:?}, ..)"),
            PutError::TooManyFiles(_) => "TooManyFiles(..)",
            PutError::Corrupt(_) => "Corrupt(..)",
            PutError::TooManyHeld(_) => "TooManyHeld(..)",
            PutError::Io(error, _) => return write!(f, "Io({error:?}, ..)"),
        })
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failure: &dyn fmt::Display = match self {
            PutError::Full(_) => &PutFailure::Full,
            PutError::TimedOut(_) => &PutFailure::TimedOut,
            PutError::TooLarge(_) => &PutFailure::TooLarge,
            PutError::Closed(_) => &PutFailure::Closed,
            PutError::Unsendable(error, _) => return write!(f, "the item {error}"),
            PutError::TooManyFiles(_) => &PutFailure::TooManyFiles,
            PutError::Corrupt(_) => &PutFailure::Corrupt,
            PutError::TooManyHeld(_) => &PutFailure::TooManyHeld,
            PutError::Io(error, _) => error,
        };
        failure.fmt(f)
    }
}

impl<T> std::error::Error for PutError<T> {}
