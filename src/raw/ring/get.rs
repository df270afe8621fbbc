//! Getting: taking the front record, or working on it in its place.

use std::sync::atomic::Ordering::Relaxed;

use super::end::{Attempt, Owed, give_back, take, take_brief};
use super::record::{Escort, GetRefused, Record};
use super::region::{Lying, Place};
use super::{Bytes, CLAIMED, CLOSED, Ring};
use crate::raw::mutex::{Patience, Refused};
use crate::world::{Wide, World};

/// What becomes of the front record.
#[derive(Clone, Copy)]
enum Front {
    Taken,
    Claimed,
}

type Got<R> = Attempt<Result<R, GetRefused>>;

/// Getting copies.
impl<W: World, B: Bytes> Ring<'_, W, B> {
    /// Takes the front record, waiting for one as long as `patience` says; [`Patience::None`] waits only for
    /// getters at work.
    ///
    /// # Errors
    /// [`GetRefused`]; nothing was taken.
    pub fn get<E: Escort>(&self, patience: Patience, escort: &mut E) -> Result<Record, GetRefused> {
        self.get_by(patience, escort, |lying, escort| self.copy(lying, escort))
    }

    /// The front record, which stays where it is while the calling thread works on it: everyone else waits, or
    /// goes without. Ends by [`finish`](Ring::finish), by [`abandon`](Ring::abandon), or by the thread's death.
    ///
    /// # Errors
    /// [`GetRefused`]; nothing was claimed.
    pub fn claim<E: Escort>(
        &self,
        patience: Patience,
        escort: &mut E,
    ) -> Result<Record, GetRefused> {
        self.claim_by(patience, escort, |lying, escort| self.copy(lying, escort))
    }

    /// The claimed record is done with, and is taken.
    ///
    /// # Errors
    /// [`GetRefused`]: the claim was given up instead.
    ///
    /// # Panics
    /// If the calling thread has no claim.
    pub fn finish<E: Escort>(&self, escort: &mut E) -> Result<(), GetRefused> {
        assert!(self.has_claim(), "finish() without a claim");
        let mut read = |lying: &Lying, escort: &mut E| self.copy(lying, escort).map(drop);
        let outcome = self.await_front(Front::Taken, Patience::None, escort, &mut read);
        give_back(&self.gets.line);
        outcome
    }

    fn copy(&self, lying: &Lying, escort: &mut impl Escort) -> Result<Record, GetRefused> {
        let record = self.region.copy(lying, escort.room())?;
        if !escort.look(&record) {
            return Err(GetRefused::Failed);
        }
        Ok(record)
    }
}

