//! What all queues are: a ring in shared memory and a shelf beside it, through which values pass.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde::{Deserializer, Serialize, Serializer};

use super::error::{GetError, PutError};
use super::hands::{Fate, Taking};
use super::shelf::{Receiving, STAMP_BYTES, STAMPED, Sending, Shelf};
use crate::raw::ring::tasks::{HANDS_MAX, TaskDesk};
use crate::raw::ring::{
    Bytes, GetRefused, PutRefused, RECORDS_MAX, RawRing, Record, Ring, UNIT, UNITS_MAX,
};
use crate::raw::{Patience, RawListener, RawTasks, Refused};
use crate::shm::passage::{self, Parcel};
use crate::shm::{Block, InShared, block, buffer};
use crate::sync::{LockError, LockFailure};
use crate::sys::message::FDS_PER_PACKET;
use crate::sys::{Os, SharedWide, SharedWord};
use crate::world::{Node, Wide, Word};

/// What lies in front of a ring's bytes.
#[repr(C)]
struct Header {
    ring: RawRing<Os>,
    /// How many stamps were given out.
    stamps: SharedWide,
    /// How many poll the shelf; those who died polling stay counted.
    pollers: SharedWord,
    /// See [`Channel::listener`].
    listener: RawListener<Os>,
}

// SAFETY: `repr(C)`, of atomics, and nodes whose links only their owner follows.
unsafe impl InShared for Header {}
// SAFETY: as above.
unsafe impl InShared for TaskDesk<Os> {}

/// The size of the ring in units, and the most records in it; never changed.
const LIMITS_AT: usize = size_of::<Header>();
const BYTES_AT: usize = (LIMITS_AT + size_of::<[u32; 2]>()).next_multiple_of(64);

/// Behind a queue's bytes, if it counts tasks: their desk, and then the hands.
const HANDS: usize = HANDS_MAX + 1;
const HANDS_FROM_DESK: usize = size_of::<TaskDesk<Os>>();
const TASKS_BYTES: usize = HANDS_FROM_DESK + HANDS * size_of::<Node<Os>>();

/// A queue's bytes, as they lie in its block.
pub(super) struct Region<'a>(&'a Block);

impl Region<'_> {
    /// Where a byte of them lies in the block.
    pub fn offset(byte: usize) -> usize {
        BYTES_AT + byte
    }
}

impl Bytes for Region<'_> {
    fn read(&self, offset: usize, into: &mut [u8]) {
        // SAFETY: the ring has what it reads to itself.
        unsafe { self.0.copy_out(BYTES_AT + offset, into) };
    }

    fn write(&self, offset: usize, from: &[u8]) {
        // SAFETY: the ring has what it writes to itself.
        unsafe { self.0.copy_in(BYTES_AT + offset, from) };
    }
}

/// A type of queue.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// Its full name, by which it is told from others on arrival.
    pub name: &'static str,
    /// Whether it knows of each item if it is done.
    pub counts_tasks: bool,
    /// Whether an item's bytes do not wrap.
    pub in_one_piece: bool,
}

impl Kind {
    pub fn of<Q>() -> Kind {
        Kind {
            name: std::any::type_name::<Q>(),
            counts_tasks: false,
            in_one_piece: false,
        }
    }

    fn tag(self) -> u32 {
        Block::tag(self.name, 0)
    }
}

#[derive(Clone)]
pub(super) struct Channel {
    block: Arc<Block>,
    shelf: Shelf,
    units: u32,
    records_max: u32,
    counts_tasks: bool,
    in_one_piece: bool,
}

