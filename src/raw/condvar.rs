//! The condition variable: a wait for what another owner of the lock will say.
//!
//! Each waiter has a seat: a place of a [`Roster`] (its *life*: the kernel marks it when the waiter dies), and a
//! *bell*, which a notification rings. All that is written here is written by the owner of the lock that the
//! condition goes with; waiters read their bells without it, and believe them only under it.
//!
//! # The parts
//! | part | holds |
//! |---|---|
//! | `seats[i]` | the life of the waiter in seat `i`; beside it its ticket, and the horizon of its notification |
//! | the last seat | the owner's: the life of the lock's owner, if it [took](RawCondvar::hold) it. It has no bell |
//! | `bells[i]` | `WAITING`, or `NOTIFIED`: its waiter was notified and has not returned |
//! | `tickets` | the next waiter's ticket: they are given in the order in which the waits begin |
//! | `in_use` | seats from this one on are free: nobody looks for waiters there |
//! | `passing` | the dead seat whose notification is being passed on, and to which seat; 0: none |
//!
//! A notification's *horizon* is the next ticket at the moment when it was given: it is for the waits that had
//! begun by then, whoever comes to receive it.
//!
//! # Invariants
//! 1. Who sleeps here has a seat, and sleeps on its own bell and on all lives: if another waiter dies, the kernel
//!    wakes one of the sleepers; and if that one dies before it has done anything about it, the kernel wakes the
//!    next, by its own life.
//! 2. Whoever was woken looks at all lives before it sleeps again or returns. If one is dead it takes the lock
//!    and reaps: an unreturned notification is passed on to the oldest waiter before its horizon.
//! 3. Whoever uses the condition as owner of the lock reaps first. So a seat that `passing` names is as it was
//!    when its author died.
//! 4. No one sits in a seat from `in_use` on, the owner's excepted.
//! 5. A bell is announced from before it is rung until its sleeper is woken: a notifier's death rings it.
//!
//! # Who wakes when X dies
//! | X dies | then |
//! |---|---|
//! | owning the lock, in the owner's seat | one sleeper wakes, takes the lock, is told, and returns |
//! | before its seat is taken | the lock's next owner is told; the seat was never taken |
//! | seated, not notified | one sleeper wakes, reaps, sleeps on |
//! | notified, asleep or on its way to the lock, or owning it and seated | one sleeper wakes and passes the notification on |
//! | after it left its seat | it had returned: the lock's next owner is told |
//! | notifying, before it rang | those it had not come to are not notified; the lock's next owner is told |
//! | notifying, after it rang and before it woke | the kernel wakes the sleeper (invariant 5) |
//! | passing on | its own death wakes another, who finishes by `passing`: neither lost nor doubled |
//! | unlocking for good without repair | see [`RawMutex::until_given_up`]: all sleepers wake, and are refused |
//!
//! # Memory ordering
//! The lock's. All words here are written and believed under it; what a waiter reads without it only decides
//! whether to take it.
//!
//! # What is not covered
//! - A notifier that dies before it takes the lock: who waits for it cannot know.
//! - An owner that dies without the owner's seat: the next to take the lock is told, and no waiter before that.
//! - Fairness among those who were notified: they take the lock in any order.
//! - Ticket numbers wrap: waits that began 2^31 waits apart are compared wrongly.

use std::sync::atomic::Ordering::Relaxed;

use super::mutex::{Acquired, NotHeld, Patience, RawMutex, Refused};
use super::reentrant::RawReentrantMutex;
use super::roster::{Occupant, Roster, Watch};
use crate::world::{Deadline, Node, WAIT_ANY_MAX, WAITERS, Woken, Word, World};

// The values of a bell: no thread's id among them, and a death passes the wake of the rung one on under all kernels.
const NOTIFIED: u32 = 0;
const WAITING: u32 = WAITERS;

// The words beside a life.
const TICKET: usize = 0;
const HORIZON: usize = 1;

/// No notification is being passed on.
const NOTHING: u32 = 0;

/// The most waiters at a time: each sleeps on all lives, its bell and the lock's state, and under the turn on one
/// word more.
pub const WAITERS_MAX: usize = 120;
const _: () = assert!(WAITERS_MAX + 2 < WAIT_ANY_MAX);

/// What a condition has besides its seats and bells.
#[repr(C)]
pub struct CondvarHead<W: World> {
    tickets: W::Word,
    passing: W::Word,
    in_use: W::Word,
}

