//! The robust ring: records of any length, in order, from many putters to many getters; whoever dies.
//!
//! # The parts
//! A [`RawRing`] has two ends (`End`) that mirror each other, and a region of bytes ([`Bytes`]) beside it. A record is
//! a header of 8 bytes (length, mark) and its payload, padded to 8; it may wrap at the region's end, in two pieces.
//!
//! | of an end | |
//! |---|---|
//! | `lock` | who holds it may work at this end, never for long: no one sleeps with it |
//! | `place` | how far this end has come; one store of it commits a put or a get, its bytes and its count at once |
//! | `line` | who holds it may sleep for the other end to move; the others queue for it |
//! | `gate` | what that one sleeps on: `ASLEEP` or `AWAKE` |
//!
//! | bits of a `place` | meaning |
//! |---|---|
//! | 0–31 | the position, in units of 8 bytes, counted to twice the capacity and from 0 again: so a full ring is not an empty one |
//! | 32–62 | how many records have passed this end, modulo 2^31 |
//! | 63 | of the putters' end, `CLOSED`: no more puts; of the getters', `CLAIMED`: the front record is being [worked on](Ring::claim) by whoever holds `line` |
//!
//! # Invariants
//! 1. Bytes between the getters' and the putters' position are committed records. Putters write outside of them.
//! 2. A gate is written under the *other* end's lock: by that end's commits, and by who is about to sleep. So
//!    between `ASLEEP` and the sleep there is no commit that has not made it `AWAKE` first, and the futex compares.
//! 3. The getters' gate is `ASLEEP` ⇒ the ring is empty. The putters' is `ASLEEP` ⇒ it is not. Never both.
//! 4. A claim counts only while someone holds the getters' `line`.
//!
//! # Memory ordering
//! The Release store of a place pairs with the Acquire load of it at the other end: a getter sees the bytes of a
//! record, and a putter overwrites no byte that is still being read. Everything else is ordered by the locks.
//!
//! # After a death
//! All four mutexes are [robust](super::mutex), and there is nothing to repair. Killed before its commit, a put
//! never was, and a get has taken nothing. A commit that has someone to wake announces the gate, makes it `AWAKE`,
//! commits, wakes. Killed from the second to the last, the kernel wakes the sleeper: the word is 0 and has no
//! owner. The sleeper takes the lock, and looks. If it is killed instead, its `line` passes to the next, who looks.
//!
//! # When something else writes to it
//! The places and the front record's header are looked at before they are believed: what cannot be is `Corrupt`, and
//! nothing is read or written outside of the region. What *can* be is taken for a record. No one waits for a lock
//! whose owner is no thread.
//!
//! # What is not covered
//! - What a getter has committed, and was killed before it returned, is gone: at most one record each. A claim is
//!   for those who would rather have it twice.
//! - Whoever comes while no one is in line is served first; a `try_` form does not queue.
//! - The models have 2 and 3 threads, and records of a few units.

mod end;
mod record;
mod region;
pub mod tasks;

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

pub use record::{Escort, GetRefused, PutRefused, Record, Sent};
pub use region::{Bytes, RECORDS_MAX, UNIT, UNITS_MAX};

use super::mutex::{Patience, Refused};
use crate::world::{Wide, Word, World};
use end::{ASLEEP, AWAKE, Attempt, End, give_back, take, take_brief};
use region::{Place, Region, units_for};

// Bit 63 of a place.
const CLOSED: u64 = 1 << 63; // the putters'
const CLAIMED: u64 = 1 << 63; // the getters'

/// What the processes share of a ring, besides its bytes.
#[repr(C)]
pub struct RawRing<W: World> {
    puts: End<W>,
    gets: End<W>,
}

/// A ring at work: what is shared, and what all who share it agree on.
pub struct Ring<'a, W: World, B> {
    puts: &'a End<W>,
    gets: &'a End<W>,
    region: Region<B>,
    records_max: u32,
}

/// What becomes of the front record.
#[derive(Clone, Copy)]
enum Front {
    Taken,
    Claimed,
}

type Got = Attempt<Result<Record, GetRefused>>;
type Put = Attempt<Result<(), PutRefused>>;

impl<W: World> RawRing<W> {
    /// Empty and open.
    pub fn new() -> Self {
        RawRing {
            puts: End::new(),
            gets: End::new(),
        }
    }

    /// How many records were ever put, modulo 2^31.
    pub fn count_puts(&self) -> u32 {
        // Acquire: pairs with the Release in End::commit().
        Place::of(self.puts.place.load(Acquire)).records
    }

    /// How many records were ever got, modulo 2^31.
    pub fn count_gets(&self) -> u32 {
        // Acquire: pairs with the Release in End::commit().
        Place::of(self.gets.place.load(Acquire)).records
    }