impl Channel {
    /// # Errors
    /// `InvalidInput` for limits that no queue can have; no memory; no descriptors.
    pub fn new(items: Option<usize>, bytes: usize, kind: Kind) -> io::Result<Channel> {
        let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what);
        let records_max = match items {
            None => RECORDS_MAX,
            Some(items) => u32::try_from(items)
                .ok()
                .filter(|items| (1..=RECORDS_MAX).contains(items))
                .ok_or_else(|| invalid("a queue is bounded by 1 to 2147483647 items"))?,
        };
        let units = u32::try_from(bytes.div_ceil(UNIT))
            .ok()
            .filter(|units| (2..=UNITS_MAX).contains(units))
            .ok_or_else(|| invalid("a queue has room for 16 bytes to 16 GiB"))?;
        let block = Block::allocate(bytes_of(units, kind.counts_tasks), kind.tag())?;
        block.made("Queue", true, |_| String::new());
        let header = Header {
            ring: RawRing::new(),
            stamps: SharedWide::new(0),
            pollers: SharedWord::new(0),
            listener: RawListener::new(),
        };
        block.init(0, header);
        block.set(LIMITS_AT, [units, records_max]);
        if kind.counts_tasks {
            let tasks_at = tasks_at(units);
            block.init(tasks_at, TaskDesk::<Os>::new());
            for hand in 0..HANDS {
                let at = tasks_at + HANDS_FROM_DESK + hand * size_of::<Node<Os>>();
                block.init(at, Node::<Os>::new());
            }
            tasks_of(&block, tasks_at).set_up();
        }
        Ok(Channel {
            block: Arc::new(block),
            shelf: Shelf::new()?,
            units,
            records_max,
            counts_tasks: kind.counts_tasks,
            in_one_piece: kind.in_one_piece,
        })
    }

    pub fn put<T: Serialize>(&self, item: T, patience: Patience) -> Result<(), PutError<T>> {
        let parcel = match passage::pack(&item) {
            Ok(parcel) => parcel,
            Err(error) => return Err(PutError::Unsendable(error, item)),
        };
        match self.put_parcel(parcel, patience) {
            Ok(()) => Ok(()),
            Err(Refusal::TooManyFiles) => Err(PutError::TooManyFiles(item)),
            Err(Refusal::Io(error)) => Err(PutError::Io(error, item)),
            Err(Refusal::Ring(refused)) => Err(match refused {
                PutRefused::TooLarge => PutError::TooLarge(item),
                PutRefused::Closed => PutError::Closed(item),
                PutRefused::Full => PutError::Full(item),
                PutRefused::TimedOut => PutError::TimedOut(item),
                // Nothing is reserved in a queue of values.
                PutRefused::Corrupt | PutRefused::Nested => PutError::Corrupt(item),
                PutRefused::TooManyHeld => PutError::TooManyHeld(item),
                PutRefused::Failed => PutError::Io(io::ErrorKind::WouldBlock.into(), item),
            }),
        }
    }

    fn put_parcel(&self, mut parcel: Parcel, patience: Patience) -> Result<(), Refusal> {
        let (mut mark, mut bytes) = (0, std::mem::take(&mut parcel.bytes));
        let files = parcel.fds();
        let files = match files.len() {
            0 => None,
            1..=FDS_PER_PACKET => {
                // Relaxed: a number that no one else has; from 1, as 0 is the bell.
                let stamp = self.header().stamps.fetch_add(1, Relaxed).wrapping_add(1);
                mark = STAMPED;
                let reserved = bytes.try_reserve(STAMP_BYTES);
                reserved.map_err(|error| Refusal::Io(error.into()))?;
                bytes.splice(0..0, stamp.to_le_bytes());
                Some((stamp, files))
            }
            _ => return Err(Refusal::TooManyFiles),
        };
        let mut sending = self.sending(files);
        let outcome = self.ring().put(mark, &bytes, patience, &mut sending);
        buffer::keep(bytes);
        match (outcome, sending.failure) {
            (Ok(()), _) => {
                parcel.delivered();
                Ok(())
            }
            (Err(_), Some(error)) => Err(Refusal::Io(error)),
            (Err(refused), None) => Err(Refusal::Ring(refused)),
        }
    }

    pub fn get<T: DeserializeOwned>(&self, patience: Patience) -> Result<T, GetError> {
        let mut taking = Taking::new(self, Fate::InHand);
        let record = self.ring().get(patience, &mut taking);
        let receiving = taking.receiving;
        let record = record.map_err(|refused| get_error(refused, receiving.failure))?;
        let item = passage::unpack(content(&record), receiving.files);
        buffer::keep(record.bytes);
        item.map_err(GetError::Unreadable)
    }

    pub fn close(&self) -> Result<(), LockFailure> {
        let closed = self.ring().close(&mut self.sending(None));
        closed.map_err(|refused| LockError::<()>::from(refused).failure())
    }

    /// From now on the file becomes readable when there may be something to get, or the queue is closed.
    pub fn arm(&self) {
        // Relaxed: is_ready() takes the lock that puts are made under before anyone sleeps.
        self.header().pollers.fetch_add(1, Relaxed);
    }

    /// No longer.
    pub fn disarm(&self) {
        // Relaxed: at worst a bell is rung for no one.
        self.header().pollers.fetch_sub(1, Relaxed);
    }

    /// The one who gets here, for those who have agreed on how to ring for it: it need not wait for a putter at work, as
    /// who polls the file does.
    pub fn listener(&self) -> &RawListener<Os> {
        &self.header().listener
    }

    /// Whether there is something to get, or the queue is closed. If not, what made the file readable is gone.
    pub fn is_ready(&self, patience: Patience) -> Result<bool, Refused> {
        let ring = self.ring();
        if !ring.rests(patience)? {
            return Ok(true);
        }
        ring.clear_if_empty(patience, &mut Receiving::new(&self.shelf))?;
        Ok(false)
    }

    pub fn ring(&self) -> Ring<'_, Os, Region<'_>> {
        let region = Region(&self.block);
        let ring = Ring::new(&self.header().ring, region, self.units, self.records_max);
        if self.in_one_piece {
            ring.in_one_piece()
        } else {
            ring
        }
    }

    /// If the queue counts them.
    pub fn tasks(&self) -> Option<RawTasks<'_, Os>> {
        self.counts_tasks
            .then(|| tasks_of(&self.block, self.tasks_at()))
    }

    /// Where they lie.
    pub fn tasks_at(&self) -> usize {
        tasks_at(self.units)
    }

    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// What there is to poll, when it is armed.
    pub fn file(&self) -> BorrowedFd<'_> {
        self.shelf.as_fd()
    }

    pub fn block(&self) -> &Arc<Block> {
        &self.block
    }

    /// What lies at an offset of the block.
    pub fn part(&self, offset: usize) -> String {
        const STAMPS_AT: usize = std::mem::offset_of!(Header, stamps);
        const POLLERS_AT: usize = std::mem::offset_of!(Header, pollers);
        const LISTENER_AT: usize = std::mem::offset_of!(Header, listener);
        match offset {
            0..STAMPS_AT => format!("'s {}", RawRing::<Os>::part(offset)),
            STAMPS_AT..POLLERS_AT => "'s stamps".into(),
            POLLERS_AT..LISTENER_AT => "'s pollers".into(),
            LISTENER_AT..BYTES_AT => "'s listener".into(),
            at => match at.checked_sub(self.tasks_at()) {
                None => format!(" at byte {}", at - BYTES_AT),
                Some(at @ 0..HANDS_FROM_DESK) => format!("'s {}", TaskDesk::<Os>::part(at)),
                Some(at) => {
                    let (hand, part) = RawTasks::<Os>::part_of_hands(at - HANDS_FROM_DESK);
                    format!("'s {part} {hand}")
                }
            },
        }
    }

    pub fn sending<'a>(&'a self, files: Option<(u64, Vec<BorrowedFd<'a>>)>) -> Sending<'a> {
        Sending {
            shelf: &self.shelf,
            pollers: &self.header().pollers,
            files,
            failure: None,
        }
    }

    fn header(&self) -> &Header {
        // SAFETY: new() put it there; a handle that arrives is checked by its tag.
        unsafe { self.block.object(0) }
    }

    pub fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (Handle(&self.block), &self.shelf).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
        kind: Kind,
    ) -> Result<Channel, D::Error> {
        let (block, shelf) = deserializer.deserialize_tuple(2, Arriving(kind))?;
        let [units, records_max] = block.get::<[u32; 2]>(LIMITS_AT);
        let fits =
            (2..=UNITS_MAX).contains(&units) && bytes_of(units, kind.counts_tasks) <= block.len();
        if !fits || !(1..=RECORDS_MAX).contains(&records_max) {
            let complaint = format!("a queue of {units} units in {} bytes", block.len());
            return Err(D::Error::custom(passage::complain(complaint)));
        }
        Ok(Channel {
            block,
            shelf,
            units,
            records_max,
            counts_tasks: kind.counts_tasks,
            in_one_piece: kind.in_one_piece,
        })
    }
}

