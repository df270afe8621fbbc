//! `Queue`: items from many putters to many getters, in order, whoever dies; and three of its kind.

mod bytes;
mod channel;
mod claim;
mod error;
mod hands;
mod joinable;
mod place;
mod shelf;
mod simple;
mod waitable;

pub use bytes::ByteQueue;
pub use error::{GetError, JoinError, PutError, PutFailure, TaskError};
pub use joinable::JoinableQueue;
pub use place::Place;
pub use simple::SimpleQueue;

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::wait::{WaitError, wait};
use crate::raw::{Patience, RawListener};
use crate::shm::{Block, Shared};
use crate::sync::{LockFailure, patience};
use crate::sys::Os;
use channel::{Channel, Kind};

/// How many bytes of items a queue has room for, if nothing is said of it: 1 MiB.
pub const QUEUE_BYTES: usize = 1 << 20;

/// Items from many putters to many getters.
///
/// What one thread puts is got in the order in which it was put. A clone is the same queue. As an argument of a
/// process it is the same queue there; and so it is inside an item of another queue, as every shared object is.
///
/// ```
/// use forkproof::{GetError, Process, Queue};
///
/// fn square(numbers: Queue<u64>, squares: Queue<u64>) -> forkproof::Result<()> {
///     for number in numbers.iter() {
///         let number = number?;
///         squares.put(number * number)?;
///     }
///     Ok(())
/// }
///
/// fn main() -> forkproof::Result<()> {
///     let (numbers, squares) = (Queue::new()?, Queue::new()?);
///     let child = Process::new(square, (numbers.clone(), squares.clone()));
///     child.start()?;
///     for number in 1..=3 {
///         numbers.put(number)?;
///     }
///     numbers.close()?; // the child's loop ends when it has them all
///     child.join()?;
///     squares.close()?;
///     assert_eq!(squares.iter().collect::<Result<Vec<_>, GetError>>()?, [1, 4, 9]);
///     Ok(())
/// }
/// ```
///
/// # Room
/// It is bounded by bytes, [`QUEUE_BYTES`] if nothing else is said, and by items, if that is said
/// ([`bounded`](Queue::bounded), [`with_capacity`](Queue::with_capacity)). An item takes its bytes as postcard writes
/// them, rounded up to 8, and 8 more. One that is larger than the whole queue is
/// [`TooLarge`](PutError::TooLarge) at once; any other has room in time. (CPython's queue has no bound in bytes: a
/// thread of each putter's keeps what the pipe does not take, and it is lost with its process. Here what was put is
/// in the queue, and there is no such thread.)
///
/// | with another putter waiting for room | |
/// |---|---|
/// | [`try_put`](Queue::try_put) | is not held up by it: puts if there is room for this item, [`Full`](PutError::Full) if not |
/// | [`put_timeout`](Queue::put_timeout), [`put`](Queue::put) | wait behind it, so that a large item is not passed by small ones for ever; [`TimedOut`](PutError::TimedOut) |
///
/// # When a process dies
/// - What [`put`](Queue::put) acknowledged by returning is in the queue, whole, and is got once. A putter that is
///   killed before has put its item or has not; nothing of it is ever seen in part.
/// - A getter that is killed may have taken **one** item along, which is then lost. Where that must not be, work on
///   the item in its place, with [`process`](Queue::process): it stays in the queue until the work is done.
/// - Nobody else is held up, whatever the dead were doing.
/// - Who waits in [`get`](Queue::get) is not told that all who used to put are dead, as anyone may come to put: to be
///   told, [`wait`](crate::wait()) for the queue and for the processes at once.
///
/// # When something else writes to its memory
/// A program that shares the memory, and writes where it should not, can make items of it that nobody put; what makes
/// no sense is `Corrupt`, for puts and gets alike, and stays so. No call reads or writes outside of the queue's
/// memory, takes more of its own than the queue has, or waits for an owner that is no thread.
///
/// # Memory ordering
/// What was written before `put` is seen after the `get` of the item.
///
/// # Costs
/// A put and a get are a copy each; the kernel is asked only to wake someone, and for items with shared objects in
/// them. A queue has up to three descriptors of its own in each process.
pub struct Queue<T> {
    channel: Channel,
    of: PhantomData<fn(T) -> T>,
}