    /// Under the getters' lock: told how many records were ever got.
    ///
    /// # Errors
    /// [`Refused::TooManyHeld`], [`Refused::NotRecoverable`].
    fn at_the_head(&self, act: impl FnOnce(u32)) -> Result<(), Refused> {
        take_brief(&self.gets.lock, Patience::Endless)?;
        act(self.count_gets());
        give_back(&self.gets.lock);
        Ok(())
    }

    /// What its parts are called in a trace, by their offset in bytes.
    pub fn part(offset: usize) -> &'static str {
        match (offset / 128, offset % 128) {
            (0, 0..40) => "putters' lock",
            (0, 40..48) => "tail",
            (0, 48..88) => "putters' line",
            (0, _) => "putters' gate",
            (_, 0..40) => "getters' lock",
            (_, 40..48) => "head",
            (_, 48..88) => "getters' line",
            _ => "getters' gate",
        }
    }
}

impl<'a, W: World, B: Bytes> Ring<'a, W, B> {
    /// A ring whose records lie in `units` units of `bytes`, at most `records_max` at a time.
    ///
    /// # Panics
    /// If there are no units, or more than [`UNITS_MAX`], or if `records_max` is 0 or more than [`RECORDS_MAX`].
    pub fn new(raw: &'a RawRing<W>, bytes: B, units: u32, records_max: u32) -> Self {
        assert!((1..=UNITS_MAX).contains(&units));
        assert!((1..=RECORDS_MAX).contains(&records_max));
        Ring {
            puts: &raw.puts,
            gets: &raw.gets,
            region: Region { bytes, units },
            records_max,
        }
    }

    /// Puts a record at the end, waiting for room as long as `patience` says; [`Patience::None`] waits only for
    /// putters at work.
    ///
    /// # Errors
    /// [`PutRefused`]; nothing was put.
    pub fn put(
        &self,
        mark: u32,
        payload: &[u8],
        patience: Patience,
        escort: &mut impl Escort,
    ) -> Result<(), PutRefused> {
        let length = u32::try_from(payload.len()).map_err(|_| PutRefused::TooLarge)?;
        if units_for(length) > self.region.units {
            return Err(PutRefused::TooLarge);
        }
        let mut attempt = || self.attempt_put(mark, payload, patience, escort);
        // Who waits for much room is not passed by those who need little.
        if patience == Patience::None || !self.puts.line.is_locked() {
            match attempt()? {
                Attempt::Done(outcome) => return outcome,
                _ if patience == Patience::None => return Err(PutRefused::Full),
                _ => {}
            }
        }
        take(&self.puts.line, patience)?;
        let outcome = self
            .puts
            .await_turn(self.gets, patience, attempt, || !self.is_closed());
        give_back(&self.puts.line);
        outcome?
    }

    /// Takes the front record, waiting for one as long as `patience` says; [`Patience::None`] waits only for
    /// getters at work.
    ///
    /// # Errors
    /// [`GetRefused`]; nothing was taken.
    pub fn get(&self, patience: Patience, escort: &mut impl Escort) -> Result<Record, GetRefused> {
        match self.attempt_get(false, Front::Taken, patience, escort)? {
            Attempt::Done(outcome) => return outcome,
            Attempt::NotYet(_) if patience == Patience::None => return Err(GetRefused::Empty),
            Attempt::NotYet(_) | Attempt::Claimed => {}
        }
        take(&self.gets.line, patience)?;
        let outcome = self.await_front(Front::Taken, patience, escort);
        give_back(&self.gets.line);
        outcome
    }

    /// The front record, which stays where it is while the calling thread works on it: everyone else waits, or
    /// goes without. Ends by [`finish`](Ring::finish), by [`abandon`](Ring::abandon), or by the thread's death.
    ///
    /// # Errors
    /// [`GetRefused`]; nothing was claimed.
    pub fn claim(
        &self,
        patience: Patience,
        escort: &mut impl Escort,
    ) -> Result<Record, GetRefused> {
        take(&self.gets.line, patience)?;
        let outcome = self.await_front(Front::Claimed, patience, escort);
        if outcome.is_err() {
            give_back(&self.gets.line);
        }
        outcome
    }

    /// The claimed record is done with, and is taken.
    ///
    /// # Errors
    /// [`GetRefused`]: the claim was given up instead.
    ///
    /// # Panics
    /// If the calling thread has no claim.
    pub fn finish(&self, escort: &mut impl Escort) -> Result<(), GetRefused> {
        assert!(self.has_claim(), "finish() without a claim");
        let outcome = self.await_front(Front::Taken, Patience::None, escort);
        give_back(&self.gets.line);
        outcome.map(drop)
    }

