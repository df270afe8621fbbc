//! The semaphore: permits that come home.
//!
//! Each permit is a place of a [`Roster`]. A free place is a permit to be had, a taken one is a permit that its
//! taker holds, and when that thread dies the kernel itself frees the place: there is nothing to repair, and no
//! one needs to notice. What a thread gives away for good is a closed place, and a release opens one.
//!
//! # The parts
//! | part | holds |
//! |---|---|
//! | `places` | a permit each: free, taken, or closed (given away, or never made) |
//! | `surplus` | a count of permits beyond the places, with the mark `ASLEEP`. They belong to no one: a death does not bring one back |
//! | `line` | a [`RawMutex`]: its holder is first in line, and the only one who sleeps for a permit; all others sleep for the line |
//! | `bell` | a word that is always 0: the first in line sleeps on it, too. Who adds to the surplus has it announced, so that its death rings |
//!
//! # Invariants
//! 1. Who sleeps for a permit holds `line`, has marked every place and the surplus, and sleeps on all of them, as
//!    marked: each change of one wakes it, or keeps it from falling asleep.
//! 2. Who sleeps for the line is woken as [`RawMutex`] promises, by whoever leaves it, or by the kernel if that one
//!    dies; and looks at all places before it sleeps for a permit.
//! 3. The surplus is marked, or the first in line does not sleep on it: who adds to it and finds the mark rings the
//!    bell, which the sleeper entered before it compared the surplus.
//!
//! By 1 and 2 no one sleeps while a permit is to be had and no living thread is about to take it.
//!
//! # Memory ordering
//! That of the roster, and for the surplus a Release in `add()` that pairs with the Acquire in `deduct()`: what was
//! written before a permit was given back or released is seen by who gets that permit.
//!
//! # After a death
//! A holder's permit is free at once, and the first in line is woken. The first in line's own death wakes the next.
//! Who is killed releasing several has released some. A permit of the surplus is lost with its holder.
//!
//! # What is not covered
//! - Fairness: a thread that comes while no one waits in line, or that would not wait, may be faster than one that
//!   was just woken.
//! - Under kernels before 6.2, what [`RawMutex`] says of them, for the line.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::mutex::{Acquired, NotHeld, Patience, RawMutex, Refused};
use super::roster::{Occupant, Roster, Watch};
use crate::world::{Deadline, Node, WAIT_ANY_MAX, WAITERS, Woken, Word, World};

/// In the surplus: the first in line may be asleep.
const ASLEEP: u32 = WAITERS;
/// The largest surplus.
pub const SURPLUS_MAX: u32 = !ASLEEP;
/// The most places: with the bell and the surplus, as many words as one may sleep on under the turn, or fewer.
pub const PLACES_MAX: usize = 100;
const _: () = assert!(PLACES_MAX + 2 < WAIT_ANY_MAX);

/// What a semaphore has besides its places.
#[repr(C)]
pub struct Desk<W: World> {
    line: RawMutex<W>,
    /// The word is the bell; beside it are the surplus, and how many permits there were at first.
    bell: Node<W>,
}

impl<W: World> Desk<W> {
    /// No one waits; of so many permits at first, `surplus` have no place.
    ///
    /// # Panics
    /// If that is more than [`SURPLUS_MAX`].
    pub fn new(initial: u32, surplus: u32) -> Self {
        assert!(surplus <= SURPLUS_MAX);
        let bell = Node::<W>::new();
        // Relaxed, both: whoever shares the desk publishes them.
        bell.beside[0].store(surplus, Relaxed);
        bell.beside[1].store(initial, Relaxed);
        Desk {
            line: RawMutex::new(),
            bell,
        }
    }

    /// How many permits there were at first.
    pub fn initial(&self) -> u32 {
        // Relaxed: never changed since new().
        self.bell.beside[1].load(Relaxed)
    }

    /// What its parts are called in a trace, by their offset in bytes.
    pub fn part(offset: usize) -> &'static str {
        match offset {
            0 => "line",
            4 => "line's state",
            8 => "line's hint",
            40 => "bell",
            44 => "surplus",
            48 => "first value",
            _ => "links",
        }
    }
}

/// A permit: which place, if any. Whoever has one must give it back, or away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the permit is held until it is given back"]
pub enum RawPermit {
    Place(usize),
    /// Of the surplus.
    Surplus,
}

