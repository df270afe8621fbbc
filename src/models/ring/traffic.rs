//! What the lanes of the models put and get, and the judge's account of it.

use std::cell::{Cell, RefCell};

use ::loom::cell::Cell as Guarded;

use crate::explore::loom::{me, step};
use crate::raw::Patience;
use crate::raw::ring::{Bytes, GetRefused, PutRefused, RECORDS_MAX, RawRing, Ring, UNIT};
use crate::world::{Deadline, World};

/// A ring, its bytes, and what was seen of it.
pub(super) struct Road<W: World> {
    raw: RawRing<W>,
    bytes: Cells,
    /// Records have two units of payload, in one piece; otherwise one.
    in_one_piece: bool,
    notes: Notes,
}

/// The region: loom watches that no unit is read while it is written.
pub(in crate::models) struct Cells(Vec<Guarded<u64>>);

impl Cells {
    pub fn new(units: usize) -> Cells {
        Cells((0..units).map(|_| Guarded::new(0)).collect())
    }

    pub fn units(&self) -> u32 {
        self.0.len() as u32
    }
}

/// Kept beside the model: the lanes take turns on one thread, and loom sees nothing of it.
#[derive(Default)]
struct Notes {
    /// Puts that returned.
    acknowledged: RefCell<Vec<u64>>,
    /// Puts that were begun.
    begun: RefCell<Vec<u64>>,
    got: RefCell<Vec<(u32, u64)>>,
    closed: Cell<bool>,
}

impl Bytes for &Cells {
    fn read(&self, offset: usize, into: &mut [u8]) {
        for (cell, piece) in self.0[offset / UNIT..].iter().zip(into.chunks_mut(UNIT)) {
            step();
            piece.copy_from_slice(&cell.get().to_le_bytes());
        }
    }

    fn write(&self, offset: usize, from: &[u8]) {
        for (cell, piece) in self.0[offset / UNIT..].iter().zip(from.chunks(UNIT)) {
            step();
            cell.set(u64::from_le_bytes(piece.try_into().expect("whole units")));
        }
    }
}

impl<W: World> Road<W> {
    /// An empty ring of `UNITS`; a record of the models has 2.
    pub fn empty<const UNITS: usize>() -> Self {
        Road {
            raw: RawRing::new(),
            bytes: Cells::new(UNITS),
            in_one_piece: false,
            notes: Notes::default(),
        }
    }

    /// The same after `ROUNDS` records have come and gone.
    pub fn used<const UNITS: usize, const ROUNDS: usize>() -> Self {
        let road = Self::empty::<UNITS>();
        road.use_up(ROUNDS);
        road
    }

    /// A ring of `UNITS` whose records have 3, in one piece, after `ROUNDS` of them.
    pub fn in_one_piece<const UNITS: usize, const ROUNDS: usize>() -> Self {
        let road = Road {
            in_one_piece: true,
            ..Self::empty::<UNITS>()
        };
        road.use_up(ROUNDS);
        road
    }

    fn use_up(&self, rounds: usize) {
        for _ in 0..rounds {
            self.put(90);
            self.get();
        }
        self.notes.acknowledged.take();
        self.notes.begun.take();
        self.notes.got.take();
    }

    /// The same with records 91, 92 .. in it.
    pub fn holding<const UNITS: usize, const RECORDS: u64>() -> Self {
        let road = Self::used::<UNITS, 1>();
        (0..RECORDS).for_each(|n| road.put(91 + n));
        road
    }

