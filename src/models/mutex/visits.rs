//! What the lanes of the models do with a lock, and what must be true whenever one of them holds it.
//!
//! The lock guards two cells that are equal whenever it is free. A visit raises both, one after the other,
//! with a step between: killed there, a lane leaves them unequal. Whoever takes the lock after a death is
//! told so, and repairs; whoever is told nothing finds them equal.

use std::cell::Cell;

use ::loom::cell::Cell as Guarded;

use crate::explore::loom::{self, PASSER_BY, acting_as, step};
use crate::raw::{Acquired, NotHeld, Patience, RawMutex, RawReentrantMutex, Refused};
use crate::world::World;

/// A lock under trial: what [`RawMutex`] and [`RawReentrantMutex`] have in common.
pub(super) trait Trial {
    fn new() -> Self;
    fn lock(&self, patience: Patience) -> Result<Acquired, Refused>;
    fn unlock(&self) -> Result<(), NotHeld>;
    fn mark_consistent(&self) -> Result<(), NotHeld>;
    fn is_locked(&self) -> bool;
}

/// What the lanes share.
pub(super) struct Place<L> {
    pub lock: L,
    left: Guarded<u32>,
    right: Guarded<u32>,
    /// Kept beside the model: the lanes take turns on one thread, and loom sees nothing of it.
    notes: Notes,
}

#[derive(Default)]
struct Notes {
    /// Who is inside; 0: no one. A killed owner stays noted.
    inside: Cell<u32>,
    entered: Cell<u32>,
    told_of_deaths: Cell<u32>,
    /// An owner died and the next did not vouch for the data.
    lost: Cell<bool>,
}

impl<L: Trial> Place<L> {
    /// A lock that no one has used.
    pub fn fresh() -> Self {
        Place {
            lock: L::new(),
            left: Guarded::new(0),
            right: Guarded::new(0),
            notes: Notes::default(),
        }
    }

    /// A lock that was contended a moment ago, by two at once: its hint says that many sleep.
    pub fn crowded() -> Self {
        let place = Self::fresh();
        assert_eq!(place.lock.lock(Patience::Endless), Ok(Acquired::Clean));
        for _ in 0..2 {
            let refused = acting_as(PASSER_BY, || place.lock.lock(soon()));
            assert_eq!(refused, Err(Refused::TimedOut));
        }
        assert_eq!(place.lock.unlock(), Ok(()));
        place
    }

    /// One visit, however long it takes.
    pub fn visit(&self) {
        let taken = self.lock.lock(Patience::Endless);
        self.visit_if(taken);
    }

    pub fn visit_twice(&self) {
        self.visit();
        self.visit();
    }

    /// A visit, unless the deadline comes first.
    pub fn visit_soon(&self) {
        match self.lock.lock(soon()) {
            Err(Refused::TimedOut) => self.stay_out(),
            taken => self.visit_if(taken),
        }
    }

    /// A visit, unless someone is inside.
    pub fn visit_now(&self) {
        match self.lock.lock(Patience::None) {
            Err(Refused::WouldBlock) => self.stay_out(),
            taken => self.visit_if(taken),
        }
    }

    /// A visit that leaves it to others to repair: after a death, no one may come in again.
    pub fn visit_without_repair(&self) {
        match self.lock.lock(Patience::Endless) {
            Ok(Acquired::Clean) => {
                assert!(!self.notes.lost.get(), "a lost lock was given as clean");
                self.enter_clean();
                self.work();
                self.leave();
            }
            Ok(Acquired::OwnerDied) => {
                self.enter_after_death();
                self.notes.lost.set(true);
                self.leave();
            }
            Err(Refused::NotRecoverable) => {
                assert!(self.notes.lost.get(), "refused, though no one gave it up");
                self.stay_out();
            }
            Err(refused) => panic!("{refused:?}, though the wait has no end"),
        }
    }

    fn visit_if(&self, taken: Result<Acquired, Refused>) {
        self.enter(taken);
        self.work();
        self.leave();
    }

