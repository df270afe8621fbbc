//! `ShareableList`: a list of plain items that processes find by a name.

mod slot;

pub use slot::ShareableItem;

use std::fmt;
use std::io;
use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::bounds::{self, BoundsError};
use super::shared_memory::SharedMemory;
use crate::raw::{Acquired, Patience, RawMutex};
use crate::shm::{passage, pid_namespace};
use crate::sync::{LockError, LockFailure};
use crate::sys::memory::{Mapping, foreign};
use crate::sys::{Os, SharedWide, named};
use crate::world::Wide;
use slot::Kind;

/// A list of numbers, truths, texts and bytes, of fixed length, in memory that processes find by a name.
///
/// ```
/// use forkproof::{ShareableItem, ShareableList};
///
/// let made = ShareableList::new(["howdy".into(), 42.into(), ShareableItem::None])?;
/// let attached = ShareableList::attach(made.shm().name())?; // in any process
/// attached.set(1, 1.5)?;
/// assert_eq!(made.get(1)?, ShareableItem::Float(1.5));
/// assert_eq!(made.to_string(), "['howdy', 1.5, None]");
/// assert!(attached.set(0, "longer than howdy").is_err(), "a slot's room is fixed");
/// made.shm().unlink()?;
/// # Ok::<(), forkproof::Error>(())
/// ```
/// A clone is the same list; as an argument of a process, or inside a message, it is the same list there.
///
/// # Room
/// A slot for a number has room for 8 bytes. One for a text or bytes has room for what it was made with, rounded up to
/// the next multiple of 8 bytes, and never full: `"12345678"` can become anything of up to 16 bytes. A slot takes items
/// of any kind that fit. (CPython counts a text's letters in place of its bytes, and cuts what does not fit.)
///
/// # Several at once
/// Each method is one step: the list has a lock of its own, for as long as a method runs. (CPython's has none.)
///
/// # When a process dies
/// An item is replaced by one store, behind which its bytes stand already: whoever is killed at whatever instruction,
/// each slot holds what it held or what was being set, whole, and no one is held up. As with
/// [`SharedMemory`], the list lasts until it is [unlinked](SharedMemory::unlink).
///
/// # Memory ordering
/// What was written before `set` is seen after the `get` of the item.
#[derive(Clone)]
pub struct ShareableList {
    memory: SharedMemory,
    slots: Arc<[Slot]>,
}

