//! `BoundedSemaphore`: a semaphore that never has more permits than at first.

use std::fmt;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::lock::patience;
use super::permits::{self, Kind, Permit, Permits, SemaphoreError};
use crate::raw::Patience;
use crate::shm::{Block, Shared};

static KIND: Kind = Kind {
    name: "BoundedSemaphore",
    spare: 0,
    bounded: true,
};

/// A [`Semaphore`](crate::Semaphore) that never has more permits than at first: to release one that no one
/// has given away is an error.
///
/// ```
/// use forkproof::{BoundedSemaphore, SemaphoreError};
///
/// let connections = BoundedSemaphore::new(2)?;
/// let permit = connections.acquire()?;
/// assert_eq!(connections.release(1), Err(SemaphoreError::OverRelease { over: 1 })); // `permit` is still held
/// permit.forget();
/// connections.release(1)?; // in its place
/// assert_eq!(connections.value(), 2);
/// # Ok::<(), forkproof::Error>(())
/// ```
///
/// When a process dies, whose a permit is, and the order of memory: as [`Semaphore`](crate::Semaphore). Permits beyond
/// the first 100 are a mere number: one that is held by a process when it is killed is lost, until someone releases
/// another; and a release in the place of one that is still held is found only when the number is full.
#[derive(Clone)]
pub struct BoundedSemaphore {
    permits: Permits,
}

impl BoundedSemaphore {
    /// With so many permits, all to be had.
    ///
    /// # Errors
    /// As [`Semaphore::new`](crate::Semaphore::new).
    pub fn new(permits: u32) -> io::Result<BoundedSemaphore> {
        let permits = Permits::new(&KIND, permits)?;
        Ok(BoundedSemaphore { permits })
    }

    /// As [`Semaphore::acquire`](crate::Semaphore::acquire).
    ///
    /// # Errors
    /// [`SemaphoreError::TooManyHeld`].
    pub fn acquire(&self) -> Result<Permit<'_>, SemaphoreError> {
        self.permits.acquire(Patience::Endless)
    }

    /// As [`Semaphore::try_acquire`](crate::Semaphore::try_acquire).
    ///
    /// # Errors
    /// [`SemaphoreError::WouldBlock`], [`SemaphoreError::TooManyHeld`].
    pub fn try_acquire(&self) -> Result<Permit<'_>, SemaphoreError> {
        self.permits.acquire(Patience::None)
    }

    /// As [`Semaphore::acquire_timeout`](crate::Semaphore::acquire_timeout).
    ///
    /// # Errors
    /// [`SemaphoreError::TimedOut`], [`SemaphoreError::TooManyHeld`].
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Permit<'_>, SemaphoreError> {
        self.permits.acquire(patience(timeout))
    }

    /// Makes `permits` more, in place of those that were [forgotten](Permit::forget).
    ///
    /// # Errors
    /// [`SemaphoreError::OverRelease`] if fewer were forgotten. None were released then, unless others release at
    /// the same time: then `over` says how many were not.
    pub fn release(&self, permits: u32) -> Result<(), SemaphoreError> {
        self.permits.release(permits)
    }

    /// How many permits are to be had: out of date as soon as it is known.
    pub fn value(&self) -> u32 {
        self.permits.value()
    }

    /// How many there are when none is held or forgotten.
    pub fn max_value(&self) -> u32 {
        self.permits.initial
    }
}

impl Shared for BoundedSemaphore {
    fn block(&self) -> &Block {
        &self.permits.block
    }

    fn part(&self, offset: usize) -> String {
        permits::part(offset)
    }
}

impl fmt::Debug for BoundedSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, max) = (self.value(), self.max_value());
        write!(f, "<BoundedSemaphore(value={value}, maxvalue={max})>")
    }
}

impl Serialize for BoundedSemaphore {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.permits.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for BoundedSemaphore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<BoundedSemaphore, D::Error> {
        let permits = Permits::deserialize(&KIND, deserializer)?;
        Ok(BoundedSemaphore { permits })
    }
}
