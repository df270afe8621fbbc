//! The robust ring: records of any length, in order, from many putters to many getters; whoever dies.
//!
//! # The parts
//! A [`RawRing`] has two ends (`End`) that mirror each other, and a region of bytes ([`Bytes`]) beside it. A record is
//! a header of 8 bytes (length, mark) and its payload, padded to 8. At the region's end it wraps, in two pieces; or, in a
//! ring of records [in one piece](Ring::in_one_piece), the units behind its header stay unused, and its payload begins
//! the region anew.
//!
//! | of an end | |
//! |---|---|
//! | `lock` | who holds it may work at this end, never for long: no one sleeps with it, but for who has [reserved](Ring::reserve) room and writes there |
//! | `place` | how far this end has come; one store of it commits a put or a get, its bytes and its count at once |
//! | `seen` | how far the other end had come when someone here looked last: it is looked at again when that is not far enough |
//! | `line` | who holds it may sleep for the other end to move; the others queue for it |
//! | `gate` | what the other end's one sleeps on until this end moves: `ASLEEP`, `AWAKE`, or the id of who is about to wake it |
//!
//! | bits of a `place` | meaning |
//! |---|---|
//! | 0–31 | the position, in units of 8 bytes, counted to twice the capacity and from 0 again: so a full ring is not an empty one |
//! | 32–62 | how many records have passed this end, modulo 2^31 |
//! | 63 | of the putters' end, `CLOSED`: no more puts; of the getters', `CLAIMED`: the front record is being [worked on](Ring::claim) by whoever holds `line` |
//!
//! # Invariants
//! 1. Bytes between the getters' and the putters' position are committed records. Putters write outside of them.
//! 2. A gate without an owner is written under its end's lock: by the end's commits, and by who is about to sleep there.
//!    So between `ASLEEP` and the sleep there is no commit that has not changed it first, and the futex compares. One that
//!    has an owner is written by that owner alone, who makes it `AWAKE` and wakes.
//! 3. A getter sleeps (the putters' gate is `ASLEEP`) ⇒ the ring is empty. A putter does ⇒ it is not. Never both.
//! 4. A claim counts only while someone holds the getters' `line`.
//!
//! # Memory ordering
//! The Release store of a place pairs with the Acquire load of it at the other end: a getter sees the bytes of a
//! record, and a putter overwrites no byte that is still being read; and so do those who go by what was `seen`, as the
//! end's lock passes on to them what its owner before them had acquired. Everything else is ordered by the locks.
//!
//! # After a death
//! All four mutexes are [robust](super::mutex), and there is nothing to repair. Killed before its commit, a put
//! never was, and a get has taken nothing. A commit that has someone to wake makes the gate its own, as if it were a lock,
//! commits, gives the end's lock back, makes the gate `AWAKE`, and wakes. (It does not wake before: the sleeper may be given
//! its core at once, and would then wait for that lock.) Killed from the first to the last, the kernel wakes the sleeper:
//! of an owner that is dead, or of an announced word that is 0. The sleeper takes the lock, and looks. If it is killed instead,
//! its `line` passes to the next, who looks. Who holds as many locks as the kernel looks at wakes under the end's lock.
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
mod get;
mod put;
mod record;
mod region;
pub mod tasks;

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

pub use record::{Escort, GetRefused, PutRefused, Record, Sent};
pub use region::{Bytes, Lying, RECORDS_MAX, UNIT, UNITS_MAX};