/// The same, by whoever reads the record where it lies: once at most, under the getters' lock.
impl<W: World, B: Bytes> Ring<'_, W, B> {
    /// As [`get`](Ring::get). What `read` refuses stays.
    ///
    /// # Errors
    /// [`GetRefused`], also by `read`; nothing was taken.
    pub fn get_by<R, E: Escort>(
        &self,
        patience: Patience,
        escort: &mut E,
        mut read: impl FnMut(&Lying, &mut E) -> Result<R, GetRefused>,
    ) -> Result<R, GetRefused> {
        match self.attempt_get(false, Front::Taken, patience, escort, &mut read)? {
            Attempt::Done(outcome) => return outcome,
            Attempt::NotYet(_) if patience == Patience::None => return Err(GetRefused::Empty),
            Attempt::NotYet(_) | Attempt::Claimed => {}
        }
        self.await_front_in_line(Front::Taken, patience, escort, &mut read)
            .inspect(|_| give_back(&self.gets.line))
    }

    /// As [`claim`](Ring::claim): the record may be read where it lies until the claim ends.
    ///
    /// # Errors
    /// [`GetRefused`], also by `read`; nothing was claimed.
    pub fn claim_by<R, E: Escort>(
        &self,
        patience: Patience,
        escort: &mut E,
        mut read: impl FnMut(&Lying, &mut E) -> Result<R, GetRefused>,
    ) -> Result<R, GetRefused> {
        self.await_front_in_line(Front::Claimed, patience, escort, &mut read)
    }

    /// As [`finish`](Ring::finish), of a record that [`claim_by`](Ring::claim_by) read and that has nothing beside it:
    /// it is not looked at again.
    ///
    /// # Errors
    /// [`GetRefused`]: the claim was given up instead.
    ///
    /// # Panics
    /// If the calling thread has no claim.
    pub fn finish_read(&self, lying: &Lying) -> Result<(), GetRefused> {
        assert!(self.has_claim(), "finish_read() without a claim");
        let finished = take_brief(&self.gets.lock, Patience::Endless)
            .map_err(GetRefused::from)
            .and_then(|()| {
                // Relaxed, both: under the lock, which was taken to claim, too.
                let head = Place::of(self.gets.place.load(Relaxed));
                let tail = Place::of(self.gets.seen.load(Relaxed));
                let behind = self.region.behind(head, lying);
                let can_be = self.region.can_be(behind, tail, self.records_max);
                self.gets.leave(match can_be {
                    true => self.gets.commit(behind.packed()),
                    false => Owed::Nothing,
                });
                can_be.then_some(()).ok_or(GetRefused::Corrupt)
            });
        give_back(&self.gets.line);
        finished
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

    /// Takes the getters' line, and keeps it if there is no error.
    #[cold]
    fn await_front_in_line<R, E: Escort>(
        &self,
        front: Front,
        patience: Patience,
        escort: &mut E,
        read: &mut impl FnMut(&Lying, &mut E) -> Result<R, GetRefused>,
    ) -> Result<R, GetRefused> {
        if self.has_reserved() {
            return Err(GetRefused::Nested); // it would wait for itself
        }
        take(&self.gets.line, patience)?;
        let outcome = self.await_front(front, patience, escort, read);
        if outcome.is_err() {
            give_back(&self.gets.line);
        }
        outcome
    }

    /// In line.
    fn await_front<R, E: Escort>(
        &self,
        front: Front,
        patience: Patience,
        escort: &mut E,
        read: &mut impl FnMut(&Lying, &mut E) -> Result<R, GetRefused>,
    ) -> Result<R, GetRefused> {
        let attempt = || self.attempt_get(true, front, patience, escort, read);
        self.gets
            .await_turn(self.puts, patience, attempt, || !self.is_closed())?
    }

    fn attempt_get<R, E: Escort>(
        &self,
        in_line: bool,
        front: Front,
        patience: Patience,
        escort: &mut E,
        read: &mut impl FnMut(&Lying, &mut E) -> Result<R, GetRefused>,
    ) -> Result<Got<R>, Refused> {
        take_brief(&self.gets.lock, patience)?;
        let mut owed = Owed::Nothing;
        let attempt = self.get_if_any(in_line, front, escort, read, &mut owed);
        self.gets.leave(owed);
        Ok(attempt)
    }

    /// Under the getters' lock.
    fn get_if_any<R, E: Escort>(
        &self,
        in_line: bool,
        front: Front,
        escort: &mut E,
        read: &mut impl FnMut(&Lying, &mut E) -> Result<R, GetRefused>,
        owed: &mut Owed,
    ) -> Got<R> {
        // Relaxed, both: under the lock.
        let head_seen = self.gets.place.load(Relaxed);
        let head = Place::of(head_seen);
        let can_be = |tail| self.region.can_be(head, tail, self.records_max);
        let mut tail_seen = self.gets.seen.load(Relaxed);
        if head == Place::of(tail_seen) || !can_be(Place::of(tail_seen)) {
            tail_seen = self.gets.look(self.puts);
        }
        let tail = Place::of(tail_seen);
        if !can_be(tail) {
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
        let lying = match self.region.front(head, tail) {
            Some(lying) => lying,
            None => return Attempt::Done(Err(GetRefused::Corrupt)),
        };
        let behind = self.region.behind(head, &lying);
        if !self.region.can_be(behind, tail, self.records_max) {
            return Attempt::Done(Err(GetRefused::Corrupt));
        }
        let got = match read(&lying, escort) {
            Ok(got) => got,
            Err(refused) => return Attempt::Done(Err(refused)),
        };
        match front {
            // Relaxed: under the lock, which orders it.
            Front::Claimed => self.gets.place.store(head_seen | CLAIMED, Relaxed),
            Front::Taken => {
                escort.begin_take(head.records);
                *owed = self.gets.commit(behind.packed());
                escort.take();
            }
        }
        Attempt::Done(Ok(got))
    }
}
