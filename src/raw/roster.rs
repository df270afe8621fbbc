//! Places that threads take, and that come back when their taker dies.
//!
//! A roster is a view on nodes that lie side by side in shared memory. Each place is taken by one thread at a
//! time, by one compare-exchange; no one ever waits for another to look at it, take it or leave it. A
//! semaphore's permits are places, and so are the seats of those who wait in a condition or a barrier.
//!
//! # A place's word
//! | value | meaning |
//! |---|---|
//! | 0 | free |
//! | a thread's id | taken by that thread |
//! | `OWNER_DIED` | free: its taker died (the kernel's hand) |
//! | `CLOSED` | not to be had, until someone [opens](Roster::open) it |
//!
//! With each but 0 may stand `WAITERS`: someone may be asleep on the word, so whoever frees the place wakes. The
//! two words beside it are the algorithm's own.
//!
//! # Invariants
//! 1. A thread whose id stands in a place has that place in its robust list, or announced.
//! 2. `WAITERS` outlives every change of a place that is not also a wake of all who sleep on it: to leave or
//!    to open a marked place is one step with that wake ([`World::update_and_wake_all`]), to close it keeps the
//!    mark, and so does the kernel, which then wakes one.
//!
//! # Memory ordering
//! The Release by which a place is left or opened pairs with the Acquire by which it is taken next.
//!
//! # After a death
//! By invariant 1 the kernel sets `OWNER_DIED` in every place of the dead, at whatever instruction it died, and
//! wakes *one* sleeper of each that was marked. So whoever wakes looks at all places itself; and if several may
//! sleep on one place, the one that was woken must be watched in turn. Who dies opening a place has opened it, or
//! has not begun.
//!
//! # What is not covered
//! - Which place a wake came from: [`World::wait_any`] does not say.
//! - Two threads of one id: the kernel uses an id again only when it has walked the dead thread's list.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::mutex::{Acquired, NotHeld, Refused};
use crate::world::{Node, OWNER_DIED, TID_MASK, Update, WAITERS, Word, World};

/// In a place that is not to be had: an id that no thread has.
const CLOSED: u32 = TID_MASK;

/// Whose a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupant {
    /// No one's.
    None,
    /// No one's any more: its taker died.
    Dead,
    /// The thread of this id.
    Thread(u32),
    /// No one's, and not to be had.
    Closed,
}

impl Occupant {
    fn of(word: u32) -> Occupant {
        match word & TID_MASK {
            0 if word & OWNER_DIED != 0 => Occupant::Dead,
            0 => Occupant::None,
            CLOSED => Occupant::Closed,
            id => Occupant::Thread(id),
        }
    }

    /// Whether the place can be taken.
    pub fn is_free(self) -> bool {
        matches!(self, Occupant::None | Occupant::Dead)
    }
}

/// A word and what it held: what [`World::wait_any`] sleeps on.
pub type Watch<'a, W> = (&'a <W as World>::Word, u32);

/// Places side by side.
pub struct Roster<'a, W: World> {
    places: &'a [Node<W>],
}

impl<'a, W: World> Roster<'a, W> {
    /// A view on places: fresh nodes are free.
    pub fn new(places: &'a [Node<W>]) -> Self {
        Roster { places }
    }

