//! The barrier: no one passes until all have come. It can be used again and again, and breaks if one dies.
//!
//! Each party that has come has a seat, a place of a [`Roster`]: seat `i` is the `i`th to come in this round. A
//! round ends when the last seat is taken. The next one begins when all seats are free again, so that who is slow
//! to leave is not taken for one who has come again.
//!
//! # The phase
//! The number of the round, and in the low three bits where it stands:
//!
//! | status | meaning | a party that comes | a party in its seat |
//! |---|---|---|---|
//! | `FILLING` | some have come | takes a seat | sleeps |
//! | `ACTING` | all have come; the last runs the action | waits for the next round | sleeps |
//! | `DRAINING` | those of the *round before* have passed, and leave | waits for the next round | has passed |
//! | `RESETTING` | those who had come are sent away, and leave | waits for the next round | is refused |
//! | `BROKEN` | until it is reset | is refused | is refused |
//!
//! To let a round pass is to add one to its number: a party that finds another number than that of its round has
//! passed, whatever came after.
//!
//! # The other parts
//! | part | holds |
//! |---|---|
//! | `mutex` | a [`RawMutex`]: its owner alone changes the phase and takes seats. No one sleeps holding it |
//! | `line` | a [`RawMutex`] for those who wait for the next round: its holder is first, and sleeps on the seats |
//! | `seats` | one for each party, and one more for the first in line |
//!
//! # Invariants
//! 1. A change of the phase for which someone may sleep is one step with the wake of all who sleep
//!    ([`World::update_and_wake_all`]): a death comes before both or after both.
//! 2. Who sleeps on seats sleeps on all of them, and sits in one: if another dies, the kernel wakes one of the
//!    sleepers; and if that one dies before it has done anything about it, the kernel wakes the next, by its seat.
//! 3. Who was woken looks at the phase and at all seats before it sleeps again. If a party is dead while the round
//!    fills or acts, it breaks the barrier; the dead seat is cleared only after that.
//! 4. The seat is left after the phase was read, and the phase leaves `DRAINING` and `RESETTING` only when no
//!    living party sits: who comes, or the first in line, sees to that. To leave a seat wakes all who sleep on it.
//!
//! # Who wakes when X dies
//! | X dies | then |
//! |---|---|
//! | before its seat is taken | nothing has happened; the mutex is taken over |
//! | seated, before the round passed | one sleeper wakes and breaks the barrier; if there is none, the next to come does |
//! | having let the round pass | all were woken with that step |
//! | seated, after the round passed | it counts as one that left: the first in line wakes |
//! | leaving | the kernel marks the seat, or all who sleep on it were woken |
//! | first in line | the next in line takes its place; one sleeper among the parties wakes, too, and looks |
//! | breaking, aborting or resetting | before the step: another does, by invariant 2, or no one has asked; after it: all were woken |
//!
//! # Memory ordering
//! What a party wrote before it came is seen by all after they have passed: each takes `mutex` to come, the last
//! changes the phase by a full barrier, and that pairs with the Acquire by which the others read it.
//!
//! # What is not covered
//! - A party that dies before it comes: who waits for it waits, or times out.
//! - Fairness between those in line and one that comes when the next round has just begun.
//! - Round numbers wrap after 2^29: a party would have to stay seated for as long.

mod arrival;
mod phase;

use std::sync::atomic::Ordering::{Acquire, Relaxed};

pub use arrival::{Arrived, Last, NotPassed, Turn};

use arrival::Seat;
use phase::{ACTING, BROKEN, DRAINING, FILLING, RESETTING, ROUND, round, status};

use super::mutex::{Acquired, Patience, RawMutex, Refused};
use super::roster::{Occupant, Roster, Watch};
use crate::world::{Deadline, Node, Update, WAIT_ANY_MAX, Woken, Word, World};

/// The most parties: each sleeps on all seats and on the phase, and under the turn on one word more.
pub const PARTIES_MAX: usize = 120;
const _: () = assert!(PARTIES_MAX + 2 < WAIT_ANY_MAX);

/// What a barrier has besides its seats.
#[repr(C)]
pub struct BarrierHead<W: World> {
    mutex: RawMutex<W>,
    line: RawMutex<W>,
    phase: W::Word,
    /// Instead of padding, which would show others what lay on its maker's stack.
    _reserved: u32,
}