impl<W: World> CondvarHead<W> {
    /// No one waits.
    pub fn new() -> Self {
        CondvarHead {
            tickets: W::Word::new(0),
            passing: W::Word::new(NOTHING),
            in_use: W::Word::new(0),
        }
    }
}

impl<W: World> Default for CondvarHead<W> {
    fn default() -> Self {
        Self::new()
    }
}

/// A lock that a condition can go with: one that can be given back at all levels and taken again as it was.
pub trait Companion<W: World> {
    fn is_mine(&self) -> bool;
    /// Gives it back, however often it was taken; returns how often that was.
    ///
    /// # Errors
    /// [`NotHeld`] if the calling thread does not hold it.
    fn give_back(&self) -> Result<u32, NotHeld>;
    /// Takes it as often as it was taken.
    ///
    /// # Errors
    /// Those of [`RawMutex::lock`].
    fn take_again(&self, levels: u32) -> Result<Acquired, Refused>;
    /// As [`RawMutex::until_given_up`].
    fn until_given_up(&self) -> Option<Watch<'_, W>>;
}

/// How a wait ended, with the lock held again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waited {
    /// False: the deadline passed, or the lock's owner died.
    pub notified: bool,
    /// [`Acquired::OwnerDied`]: an owner died meanwhile, and this thread is the first to know.
    pub acquired: Acquired,
}

/// Why there was no wait, or no return from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoWait {
    /// The calling thread does not hold the lock.
    NotHeld,
    /// All seats are taken. The lock is held as before.
    TooManyWaiters,
    /// The calling thread holds as many locks as the kernel would look at if it died. The lock is held as before.
    TooManyHeld,
    /// The lock was given up for good. It is not held.
    NotRecoverable,
}

/// A view on a condition: it lies in shared memory in parts.
pub struct RawCondvar<'a, W: World> {
    head: &'a CondvarHead<W>,
    seats: Roster<'a, W>,
    bells: &'a [Node<W>],
}

/// Why a waiter no longer sleeps.
enum Stir {
    /// It was notified, or someone died.
    Look,
    TimedOut,
    GivenUp,
}

impl<'a, W: World> RawCondvar<'a, W> {
    /// A view on fresh nodes, or on those of a condition in use.
    ///
    /// # Panics
    /// If there is not one seat more than bells, or if there are more bells than [`WAITERS_MAX`].
    pub fn new(head: &'a CondvarHead<W>, seats: &'a [Node<W>], bells: &'a [Node<W>]) -> Self {
        assert!(seats.len() == bells.len() + 1 && bells.len() <= WAITERS_MAX);
        RawCondvar {
            head,
            seats: Roster::new(seats),
            bells,
        }
    }

    /// The calling thread, which owns the lock, takes the owner's seat: if it dies there, a waiter is told. False if
    /// it sits there already, or cannot.
    pub fn hold(&self) -> bool {
        self.seats.take_watched(self.owners_seat()).is_ok()
    }

    /// Leaves the owner's seat, before the lock is given back. Nothing if the calling thread does not sit there.
    pub fn let_go(&self) {
        // Nothing that an owner has done is left undone, so no one needs to be woken.
        let (Ok(()) | Err(NotHeld)) = self.seats.leave_unnoticed(self.owners_seat());
    }

    /// Gives the lock back, sleeps until notified, and takes the lock again, as often as it was held. To have come so
    /// far as to sleep and to have given the lock back is one step for all that notify.
    ///
    /// # Errors
    /// [`NoWait`].
    pub fn wait<L: Companion<W>>(
        &self,
        lock: &L,
        until: Option<Deadline>,
    ) -> Result<Waited, NoWait> {
        if !lock.is_mine() {
            return Err(NoWait::NotHeld);
        }
        self.reap(); // invariant 3
        let seat = self.sit_down()?;
        let in_owners_seat = self.seats.leave_unnoticed(self.owners_seat()).is_ok();
        let mut watches = Vec::with_capacity(self.seats.len() + 1);
        loop {
            let levels = lock.give_back().map_err(|NotHeld| NoWait::NotHeld)?;
            let stir = self.sleep(lock, seat, until, &mut watches);
            let acquired = match stir {
                Stir::GivenUp => Err(Refused::NotRecoverable),
                Stir::Look | Stir::TimedOut => lock.take_again(levels),
            };
            let Ok(acquired) = acquired else {
                // The room for the lock in the robust list is the one it had, and the wait for it has no end: it
                // was given up. No one will own it who could look at the seat.
                self.stand_up(seat);
                return Err(NoWait::NotRecoverable);
            };
            self.reap(); // invariants 2 and 3
            // Relaxed: under the lock.
            let notified = self.bells[seat].word.load(Relaxed) == NOTIFIED;
            let timed_out = matches!(stir, Stir::TimedOut);
            if notified || timed_out || acquired == Acquired::OwnerDied {
                if in_owners_seat {
                    self.hold();
                }
                self.stand_up(seat);
                return Ok(Waited { notified, acquired });
            }
        }
    }

