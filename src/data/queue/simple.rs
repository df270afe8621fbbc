//! `SimpleQueue`: a queue with the least that a queue can do.

use std::fmt;
use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::channel::{Channel, Kind};
use super::error::{GetError, PutError};
use super::{QUEUE_BYTES, Queue, describe};
use crate::shm::{Block, Shared};
use crate::sync::LockFailure;

/// A [`Queue`] that only puts, gets, closes, and says whether it is empty. With room for
/// [`QUEUE_BYTES`](super::QUEUE_BYTES); when it is full, [`put`](SimpleQueue::put) waits.
///
/// ```
/// let queue = forkproof::SimpleQueue::new()?;
/// queue.put("hello".to_owned())?;
/// assert_eq!(queue.get()?, "hello");
/// assert!(queue.is_empty());
/// # Ok::<(), forkproof::Error>(())
/// ```
///
/// # When a process dies
/// As [`Queue`].
///
/// # Memory ordering
/// As [`Queue`].
pub struct SimpleQueue<T> {
    pub(super) queue: Queue<T>,
}

impl<T> SimpleQueue<T> {
    /// # Errors
    /// As [`Queue::new`].
    pub fn new() -> io::Result<SimpleQueue<T>> {
        let channel = Channel::new(None, QUEUE_BYTES, Kind::of::<SimpleQueue<T>>())?;
        Ok(SimpleQueue::over(channel))
    }

    /// As [`Queue::close`].
    ///
    /// # Errors
    /// As [`Queue::close`].
    pub fn close(&self) -> Result<(), LockFailure> {
        self.queue.close()
    }

    /// Whether there is no item: out of date as soon as it is known.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    fn over(channel: Channel) -> SimpleQueue<T> {
        SimpleQueue {
            queue: Queue::over(channel),
        }
    }
}

impl<T: Serialize> SimpleQueue<T> {
    /// As [`Queue::put`].
    ///
    /// # Errors
    /// As [`Queue::put`].
    pub fn put(&self, item: T) -> Result<(), PutError<T>> {
        self.queue.put(item)
    }
}

impl<T: DeserializeOwned> SimpleQueue<T> {
    /// As [`Queue::get`].
    ///
    /// # Errors
    /// As [`Queue::get`].
    pub fn get(&self) -> Result<T, GetError> {
        self.queue.get()
    }
}

impl<T> Shared for SimpleQueue<T> {
    fn block(&self) -> &Block {
        self.queue.block()
    }

    fn part(&self, offset: usize) -> String {
        self.queue.part(offset)
    }
}

impl<T> Clone for SimpleQueue<T> {
    fn clone(&self) -> Self {
        SimpleQueue {
            queue: self.queue.clone(),
        }
    }
}

impl<T> fmt::Debug for SimpleQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(f, "SimpleQueue", &self.queue)
    }
}

impl<T> Serialize for SimpleQueue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.queue.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for SimpleQueue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SimpleQueue<T>, D::Error> {
        Channel::deserialize(deserializer, Kind::of::<SimpleQueue<T>>()).map(SimpleQueue::over)
    }
}
