//! What the lanes of the models do with a semaphore, and what must be true while they hold permits.

use std::cell::Cell;

use ::loom::cell::Cell as Guarded;

use crate::explore::loom::{self, acting_as, owner_deaths, step};
use crate::raw::{Desk, NotHeld, Patience, RawPermit, RawSemaphore, Refused, TooMany};
use crate::world::{Deadline, Node, World};

/// What the lanes share: a semaphore, and what it guards.
pub(super) struct Seats<W: World> {
    desk: Desk<W>,
    places: Vec<Node<W>>,
    open: usize,
    surplus_max: u32,
    /// To be had at first.
    permits: u32,
    /// Written by whoever is inside, if one permit is all there is; or by the one who signals.
    data: Guarded<u32>,
    // Kept beside the model: the lanes take turns on one thread, and loom sees nothing of it.
    /// Holders. A killed one stays noted.
    inside: Cell<u32>,
    entered: Cell<u32>,
    /// Lane 2's from the start.
    held: Cell<Option<RawPermit>>,
}

impl<W: World> Seats<W> {
    /// So many open and closed places, and a surplus.
    pub fn new(open: usize, closed: usize, surplus: u32) -> Self {
        let permits = open as u32 + surplus;
        let seats = Seats {
            desk: Desk::new(permits, surplus),
            places: (0..open + closed).map(|_| Node::new()).collect(),
            open,
            surplus_max: 8,
            permits,
            data: Guarded::new(0),
            inside: Cell::new(0),
            entered: Cell::new(0),
            held: Cell::new(None),
        };
        seats.semaphore().close_from(open);
        seats
    }

    /// So many open places, and never more.
    pub fn bounded(open: usize) -> Self {
        Seats {
            surplus_max: 0,
            ..Seats::new(open, 0, 0)
        }
    }

    /// One place, and lane 2 has taken it.
    pub fn held_by_lane_2() -> Self {
        let seats = Seats::new(1, 0, 0);
        let permit = acting_as(2, || seats.acquire(Patience::None));
        seats.held.set(Some(permit.expect("it is free")));
        seats
    }