    /// How many places there are, taken or not.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The two words beside a place, for the algorithm's own use.
    pub fn beside(&self, place: usize) -> &'a [W::Word; 2] {
        &self.places[place].beside
    }

    /// Whose a place is, and how to sleep until that changes. Unless the place is [marked](Roster::mark), or was
    /// taken [watched](Roster::take_watched), a sleeper is not woken.
    pub fn look(&self, place: usize) -> (Occupant, Watch<'a, W>) {
        let word = self.word(place);
        // Acquire: pairs with the Release in put_down(), and with the kernel's barrier at a death, so that the
        // words beside it are as its last taker left them.
        let seen = word.load(Acquire);
        (Occupant::of(seen), (word, seen))
    }

    /// Marks a place, so that a sleeper on it is woken when it is left or opened, and when its taker dies. `None`
    /// if it is to be had.
    pub fn mark(&self, place: usize) -> Option<Watch<'a, W>> {
        self.mark_if(place, |occupant| !occupant.is_free())
    }

    /// The same of a place that is taken or to be had: a sleeper is woken by the death of one who takes it later, too.
    pub fn mark_any(&self, place: usize) -> Watch<'a, W> {
        let marked = self.mark_if(place, |_| true);
        marked.expect("any place can be marked")
    }

    fn mark_if(&self, place: usize, of: impl Fn(Occupant) -> bool) -> Option<Watch<'a, W>> {
        let word = self.word(place);
        loop {
            // Acquire, here and below: as in look(), for who is about to sleep on what it has seen of a place that is
            // to be had. Relaxed on failure: looked at again.
            let seen = word.load(Acquire);
            if !of(Occupant::of(seen)) {
                return None;
            }
            let marked = seen | WAITERS;
            if seen == marked
                || word
                    .compare_exchange(seen, marked, Acquire, Relaxed)
                    .is_ok()
            {
                return Some((word, marked));
            }
        }
    }

    /// Takes a place for the calling thread. [`Acquired::OwnerDied`]: from the dead.
    ///
    /// # Errors
    /// [`Refused::WouldBlock`] if it is taken or closed; [`Refused::TooManyHeld`].
    pub fn take(&self, place: usize) -> Result<Acquired, Refused> {
        self.occupy(place, 0)
    }

    /// As [`take`](Roster::take), and marks it: a sleeper on it is woken if the calling thread dies.
    ///
    /// # Errors
    /// Those of [`take`](Roster::take).
    pub fn take_watched(&self, place: usize) -> Result<Acquired, Refused> {
        self.occupy(place, WAITERS)
    }

    /// Gives a place back: it is free for anyone, and whoever sleeps on it is woken.
    ///
    /// # Errors
    /// [`NotHeld`] if the calling thread has not taken it. Nothing was changed.
    pub fn leave(&self, place: usize) -> Result<(), NotHeld> {
        self.depart(place, || self.put_down(place))
    }

    /// Gives a place back and wakes no one: where a sleeper cares for a taker's death only.
    ///
    /// # Errors
    /// [`NotHeld`] if the calling thread has not taken it. Nothing was changed.
    pub fn leave_unnoticed(&self, place: usize) -> Result<(), NotHeld> {
        self.depart(place, || {
            // Release: pairs with the Acquire in occupy() and look(). A swap, as others may mark it meanwhile.
            self.word(place).swap(0, Release);
        })
    }

    /// Gives a place back as one that is not to be had. No one is woken: the mark stays for who opens it.
    ///
    /// # Errors
    /// [`NotHeld`] if the calling thread has not taken it. Nothing was changed.
    pub fn leave_closed(&self, place: usize) -> Result<(), NotHeld> {
        self.depart(place, || {
            let word = self.word(place);
            loop {
                // Relaxed: others only mark it, and the exchange looks again.
                let seen = word.load(Relaxed);
                // Release: pairs with the Acquire in open(). Relaxed on failure: looked at again.
                if word
                    .compare_exchange(seen, CLOSED | seen & WAITERS, Release, Relaxed)
                    .is_ok()
                {
                    break;
                }
            }
        })
    }

    /// Closes a free place before anyone else knows of the roster.
    pub fn close(&self, place: usize) {
        // Relaxed: whoever shares the roster publishes it.
        self.word(place).store(CLOSED, Relaxed);
    }

    /// Frees a closed place, and wakes who sleeps on it. False if it is not closed.
    ///
    /// The caller has it for a moment, announced, so that its death opens it, too.
    pub fn open(&self, place: usize) -> bool {
        let word = self.word(place);
        // Relaxed: a first look, confirmed by the exchange.
        let mut seen = word.load(Relaxed);
        if Occupant::of(seen) != Occupant::Closed {
            return false;
        }
        W::announce(&self.places[place]); // invariant 1
        let opened = loop {
            if Occupant::of(seen) != Occupant::Closed {
                break false;
            }
            // Acquire: pairs with the Release in leave_closed(). Relaxed on failure: looked at again.
            match word.compare_exchange(seen, W::me() | seen & WAITERS, Acquire, Relaxed) {
                Ok(_) => {
                    self.put_down(place);
                    break true;
                }
                Err(now) => seen = now,
            }
        };
        W::withdraw();
        opened
    }

    /// Frees a dead place without a mark, for algorithms whose sleepers care for a taker's death only. Nothing if
    /// it is not dead.
    pub fn clear(&self, place: usize) {
        let word = self.word(place);
        // Relaxed: confirmed by the exchange.
        let seen = word.load(Relaxed);
        if Occupant::of(seen) == Occupant::Dead {
            // Release: pairs with the Acquire in occupy() and look(). Relaxed on failure: someone took it.
            let _ = word.compare_exchange(seen, 0, Release, Relaxed);
        }
    }

    fn occupy(&self, place: usize, mark: u32) -> Result<Acquired, Refused> {
        let word = self.word(place);
        // Relaxed: a first look, confirmed by the exchange.
        let mut seen = word.load(Relaxed);
        if !Occupant::of(seen).is_free() {
            return Err(Refused::WouldBlock);
        }
        if !W::may_link() {
            return Err(Refused::TooManyHeld);
        }
        W::announce(&self.places[place]); // invariant 1, from before the word can hold our id
        let outcome = loop {
            let before = Occupant::of(seen);
            if !before.is_free() {
                break Err(Refused::WouldBlock);
            }
            // Invariant 2: the mark is inherited. Acquire: pairs with the Release in put_down(), and with the
            // kernel's barrier at a death. Relaxed on failure: looked at again.
            let mine = W::me() | seen & WAITERS | mark;
            match word.compare_exchange(seen, mine, Acquire, Relaxed) {
                Ok(_) if before == Occupant::Dead => break Ok(Acquired::OwnerDied),
                Ok(_) => break Ok(Acquired::Clean),
                Err(now) => seen = now,
            }
        };
        if outcome.is_ok() {
            W::link(&self.places[place]);
        }
        W::withdraw();
        outcome
    }

    fn depart(&self, place: usize, put_down: impl FnOnce()) -> Result<(), NotHeld> {
        // Relaxed: only this thread stores its own id here, and it sees its own stores.
        if self.word(place).load(Relaxed) & TID_MASK != W::me() {
            return Err(NotHeld);
        }
        W::announce(&self.places[place]); // invariant 1, until the word no longer holds our id
        W::unlink(&self.places[place]);
        put_down();
        W::withdraw();
        Ok(())
    }

    /// The place is ours, and announced: frees it, and wakes all who sleep on it.
    fn put_down(&self, place: usize) {
        let word = self.word(place);
        // Release: pairs with the Acquire in occupy() and look(). Relaxed on failure: nothing was given back.
        if word.compare_exchange(W::me(), 0, Release, Relaxed).is_err() {
            // Invariant 2. The kernel's full barrier stands for the Release.
            W::update_and_wake_all(word, Update::Set(0));
        }
    }

    fn word(&self, place: usize) -> &'a W::Word {
        &self.places[place].word
    }
}

impl<W: World> Clone for Roster<'_, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W: World> Copy for Roster<'_, W> {}
