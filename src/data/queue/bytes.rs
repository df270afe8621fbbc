//! `ByteQueue`: messages that are bytes, which can be written and read in their place.

use std::fmt;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::channel::{Channel, Kind, Region, get_error};
use super::error::{GetError, PutFailure};
use super::place::Place;
use super::{QUEUE_BYTES, Queue, describe};
use crate::data::wait::WaitError;
use crate::raw::Patience;
use crate::raw::ring::{GetRefused, Lying, PutRefused, Ring};
use crate::shm::{Block, Shared};
use crate::sync::{LockFailure, patience};
use crate::sys::{Os, step};

/// A [`Queue`] of messages that are bytes: what serde would cost is spared, and so are the copies, if they are not
/// wanted. A message is whole, and got once, whoever dies.
///
/// ```
/// use forkproof::ByteQueue;
///
/// let frames = ByteQueue::with_capacity(None, 8 << 20)?;
///
/// // A copy in, and a copy out:
/// frames.put(b"hello")?;
/// let mut buffer = [0; 64];
/// let bytes = frames.get_into(&mut buffer)?;
/// assert_eq!(&buffer[..bytes], b"hello");
///
/// // None: written, and read, where it lies.
/// let mut frame = frames.reserve(1 << 20)?;
/// frame.fill(7);
/// frame.put()?;
/// let bright = frames.process(|frame| frame.iter().filter(|pixel| **pixel > 5).count())?;
/// assert_eq!(bright, 1 << 20);
/// # Ok::<(), forkproof::Error>(())
/// ```
///
/// # Room
/// As a [`Queue`]'s, but a message lies in one piece, and so has room only if it takes at most half of the queue's
/// bytes; a longer one is [`TooLarge`](PutFailure::TooLarge) at once. It takes its bytes, rounded up to 8, and 8 more; at
/// the end of the queue's memory, also those that are too few for it.
///
/// # When a process dies
/// As [`Queue`]. Killed between [`reserve`](ByteQueue::reserve) and [`put`](Place::put), it has put nothing, and the
/// others go on.
///
/// # When something else writes to its memory
/// As [`Queue`]; besides, a slice that this library lends out changes under the borrower's eyes.
///
/// # Memory ordering
/// As [`Queue`].
///
/// # Costs
/// A put is a copy and a get is one; written and read in their place, there is none. The kernel is asked only to wake
/// someone. (Under the controller the bytes are copied, so that each word of them is a step.)
pub struct ByteQueue {
    pub(super) queue: Queue<Vec<u8>>,
}

impl ByteQueue {
    /// With room for [`QUEUE_BYTES`](super::QUEUE_BYTES).
    ///
    /// # Errors
    /// As [`Queue::new`].
    pub fn new() -> io::Result<ByteQueue> {
        ByteQueue::with_capacity(None, QUEUE_BYTES)
    }

    /// With room for `items` messages and [`QUEUE_BYTES`](super::QUEUE_BYTES).
    ///
    /// # Errors
    /// As [`Queue::bounded`].
    pub fn bounded(items: usize) -> io::Result<ByteQueue> {
        ByteQueue::with_capacity(Some(items), QUEUE_BYTES)
    }

    /// With room for `bytes` bytes, rounded up to 8, and `items` messages, if that is said. The memory is taken at once.
    ///
    /// # Errors
    /// As [`Queue::with_capacity`].
    pub fn with_capacity(items: Option<usize>, bytes: usize) -> io::Result<ByteQueue> {
        Channel::new(items, bytes, kind()).map(ByteQueue::over)
    }

    /// As [`Queue::close`].
    ///
    /// # Errors
    /// As [`Queue::close`]; [`LockFailure::AlreadyHeld`] if the calling thread has [reserved](ByteQueue::reserve) room.
    pub fn close(&self) -> Result<(), LockFailure> {
        self.queue.close()
    }

    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// How many messages there are: out of date as soon as it is known.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether there is no message: out of date as soon as it is known.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether there is no room for even an empty message: out of date as soon as it is known.
    pub fn is_full(&self) -> bool {
        self.queue.is_full()
    }

    /// As [`Queue::poll`].
    ///
    /// # Errors
    /// [`WaitError`].
    pub fn poll(&self, timeout: Duration) -> Result<bool, WaitError> {
        self.queue.poll(timeout)
    }

    fn over(channel: Channel) -> ByteQueue {
        ByteQueue {
            queue: Queue::over(channel),
        }
    }

    pub(super) fn ring(&self) -> Ring<'_, Os, Region<'_>> {
        self.queue.channel.ring()
    }
}

fn kind() -> Kind {
    Kind {
        in_one_piece: true,
        ..Kind::of::<ByteQueue>()
    }
}

/// Putting.
impl ByteQueue {
    /// Puts a message at the end; waits for room as long as it takes.
    ///
    /// # Errors
    /// [`PutFailure`], except `Full` and `TimedOut`. Nothing was put.
    pub fn put(&self, message: &[u8]) -> Result<(), PutFailure> {
        self.put_in(Patience::Endless, message)
    }

