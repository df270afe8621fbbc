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

/// A record's own units: its header and its payload.
pub(super) fn units_for(length: u32) -> u32 {
    1 + length.div_ceil(UNIT as u32)
}

/// The bytes of a ring, and how they are counted.
pub(super) struct Region<B> {
    pub bytes: B,
    pub units: u32,
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

    /// The place behind a record of `units`.
    pub fn behind(&self, place: Place, units: u32) -> Place {
        Place {
            position: self.after(place.position, units),
            records: place.records.wrapping_add(1) & RECORDS_MAX,
        }
    }

    pub fn write(&self, position: u32, mark: u32, payload: &[u8]) {
        let header = u64::from(mark) << 32 | payload.len() as u64;
        self.bytes
            .write(self.offset(position), &header.to_le_bytes());
        let start = self.offset(self.after(position, 1));
        let (first, rest) = payload.split_at(payload.len().min(self.end() - start));
        self.bytes.write(start, first);
        self.bytes.write(0, rest);
    }

    /// The record at a position, in the given memory, and its units.
    ///
    /// # Errors
    /// [`GetRefused::Corrupt`] if there is none of at most `used` units; [`GetRefused::NoMemory`].
    pub fn read(
        &self,
        position: u32,
        used: u32,
        room: Vec<u8>,
    ) -> Result<(Record, u32), GetRefused> {
        let mut header = [0; UNIT];
        self.bytes.read(self.offset(position), &mut header);
        let header = u64::from_le_bytes(header);
        let (mark, length) = ((header >> 32) as u32, header as u32);
        let units = units_for(length);
        if units > used {
            return Err(GetRefused::Corrupt);
        }
        let mut bytes = room;
        let more = (length as usize).saturating_sub(bytes.len());
        let reserved = bytes.try_reserve_exact(more);
        reserved.map_err(|_| GetRefused::NoMemory)?;
        bytes.resize(length as usize, 0);
        let start = self.offset(self.after(position, 1));
        let (first, rest) = bytes.split_at_mut((length as usize).min(self.end() - start));
        self.bytes.read(start, first);
        self.bytes.read(0, rest);
        Ok((Record { mark, bytes }, units))
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

    /// Of a position below the lap.
    fn offset(&self, position: u32) -> usize {
        position.checked_sub(self.units).unwrap_or(position) as usize * UNIT
    }

    fn end(&self) -> usize {
        self.units as usize * UNIT
    }
}