    /// The claim is given up, and the record is there for everyone. (By invariant 4 its mark need not go: the
    /// next commit clears it.)
    ///
    /// # Panics
    /// If the calling thread has no claim.
    pub fn abandon(&self) {
        give_back(&self.gets.line);
    }

    /// Whether the calling thread works on the front record.
    pub fn has_claim(&self) -> bool {
        self.gets.line.is_mine()
    }

    /// No more puts: each is refused. Gets go on until the ring is empty. Nothing if it is closed already.
    ///
    /// [`Escort::send`] is called under both locks, before the end is there for anyone; nothing hangs on its success.
    ///
    /// # Errors
    /// [`Refused::TooManyHeld`], [`Refused::NotRecoverable`] (its memory was written to by something else); it is as
    /// open as it was.
    pub fn close(&self, escort: &mut impl Escort) -> Result<(), Refused> {
        self.under_both(Patience::Endless, |tail, _| {
            if tail & CLOSED != 0 {
                return;
            }
            escort.send();
            // Relaxed, both: invariant 2. By invariant 3 at most one is asleep.
            let gate = if self.gets.gate.word.load(Relaxed) == ASLEEP {
                &self.gets.gate
            } else {
                &self.puts.gate
            };
            W::announce(gate);
            gate.word.store(AWAKE, Relaxed);
            // Release: pairs with the Acquire in attempt_get(): who sees the end sees what came before it.
            self.puts.place.store(tail | CLOSED, Release);
            W::wake(&gate.word, 1);
            W::withdraw();
        })
    }

    /// Whether the ring is empty and open, at a moment when no put is under way.
    ///
    /// # Errors
    /// [`Refused::TooManyHeld`], [`Refused::TimedOut`], [`Refused::NotRecoverable`].
    pub fn rests(&self, patience: Patience) -> Result<bool, Refused> {
        take_brief(&self.puts.lock, patience)?;
        // Relaxed: under the lock. Acquire: pairs with the Release in End::commit().
        let tail = self.puts.place.load(Relaxed);
        let head = self.gets.place.load(Acquire);
        give_back(&self.puts.lock);
        Ok(tail & CLOSED == 0 && Place::of(tail) == Place::of(head))
    }

    /// [`Escort::clear`], if the ring is empty.
    ///
    /// # Errors
    /// [`Refused::TooManyHeld`], [`Refused::TimedOut`], [`Refused::NotRecoverable`].
    pub fn clear_if_empty(
        &self,
        patience: Patience,
        escort: &mut impl Escort,
    ) -> Result<(), Refused> {
        self.under_both(patience, |tail, head| {
            if Place::of(tail) == Place::of(head) {
                escort.clear();
            }
        })
    }