/// A queue's size in bytes.
fn bytes_of(units: u32, counts_tasks: bool) -> usize {
    tasks_at(units) + if counts_tasks { TASKS_BYTES } else { 0 }
}

fn tasks_at(units: u32) -> usize {
    BYTES_AT + units as usize * UNIT
}

/// Of a queue that counts them.
pub(super) fn tasks_of(block: &Block, tasks_at: usize) -> RawTasks<'_, Os> {
    // SAFETY: new() put them there; of a handle that arrives, the tag and the size are checked.
    let (header, desk, hands) = unsafe {
        (
            block.object::<Header>(0),
            block.object(tasks_at),
            block.objects(tasks_at + HANDS_FROM_DESK, HANDS),
        )
    };
    RawTasks::new(desk, hands, &header.ring)
}

/// Why a parcel was not put.
enum Refusal {
    TooManyFiles,
    Io(io::Error),
    Ring(PutRefused),
}

pub(super) fn get_error(refused: GetRefused, failure: Option<io::Error>) -> GetError {
    match refused {
        GetRefused::Closed => GetError::Closed,
        GetRefused::Empty => GetError::Empty,
        GetRefused::TimedOut => GetError::TimedOut,
        GetRefused::Nested => GetError::Nested,
        GetRefused::TooManyHeld => GetError::TooManyHeld,
        GetRefused::Corrupt => GetError::Corrupt,
        GetRefused::NoMemory => GetError::Io(io::ErrorKind::OutOfMemory.into()),
        GetRefused::Failed => GetError::Io(failure.unwrap_or_else(|| io::ErrorKind::Other.into())),
    }
}