    pub fn semaphore(&self) -> RawSemaphore<'_, W> {
        RawSemaphore::new(&self.desk, &self.places, self.open, self.surplus_max)
    }

    /// A permit, however long it takes.
    pub fn visit(&self) {
        let permit = self.acquire(Patience::Endless);
        self.leave(permit.expect("the wait has no end"));
    }

    pub fn visit_twice(&self) {
        self.visit();
        self.visit();
    }

    /// A permit, unless the deadline comes first.
    pub fn visit_soon(&self) {
        match self.acquire(soon()) {
            Err(refused) => assert_eq!(refused, Refused::TimedOut),
            Ok(permit) => self.leave(permit),
        }
    }

    /// A permit, if there is one.
    pub fn visit_now(&self) {
        match self.acquire(Patience::None) {
            Err(refused) => assert_eq!(refused, Refused::WouldBlock),
            Ok(permit) => self.leave(permit),
        }
    }

    /// What lane 2 has.
    pub fn leave_held(&self) {
        self.leave(self.held.take().expect("lane 2 has it"));
    }

    /// A permit, given away; and another in its place.
    pub fn renew(&self) {
        let permit = self.acquire(Patience::Endless);
        self.give_away(permit.expect("the wait has no end"));
        assert_eq!(self.semaphore().release(1), Ok(()));
    }

    /// A permit, given away for good.
    pub fn use_up(&self) {
        let permit = self.acquire(Patience::Endless);
        self.give_away(permit.expect("the wait has no end"));
    }

    /// One signal, of something written before.
    pub fn tell(&self) {
        self.data.set(7);
        assert_eq!(self.semaphore().release(1), Ok(()));
    }

    /// One signal.
    pub fn tell_again(&self) {
        assert_eq!(self.semaphore().release(1), Ok(()));
    }

    /// Two signals.
    pub fn tell_two(&self) {
        self.data.set(7);
        assert_eq!(self.semaphore().release(2), Ok(()));
    }

    /// Waits for a signal.
    pub fn hear(&self) {
        let permit = self.semaphore().acquire(Patience::Endless);
        let permit = permit.expect("the wait has no end");
        assert_eq!(self.data.get(), 7, "heard, and not told");
        assert_eq!(self.semaphore().give_away(permit), Ok(()));
    }

    /// Waits for a signal that brings nothing.
    pub fn hear_only(&self) {
        let permit = self.semaphore().acquire(Patience::Endless);
        let permit = permit.expect("the wait has no end");
        assert_eq!(self.semaphore().give_away(permit), Ok(()));
    }

    /// What it has not, it cannot give; and what is not out, it cannot release.
    pub fn misuse(&self) {
        let permit = self.acquire(Patience::Endless).expect("no end");
        let over = self.semaphore().release(1);
        assert_eq!(over, Err(TooMany { over: 1 }), "it is held, not away");
        self.leave(permit);
        assert_eq!(self.semaphore().give_back(permit), Err(NotHeld));
        assert_eq!(self.semaphore().give_away(permit), Err(NotHeld));
        let over = self.semaphore().release(3);
        assert_eq!(over, Err(TooMany { over: 3 }), "none is away");
    }

    /// As many permits as a death could give back, and one more.
    pub fn overload(&self) {
        let held = [(); 2].map(|()| self.semaphore().acquire(Patience::Endless));
        for patience in [Patience::None, soon(), Patience::Endless] {
            let refused = self.semaphore().acquire(patience);
            assert_eq!(refused, Err(Refused::TooManyHeld));
        }
        for permit in held {
            let permit = permit.expect("there is room for two");
            assert_eq!(self.semaphore().give_back(permit), Ok(()));
        }
    }

    fn acquire(&self, patience: Patience) -> Result<RawPermit, Refused> {
        let permit = self.semaphore().acquire(patience)?;
        let inside = self.inside.get() + 1;
        self.inside.set(inside);
        assert!(
            inside <= self.permits + owner_deaths(),
            "more are inside than there are permits"
        );
        if self.permits == 1 {
            self.data.set(self.data.get() + 1);
            self.entered.set(self.entered.get() + 1);
        }
        step();
        Ok(permit)
    }

    fn leave(&self, permit: RawPermit) {
        self.inside.set(self.inside.get() - 1);
        let given = self.semaphore().give_back(permit);
        assert_eq!(given, Ok(()), "it was mine to give");
    }

    fn give_away(&self, permit: RawPermit) {
        self.inside.set(self.inside.get() - 1);
        let given = self.semaphore().give_away(permit);
        assert_eq!(given, Ok(()), "it was mine to give");
    }

    /// The judge's part, when all lanes are done or dead: all permits are at home, and no more. Then the semaphore
    /// comes to rest: when no one contends any more, it makes no system call.
    pub fn settle(&self) {
        self.settle_at(self.permits);
        if self.permits == 1 {
            assert_eq!(self.data.get(), self.entered.get(), "visits were lost");
        }
        self.settle_at(self.permits);
        let calls = loom::futex_calls();
        self.settle_at(self.permits);
        assert_eq!(
            loom::futex_calls(),
            calls,
            "the mark of sleepers who are gone stays for ever"
        );
    }

    /// After signals: so many are left to be heard, or, for each death, one more or fewer.
    pub fn settle_between(&self, least: u32, most: u32) {
        let value = self.semaphore().value();
        assert!(
            (least..=most).contains(&value),
            "{value} permits are left of {least} to {most}"
        );
        self.settle_at(value);
    }

    fn settle_at(&self, permits: u32) {
        let semaphore = self.semaphore();
        assert_eq!(semaphore.value(), permits, "permits are to be had");
        let all = (0..permits).map(|_| semaphore.acquire(Patience::None));
        let all: Vec<_> = all.map(|permit| permit.expect("it is to be had")).collect();
        let none = semaphore.acquire(Patience::None);
        assert_eq!(none, Err(Refused::WouldBlock), "one too many");
        for permit in all {
            assert_eq!(semaphore.give_back(permit), Ok(()));
        }
    }
}

/// A deadline, whose passing the setting decides.
fn soon() -> Patience {
    Patience::Until(Deadline { monotonic_ns: 1 })
}