    pub fn ring(&self) -> Ring<'_, W, impl Bytes> {
        let ring = Ring::new(&self.raw, &self.bytes, self.bytes.units(), RECORDS_MAX);
        if self.in_one_piece {
            ring.in_one_piece()
        } else {
            ring
        }
    }

    /// Puts, for as long as it takes.
    pub fn put(&self, value: u64) {
        assert!(
            self.put_or_closed(value),
            "refused, though the ring is open"
        );
    }

    /// Puts, unless the ring is closed.
    pub fn put_or_closed(&self, value: u64) -> bool {
        match self.try_put(value, Patience::Endless) {
            Ok(()) => true,
            Err(PutRefused::Closed) => false,
            Err(other) => panic!("{other:?}, though the wait has no end"),
        }
    }

    pub fn try_put(&self, value: u64, patience: Patience) -> Result<(), PutRefused> {
        let payload = self.payload(value);
        self.put_by(value, || self.ring().put(7, &payload, patience, &mut ()))
    }

    /// The same, written in its place.
    pub fn write(&self, value: u64) {
        let payload = self.payload(value);
        let outcome = self.put_by(value, || {
            let lying = self.ring().reserve(7, payload.len(), Patience::Endless)?;
            assert_eq!(
                self.ring().put(7, &payload, Patience::None, &mut ()),
                Err(PutRefused::Nested)
            );
            (&self.bytes).write(lying.start, &payload);
            self.ring().commit(lying, &mut ())
        });
        assert_eq!(outcome, Ok(()), "though the wait has no end");
    }

    /// Writes in its place, and puts nothing.
    pub fn forgo(&self) {
        let payload = self.payload(9);
        let lying = self.ring().reserve(7, payload.len(), Patience::Endless);
        (&self.bytes).write(lying.expect("room in time").start, &payload);
        self.ring().forgo();
    }

    fn payload(&self, value: u64) -> Vec<u8> {
        value
            .to_le_bytes()
            .repeat(if self.in_one_piece { 2 } else { 1 })
    }

    fn put_by(
        &self,
        value: u64,
        put: impl FnOnce() -> Result<(), PutRefused>,
    ) -> Result<(), PutRefused> {
        self.notes.begun.borrow_mut().push(value);
        let was_closed = self.notes.closed.get();
        let outcome = put();
        match outcome {
            Ok(()) => {
                assert!(!was_closed, "put after the close");
                self.notes.acknowledged.borrow_mut().push(value);
            }
            Err(_) => self
                .notes
                .begun
                .borrow_mut()
                .retain(|begun| *begun != value),
        }
        outcome
    }

    /// Gets, for as long as it takes.
    pub fn get(&self) {
        let got = self.try_get(Patience::Endless);
        assert_eq!(got, Ok(()), "though the wait has no end");
    }

    pub fn try_get(&self, patience: Patience) -> Result<(), GetRefused> {
        let record = self.ring().get(patience, &mut ())?;
        assert_eq!(record.mark, 7);
        self.note(&record.bytes);
        Ok(())
    }

    /// Gets until the ring is closed and empty.
    pub fn get_all(&self) {
        while self.try_get(Patience::Endless) != Err(GetRefused::Closed) {}
    }

    /// Works on the front record in its place, and then takes it.
    pub fn work(&self) {
        let record = self
            .ring()
            .claim(Patience::Endless, &mut ())
            .expect("a record");
        step();
        self.ring().finish(&mut ()).expect("it is claimed");
        self.note(&record.bytes);
    }

    /// The same, read in its place.
    pub fn read(&self) {
        let ring = self.ring();
        let claimed = ring.claim_by(Patience::Endless, &mut (), |lying, ()| Ok(*lying));
        let lying = claimed.expect("a record");
        let mut bytes = vec![0; lying.length as usize];
        (&self.bytes).read(lying.start, &mut bytes);
        ring.finish_read(&lying).expect("it is claimed");
        self.note(&bytes);
    }

    /// Looks at the front record, and leaves it there.
    pub fn look(&self) {
        let seen = self
            .ring()
            .claim(Patience::Endless, &mut ())
            .expect("a record");
        step();
        assert_eq!(
            self.ring().get(Patience::None, &mut ()),
            Err(GetRefused::Nested),
            "{seen:?} is claimed by the same thread"
        );
        self.ring().abandon();
    }

    pub fn close(&self) {
        self.ring().close(&mut ()).expect("it holds no lock");
        self.notes.closed.set(true);
    }

    fn note(&self, bytes: &[u8]) {
        let value = u64::from_le_bytes(*bytes.first_chunk().expect("8 bytes were put"));
        assert_eq!(bytes, self.payload(value), "half of another record");
        self.notes.got.borrow_mut().push((me(), value));
    }

    /// The judge's part, when all lanes are done or dead: of what was acknowledged, at most `lost` is missing.
    pub fn settle(&self, lost: usize) {
        self.close();
        self.get_all();
        assert_eq!(
            self.try_put(99, Patience::Endless),
            Err(PutRefused::Closed),
            "put into a closed ring"
        );
        assert!(self.ring().is_empty() && self.ring().is_closed());
        let got = self.notes.got.borrow();
        let mut values: Vec<_> = got.iter().map(|(_, value)| *value).collect();
        values.sort_unstable();
        let count = values.len();
        values.dedup();
        assert_eq!(values.len(), count, "got twice: {got:?}");
        let begun = self.notes.begun.borrow();
        assert!(
            values.iter().all(|value| begun.contains(value)),
            "got, and never put: {got:?}"
        );
        let acknowledged = self.notes.acknowledged.borrow();
        let missing = acknowledged.iter().filter(|value| !values.contains(value));
        let missing: Vec<_> = missing.collect();
        assert!(missing.len() <= lost, "acknowledged, and lost: {missing:?}");
        // A value is its putter's number times ten, and counts up.
        for (at, (getter, value)) in got.iter().enumerate() {
            let later = &got[at + 1..];
            let overtaken = later
                .iter()
                .find(|(by, other)| by == getter && other / 10 == value / 10 && other < value);
            assert_eq!(overtaken, None, "out of its putter's order: {got:?}");
        }
    }
}

/// A deadline, whose passing the setting decides.
pub(super) fn soon() -> Patience {
    Patience::Until(Deadline { monotonic_ns: 1 })
}
