//! `Semaphore`: so many at a time, and signals that are counted.

use std::fmt;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::lock::patience;
use super::permits::{self, Kind, Permit, Permits, SemaphoreError};
use crate::raw::Patience;
use crate::shm::{Block, Shared};

static KIND: Kind = Kind {
    name: "Semaphore",
    spare: 16,
    bounded: false,
};

/// A number of permits that processes, and threads, acquire and give back.
///
/// A clone is the same semaphore. As an argument of a process it is the same semaphore there.
///
/// At most so many at a time:
/// ```
/// let seats = forkproof::Semaphore::new(2)?;
/// let first = seats.acquire()?;
/// let second = seats.acquire()?;
/// assert!(seats.try_acquire().is_err());
/// drop(first); // given back here
/// assert_eq!(seats.value(), 1);
/// # drop(second);
/// # Ok::<(), forkproof::Error>(())
/// ```
/// Or a signal that is counted: who has heard it keeps the permit, and gives it away.
/// ```
/// use forkproof::{Process, Semaphore};
///
/// fn work(done: Semaphore) -> forkproof::Result<()> {
///     Ok(done.release(1)?)
/// }
/// # fn main() -> forkproof::Result<()> {
/// let done = Semaphore::new(0)?;
/// for _ in 0..3 {
///     Process::new(work, (done.clone(),)).start()?;
/// }
/// for _ in 0..3 {
///     done.acquire()?.forget();
/// }
/// assert_eq!(done.value(), 0);
/// # for child in forkproof::active_children() { child.join()?; }
/// # Ok(())
/// # }
/// ```
///
/// # When a process dies
/// Its permits come home by themselves, at once, and whoever waits gets them: no one is told, as a permit guards
/// nothing that could be left half done (where something is, take a [`Lock`](crate::Lock)). A waiter that is killed
/// takes nothing with it; who is killed in [`release`](Semaphore::release) has released none, some, or all. The same
/// holds for a thread that ends while its process lives on.
///
/// That is so for 100 permits at a time, or for 16 more than at first if that is less. Permits beyond these are
/// a mere number: one that is held by a process when it is killed is lost, until someone releases another.
///
/// # Ownership
/// A [`Permit`] belongs to the thread that acquired it. (In CPython anyone may release what another has acquired;
/// here that is [`Permit::forget`] and [`release`](Semaphore::release), and no one then knows whose death to
/// recover from.)
///
/// # Memory ordering
/// What was written before a permit was given back, or released, is seen by who gets that permit.
#[derive(Clone)]
pub struct Semaphore {
    permits: Permits,
}

impl Semaphore {
    /// With so many permits to be had.
    ///
    /// # Errors
    /// More than 2^31 - 1 permits ([`io::ErrorKind::InvalidInput`]); no memory, or no descriptor for a new arena.
    pub fn new(permits: u32) -> io::Result<Semaphore> {
        let permits = Permits::new(&KIND, permits)?;
        Ok(Semaphore { permits })
    }

    /// Takes a permit, waiting for one as long as it takes.
    ///
    /// # Errors
    /// [`SemaphoreError::TooManyHeld`].
    pub fn acquire(&self) -> Result<Permit<'_>, SemaphoreError> {
        self.permits.acquire(Patience::Endless)
    }

    /// Takes a permit if one is to be had, even if others are waiting.
    ///
    /// # Errors
    /// [`SemaphoreError::WouldBlock`], [`SemaphoreError::TooManyHeld`].
    pub fn try_acquire(&self) -> Result<Permit<'_>, SemaphoreError> {
        self.permits.acquire(Patience::None)
    }

    /// Takes a permit, waiting for one no longer than `timeout`. A time of zero still takes one that is to be had.
    ///
    /// # Errors
    /// [`SemaphoreError::TimedOut`], [`SemaphoreError::TooManyHeld`].
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Permit<'_>, SemaphoreError> {
        self.permits.acquire(patience(timeout))
    }

    /// Makes `permits` more, and wakes who waits for one: in place of permits that were
    /// [forgotten](Permit::forget), or beyond what there was at first.
    ///
    /// # Errors
    /// [`SemaphoreError::OverRelease`] if there would be more than 2^31 - 1. None were released then, unless
    /// others release at the same time: then `over` says how many were not.
    pub fn release(&self, permits: u32) -> Result<(), SemaphoreError> {
        self.permits.release(permits)
    }

    /// How many permits are to be had: out of date as soon as it is known.
    pub fn value(&self) -> u32 {
        self.permits.value()
    }
}

impl Shared for Semaphore {
    fn block(&self) -> &Block {
        &self.permits.block
    }

    fn part(&self, offset: usize) -> String {
        permits::part(offset)
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Semaphore(value={})>", self.value())
    }
}

impl Serialize for Semaphore {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.permits.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Semaphore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Semaphore, D::Error> {
        let permits = Permits::deserialize(&KIND, deserializer)?;
        Ok(Semaphore { permits })
    }
}