impl<T> Queue<T> {
    /// With room for [`QUEUE_BYTES`].
    ///
    /// # Errors
    /// No memory, or no descriptors left.
    pub fn new() -> io::Result<Queue<T>> {
        Queue::with_capacity(None, QUEUE_BYTES)
    }

    /// With room for `items` items and [`QUEUE_BYTES`].
    ///
    /// # Errors
    /// `InvalidInput` if `items` is 0 or more than 2,147,483,647; no memory, or no descriptors left.
    pub fn bounded(items: usize) -> io::Result<Queue<T>> {
        Queue::with_capacity(Some(items), QUEUE_BYTES)
    }

    /// With room for `bytes` bytes, rounded up to 8, and `items` items, if that is said. The memory is
    /// taken at once.
    ///
    /// # Errors
    /// As [`bounded`](Queue::bounded); `InvalidInput` if `bytes` is less than 9 or more than 16 GiB.
    pub fn with_capacity(items: Option<usize>, bytes: usize) -> io::Result<Queue<T>> {
        let channel = Channel::new(items, bytes, Kind::of::<Queue<T>>())?;
        Ok(Queue::over(channel))
    }

    /// Ends the queue: every put is refused from now on; gets go on until it is empty, and then say
    /// [`Closed`](GetError::Closed), also those that wait. Nothing if it is closed already.
    ///
    /// # Errors
    /// [`LockFailure::TooManyHeld`]; [`LockFailure::NotRecoverable`] if the queue's memory was written to by something
    /// else. It is as open as it was.
    pub fn close(&self) -> Result<(), LockFailure> {
        self.channel.close()
    }

    pub fn is_closed(&self) -> bool {
        self.channel.ring().is_closed()
    }

    /// How many items there are: out of date as soon as it is known.
    pub fn len(&self) -> usize {
        self.channel.ring().len()
    }

    /// Whether there is no item: out of date as soon as it is known.
    pub fn is_empty(&self) -> bool {
        self.channel.ring().is_empty()
    }

    /// Whether there is no room for even the smallest item: out of date as soon as it is known.
    pub fn is_full(&self) -> bool {
        self.channel.ring().is_full()
    }

    /// Waits, no longer than `timeout`, until there is something to get or the queue is closed; whether it is so.
    /// Another getter may be faster. With a timeout of zero it only looks. See [`wait()`](crate::wait()) for several at
    /// once.
    ///
    /// # Errors
    /// [`WaitError`].
    pub fn poll(&self, timeout: Duration) -> Result<bool, WaitError> {
        Ok(!wait(&[self], Some(timeout))?.is_empty())
    }

    /// See [`Channel::listener`].
    pub(crate) fn listener(&self) -> &RawListener<Os> {
        self.channel.listener()
    }

    fn over(channel: Channel) -> Queue<T> {
        Queue {
            channel,
            of: PhantomData,
        }
    }
}

/// Putting.
impl<T: Serialize> Queue<T> {
    /// Puts an item at the end; waits for room as long as it takes.
    ///
    /// # Errors
    /// [`PutError`], with the item, except `Full` and `TimedOut`. Nothing was put.
    pub fn put(&self, item: T) -> Result<(), PutError<T>> {
        self.channel.put(item, Patience::Endless)
    }

    /// Puts an item if there is room for it now. Waits for those who are putting, not for those who wait to.
    ///
    /// # Errors
    /// [`PutError`], with the item, except `TimedOut`. Nothing was put.
    pub fn try_put(&self, item: T) -> Result<(), PutError<T>> {
        self.channel.put(item, Patience::None)
    }