/// More permits than may be out at once: so many of those that were to be released were not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    pub over: u32,
}

/// A semaphore: a view on its parts.
pub struct RawSemaphore<'a, W: World> {
    desk: &'a Desk<W>,
    places: Roster<'a, W>,
    /// Where a thread begins to look for a place: spread over so many.
    spread: usize,
    /// No release makes the surplus larger.
    surplus_max: u32,
}

impl<'a, W: World> RawSemaphore<'a, W> {
    /// `open` is how many of the places were open at first.
    ///
    /// # Panics
    /// If there are more than [`PLACES_MAX`] places.
    pub fn new(desk: &'a Desk<W>, places: &'a [Node<W>], open: usize, surplus_max: u32) -> Self {
        assert!(places.len() <= PLACES_MAX);
        RawSemaphore {
            desk,
            places: Roster::new(places),
            spread: open.max(1),
            surplus_max,
        }
    }

    /// Closes all places but the first `open`, before anyone else knows of the semaphore.
    pub fn close_from(&self, open: usize) {
        (open..self.places.len()).for_each(|place| self.places.close(place));
    }

    /// Takes a permit, waiting as long as `patience` says.
    ///
    /// # Errors
    /// [`Refused::WouldBlock`], [`Refused::TimedOut`], [`Refused::TooManyHeld`]: no permit was taken.
    pub fn acquire(&self, patience: Patience) -> Result<RawPermit, Refused> {
        let until = match patience {
            Patience::None => return self.attempt()?.ok_or(Refused::WouldBlock),
            Patience::Until(deadline) => Some(deadline),
            Patience::Endless => None,
        };
        // Not past those who wait.
        if !self.desk.line.is_locked()
            && let Some(permit) = self.attempt()?
        {
            return Ok(permit);
        }
        match self.desk.line.lock(patience) {
            Ok(Acquired::Clean) => {}
            // The line guards nothing but itself.
            Ok(Acquired::OwnerDied) => {
                let marked = self.desk.line.mark_consistent();
                assert_eq!(marked, Ok(()), "the line is ours");
            }
            Err(Refused::TimedOut) => return self.attempt()?.ok_or(Refused::TimedOut),
            Err(refused) => return Err(refused),
        }
        let outcome = self.wait_first_in_line(until);
        let left = self.desk.line.unlock();
        assert_eq!(left, Ok(()), "the line is ours");
        outcome
    }

    /// Gives a permit back.
    ///
    /// # Errors
    /// [`NotHeld`] if it is a place that the calling thread has not taken. Nothing was changed.
    pub fn give_back(&self, permit: RawPermit) -> Result<(), NotHeld> {
        match permit {
            RawPermit::Place(place) => self.places.leave(place),
            RawPermit::Surplus => {
                // More than there may be, if others released it in its stead: then there is nothing to give back.
                let (Ok(()) | Err(TooMany { .. })) = self.add(1);
                Ok(())
            }
        }
    }

    /// Gives a permit away: only a [release](RawSemaphore::release) makes up for it.
    ///
    /// # Errors
    /// [`NotHeld`] if it is a place that the calling thread has not taken. Nothing was changed.
    pub fn give_away(&self, permit: RawPermit) -> Result<(), NotHeld> {
        match permit {
            RawPermit::Place(place) => self.places.leave_closed(place),
            RawPermit::Surplus => Ok(()),
        }
    }

    /// Makes so many permits more: opens closed places, and adds what is left to the surplus.
    ///
    /// # Errors
    /// [`TooMany`]: nothing was released, unless others release at the same time.
    pub fn release(&self, count: u32) -> Result<(), TooMany> {
        let closed = self.count(|occupant| occupant == Occupant::Closed);
        // Relaxed: a first look. add() confirms it, and a place is opened once.
        let surplus = self.surplus().load(Relaxed) & !ASLEEP;
        let room = self
            .surplus_max
            .saturating_sub(surplus)
            .saturating_add(closed);
        if count > room {
            return Err(TooMany { over: count - room });
        }
        let mut left = count;
        for place in 0..self.places.len() {
            if left == 0 {
                return Ok(());
            }
            left -= u32::from(self.places.open(place));
        }
        if left == 0 { Ok(()) } else { self.add(left) }
    }