    /// Judges what lock() said, and repairs after a death.
    pub fn enter(&self, taken: Result<Acquired, Refused>) {
        match taken {
            Ok(Acquired::Clean) => self.enter_clean(),
            Ok(Acquired::OwnerDied) => {
                self.enter_after_death();
                self.right.set(self.left.get());
                step();
                assert_eq!(self.lock.mark_consistent(), Ok(()));
            }
            Err(refused) => panic!("{refused:?}, though the lock is to be had"),
        }
    }

    fn enter_clean(&self) {
        let inside = self.notes.inside.replace(loom::me());
        assert_eq!(inside, 0, "inside are now two, or a death went untold");
        assert_eq!(
            self.left.get(),
            self.right.get(),
            "half a visit, and no one was told of a death"
        );
    }

    fn enter_after_death(&self) {
        let told = self.notes.told_of_deaths.get() + 1;
        self.notes.told_of_deaths.set(told);
        assert!(
            told <= loom::owner_deaths(),
            "told of a death that was none, or told twice"
        );
        self.notes.inside.set(loom::me());
    }

    pub fn work(&self) {
        self.left.set(self.left.get() + 1);
        self.notes.entered.set(self.notes.entered.get() + 1);
        step();
        self.right.set(self.right.get() + 1);
        assert_eq!(
            self.notes.inside.get(),
            loom::me(),
            "someone else is inside"
        );
    }

    pub fn leave(&self) {
        self.notes.inside.set(0);
        assert_eq!(self.lock.unlock(), Ok(()), "it was mine to give back");
    }

    /// Was refused: holds nothing, and can do nothing.
    pub fn stay_out(&self) {
        assert_eq!(self.lock.unlock(), Err(NotHeld));
    }

    /// The judge's part, when all lanes are done or dead. Returns how many deaths were told of.
    pub fn settle(&self) -> u32 {
        self.is_left_unlocked();
        let taken = self.lock.lock(Patience::Endless);
        self.enter(taken);
        assert_eq!(
            self.left.get(),
            self.notes.entered.get(),
            "visits were lost, or made twice"
        );
        self.leave();
        self.is_left_unlocked();
        self.notes.told_of_deaths.get()
    }

    /// As [`settle`](Place::settle), where a death that no one repaired may have closed the lock.
    pub fn settle_lost(&self) {
        if loom::owner_deaths() == 0 {
            assert!(!self.notes.lost.get());
            self.settle();
            return;
        }
        self.visit_without_repair(); // the first to come after the death, if no lane did
        assert!(self.notes.lost.get(), "a death went untold");
        for _ in 0..2 {
            let refused = self.lock.lock(Patience::Endless);
            assert_eq!(refused, Err(Refused::NotRecoverable));
            assert_eq!(self.lock.mark_consistent(), Err(NotHeld));
        }
        self.is_left_unlocked();
    }

    /// No one holds it: marks of waiters and of a death do not count.
    fn is_left_unlocked(&self) {
        assert!(!self.lock.is_locked(), "left locked");
    }

    /// As [`settle`](Place::settle), where no one can die. Then the lock comes to rest: when no one contends
    /// for it any more, it makes no system call.
    pub fn settle_down(&self) {
        assert_eq!(self.settle(), 0, "told of a death that was none");
        self.visit();
        let calls = loom::futex_calls();
        self.visit();
        assert_eq!(
            loom::futex_calls(),
            calls,
            "the mark of waiters who are gone stays for ever"
        );
    }
}

/// A deadline, whose passing the setting decides.
pub(super) fn soon() -> Patience {
    Patience::Until(crate::world::Deadline { monotonic_ns: 1 })
}

macro_rules! trial {
    ($lock:ident) => {
        impl<W: World> Trial for $lock<W> {
            fn new() -> Self {
                $lock::new()
            }
            fn lock(&self, patience: Patience) -> Result<Acquired, Refused> {
                self.lock(patience)
            }
            fn unlock(&self) -> Result<(), NotHeld> {
                self.unlock()
            }
            fn mark_consistent(&self) -> Result<(), NotHeld> {
                self.mark_consistent()
            }
            fn is_locked(&self) -> bool {
                self.is_locked()
            }
        }
    };
}
trial!(RawMutex);
trial!(RawReentrantMutex);