/// A record's bytes behind its stamp.
pub(super) fn content(record: &Record) -> &[u8] {
    let stamp_bytes = if record.mark & STAMPED == 0 {
        0
    } else {
        STAMP_BYTES
    };
    record.bytes.get(stamp_bytes..).unwrap_or_default()
}

struct Handle<'a>(&'a Arc<Block>);

impl Serialize for Handle<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        block::serialize(self.0, serializer)
    }
}

/// The block of a queue of this kind, and a shelf.
#[derive(Clone, Copy)]
struct Arriving(Kind);

impl<'de> DeserializeSeed<'de> for Arriving {
    type Value = Arc<Block>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Arc<Block>, D::Error> {
        block::deserialize(deserializer, self.0.name, self.0.tag(), BYTES_AT)
    }
}

impl<'de> Visitor<'de> for Arriving {
    type Value = (Arc<Block>, Shelf);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the handle of a {}", self.0.name)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let block = parts.next_element_seed(self)?;
        let block = block.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let shelf = parts.next_element()?;
        let shelf = shelf.ok_or_else(|| A::Error::invalid_length(1, &self))?;
        Ok((block, shelf))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Value;

    type Item = (u64, Option<Value<u64>>);

    fn channel() -> Channel {
        Channel::new(None, 1_024, Kind::of::<Item>()).unwrap()
    }

    /// What a putter leaves that was killed behind its send and before its commit.
    fn leave(channel: &Channel) -> bool {
        let stamp = channel.header().stamps.fetch_add(1, Relaxed) + 1;
        channel.shelf.put(stamp, &[channel.file()]).unwrap()
    }

    #[test]
    fn what_dead_putters_left_parts_no_item_from_its_files() {
        let channel = channel();
        for number in 0..100 {
            leave(&channel);
            channel.put::<Item>((number, None), Patience::None).unwrap();
            leave(&channel);
            leave(&channel);
            let along = Some(Value::new(number).unwrap());
            channel
                .put::<Item>((number, along), Patience::None)
                .unwrap();
            leave(&channel);
            for _ in 0..2 {
                let (got, along) = channel.get::<Item>(Patience::None).unwrap();
                assert_eq!(got, number);
                assert!(along.is_none_or(|along| along.get_unlocked() == number));
            }
        }
    }

    #[test]
    fn a_shelf_full_of_leftovers_is_cleared() {
        let channel = channel();
        while leave(&channel) {}
        let along = Value::new(3).unwrap();
        channel.put::<Item>((3, None), Patience::None).unwrap();
        let refused = channel.put::<Item>((4, Some(along.clone())), Patience::None);
        assert!(
            matches!(refused, Err(PutError::Full(_))),
            "until the queue is empty"
        );
        channel.get::<Item>(Patience::None).unwrap();
        channel
            .put::<Item>((4, Some(along)), Patience::None)
            .unwrap();
        let (_, along) = channel.get::<Item>(Patience::None).unwrap();
        assert_eq!(along.unwrap().get_unlocked(), 3);
    }
}
