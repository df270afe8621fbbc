//! Putting: a record that is given, or one that is written in its place.

use std::sync::atomic::Ordering::Relaxed;

use super::end::{Attempt, Owed, give_back, take, take_brief};
use super::record::{Escort, PutRefused, Sent};
use super::region::{Lying, Place};
use super::{Bytes, CLOSED, Ring};
use crate::raw::mutex::{Patience, Refused};
use crate::world::{Wide, World};

type Put<R> = Attempt<Result<R, PutRefused>>;

impl<W: World, B: Bytes> Ring<'_, W, B> {
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
        self.await_room(payload.len(), patience, |length| {
            take_brief(&self.puts.lock, patience)?;
            let mut owed = Owed::Nothing;
            let attempt = self.put_if_room(mark, payload, length, escort, &mut owed);
            self.puts.leave(owed);
            attempt
        })
    }

    /// Room at the end for a record of `length` bytes, which are the calling thread's to write until it calls
    /// [`commit`](Ring::commit) or [`forgo`](Ring::forgo), or dies. Until then nobody else can put. Waits for room as
    /// [`put`](Ring::put) does.
    ///
    /// # Errors
    /// [`PutRefused`]; there is nothing to forgo.
    ///
    /// # Panics
    /// In a ring whose records may lie in two pieces.
    pub fn reserve(
        &self,
        mark: u32,
        length: usize,
        patience: Patience,
    ) -> Result<Lying, PutRefused> {
        assert!(self.region.in_one_piece, "reserve() in two pieces");
        self.await_room(length, patience, |length| {
            take_brief(&self.puts.lock, patience)?;
            Ok(match self.room_for(mark, length) {
                Ok((tail, lying)) => {
                    self.region.lay(tail.position, &lying);
                    Attempt::Done(Ok(lying))
                }
                Err(not_now) => {
                    give_back(&self.puts.lock);
                    not_now
                }
            })
        })
    }

    /// Puts the record that was [reserved](Ring::reserve).
    ///
    /// # Errors
    /// [`PutRefused::Failed`]: by [`Escort::send`]; nothing was put.
    ///
    /// # Panics
    /// If the calling thread has reserved none.
    pub fn commit(&self, lying: Lying, escort: &mut impl Escort) -> Result<(), PutRefused> {
        assert!(self.has_reserved(), "commit() without a reservation");
        let sent = escort.send();
        let mut owed = Owed::Nothing;
        if sent == Sent::Done {
            // Relaxed: under the lock.
            let tail = Place::of(self.puts.place.load(Relaxed));
            let behind = self.region.behind(tail, &lying);
            owed = self.puts.commit(behind.packed());
        }
        self.puts.leave(owed);
        match sent {
            Sent::Done => Ok(()),
            Sent::Full | Sent::Failed => Err(PutRefused::Failed),
        }
    }

    /// Nothing is put of what was [reserved](Ring::reserve).
    ///
    /// # Panics
    /// If the calling thread has reserved nothing.
    pub fn forgo(&self) {
        give_back(&self.puts.lock);
    }

    /// Whether the calling thread has reserved room.
    pub fn has_reserved(&self) -> bool {
        // In other rings something else has written our id.
        self.region.in_one_piece && self.puts.lock.is_mine()
    }

    /// Attempts until there is room for `length` bytes, or patience ends.
    #[inline]
    fn await_room<R>(
        &self,
        length: usize,
        patience: Patience,
        mut attempt: impl FnMut(u32) -> Result<Put<R>, Refused>,
    ) -> Result<R, PutRefused> {
        let length = u32::try_from(length).map_err(|_| PutRefused::TooLarge)?;
        if !self.region.has_room_when_empty(length) {
            return Err(PutRefused::TooLarge);
        }
        if self.has_reserved() {
            return Err(PutRefused::Nested);
        }
        let mut attempt = || attempt(length);
        // Who waits for much room is not passed by those who need little.
        if patience == Patience::None || !self.puts.line.is_locked() {
            match attempt()? {
                Attempt::Done(outcome) => return outcome,
                _ if patience == Patience::None => return Err(PutRefused::Full),
                _ => {}
            }
        }
        self.await_room_in_line(patience, attempt)
    }

    #[cold]
    fn await_room_in_line<R>(
        &self,
        patience: Patience,
        attempt: impl FnMut() -> Result<Put<R>, Refused>,
    ) -> Result<R, PutRefused> {
        take(&self.puts.line, patience)?;
        let outcome = self
            .puts
            .await_turn(self.gets, patience, attempt, || !self.is_closed());
        give_back(&self.puts.line);
        outcome?
    }

    /// Under the putters' lock.
    #[inline]
    fn put_if_room(
        &self,
        mark: u32,
        payload: &[u8],
        length: u32,
        escort: &mut impl Escort,
        owed: &mut Owed,
    ) -> Result<Put<()>, Refused> {
        let (tail, lying) = match self.room_for(mark, length) {
            Ok(room) => room,
            Err(not_now) => return Ok(not_now),
        };
        self.region.lay(tail.position, &lying);
        self.region.write(&lying, payload);
        let mut sent = escort.send();
        if sent == Sent::Full {
            let head_seen = self.puts.look(self.gets);
            if tail != Place::of(head_seen) {
                return Ok(Attempt::NotYet(head_seen));
            }
            // No get will make room: it is filled with what belongs to the dead.
            take_brief(&self.gets.lock, Patience::Endless)?;
            escort.clear();
            give_back(&self.gets.lock);
            sent = escort.send();
        }
        Ok(match sent {
            Sent::Done => {
                let behind = self.region.behind(tail, &lying);
                *owed = self.puts.commit(behind.packed());
                Attempt::Done(Ok(()))
            }
            Sent::Full | Sent::Failed => Attempt::Done(Err(PutRefused::Failed)),
        })
    }

    /// Under the putters' lock: the place behind the last record, and one of `length` bytes that lies there, if it can.
    #[inline]
    fn room_for<R>(&self, mark: u32, length: u32) -> Result<(Place, Lying), Put<R>> {
        // Relaxed, both: under the lock.
        let tail_seen = self.puts.place.load(Relaxed);
        if tail_seen & CLOSED != 0 {
            return Err(Attempt::Done(Err(PutRefused::Closed)));
        }
        let tail = Place::of(tail_seen);
        let can_be = |head| self.region.can_be(head, tail, self.records_max);
        let room = |head| {
            let lying = self.region.lying(tail.position, mark, length);
            self.has_room(head, tail, lying.taken)
                .then_some((tail, lying))
        };
        let head = Place::of(self.puts.seen.load(Relaxed));
        if can_be(head)
            && let Some(room) = room(head)
        {
            return Ok(room); // as the getters are there at least
        }
        let head_seen = self.puts.look(self.gets);
        let head = Place::of(head_seen);
        if !can_be(head) {
            return Err(Attempt::Done(Err(PutRefused::Corrupt)));
        }
        room(head).ok_or(Attempt::NotYet(head_seen))
    }
}