    /// Puts a message if there is room for it now. Waits for those who are putting, not for those who wait to.
    ///
    /// # Errors
    /// [`PutFailure`], except `TimedOut`. Nothing was put.
    pub fn try_put(&self, message: &[u8]) -> Result<(), PutFailure> {
        self.put_in(Patience::None, message)
    }

    /// Puts a message; waits for room no longer than `timeout`.
    ///
    /// # Errors
    /// [`PutFailure`], except `Full`. Nothing was put.
    pub fn put_timeout(&self, message: &[u8], timeout: Duration) -> Result<(), PutFailure> {
        self.put_in(patience(timeout), message)
    }

    /// Room at the end for a message of `bytes` bytes, which are written in their place and then [put](Place::put);
    /// waits for room as long as it takes.
    ///
    /// While the place is there, nobody else can put, or close the queue: they wait. Others can get. The thread that has it can
    /// get what is there, and is told [`Nested`](PutFailure::Nested) where it would wait for itself.
    ///
    /// # Errors
    /// [`PutFailure`], except `Full` and `TimedOut`. Nothing is reserved.
    pub fn reserve(&self, bytes: usize) -> Result<Place<'_>, PutFailure> {
        self.reserve_in(Patience::Endless, bytes)
    }

    /// As [`reserve`](ByteQueue::reserve), if there is room now. Waits for those who are putting.
    ///
    /// # Errors
    /// [`PutFailure`], except `TimedOut`. Nothing is reserved.
    pub fn try_reserve(&self, bytes: usize) -> Result<Place<'_>, PutFailure> {
        self.reserve_in(Patience::None, bytes)
    }

    /// As [`reserve`](ByteQueue::reserve); waits for room no longer than `timeout`.
    ///
    /// # Errors
    /// [`PutFailure`], except `Full`. Nothing is reserved.
    pub fn reserve_timeout(
        &self,
        bytes: usize,
        timeout: Duration,
    ) -> Result<Place<'_>, PutFailure> {
        self.reserve_in(patience(timeout), bytes)
    }

    fn put_in(&self, patience: Patience, message: &[u8]) -> Result<(), PutFailure> {
        let mut bell = self.queue.channel.sending(None);
        let outcome = self.ring().put(0, message, patience, &mut bell);
        outcome.map_err(put_failure)
    }

    fn reserve_in(&self, patience: Patience, bytes: usize) -> Result<Place<'_>, PutFailure> {
        let lying = self.ring().reserve(0, bytes, patience);
        let lying = lying.map_err(put_failure)?;
        Ok(Place::new(self, lying))
    }
}

/// Getting.
impl ByteQueue {
    /// Takes the first message; waits for one as long as it takes.
    ///
    /// # Errors
    /// [`GetError`], except `Empty` and `TimedOut`.
    pub fn get(&self) -> Result<Vec<u8>, GetError> {
        self.get_in(Patience::Endless)
    }

    /// Takes the first message, if there is one.
    ///
    /// # Errors
    /// [`GetError`], except `TimedOut`.
    pub fn try_get(&self) -> Result<Vec<u8>, GetError> {
        self.get_in(Patience::None)
    }

    /// Takes the first message; waits for one no longer than `timeout`.
    ///
    /// # Errors
    /// [`GetError`], except `Empty`.
    pub fn get_timeout(&self, timeout: Duration) -> Result<Vec<u8>, GetError> {
        self.get_in(patience(timeout))
    }

    /// Takes the first message into a buffer; waits for one as long as it takes. How many bytes it has.
    ///
    /// # Errors
    /// [`GetError`], except `Empty` and `TimedOut`; [`GetError::BufferTooShort`]: the message stays in the queue.
    pub fn get_into(&self, buffer: &mut [u8]) -> Result<usize, GetError> {
        self.get_into_in(Patience::Endless, buffer)
    }

    /// Takes the first message into a buffer, if there is one. How many bytes it has.
    ///
    /// # Errors
    /// As [`get_into`](ByteQueue::get_into); [`GetError::Empty`].
    pub fn try_get_into(&self, buffer: &mut [u8]) -> Result<usize, GetError> {
        self.get_into_in(Patience::None, buffer)
    }

    /// Takes the first message into a buffer; waits for one no longer than `timeout`. How many bytes it has.
    ///
    /// # Errors
    /// As [`get_into`](ByteQueue::get_into); [`GetError::TimedOut`].
    pub fn get_into_timeout(
        &self,
        buffer: &mut [u8],
        timeout: Duration,
    ) -> Result<usize, GetError> {
        self.get_into_in(patience(timeout), buffer)
    }

    /// Works on the first message in its place, which is not copied; waits for one. As [`Queue::process`]: it leaves the
    /// queue when `work` has returned, and stays, the first as before, if `work` panics or its process is killed.
    ///
    /// # Errors
    /// As [`Queue::process`].
    ///
    /// # Panics
    /// If `work` does.
    pub fn process<R>(&self, work: impl FnOnce(&[u8]) -> R) -> Result<R, GetError> {
        self.process_in(Patience::Endless, work)
    }