impl<W: World> BarrierHead<W> {
    /// No one has come.
    pub fn new() -> Self {
        BarrierHead {
            mutex: RawMutex::new(),
            line: RawMutex::new(),
            phase: W::Word::new(FILLING),
            _reserved: 0,
        }
    }
}

impl<W: World> Default for BarrierHead<W> {
    fn default() -> Self {
        Self::new()
    }
}

/// What someone who comes finds.
enum Door {
    Seated(Seat),
    /// The last seat, and the round has passed.
    Passed(Seat),
    /// The last seat, and the action is to be run.
    Acts(Seat),
    /// Those of the last round have not left. The phase.
    Shut(u32),
}

/// A view on a barrier: it lies in shared memory in parts.
pub struct RawBarrier<'a, W: World> {
    head: &'a BarrierHead<W>,
    seats: Roster<'a, W>,
}

impl<'a, W: World> RawBarrier<'a, W> {
    /// A view on fresh nodes, or on those of a barrier in use: one for each party, and one more.
    ///
    /// # Panics
    /// If there is no party, or there are more than [`PARTIES_MAX`].
    pub fn new(head: &'a BarrierHead<W>, seats: &'a [Node<W>]) -> Self {
        let seats = Roster::new(seats);
        assert!((2..=PARTIES_MAX + 1).contains(&seats.len()));
        RawBarrier { head, seats }
    }

    /// Comes, and waits until all have come.
    ///
    /// # Errors
    /// [`NotPassed`].
    pub fn arrive(&self, last: Last, until: Option<Deadline>) -> Result<Arrived, NotPassed> {
        match self.enter(last, until)? {
            Door::Seated(seat) => self.stay(seat, until).map(Arrived::Passed),
            Door::Passed(seat) => {
                self.leave(seat);
                Ok(Arrived::Passed(seat.number))
            }
            Door::Acts(seat) => Ok(Arrived::Acts(Turn { seat })),
            Door::Shut(_) => unreachable!("the first in line waits until it is not"),
        }
    }

    /// The action has ended: all pass, unless the barrier was broken meanwhile.
    ///
    /// # Errors
    /// [`NotPassed::Broken`].
    ///
    /// # Panics
    /// If the action has left the calling thread holding as many locks as the kernel would look at.
    pub fn acted(&self, Turn { seat }: Turn) -> Result<usize, NotPassed> {
        self.lock_seated();
        let phase = self.settle();
        if seat.is_pending(phase) {
            self.let_pass(phase);
        }
        self.unlock();
        self.leave(seat);
        if seat.is_pending(phase) {
            Ok(seat.number)
        } else {
            Err(NotPassed::Broken)
        }
    }

    /// The action has failed: the barrier is broken.
    ///
    /// # Panics
    /// As [`acted`](RawBarrier::acted).
    pub fn failed(&self, Turn { seat }: Turn) {
        self.lock_seated();
        let phase = self.settle();
        if seat.is_pending(phase) {
            self.smash(phase);
        }
        self.unlock();
        self.leave(seat);
    }

    /// Breaks the barrier: all who wait are refused, and all who come, until it is reset. Those whose round has passed
    /// have passed.
    ///
    /// # Errors
    /// [`NotPassed::TooManyHeld`].
    pub fn abort(&self) -> Result<(), NotPassed> {
        self.lock()?;
        let phase = self.settle();
        self.smash(phase);
        self.unlock();
        Ok(())
    }

    /// Sends all away who wait in an unfinished round; a broken barrier is whole again when they have left.
    ///
    /// # Errors
    /// [`NotPassed::TooManyHeld`].
    pub fn reset(&self) -> Result<(), NotPassed> {
        self.lock()?;
        let phase = self.settle();
        let is_empty = self.is_empty();
        match status(phase) {
            FILLING if is_empty => {}
            FILLING | ACTING => self.turn(Update::Add(RESETTING - status(phase))),
            // Relaxed: under the mutex. No one sleeps while the barrier is broken.
            BROKEN if is_empty => {
                let fresh = (phase - BROKEN).wrapping_add(ROUND + FILLING);
                self.head.phase.store(fresh, Relaxed);
            }
            BROKEN => self.head.phase.store(phase - BROKEN + RESETTING, Relaxed),
            _ => {} // on its way
        }
        self.unlock();
        Ok(())
    }

    /// How many have come and wait: out of date as soon as it is known.
    pub fn waiting(&self) -> usize {
        // Relaxed: a hint.
        match status(self.head.phase.load(Relaxed)) {
            FILLING | ACTING => self.seated(),
            _ => 0,
        }
    }