/// Why a list was not read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShareableListError {
    #[error(transparent)]
    Bounds(#[from] BoundsError),
    /// The slot is as it was.
    #[error("an item of {given} bytes for a slot with room for {room}")]
    TooLong { given: usize, room: usize },
    /// Its lock was refused: this thread holds too many.
    #[error(transparent)]
    Lock(#[from] LockFailure),
    /// Another program has written over it.
    #[error("slot {index} holds nothing that was set")]
    Corrupt { index: usize },
}

/// ```text
/// | header | lock | (to 128) | slot 0 .. slot n-1 | two rooms of slot 0 | .. | two rooms of slot n-1 |
/// ```
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Header {
    magic: u64,
    slots: u64,
    /// Thread ids, which the lock is made of, mean nothing in another PID namespace.
    pid_namespace: u64,
}

const MAGIC: u64 = u64::from_le_bytes(*b"fplist01");
const LOCK_AT: usize = 64;
const SLOTS_AT: usize = 128;
const _: () = assert!(size_of::<Header>() <= LOCK_AT);
const _: () = assert!(LOCK_AT + size_of::<RawMutex<Os>>() <= SLOTS_AT);

/// A slot's places in memory. In shared memory: `start`, `room`, and the state.
#[derive(Clone, Copy)]
struct Slot {
    state_at: usize,
    /// Of the first of its two rooms; the second follows.
    start: usize,
    room: usize,
}
const SLOT_BYTES: usize = 24;

/// What one store replaces: the kind (bits 0–6), which of the two rooms (bit 7), and how many bytes of it (from bit 8).
#[derive(Clone, Copy)]
struct State(u64);

impl State {
    fn new(kind: Kind, second: bool, len: usize) -> State {
        State(kind as u64 | u64::from(second) << 7 | (len as u64) << 8)
    }

    fn is_second(self) -> bool {
        self.0 & 1 << 7 != 0
    }
}

impl ShareableList {
    /// A list of these items, under a name that nobody has.
    ///
    /// # Errors
    /// `StorageFull` if /dev/shm has not so much room; no descriptors left.
    pub fn new(items: impl IntoIterator<Item = ShareableItem>) -> io::Result<ShareableList> {
        ShareableList::made(None, items)
    }

    /// A list of these items.
    ///
    /// # Errors
    /// As [`new`](ShareableList::new); `AlreadyExists`; `InvalidInput` if it is no name.
    pub fn named(
        name: &str,
        items: impl IntoIterator<Item = ShareableItem>,
    ) -> io::Result<ShareableList> {
        ShareableList::made(Some(name), items)
    }

    fn made(
        name: Option<&str>,
        items: impl IntoIterator<Item = ShareableItem>,
    ) -> io::Result<ShareableList> {
        let items: Vec<_> = items.into_iter().collect();
        let mut end = SLOTS_AT + items.len() * SLOT_BYTES;
        let slots = items.iter().enumerate().map(|(index, item)| {
            let (start, room) = (end, item.room());
            end += 2 * room;
            let state_at = state_at(index);
            Slot {
                state_at,
                start,
                room,
            }
        });
        let slots: Arc<[Slot]> = slots.collect();
        let mapping = named::create(end)?;
        let header = Header {
            magic: MAGIC,
            slots: items.len() as u64,
            pid_namespace: pid_namespace()?,
        };
        mapping.write(0, bytemuck::bytes_of(&header));
        mapping.init(LOCK_AT, RawMutex::<Os>::new());
        for (slot, item) in slots.iter().zip(&items) {
            let places = [slot.start as u64, slot.room as u64];
            mapping.write(slot.state_at - 16, bytemuck::bytes_of(&places));
            let bytes = item.bytes();
            mapping.write(slot.start, &bytes);
            let state = State::new(item.kind(), false, bytes.len());
            mapping.init(slot.state_at, SharedWide::new(state.0));
        }
        let memory = SharedMemory::made(mapping, name)?; // whole before anyone can find it
        Ok(ShareableList { memory, slots })
    }

    /// The list of that name.
    ///
    /// # Errors
    /// As [`SharedMemory::attach`]; `InvalidData` if it is no list, or one of another PID namespace.
    pub fn attach(name: &str) -> io::Result<ShareableList> {
        ShareableList::over(SharedMemory::attach(name)?)
    }

    fn over(memory: SharedMemory) -> io::Result<ShareableList> {
        let mapping = memory.mapping();
        let mut header: Header = bytemuck::Zeroable::zeroed();
        if mapping.len() < SLOTS_AT {
            return Err(foreign("it is too short for a list"));
        }
        mapping.read(0, bytemuck::bytes_of_mut(&mut header));
        if header.magic != MAGIC {
            return Err(foreign("it is no list"));
        }
        if header.pid_namespace != pid_namespace()? {
            return Err(foreign(
                "it was made in another PID namespace, where thread ids mean others",
            ));
        }
        let table = usize::try_from(header.slots)
            .ok()
            .and_then(|slots| slots.checked_mul(SLOT_BYTES)?.checked_add(SLOTS_AT))
            .filter(|end| *end <= mapping.len());
        let table = table.ok_or_else(|| foreign("its header and its size disagree"))?;
        let slots: Option<Arc<[Slot]>> = (0..header.slots as usize)
            .map(|index| Slot::read(mapping, index, table))
            .collect();
        let slots = slots.ok_or_else(|| foreign("a slot lies outside of it"))?;
        Ok(ShareableList { memory, slots })
    }

    /// How many items: fixed.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The memory that it lies in: its name, and [`unlink`](SharedMemory::unlink).
    pub fn shm(&self) -> &SharedMemory {
        &self.memory
    }

    /// One item.
    ///
    /// # Errors
    /// [`BoundsError::Index`]; [`LockFailure::TooManyHeld`]; [`Corrupt`](ShareableListError::Corrupt).
    pub fn get(&self, index: usize) -> Result<ShareableItem, ShareableListError> {
        let index = bounds::index(index, self.len())?;
        let _held = self.lock()?;
        self.item(index)
    }

    /// Replaces one item.
    ///
    /// # Errors
    /// [`BoundsError::Index`]; [`TooLong`](ShareableListError::TooLong); [`LockFailure::TooManyHeld`].
    pub fn set(
        &self,
        index: usize,
        item: impl Into<ShareableItem>,
    ) -> Result<(), ShareableListError> {
        let slot = self.slots[bounds::index(index, self.len())?];
        let item = item.into();
        let bytes = item.bytes();
        let (given, room) = (bytes.len(), slot.room);
        if given > room {
            return Err(ShareableListError::TooLong { given, room });
        }
        let _held = self.lock()?;
        let word = self.state(&slot);
        let second = !State(word.load(Acquire)).is_second(); // Acquire: pairs with the Release below
        self.memory.mapping().write(slot.room_at(second), &bytes);
        // Release: pairs with the Acquire above and in item(). The one store that replaces the item.
        word.store(State::new(item.kind(), second, given).0, Release);
        Ok(())
    }

    /// All items, as they are at one moment.
    ///
    /// # Errors
    /// [`LockFailure::TooManyHeld`]; [`Corrupt`](ShareableListError::Corrupt).
    pub fn to_vec(&self) -> Result<Vec<ShareableItem>, ShareableListError> {
        let _held = self.lock()?;
        (0..self.len()).map(|index| self.item(index)).collect()
    }

    /// How often the item is in the list.
    ///
    /// # Errors
    /// As [`to_vec`](ShareableList::to_vec).
    pub fn count(&self, item: &ShareableItem) -> Result<usize, ShareableListError> {
        Ok(self.to_vec()?.iter().filter(|other| *other == item).count())
    }

    /// Where the item is first, if it is.
    ///
    /// # Errors
    /// As [`to_vec`](ShareableList::to_vec).
    pub fn index(&self, item: &ShareableItem) -> Result<Option<usize>, ShareableListError> {
        Ok(self.to_vec()?.iter().position(|other| other == item))
    }

    /// The item of a slot; the lock is held.
    fn item(&self, index: usize) -> Result<ShareableItem, ShareableListError> {
        let slot = &self.slots[index];
        let corrupt = ShareableListError::Corrupt { index };
        // Acquire: pairs with the Release in set().
        let State(state) = State(self.state(slot).load(Acquire));
        let len = (state >> 8) as usize;
        let Some(kind) = Kind::from_number(state & 0x7f).filter(|_| len <= slot.room) else {
            return Err(corrupt);
        };
        let mut bytes = vec![0; len];
        let room = slot.room_at(State(state).is_second());
        self.memory.mapping().read(room, &mut bytes);
        ShareableItem::from_bytes(kind, bytes).ok_or(corrupt)
    }

    fn state(&self, slot: &Slot) -> &SharedWide {
        // SAFETY: made() put it there; any 8 bytes are one.
        unsafe { self.memory.mapping().object(slot.state_at) }
    }

    fn lock(&self) -> Result<Held<'_>, LockFailure> {
        // SAFETY: made() put it there; the magic number vouches for it.
        let mutex: &RawMutex<Os> = unsafe { self.memory.mapping().object(LOCK_AT) };
        let acquired = mutex.lock(Patience::Endless);
        let acquired = acquired.map_err(|refused| LockError::<()>::from(refused).failure())?;
        let held = Held(mutex);
        if acquired == Acquired::OwnerDied {
            // Each set is one store: there is nothing to repair.
            held.0.mark_consistent().expect("it is held by this thread");
        }
        Ok(held)
    }
}