    /// As [`process`](ByteQueue::process); waits for a message no longer than `timeout`.
    ///
    /// # Errors
    /// As [`Queue::process_timeout`].
    ///
    /// # Panics
    /// If `work` does.
    pub fn process_timeout<R>(
        &self,
        timeout: Duration,
        work: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, GetError> {
        self.process_in(patience(timeout), work)
    }

    /// The messages, one after another, until the queue is closed and empty.
    pub fn iter(&self) -> impl Iterator<Item = Result<Vec<u8>, GetError>> {
        std::iter::from_fn(|| match self.get() {
            Err(GetError::Closed) => None,
            got => Some(got),
        })
    }

    fn get_in(&self, patience: Patience) -> Result<Vec<u8>, GetError> {
        let got = self.ring().get_by(patience, &mut (), |lying, ()| {
            let mut message = Vec::new();
            let reserved = message.try_reserve_exact(lying.length as usize);
            reserved.map_err(|_| GetRefused::NoMemory)?;
            message.resize(lying.length as usize, 0);
            self.copy(lying, &mut message);
            Ok(message)
        });
        got.map_err(|refused| get_error(refused, None))
    }

    fn get_into_in(&self, patience: Patience, buffer: &mut [u8]) -> Result<usize, GetError> {
        let room = buffer.len();
        let mut too_long = None;
        let got = self.ring().get_by(patience, &mut (), |lying, ()| {
            let bytes = lying.length as usize;
            let Some(buffer) = buffer.get_mut(..bytes) else {
                too_long = Some(bytes);
                return Err(GetRefused::Failed);
            };
            self.copy(lying, buffer);
            Ok(bytes)
        });
        got.map_err(|refused| match too_long {
            Some(bytes) => GetError::BufferTooShort { bytes, room },
            None => get_error(refused, None),
        })
    }

    fn process_in<R>(
        &self,
        patience: Patience,
        work: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, GetError> {
        let ring = self.ring();
        let claimed = ring.claim_by(patience, &mut (), |lying, ()| {
            let copy = step::is_observed().then(|| {
                let mut copy = vec![0; lying.length as usize];
                self.copy(lying, &mut copy);
                copy
            });
            Ok((*lying, copy))
        });
        let (lying, copy) = claimed.map_err(|refused| get_error(refused, None))?;
        let claim = Claim(&ring);
        let result = match &copy {
            Some(copy) => work(copy),
            // SAFETY: claimed, so nobody takes it, and nobody overwrites it; other threads may read it.
            None => work(unsafe { self.lend(&lying) }),
        };
        let finished = ring.finish_read(&lying);
        drop(claim);
        finished.map_err(|refused| get_error(refused, None))?;
        Ok(result)
    }

    /// Out of the place of a message that lies in the queue. Under the getters' lock.
    fn copy(&self, lying: &Lying, into: &mut [u8]) {
        // SAFETY: putters write outside of what is in the queue, and other getters wait.
        unsafe { self.block().copy_out(self.at(lying), into) };
    }

    /// A message's bytes, in their place.
    ///
    /// # Safety
    /// As [`Block::bytes_mut`].
    #[allow(clippy::mut_from_ref)] // as there
    pub(super) unsafe fn lend(&self, lying: &Lying) -> &mut [u8] {
        // SAFETY: the caller's.
        unsafe {
            self.block()
                .bytes_mut(self.at(lying), lying.length as usize)
        }
    }

    /// Where a message's bytes lie in the block.
    pub(super) fn at(&self, lying: &Lying) -> usize {
        Region::offset(lying.start)
    }
}

/// Given up when it is dropped unfinished.
struct Claim<'a>(&'a Ring<'a, Os, Region<'a>>);

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        // Finished; or inherited by a forked child, which holds nothing.
        if self.0.has_claim() {
            self.0.abandon();
        }
    }
}

pub(super) fn put_failure(refused: PutRefused) -> PutFailure {
    match refused {
        PutRefused::TooLarge => PutFailure::TooLarge,
        PutRefused::Closed => PutFailure::Closed,
        PutRefused::Full => PutFailure::Full,
        PutRefused::TimedOut => PutFailure::TimedOut,
        PutRefused::Corrupt => PutFailure::Corrupt,
        PutRefused::Nested => PutFailure::Nested,
        PutRefused::TooManyHeld => PutFailure::TooManyHeld,
        PutRefused::Failed => PutFailure::Io(io::ErrorKind::WouldBlock.into()),
    }
}

impl Shared for ByteQueue {
    fn block(&self) -> &Block {
        self.queue.block()
    }

    fn part(&self, offset: usize) -> String {
        self.queue.part(offset)
    }
}

impl Clone for ByteQueue {
    fn clone(&self) -> Self {
        ByteQueue {
            queue: self.queue.clone(),
        }
    }
}

impl fmt::Debug for ByteQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(f, "ByteQueue", &self.queue)
    }
}

impl Serialize for ByteQueue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.queue.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ByteQueue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ByteQueue, D::Error> {
        Channel::deserialize(deserializer, kind()).map(ByteQueue::over)
    }
}