    /// Notifies up to `count` waiters, those first that have waited longest; returns how many. They wake, and return
    /// as they get the lock.
    ///
    /// # Errors
    /// [`NotHeld`] if the calling thread does not hold the lock.
    pub fn notify<L: Companion<W>>(&self, lock: &L, count: usize) -> Result<usize, NotHeld> {
        if !lock.is_mine() {
            return Err(NotHeld);
        }
        self.reap(); // invariant 3
        // Relaxed: under the lock.
        let horizon = self.head.tickets.load(Relaxed);
        for notified in 0..count {
            match self.oldest_before(horizon) {
                Some(seat) => self.ring(seat, horizon),
                None => return Ok(notified),
            }
        }
        Ok(count)
    }

    /// How many wait, and have not been notified: an answer that may be out of date when it arrives.
    pub fn waiters(&self) -> usize {
        let seats = 0..self.bells.len();
        seats.filter(|&seat| self.is_waiting(seat)).count()
    }

    /// Behind those of the waiters.
    fn owners_seat(&self) -> usize {
        self.bells.len()
    }

    /// A seat for a wait that begins here.
    fn sit_down(&self) -> Result<usize, NoWait> {
        let mut seats = 0..self.bells.len();
        // A dead seat may hold a notification: it is not free before it is reaped.
        let free = seats.find(|&seat| self.seats.look(seat).0 == Occupant::None);
        let seat = free.ok_or(NoWait::TooManyWaiters)?;
        // Relaxed, here and in all that follows: under the lock. Before the seat is taken, so that whoever dies in
        // it has not been notified.
        let ticket = self.head.tickets.load(Relaxed);
        self.seats.beside(seat)[TICKET].store(ticket, Relaxed);
        self.bells[seat].word.store(WAITING, Relaxed);
        if seat >= self.in_use() {
            self.head.in_use.store(seat as u32 + 1, Relaxed); // invariant 4
        }
        match self.seats.take_watched(seat) {
            Ok(_) => {
                self.head.tickets.store(ticket.wrapping_add(1), Relaxed);
                Ok(seat)
            }
            Err(_) => Err(NoWait::TooManyHeld), // only the lock's owner takes seats, so it was free
        }
    }

    fn stand_up(&self, seat: usize) {
        let left = self.seats.leave_unnoticed(seat); // others care for a death only
        left.expect("a waiter leaves the seat that it took");
    }