    /// How many permits are to be had: an answer that may be out of date when it arrives.
    pub fn value(&self) -> u32 {
        // Relaxed: a hint.
        self.count(Occupant::is_free) + (self.surplus().load(Relaxed) & !ASLEEP)
    }

    fn count(&self, is_counted: impl Fn(Occupant) -> bool) -> u32 {
        let occupants = (0..self.places.len()).map(|place| self.places.look(place).0);
        occupants.filter(|&occupant| is_counted(occupant)).count() as u32
    }

    /// Takes a permit if one is to be had.
    fn attempt(&self) -> Result<Option<RawPermit>, Refused> {
        for place in self.round() {
            match self.places.take(place) {
                // From the dead or not: a permit guards nothing that its holder could have left half done.
                Ok(Acquired::Clean | Acquired::OwnerDied) => {
                    return Ok(Some(RawPermit::Place(place)));
                }
                Err(Refused::WouldBlock) => {}
                Err(refused) => return Err(refused),
            }
        }
        Ok(self.deduct())
    }

    /// All places, from where this thread begins.
    fn round(&self) -> impl Iterator<Item = usize> {
        let (count, start) = (self.places.len(), W::begins_at(self.spread));
        (0..count).map(move |step| (start + step) % count)
    }

    /// The line is ours: sleeps until there is a permit.
    #[cold]
    fn wait_first_in_line(&self, until: Option<Deadline>) -> Result<RawPermit, Refused> {
        loop {
            if let Some(permit) = self.attempt()? {
                return Ok(permit);
            }
            let Some(watched) = self.mark() else {
                continue; // there is one now
            };
            if W::wait_any(&watched, until) == Woken::TimedOut {
                return self.attempt()?.ok_or(Refused::TimedOut);
            }
        }
    }

    /// Marks all that a permit can come from (invariant 1). `None` if there is one.
    fn mark(&self) -> Option<Vec<Watch<'a, W>>> {
        let mut watched = Vec::with_capacity(self.places.len() + 2);
        watched.push((&self.desk.bell.word, 0)); // before the surplus: invariant 3
        let surplus = self.surplus();
        // Relaxed, all: the mark carries no data, and the kernel compares again.
        match surplus.compare_exchange(0, ASLEEP, Relaxed, Relaxed) {
            Ok(_) | Err(ASLEEP) => watched.push((surplus, ASLEEP)),
            Err(_) => return None,
        }
        for place in 0..self.places.len() {
            watched.push(self.places.mark(place)?);
        }
        Some(watched)
    }

    /// Takes a permit of the surplus.
    fn deduct(&self) -> Option<RawPermit> {
        let surplus = self.surplus();
        // Relaxed: confirmed by the exchange.
        let mut seen = surplus.load(Relaxed);
        while seen & !ASLEEP != 0 {
            // Acquire: pairs with the Release in add(). Relaxed on failure: looked at again.
            match surplus.compare_exchange(seen, seen - 1, Acquire, Relaxed) {
                Ok(_) => return Some(RawPermit::Surplus),
                Err(now) => seen = now,
            }
        }
        None
    }

    /// Adds to the surplus, and wakes the first in line if it may be asleep.
    fn add(&self, count: u32) -> Result<(), TooMany> {
        W::announce(&self.desk.bell); // from before there is something to wake for: invariant 3
        let surplus = self.surplus();
        // Relaxed: confirmed by the exchange.
        let mut seen = surplus.load(Relaxed);
        let outcome = loop {
            let before = seen & !ASLEEP;
            let room = self.surplus_max.saturating_sub(before);
            if count > room {
                break Err(TooMany { over: count - room });
            }
            // Release: pairs with the Acquire in deduct(). Relaxed on failure: looked at again.
            match surplus.compare_exchange(seen, before + count, Release, Relaxed) {
                Ok(_) => break Ok(()),
                Err(now) => seen = now,
            }
        };
        if outcome.is_ok() && seen & ASLEEP != 0 {
            W::wake(&self.desk.bell.word, 1);
        }
        W::withdraw();
        outcome
    }

    fn surplus(&self) -> &'a W::Word {
        &self.desk.bell.beside[0]
    }
}
