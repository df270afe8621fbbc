//! What the lanes of the models do at a barrier, and what must be true when one passes, or is refused.

use std::cell::{Cell, RefCell};

use ::loom::cell::Cell as Guarded;

use crate::explore::loom::{self, step};
use crate::raw::barrier::Last;
use crate::raw::{
    Acquired, Arrived, BarrierHead, NotPassed, Occupant, Patience, RawBarrier, RawMutex, Roster,
};
use crate::world::{Deadline, Node, World};

/// A barrier for `SEATS - 1` parties, and what they do before they come.
pub(super) struct Scene<W: World, const SEATS: usize> {
    head: BarrierHead<W>,
    seats: [Node<W>; SEATS],
    /// Raised by each lane before it comes the first time; no lane reads another's before it has passed.
    done: [Guarded<u32>; LANES],
    /// Lane 1 holds it for as long as it lives, where a model needs to know.
    life: RawMutex<W>,
    notes: Notes,
}

const LANES: usize = 3;

/// Kept beside the model: the lanes take turns on one thread, and loom sees nothing of it.
#[derive(Default)]
pub(super) struct Notes {
    /// Arrivals that have begun.
    come: Cell<usize>,
    /// The numbers with which lanes have passed.
    passed: RefCell<Vec<usize>>,
    /// Actions that were begun.
    acted: Cell<usize>,
    /// Something was done that breaks a barrier: a deadline that passed, an abort, a reset.
    broken: Cell<bool>,
    /// Lane 1 has done all it had to.
    finished: Cell<bool>,
}

/// A deadline, whose passing the setting decides.
const SOON: Option<Deadline> = Some(Deadline { monotonic_ns: 1 });

impl<W: World, const SEATS: usize> Scene<W, SEATS> {
    pub fn new() -> Self {
        Scene {
            head: BarrierHead::new(),
            seats: std::array::from_fn(|_| Node::new()),
            done: std::array::from_fn(|_| Guarded::new(0)),
            life: RawMutex::new(),
            notes: Notes::default(),
        }
    }