    /// How many records there are, at some moment of the call: out of date as soon as it is known.
    pub fn len(&self) -> usize {
        // Acquire, all: they pair with the Release in End::commit(), so that the looks come one after the other. If the
        // head is the same before and after, it was when the tail was looked at.
        let mut head = Place::of(self.gets.place.load(Acquire));
        loop {
            let tail = Place::of(self.puts.place.load(Acquire));
            let head_since = Place::of(self.gets.place.load(Acquire));
            if head_since == head {
                return head.records_to(tail) as usize;
            }
            head = head_since;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether not even an empty record has room: out of date as soon as it is known.
    pub fn is_full(&self) -> bool {
        // Relaxed, both: advice. The tail first, so that the ring looks no fuller than it was.
        let tail = Place::of(self.puts.place.load(Relaxed));
        let head = Place::of(self.gets.place.load(Relaxed));
        !self.has_room(head, tail, units_for(0))
    }

    pub fn is_closed(&self) -> bool {
        // Relaxed: advice, but under either lock, which close() holds both of.
        self.puts.place.load(Relaxed) & CLOSED != 0
    }

    fn attempt_put(
        &self,
        mark: u32,
        payload: &[u8],
        patience: Patience,
        escort: &mut impl Escort,
    ) -> Result<Put, Refused> {
        take_brief(&self.puts.lock, patience)?;
        let attempt = self.put_if_room(mark, payload, escort);
        give_back(&self.puts.lock);
        attempt
    }

    /// Under the putters' lock.
    fn put_if_room(
        &self,
        mark: u32,
        payload: &[u8],
        escort: &mut impl Escort,
    ) -> Result<Put, Refused> {
        // Relaxed: under the lock. Acquire: pairs with the Release in End::commit(): what the getters have read may
        // be overwritten.
        let tail_seen = self.puts.place.load(Relaxed);
        let head_seen = self.gets.place.load(Acquire);
        let (tail, head) = (Place::of(tail_seen), Place::of(head_seen));
        if tail_seen & CLOSED != 0 {
            return Ok(Attempt::Done(Err(PutRefused::Closed)));
        }
        if !self.region.can_be(head, tail, self.records_max) {
            return Ok(Attempt::Done(Err(PutRefused::Corrupt)));
        }
        let units = units_for(payload.len() as u32);
        if !self.has_room(head, tail, units) {
            return Ok(Attempt::NotYet(head_seen));
        }
        self.region.write(tail.position, mark, payload);
        let mut sent = escort.send();
        if sent == Sent::Full && tail == head {
            // No get will make room: it is filled with what belongs to the dead.
            take_brief(&self.gets.lock, Patience::Endless)?;
            escort.clear();
            give_back(&self.gets.lock);
            sent = escort.send();
        }
        Ok(match sent {
            Sent::Done => {
                let behind = self.region.behind(tail, units);
                self.puts.commit(self.gets, behind.packed());
                Attempt::Done(Ok(()))
            }
            Sent::Full if tail != head => Attempt::NotYet(head_seen),
            Sent::Full | Sent::Failed => Attempt::Done(Err(PutRefused::Failed)),
        })
    }

    fn attempt_get(
        &self,
        in_line: bool,
        front: Front,
        patience: Patience,
        escort: &mut impl Escort,
    ) -> Result<Got, Refused> {
        take_brief(&self.gets.lock, patience)?;
        let attempt = self.get_if_any(in_line, front, escort);
        give_back(&self.gets.lock);
        Ok(attempt)
    }

    /// Under the getters' lock.
    fn get_if_any(&self, in_line: bool, front: Front, escort: &mut impl Escort) -> Got {
        // Relaxed: under the lock. Acquire: pairs with the Release in End::commit(): the bytes of the record.
        let head_seen = self.gets.place.load(Relaxed);
        let tail_seen = self.puts.place.load(Acquire);
        let (head, tail) = (Place::of(head_seen), Place::of(tail_seen));
        if !self.region.can_be(head, tail, self.records_max) {
            return Attempt::Done(Err(GetRefused::Corrupt));
        }
        if head == tail {
            return if tail_seen & CLOSED == 0 {
                Attempt::NotYet(tail_seen)
            } else {
                Attempt::Done(Err(GetRefused::Closed))
            };
        }
        if head_seen & CLAIMED != 0 && !in_line {
            return Attempt::Claimed; // in line, it is a claim of the past: invariant 4
        }
        let used = self.region.used(head, tail);
        let (record, units) = match self.region.read(head.position, used, escort.room()) {
            Ok(front) => front,
            Err(refused) => return Attempt::Done(Err(refused)),
        };
        let behind = self.region.behind(head, units);
        if !self.region.can_be(behind, tail, self.records_max) {
            return Attempt::Done(Err(GetRefused::Corrupt));
        }
        if !escort.look(&record) {
            return Attempt::Done(Err(GetRefused::Failed));
        }
        match front {
            // Relaxed: under the lock, which orders it.
            Front::Claimed => self.gets.place.store(head_seen | CLAIMED, Relaxed),
            Front::Taken => {
                escort.begin_take(head.records);
                self.gets.commit(self.puts, behind.packed());
                escort.take();
            }
        }
        Attempt::Done(Ok(record))
    }

    /// In line.
    fn await_front(
        &self,
        front: Front,
        patience: Patience,
        escort: &mut impl Escort,
    ) -> Result<Record, GetRefused> {
        let attempt = || self.attempt_get(true, front, patience, escort);
        self.gets
            .await_turn(self.puts, patience, attempt, || !self.is_closed())?
    }

    /// With both ends at rest: told the putters' place and the getters'. The putters' lock first, always.
    fn under_both(&self, patience: Patience, act: impl FnOnce(u64, u64)) -> Result<(), Refused> {
        take_brief(&self.puts.lock, patience)?;
        let taken = take_brief(&self.gets.lock, patience);
        if taken.is_ok() {
            // Relaxed, both: under the locks.
            act(self.puts.place.load(Relaxed), self.gets.place.load(Relaxed));
            give_back(&self.gets.lock);
        }
        give_back(&self.puts.lock);
        taken
    }

    fn has_room(&self, head: Place, tail: Place, units: u32) -> bool {
        head.records_to(tail) < self.records_max
            && units
                <= self
                    .region
                    .units
                    .saturating_sub(self.region.used(head, tail))
    }
}

impl<W: World> Default for RawRing<W> {
    fn default() -> Self {
        Self::new()
    }
}