impl Slot {
    /// `None` if it reaches out of the mapping, or into the table.
    fn read(mapping: &Mapping, index: usize, table_end: usize) -> Option<Slot> {
        let state_at = state_at(index);
        let mut places = [0u64; 2];
        mapping.read(state_at - 16, bytemuck::bytes_of_mut(&mut places));
        let start = usize::try_from(places[0]).ok()?;
        let room = usize::try_from(places[1]).ok()?;
        let end = room.checked_mul(2)?.checked_add(start)?;
        (start >= table_end && end <= mapping.len()).then_some(Slot {
            state_at,
            start,
            room,
        })
    }

    fn room_at(&self, second: bool) -> usize {
        self.start + usize::from(second) * self.room
    }
}

/// Where a slot's state lies: behind its two places.
fn state_at(index: usize) -> usize {
    SLOTS_AT + index * SLOT_BYTES + 16
}

/// The list's lock, for as long as a method runs.
struct Held<'a>(&'a RawMutex<Os>);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.unlock().expect("it is held by this thread");
    }
}

/// As Python writes a list; what is unreadable is said in its place.
impl fmt::Display for ShareableList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_vec() {
            Ok(items) => {
                let items: Vec<_> = items.iter().map(ShareableItem::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Err(error) => write!(f, "[{error}]"),
        }
    }
}

impl fmt::Debug for ShareableList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShareableList({self}, name={:?})", self.memory.name())
    }
}

impl Serialize for ShareableList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.memory.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ShareableList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ShareableList, D::Error> {
        let list = ShareableList::over(SharedMemory::deserialize(deserializer)?);
        list.map_err(|error| D::Error::custom(passage::complain(error.to_string())))
    }
}
