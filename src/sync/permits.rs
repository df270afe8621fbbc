//! Permits: what [`Semaphore`](crate::Semaphore) and [`BoundedSemaphore`](crate::BoundedSemaphore) have in common.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserializer, Serializer};

use crate::raw::semaphore::{PLACES_MAX, SURPLUS_MAX};
use crate::raw::{Desk, NotHeld, Patience, RawPermit, RawSemaphore, Refused, TooMany};
use crate::shm::{Block, InShared, block, passage};
use crate::sys::Os;
use crate::world::{Node, World};

// SAFETY: `repr(C)`: a mutex, of which sync/lock.rs argues, and a node, of which shm/block.rs does.
unsafe impl InShared for Desk<Os> {}

/// Where the places begin.
const PLACES_AT: usize = size_of::<Desk<Os>>();
const PLACE_BYTES: usize = size_of::<Node<Os>>();
const _: () = assert!(PLACES_AT == 80 && PLACE_BYTES == 40);
const _: () = assert!(PLACES_AT + PLACES_MAX * PLACE_BYTES <= 4_096);

/// Why a semaphore's operation was refused. Nothing was taken, and nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SemaphoreError {
    /// No permit is to be had (`try_acquire` only).
    #[error("no permit is to be had")]
    WouldBlock,
    /// No permit was to be had for the whole time (`acquire_timeout` only).
    #[error("no permit was to be had for the whole time")]
    TimedOut,
    /// The calling thread holds 2,048 locks and permits; of a longer list the kernel would lose the oldest if
    /// the thread died.
    #[error("this thread holds 2048 locks and permits, the most that can be recovered if it dies")]
    TooManyHeld,
    /// The semaphore's memory was written to by something else.
    #[error("something else has written to the semaphore's memory")]
    Corrupt,
    /// There would be more permits than the semaphore may have, by so many (`release` only).
    #[error("there would be {over} permits more than the semaphore may have")]
    OverRelease { over: u32 },
}

/// The right to be one of so many. It goes back to its semaphore when this is dropped, and when the thread that
/// acquired it dies.
///
/// It stays with that thread: it is not `Send`. To have a permit given back by another, [`forget`](Permit::forget)
/// it here, and let the other [`release`](crate::Semaphore::release) one.
#[must_use = "the permit is given back as soon as it is dropped"]
pub struct Permit<'a> {
    semaphore: RawSemaphore<'a, Os>,
    permit: RawPermit,
    taker: u32,
    not_send: PhantomData<*const ()>,
}

impl Permit<'_> {
    /// Gives the permit away for good: it does not come back, not even when this thread dies, until someone
    /// releases one.
    pub fn forget(self) {
        let permit = std::mem::ManuallyDrop::new(self);
        if permit.is_mine() {
            let (Ok(()) | Err(NotHeld)) = permit.semaphore.give_away(permit.permit);
        }
    }

    /// A copy of the permit in a forked child is no permit.
    fn is_mine(&self) -> bool {
        self.taker == Os::me()
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.is_mine() {
            let (Ok(()) | Err(NotHeld)) = self.semaphore.give_back(self.permit);
        }
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<Permit>")
    }
}

/// What tells one kind of semaphore from the other.
pub(super) struct Kind {
    pub name: &'static str,
    /// Places closed at first, so that permits which are released beyond the first value can come home, too.
    pub spare: usize,
    /// Whether there are never more permits than at first.
    pub bounded: bool,
}

impl Kind {
    fn tag(&self) -> u32 {
        Block::tag(self.name, PLACES_AT)
    }

    fn places(&self, initial: u32) -> usize {
        PLACES_MAX.min((initial as usize).saturating_add(self.spare))
    }

    fn surplus_max(&self, initial: u32) -> u32 {
        if self.bounded {
            initial - self.places(initial) as u32
        } else {
            SURPLUS_MAX - PLACES_MAX as u32
        }
    }
}