use super::mutex::{Patience, Refused};
use crate::world::{Wide, Word, World};
use end::{ASLEEP, End, give_back, take_brief};
use region::{Place, Region};

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
        match (offset / 256, offset % 256) {
            (0, 0..40) => "putters' lock",
            (0, 40..48) => "head as seen",
            (0, 48..88) => "getters' gate",
            (0, 88..128) => "putters' line",
            (0, _) => "tail",
            (_, 0..40) => "getters' lock",
            (_, 40..48) => "tail as seen",
            (_, 48..88) => "putters' gate",
            (_, 88..128) => "getters' line",
            _ => "head",
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
            region: Region {
                bytes,
                units,
                in_one_piece: false,
            },
            records_max,
        }
    }

    /// The same, whose records' payloads do not wrap: each lies in one piece, and may take half of the units. All who
    /// share the ring must say so.
    pub fn in_one_piece(mut self) -> Self {
        self.region.in_one_piece = true;
        self
    }

    /// No more puts: each is refused. Gets go on until the ring is empty. Nothing if it is closed already.
    ///
    /// [`Escort::send`] is called under both locks, before the end is there for anyone; nothing hangs on its success.
    ///
    /// # Errors
    /// [`Refused::TooManyHeld`], [`Refused::NotRecoverable`] (its memory was written to by something else),
    /// [`Refused::AlreadyHeld`] (the calling thread has reserved room); it is as open as it was.
    pub fn close(&self, escort: &mut impl Escort) -> Result<(), Refused> {
        self.under_both(Patience::Endless, |tail, _| {
            if tail & CLOSED != 0 {
                return;
            }
            escort.send();
            // Release: pairs with the Acquire in End::look(): who sees the end sees what came before it.
            let commit = || self.puts.place.store(tail | CLOSED, Release);
            // Relaxed: invariant 2. By invariant 3 at most one is asleep; who is owed a wake already looks after it.
            let mut gates = [&self.puts.gate, &self.gets.gate].into_iter();
            match gates.find(|gate| gate.word.load(Relaxed) == ASLEEP) {
                Some(gate) => End::rouse(gate, commit),
                None => commit(),
            }
        })
    }

    /// Whether the ring is empty and open, at a moment when no put is under way.
    ///
    /// # Errors
    /// [`Refused::TooManyHeld`], [`Refused::TimedOut`], [`Refused::NotRecoverable`], [`Refused::AlreadyHeld`].
    pub fn rests(&self, patience: Patience) -> Result<bool, Refused> {
        self.take_puts_lock(patience)?;
        // Relaxed: under the lock. Acquire: pairs with the Release in End::commit().
        let tail = self.puts.place.load(Relaxed);
        let head = self.gets.place.load(Acquire);
        give_back(&self.puts.lock);
        Ok(tail & CLOSED == 0 && Place::of(tail) == Place::of(head))
    }

    /// [`Escort::clear`], if the ring is empty.
    ///
    /// # Errors
    /// [`Refused::TooManyHeld`], [`Refused::TimedOut`], [`Refused::NotRecoverable`], [`Refused::AlreadyHeld`].
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
        !self.has_room(head, tail, 1) // an empty record is its header
    }

    pub fn is_closed(&self) -> bool {
        // Relaxed: advice, but under either lock, which close() holds both of.
        self.puts.place.load(Relaxed) & CLOSED != 0
    }

    /// With both ends at rest: told the putters' place and the getters'. The putters' lock first, always.
    fn under_both(&self, patience: Patience, act: impl FnOnce(u64, u64)) -> Result<(), Refused> {
        self.take_puts_lock(patience)?;
        let taken = take_brief(&self.gets.lock, patience);
        if taken.is_ok() {
            // Relaxed, both: under the locks.
            act(self.puts.place.load(Relaxed), self.gets.place.load(Relaxed));
            give_back(&self.gets.lock);
        }
        give_back(&self.puts.lock);
        taken
    }

    fn take_puts_lock(&self, patience: Patience) -> Result<(), Refused> {
        if self.has_reserved() {
            return Err(Refused::AlreadyHeld);
        }
        take_brief(&self.puts.lock, patience)
    }

    fn has_room(&self, head: Place, tail: Place, units: u32) -> bool {
        let used = self.region.used(head, tail);
        head.records_to(tail) < self.records_max && units <= self.region.units.saturating_sub(used)
    }
}

impl<W: World> Default for RawRing<W> {
    fn default() -> Self {
        Self::new()
    }
}