    /// Whether who comes now is refused: out of date as soon as it is known.
    pub fn is_broken(&self) -> bool {
        // Relaxed: a hint.
        match status(self.head.phase.load(Relaxed)) {
            FILLING | ACTING => self.has_dead(), // whoever looks next will break it
            status => status == BROKEN,
        }
    }

    /// How many must come.
    pub fn parties(&self) -> usize {
        self.seats.len() - 1
    }

    /// Takes a seat in this round, or waits for the next one.
    fn enter(&self, last: Last, until: Option<Deadline>) -> Result<Door, NotPassed> {
        self.lock()?;
        let door = self.knock(last);
        self.unlock();
        match door {
            Ok(Door::Shut(_)) => {}
            answer => return answer,
        }
        let patience = until.map_or(Patience::Endless, Patience::Until);
        match self.head.line.lock(patience) {
            Ok(acquired) => vouch(&self.head.line, acquired), // whoever was first left nothing to repair
            Err(Refused::TimedOut) => return Err(NotPassed::TimedOut),
            Err(_) => return Err(NotPassed::TooManyHeld), // it is never given up, and not held
        }
        let answer = self.lead(last, until);
        give_back(&self.head.line);
        answer
    }

    /// Waits, as the first in line, for the next round.
    fn lead(&self, last: Last, until: Option<Deadline>) -> Result<Door, NotPassed> {
        let own = self.parties();
        // By invariant 2: who sleeps on seats sits in one. Those who came before it in line have left it, or died.
        if self.seats.take_watched(own).is_err() {
            return Err(NotPassed::TooManyHeld);
        }
        let mut watches = Vec::with_capacity(self.seats.len());
        let answer = loop {
            if let Err(refused) = self.lock() {
                break Err(refused);
            }
            let door = self.knock(last);
            self.unlock();
            let phase = match door {
                Ok(Door::Shut(phase)) => phase,
                answer => break answer,
            };
            // If the phase has changed since, there is no sleep.
            if self.sleep(own, phase, until, &mut watches) == Some(Woken::TimedOut) {
                break Err(NotPassed::TimedOut);
            }
        };
        // Those who sleep on it care for a death only.
        let left = self.seats.leave_unnoticed(own);
        left.expect("the first in line leaves the seat that it took");
        answer
    }

    /// Under the mutex: what someone who comes now finds.
    fn knock(&self, last: Last) -> Result<Door, NotPassed> {
        let phase = self.settle();
        match status(phase) {
            FILLING => {}
            BROKEN => return Err(NotPassed::Broken),
            _ => return Ok(Door::Shut(phase)),
        }
        // While a round fills no one leaves, so the seats fill from the first one on. Whoever died in one since
        // settle() keeps it. If all are taken, who took the last one is dying, and had not let the round pass: the
        // kernel comes to the mutex before it comes to a seat that is only announced.
        let mut seats = 0..self.parties();
        let Some(number) = seats.find(|&seat| self.seats.look(seat).0 == Occupant::None) else {
            self.smash(phase);
            return Err(NotPassed::Broken);
        };
        if self.seats.take_watched(number).is_err() {
            return Err(NotPassed::TooManyHeld); // only the mutex's owner takes seats, so it was free
        }
        let round = round(phase);
        let seat = Seat { number, round };
        if number + 1 < self.parties() {
            return Ok(Door::Seated(seat));
        }
        match last {
            Last::Releases => {
                self.let_pass(phase);
                Ok(Door::Passed(seat))
            }
            Last::Acts => {
                // Relaxed: under the mutex. Those who sleep sleep on.
                self.head.phase.store(phase - FILLING + ACTING, Relaxed);
                Ok(Door::Acts(seat))
            }
        }
    }

    /// Waits in a seat until the round has passed.
    fn stay(&self, seat: Seat, until: Option<Deadline>) -> Result<usize, NotPassed> {
        let mut watches = Vec::with_capacity(self.seats.len());
        let outcome = loop {
            // Acquire: pairs with the full barrier of let_pass(): what the others wrote before they came.
            let phase = self.head.phase.load(Acquire);
            if !seat.is_pending(phase) {
                break seat.outcome(phase);
            }
            let timed_out = match self.sleep(seat.number, phase, until, &mut watches) {
                Some(Woken::Perhaps | Woken::Changed) => continue,
                Some(Woken::TimedOut) => true,
                None => false,
            };
            // Someone died, or the time is up: either breaks the barrier, unless the round has passed.
            self.lock_seated();
            let phase = self.settle();
            if seat.is_pending(phase) && timed_out {
                self.smash(phase);
                self.unlock();
                break Err(NotPassed::TimedOut);
            }
            self.unlock();
        };
        self.leave(seat);
        outcome
    }