    /// Puts an item; waits for room no longer than `timeout`.
    ///
    /// # Errors
    /// [`PutError`], with the item, except `Full`. Nothing was put.
    pub fn put_timeout(&self, item: T, timeout: Duration) -> Result<(), PutError<T>> {
        self.channel.put(item, patience(timeout))
    }
}

/// Getting.
impl<T: DeserializeOwned> Queue<T> {
    /// Takes the first item; waits for one as long as it takes.
    ///
    /// # Errors
    /// [`GetError`], except `Empty` and `TimedOut`.
    pub fn get(&self) -> Result<T, GetError> {
        self.channel.get(Patience::Endless)
    }

    /// Takes the first item, if there is one.
    ///
    /// # Errors
    /// [`GetError`], except `TimedOut`.
    pub fn try_get(&self) -> Result<T, GetError> {
        self.channel.get(Patience::None)
    }

    /// Takes the first item; waits for one no longer than `timeout`.
    ///
    /// # Errors
    /// [`GetError`], except `Empty`.
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, GetError> {
        self.channel.get(patience(timeout))
    }

    /// Works on the first item in its place; waits for one. `work` gets a copy, and the item leaves the queue when
    /// `work` has returned. If it panics, or its process is killed, the item stays, the first as before, for the next
    /// getter. So an item may be worked on twice, and is never lost.
    ///
    /// Others can put meanwhile, but not get: they wait, or find the queue [`Empty`](GetError::Empty). `work` itself
    /// must not get from the queue ([`Nested`](GetError::Nested)), nor wait for room in it.
    ///
    /// # Errors
    /// [`GetError`], except `Empty` and `TimedOut`. The item is still in the queue; after
    /// [`TooManyHeld`](GetError::TooManyHeld) the work may have been done.
    ///
    /// # Panics
    /// If `work` does.
    pub fn process<R>(&self, work: impl FnOnce(T) -> R) -> Result<R, GetError> {
        self.process_in(Patience::Endless, work)
    }

    /// As [`process`](Queue::process); waits for an item no longer than `timeout`.
    ///
    /// # Errors
    /// As [`process`](Queue::process); [`GetError::TimedOut`].
    ///
    /// # Panics
    /// If `work` does.
    pub fn process_timeout<R>(
        &self,
        timeout: Duration,
        work: impl FnOnce(T) -> R,
    ) -> Result<R, GetError> {
        self.process_in(patience(timeout), work)
    }

    fn process_in<R>(&self, patience: Patience, work: impl FnOnce(T) -> R) -> Result<R, GetError> {
        let mut claim = self.channel.claim(patience)?;
        let (item, holds) = claim.copy()?;
        let result = work(item);
        claim.finish()?;
        holds.take_over();
        Ok(result)
    }

    /// The items, one after another, until the queue is closed and empty.
    pub fn iter(&self) -> impl Iterator<Item = Result<T, GetError>> {
        std::iter::from_fn(|| match self.get() {
            Err(GetError::Closed) => None,
            got => Some(got),
        })
    }
}

impl<T> Shared for Queue<T> {
    fn block(&self) -> &Block {
        self.channel.block()
    }

    fn part(&self, offset: usize) -> String {
        self.channel.part(offset)
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Queue::over(self.channel.clone())
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(f, "Queue", self)
    }
}

/// `<Queue of 2 items at 0x7f32c8a01000>`, or so.
fn describe<T>(f: &mut fmt::Formatter<'_>, name: &str, queue: &Queue<T>) -> fmt::Result {
    let closed = if queue.is_closed() { "closed " } else { "" };
    let (items, address) = (queue.len(), queue.channel.block().address());
    write!(f, "<{closed}{name} of {items} items at {address:#x}>")
}

impl<T> Serialize for Queue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.channel.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Queue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Queue<T>, D::Error> {
        Channel::deserialize(deserializer, Kind::of::<Queue<T>>()).map(Queue::over)
    }
}