/// A semaphore's block, and how to look at it.
#[derive(Clone)]
pub(super) struct Permits {
    pub block: Arc<Block>,
    pub initial: u32,
    kind: &'static Kind,
}

impl Permits {
    pub fn new(kind: &'static Kind, initial: u32) -> io::Result<Permits> {
        let (places, open) = (kind.places(initial), PLACES_MAX.min(initial as usize));
        let surplus = initial - open as u32;
        if surplus > SURPLUS_MAX - PLACES_MAX as u32 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("a semaphore has at most {SURPLUS_MAX} permits, not {initial}"),
            ));
        }
        let block = Block::allocate(PLACES_AT + places * PLACE_BYTES, kind.tag())?;
        block.made(kind.name, false, part);
        block.init(0, Desk::<Os>::new(initial, surplus));
        for place in 0..places {
            block.init(PLACES_AT + place * PLACE_BYTES, Node::<Os>::new());
        }
        let permits = Permits {
            block: Arc::new(block),
            initial,
            kind,
        };
        permits.raw().close_from(open);
        Ok(permits)
    }

    pub fn acquire(&self, patience: Patience) -> Result<Permit<'_>, SemaphoreError> {
        let semaphore = self.raw();
        let permit = semaphore.acquire(patience)?;
        Ok(Permit {
            semaphore,
            permit,
            taker: Os::me(),
            not_send: PhantomData,
        })
    }

    pub fn release(&self, count: u32) -> Result<(), SemaphoreError> {
        Ok(self.raw().release(count)?)
    }

    pub fn value(&self) -> u32 {
        self.raw().value()
    }

    pub fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        block::serialize(&self.block, serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        kind: &'static Kind,
        deserializer: D,
    ) -> Result<Permits, D::Error> {
        let block = block::deserialize(deserializer, kind.name, kind.tag(), PLACES_AT)?;
        // SAFETY: new() put it there; the handle was checked by its tag.
        let initial = unsafe { block.object::<Desk<Os>>(0) }.initial();
        let bytes = PLACES_AT + kind.places(initial) * PLACE_BYTES;
        if bytes > block.len() {
            let complaint = format!("a {} of {initial} in {} bytes", kind.name, block.len());
            return Err(D::Error::custom(passage::complain(complaint)));
        }
        Ok(Permits {
            block,
            initial,
            kind,
        })
    }

    fn raw(&self) -> RawSemaphore<'_, Os> {
        let (kind, initial) = (self.kind, self.initial);
        // SAFETY: new() put it there; a handle that arrives is checked by its tag.
        let desk = unsafe { self.block.object::<Desk<Os>>(0) };
        // SAFETY: as above; they lie one behind the other, and their number follows from the first value.
        let places = unsafe { self.block.objects(PLACES_AT, kind.places(initial)) };
        RawSemaphore::new(desk, places, initial as usize, kind.surplus_max(initial))
    }
}

/// What lies at an offset of the block.
pub fn part(offset: usize) -> String {
    match offset.checked_sub(PLACES_AT) {
        None => format!("'s {}", Desk::<Os>::part(offset)),
        Some(beyond) if beyond % PLACE_BYTES == 0 => {
            format!("'s place {}", beyond / PLACE_BYTES)
        }
        Some(beyond) => format!("'s place {}'s links", beyond / PLACE_BYTES),
    }
}

impl From<Refused> for SemaphoreError {
    fn from(refused: Refused) -> SemaphoreError {
        match refused {
            Refused::WouldBlock => SemaphoreError::WouldBlock,
            Refused::TimedOut => SemaphoreError::TimedOut,
            Refused::TooManyHeld => SemaphoreError::TooManyHeld,
            // Who waits in line leaves it, and never gives it up.
            Refused::AlreadyHeld | Refused::NotRecoverable => SemaphoreError::Corrupt,
        }
    }
}

impl From<TooMany> for SemaphoreError {
    fn from(TooMany { over }: TooMany) -> SemaphoreError {
        SemaphoreError::OverRelease { over }
    }
}
