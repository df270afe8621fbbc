//! Where records lie: positions, and the bytes behind them.

use super::record::{GetRefused, Record};

/// The region is counted in these: 8 bytes.
pub const UNIT: usize = 8;
/// The largest region, in units.
pub const UNITS_MAX: u32 = 1 << 31;
/// The most records that a ring can be bounded by.
pub const RECORDS_MAX: u32 = (1 << 31) - 1;

/// Where the bytes of records lie. Offsets are in bytes; every range lies within the region.
pub trait Bytes {
    fn read(&self, offset: usize, into: &mut [u8]);
    fn write(&self, offset: usize, from: &[u8]);
}

/// How far an end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub position: u32,
    pub records: u32,
}

impl Place {
    /// Bit 63 is the end's own.
    pub fn of(packed: u64) -> Place {
        Place {
            position: packed as u32,
            records: (packed >> 32) as u32 & RECORDS_MAX,
        }
    }

    pub fn packed(self) -> u64 {
        u64::from(self.records) << 32 | u64::from(self.position)
    }

    /// Records between this place and a later one.
    pub fn records_to(self, later: Place) -> u32 {
        later.records.wrapping_sub(self.records) & RECORDS_MAX
    }
}

/// A record, where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lying {
    /// The putter's to choose.
    pub mark: u32,
    /// Of its payload, in bytes.
    pub length: u32,
    /// Where its payload begins, in bytes.
    pub start: usize,
    /// How many units it takes: its header, what stays unused behind that, and its payload.
    pub(super) taken: u32,
}

/// The units of a payload.
fn units_of(length: u32) -> u32 {
    length.div_ceil(UNIT as u32)
}

/// The bytes of a ring, and how they are counted.
pub(super) struct Region<B> {
    pub bytes: B,
    pub units: u32,
    /// Payloads do not wrap.
    pub in_one_piece: bool,
}

impl<B: Bytes> Region<B> {
    /// Units between the two ends.
    pub fn used(&self, head: Place, tail: Place) -> u32 {
        let (head, tail) = (u64::from(head.position), u64::from(tail.position));
        let used = if tail < head {
            (tail + self.lap()).saturating_sub(head)
        } else {
            tail - head
        };
        used as u32
    }

    /// Whether the ends can be there, with so many records at most between them. If not, the places were written to by
    /// something else than a ring.
    pub fn can_be(&self, head: Place, tail: Place, records_max: u32) -> bool {
        let (used, records) = (self.used(head, tail), head.records_to(tail));
        u64::from(head.position.max(tail.position)) < self.lap()
            && used <= self.units
            && records <= used.min(records_max)
            && (records == 0) == (used == 0)
    }

    /// Whether an empty ring has room for a record, wherever it is.
    pub fn has_room_when_empty(&self, length: u32) -> bool {
        let most = if self.in_one_piece {
            self.units / 2 // in front of the region's end, or behind its start
        } else {
            self.units - 1
        };
        units_of(length) <= most
    }

    /// The place behind a record.
    pub fn behind(&self, place: Place, lying: &Lying) -> Place {
        Place {
            position: self.after(place.position, lying.taken),
            records: place.records.wrapping_add(1) & RECORDS_MAX,
        }
    }

    /// A record's place, if it begins at a position.
    pub fn lying(&self, position: u32, mark: u32, length: u32) -> Lying {
        let payload = units_of(length);
        let unused = self.unused(position, payload);
        Lying {
            mark,
            length,
            start: self.offset(self.after(position, 1 + unused)),
            taken: 1 + unused.saturating_add(payload),
        }
    }

    /// Writes a record's header at a position.
    pub fn lay(&self, position: u32, lying: &Lying) {
        let header = u64::from(lying.mark) << 32 | u64::from(lying.length);
        self.bytes
            .write(self.offset(position), &header.to_le_bytes());
    }

    /// Writes its payload, of that length.
    pub fn write(&self, lying: &Lying, payload: &[u8]) {
        let (first, rest) = payload.split_at(payload.len().min(self.end() - lying.start));
        self.bytes.write(lying.start, first);
        if !rest.is_empty() {
            self.bytes.write(0, rest);
        }
    }

    /// The record in front, if what lies there can be one.
    pub fn front(&self, head: Place, tail: Place) -> Option<Lying> {
        let mut header = [0; UNIT];
        self.bytes.read(self.offset(head.position), &mut header);
        let header = u64::from_le_bytes(header);
        let (mark, length) = ((header >> 32) as u32, header as u32);
        let lying = self.lying(head.position, mark, length);
        (lying.taken <= self.used(head, tail)).then_some(lying)
    }

    /// A copy of a record, in the given memory.
    ///
    /// # Errors
    /// [`GetRefused::NoMemory`].
    pub fn copy(&self, lying: &Lying, room: Vec<u8>) -> Result<Record, GetRefused> {
        let mut bytes = room;
        let length = lying.length as usize;
        let reserved = bytes.try_reserve_exact(length.saturating_sub(bytes.len()));
        reserved.map_err(|_| GetRefused::NoMemory)?;
        bytes.resize(length, 0);
        let (first, rest) = bytes.split_at_mut(length.min(self.end() - lying.start));
        self.bytes.read(lying.start, first);
        if !rest.is_empty() {
            self.bytes.read(0, rest);
        }
        let mark = lying.mark;
        Ok(Record { mark, bytes })
    }

    /// How many units stay unused behind the header of a record at a position.
    fn unused(&self, position: u32, payload: u32) -> u32 {
        let left = self.units - 1 - self.unit(position);
        if self.in_one_piece && payload > left {
            left
        } else {
            0
        }
    }

    /// Of a position below the lap, and no more units than there are.
    fn after(&self, position: u32, units: u32) -> u32 {
        let after = u64::from(position) + u64::from(units);
        after.checked_sub(self.lap()).unwrap_or(after) as u32
    }

    /// What positions are counted to.
    fn lap(&self) -> u64 {
        2 * u64::from(self.units)
    }

    /// In bytes. Of a position below the lap.
    fn offset(&self, position: u32) -> usize {
        self.unit(position) as usize * UNIT
    }

    /// Of a position below the lap.
    fn unit(&self, position: u32) -> u32 {
        position.checked_sub(self.units).unwrap_or(position)
    }

    fn end(&self) -> usize {
        self.units as usize * UNIT
    }
}