    pub fn barrier(&self) -> RawBarrier<'_, W> {
        RawBarrier::new(&self.head, &self.seats)
    }

    fn parties(&self) -> usize {
        SEATS - 1
    }

    /// Does its part, comes, and sees all the others' parts.
    pub fn work_and_meet(&self) {
        self.done[loom::me() as usize - 1].set(1);
        if self.come(None).is_ok() {
            for done in &self.done[..self.parties()] {
                assert_eq!(done.get(), 1, "passed, and what another did is not seen");
            }
        }
    }

    /// Comes, and must pass, unless someone died or broke the barrier.
    pub fn come(&self, until: Option<Deadline>) -> Result<(), NotPassed> {
        self.begin();
        let arrived = self.barrier().arrive(Last::Releases, until);
        self.note(arrived)
    }

    /// Comes, and passes or is refused.
    pub fn come_once(&self) {
        let (Ok(()) | Err(_)) = self.come(None);
    }

    pub fn come_twice(&self) {
        self.come_once();
        self.come_once();
    }

    /// Lane 1 does something, known to be alive.
    pub fn live_and(&self, act: fn(&Self)) {
        assert!(self.life.lock(Patience::Endless).is_ok());
        act(self);
        self.notes.finished.set(true);
        assert!(self.life.unlock().is_ok());
    }

    /// When lane 1 has ended: aborts if it died before it came, as the others would wait for ever. If it had come, they
    /// must help themselves.
    pub fn usher(&self) {
        let ended = self.life.lock(Patience::Endless);
        if ended == Ok(Acquired::OwnerDied) {
            assert!(self.life.mark_consistent().is_ok());
        }
        assert!(self.life.unlock().is_ok());
        let seats = Roster::new(&self.seats);
        let had_come = (0..self.parties()).any(|seat| seats.look(seat).0 == Occupant::Dead);
        if !had_come && !self.notes.finished.get() {
            self.abort();
        }
    }

    /// Comes again and again, until it passes.
    pub fn come_until_passed(&self) {
        while self.come(None).is_err() {}
    }

    pub fn come_soon(&self) {
        self.notes.broken.set(true); // if the deadline passes
        let (Ok(()) | Err(_)) = self.come(SOON);
    }

    /// Comes, and runs an action if it is the last.
    pub fn come_acting(&self) {
        self.begin();
        let arrived = self.barrier().arrive(Last::Acts, None);
        let arrived = match arrived {
            Ok(Arrived::Acts(turn)) => {
                self.act();
                self.barrier().acted(turn).map(Arrived::Passed)
            }
            other => other,
        };
        if self.note(arrived).is_ok() {
            assert!(self.notes.acted.get() > 0, "passed before the action");
        }
    }

    /// The same, with an action that fails.
    pub fn come_failing(&self) {
        self.begin();
        match self.barrier().arrive(Last::Acts, None) {
            Ok(Arrived::Acts(turn)) => {
                self.notes.broken.set(true);
                self.act();
                self.barrier().failed(turn);
            }
            arrived => assert!(
                self.note(arrived).is_err(),
                "passed, though the action failed"
            ),
        }
    }

    pub fn abort(&self) {
        self.notes.broken.set(true);
        assert_eq!(self.barrier().abort(), Ok(()));
        assert!(self.barrier().is_broken());
    }

    pub fn reset(&self) {
        self.notes.broken.set(true);
        assert_eq!(self.barrier().reset(), Ok(()));
    }

    fn begin(&self) {
        self.notes.come.set(self.notes.come.get() + 1);
    }

    fn act(&self) {
        let acted = self.notes.acted.get() + 1;
        self.notes.acted.set(acted);
        assert!(
            acted * self.parties() <= self.notes.come.get(),
            "an action before all have come, or twice in a round"
        );
        let passed = self.notes.passed.borrow().len();
        assert!(
            passed <= (acted - 1) * self.parties(),
            "someone passed before the action"
        );
        step();
    }

    fn note(&self, arrived: Result<Arrived, NotPassed>) -> Result<(), NotPassed> {
        match arrived {
            Ok(Arrived::Passed(number)) => {
                let mut passed = self.notes.passed.borrow_mut();
                assert!(number < self.parties());
                passed.push(number);
                // Each round takes as many as there are parties; those of one leave before those of the next.
                let rounds = passed.len().div_ceil(self.parties());
                let come = self.notes.come.get();
                assert!(
                    rounds * self.parties() <= come,
                    "passed before all had come"
                );
                let with_this_number = passed.iter().filter(|&&it| it == number).count();
                assert!(with_this_number <= rounds, "two passed as one: {passed:?}");
                Ok(())
            }
            Ok(Arrived::Acts(_)) => panic!("to act, where there is no action"),
            Err(refused) => {
                assert!(
                    refused == NotPassed::TimedOut
                        || self.notes.broken.get()
                        || loom::owner_deaths() > 0,
                    "{refused:?}, though no one broke it"
                );
                Err(refused)
            }
        }
    }

    /// The judge's part, where no one broke it: all have passed, and it can be used again.
    pub fn settle(&self) {
        assert_eq!(self.notes.passed.borrow().len(), self.notes.come.get());
        assert!(!self.barrier().is_broken(), "broken by no one");
        self.is_empty();
    }

    /// The judge's part, where it may be broken: a reset makes it whole, and no one is left in it.
    pub fn settle_broken(&self) {
        assert_eq!(self.barrier().reset(), Ok(()));
        assert!(!self.barrier().is_broken(), "broken after a reset");
        self.is_empty();
        if self.parties() == 1 {
            let arrived = self.barrier().arrive(Last::Releases, None);
            assert_eq!(arrived, Ok(Arrived::Passed(0)));
        }
    }

    fn is_empty(&self) {
        assert_eq!(self.barrier().waiting(), 0, "someone waits");
        let seats = Roster::new(&self.seats);
        for seat in 0..self.parties() {
            let occupant = seats.look(seat).0;
            assert!(occupant.is_free(), "a seat is taken for ever");
        }
    }
}