    /// Sleeps on a phase and on all seats but one's own. `None`, and no sleep, if a party is dead, or none is left:
    /// that is to be settled first.
    fn sleep<'w>(
        &'w self,
        own: usize,
        phase: u32,
        until: Option<Deadline>,
        watches: &mut Vec<Watch<'w, W>>,
    ) -> Option<Woken> {
        watches.clear();
        watches.push((&self.head.phase, phase));
        let mut someone_is_left = own < self.parties();
        for seat in (0..self.seats.len()).filter(|&seat| seat != own) {
            let (occupant, watch) = self.seats.look(seat);
            // That the first in line is dead concerns the next in line alone.
            match occupant {
                Occupant::Dead if seat < self.parties() => return None,
                Occupant::Thread(_) => someone_is_left |= seat < self.parties(),
                _ => {}
            }
            watches.push(watch);
        }
        someone_is_left.then(|| W::wait_any(watches, until))
    }

    /// Under the mutex: draws the consequences of all deaths and departures; returns the phase.
    fn settle(&self) -> u32 {
        // Relaxed: under the mutex.
        let phase = self.head.phase.load(Relaxed);
        match status(phase) {
            FILLING | ACTING => {
                if self.has_dead() {
                    self.smash(phase); // invariant 3: before any seat is cleared
                    self.clear();
                }
            }
            DRAINING | RESETTING => {
                self.clear();
                if self.is_empty() {
                    self.turn(Update::Add(ROUND + FILLING - status(phase)));
                }
            }
            _ => self.clear(),
        }
        // Relaxed: as above.
        self.head.phase.load(Relaxed)
    }

    /// Frees the seats of the dead.
    fn clear(&self) {
        (0..self.parties()).for_each(|seat| self.seats.clear(seat));
    }

    /// Under the mutex: the round has passed.
    fn let_pass(&self, phase: u32) {
        self.turn(Update::Add(ROUND + DRAINING - status(phase)));
    }

    /// Under the mutex: breaks the barrier, if it is not broken.
    fn smash(&self, phase: u32) {
        if status(phase) != BROKEN {
            self.turn(Update::Add(BROKEN - status(phase)));
        }
    }

    /// Invariant 1.
    fn turn(&self, update: Update) {
        W::update_and_wake_all(&self.head.phase, update);
    }

    /// Invariant 4.
    fn leave(&self, seat: Seat) {
        let left = self.seats.leave(seat.number);
        left.expect("a party leaves the seat that it took");
    }

    /// Living parties in their seats.
    fn seated(&self) -> usize {
        let parties = (0..self.parties()).map(|seat| self.seats.look(seat).0);
        parties
            .filter(|it| matches!(it, Occupant::Thread(_)))
            .count()
    }

    /// No one sits, not even a dead one that is not cleared.
    fn is_empty(&self) -> bool {
        (0..self.parties()).all(|seat| self.seats.look(seat).0 == Occupant::None)
    }

    fn has_dead(&self) -> bool {
        (0..self.parties()).any(|seat| self.seats.look(seat).0 == Occupant::Dead)
    }

    fn lock(&self) -> Result<(), NotPassed> {
        match self.head.mutex.lock(Patience::Endless) {
            Ok(acquired) => {
                vouch(&self.head.mutex, acquired); // settle() finds what the dead one left
                Ok(())
            }
            Err(_) => Err(NotPassed::TooManyHeld), // it is never given up, and not held
        }
    }

    /// Of one who has a seat, and so had room for the mutex, too.
    fn lock_seated(&self) {
        let locked = self.lock();
        locked.expect("a barrier's action gives back the locks that it takes");
    }

    fn unlock(&self) {
        give_back(&self.head.mutex);
    }
}

fn vouch<W: World>(mutex: &RawMutex<W>, acquired: Acquired) {
    if acquired == Acquired::OwnerDied {
        mutex
            .mark_consistent()
            .expect("the calling thread has just taken it");
    }
}

fn give_back<W: World>(mutex: &RawMutex<W>) {
    mutex.unlock().expect("the calling thread has taken it");
}