    /// Sleeps, without the lock, as long as there is nothing to do under it.
    fn sleep<'w, L: Companion<W>>(
        &'w self,
        lock: &'w L,
        seat: usize,
        until: Option<Deadline>,
        watches: &mut Vec<Watch<'w, W>>,
    ) -> Stir {
        loop {
            watches.clear();
            let Some(hope) = lock.until_given_up() else {
                return Stir::GivenUp;
            };
            let bell = &self.bells[seat].word;
            // Relaxed: believed under the lock only.
            if bell.load(Relaxed) == NOTIFIED {
                return Stir::Look;
            }
            watches.extend([(bell, WAITING), hope]); // first what it sleeps for
            for other in (0..self.seats.len()).filter(|&other| other != seat) {
                let (occupant, watch) = self.seats.look(other);
                if occupant == Occupant::Dead {
                    return Stir::Look; // invariant 2
                }
                watches.push(watch);
            }
            if W::wait_any(watches, until) == Woken::TimedOut {
                return Stir::TimedOut;
            }
        }
    }

    /// How many seats, from the first on, someone may sit in.
    fn in_use(&self) -> usize {
        // Relaxed: under the lock. No more than there are, whoever has written to it.
        usize::min(self.head.in_use.load(Relaxed) as usize, self.bells.len())
    }

    /// Frees the seats of the dead, and passes on what they had been told and did not live to return with.
    fn reap(&self) {
        // Relaxed, all: under the lock.
        let passing = self.head.passing.load(Relaxed);
        if passing != NOTHING {
            self.finish(passing);
        }
        let (in_use, mut still) = (self.in_use(), 0);
        for seat in 0..in_use {
            match self.seats.look(seat).0 {
                Occupant::None => continue,
                Occupant::Dead => {
                    if self.bells[seat].word.load(Relaxed) == NOTIFIED {
                        self.pass_on(seat);
                    }
                    self.seats.clear(seat);
                }
                Occupant::Thread(_) | Occupant::Closed => still = seat + 1,
            }
        }
        if still < in_use {
            self.head.in_use.store(still as u32, Relaxed);
        }
        self.seats.clear(self.owners_seat()); // who owns the lock now was told by the lock
    }

    fn pass_on(&self, dead: usize) {
        // Relaxed, all: under the lock.
        let horizon = self.seats.beside(dead)[HORIZON].load(Relaxed);
        let Some(heir) = self.oldest_before(horizon) else {
            return; // all that it was for have returned, or died
        };
        self.head.passing.store(passing(dead, heir), Relaxed);
        self.ring(heir, horizon);
        self.bells[dead].word.store(WAITING, Relaxed);
        self.head.passing.store(NOTHING, Relaxed);
    }

    /// Who was passing a notification on has died: it had been passed on if the heir was notified, and not if not
    /// (invariant 3).
    fn finish(&self, passing: u32) {
        let (dead, heir) = (passing as u16 as usize, (passing >> 16) as usize - 1);
        // Relaxed, all: under the lock.
        if self.bells[heir].word.load(Relaxed) == NOTIFIED {
            self.bells[dead].word.store(WAITING, Relaxed);
        }
        self.head.passing.store(NOTHING, Relaxed);
    }

    /// Notifies the waiter of a seat.
    fn ring(&self, seat: usize, horizon: u32) {
        let bell = &self.bells[seat];
        // Relaxed, both: under the lock, and so believed.
        self.seats.beside(seat)[HORIZON].store(horizon, Relaxed);
        W::announce(bell); // invariant 5
        bell.word.swap(NOTIFIED, Relaxed);
        W::wake(&bell.word, 1);
        W::withdraw();
    }

    /// Of those that wait with a ticket before the horizon, the one that has waited longest.
    fn oldest_before(&self, horizon: u32) -> Option<usize> {
        let age = |seat: usize| {
            // Relaxed: under the lock. Tickets wrap: the distance is what counts.
            let ticket = self.seats.beside(seat)[TICKET].load(Relaxed);
            horizon.wrapping_sub(ticket) as i32
        };
        (0..self.in_use())
            .filter(|&seat| self.is_waiting(seat))
            .map(|seat| (age(seat), seat))
            .filter(|&(age, _)| age > 0)
            .max_by_key(|&(age, _)| age)
            .map(|(_, seat)| seat)
    }

    fn is_waiting(&self, seat: usize) -> bool {
        // Relaxed: under the lock, or for a count that may be out of date.
        matches!(self.seats.look(seat).0, Occupant::Thread(_))
            && self.bells[seat].word.load(Relaxed) == WAITING
    }
}

/// The word `passing`: not [`NOTHING`].
fn passing(dead: usize, heir: usize) -> u32 {
    (heir as u32 + 1) << 16 | dead as u32
}

impl<W: World> Companion<W> for RawMutex<W> {
    fn is_mine(&self) -> bool {
        self.is_mine()
    }

    fn give_back(&self) -> Result<u32, NotHeld> {
        self.unlock().map(|()| 1)
    }

    fn take_again(&self, _: u32) -> Result<Acquired, Refused> {
        self.lock(Patience::Endless)
    }

    fn until_given_up(&self) -> Option<Watch<'_, W>> {
        self.until_given_up()
    }
}

impl<W: World> Companion<W> for RawReentrantMutex<W> {
    fn is_mine(&self) -> bool {
        self.is_mine()
    }

    fn give_back(&self) -> Result<u32, NotHeld> {
        self.unlock_all()
    }

    fn take_again(&self, levels: u32) -> Result<Acquired, Refused> {
        self.lock_to(levels)
    }

    fn until_given_up(&self) -> Option<Watch<'_, W>> {
        self.until_given_up()
    }
}
