//! What the lanes of the models do with a condition, and what must be true when one returns from its wait.

use std::cell::Cell;

use ::loom::cell::Cell as Guarded;

use crate::explore::loom;
use crate::raw::{
    Acquired, Companion, CondvarHead, NoWait, NotHeld, Occupant, Patience, RawCondvar, RawMutex,
    RawReentrantMutex, Refused, Roster, Waited,
};
use crate::world::{Deadline, Node, World};

const SEATS: usize = 2;

/// A lock and a condition that goes with it, and what they guard.
pub(super) struct Scene<W: World, L> {
    pub lock: L,
    head: CondvarHead<W>,
    /// The last one is the owner's.
    seats: [Node<W>; SEATS + 1],
    bells: [Node<W>; SEATS],
    /// Lane 1 holds it for as long as it lives and works, where a model needs to know when it is over.
    pub life: RawMutex<W>,
    /// What is waited for: guarded by the lock.
    open: Guarded<bool>,
    pub notes: Notes,
}

/// Kept beside the model: the lanes take turns on one thread, and loom sees nothing of it.
#[derive(Default)]
pub(super) struct Notes {
    /// Notifications that were about to be given, each to one waiter.
    offered: Cell<u32>,
    /// Notifications that were given to someone, as the notifier was told.
    given: Cell<u32>,
    /// Waits that ended by one.
    pub returned: Cell<u32>,
    /// Whether lane 1 has returned from its wait, notified.
    pub first_returned: Cell<bool>,
    /// Whether someone has opened what is waited for, and may not have told of it.
    pub opened: Cell<bool>,
    /// The lock was given back without repair.
    pub lost: Cell<bool>,
}

/// A lock of the models.
pub(super) trait Guard<W: World>: Companion<W> {
    fn new() -> Self;
    fn lock(&self) -> Result<Acquired, Refused>;
    fn mark_consistent(&self) -> Result<(), NotHeld>;
}

/// A deadline, whose passing the setting decides.
const SOON: Option<Deadline> = Some(Deadline { monotonic_ns: 1 });

impl<W: World, L: Guard<W>> Scene<W, L> {
    pub fn new() -> Self {
        Scene {
            lock: L::new(),
            head: CondvarHead::new(),
            seats: std::array::from_fn(|_| Node::new()),
            bells: std::array::from_fn(|_| Node::new()),
            life: RawMutex::new(),
            open: Guarded::new(false),
            notes: Notes::default(),
        }
    }

    pub fn condition(&self) -> RawCondvar<'_, W> {
        RawCondvar::new(&self.head, &self.seats, &self.bells)
    }

    /// Takes the lock. Whatever a dead owner was doing, nothing needs repair.
    pub fn enter(&self) -> Acquired {
        match self.lock.lock() {
            Ok(acquired) => {
                self.vouch(acquired);
                acquired
            }
            Err(refused) => panic!("{refused:?}, though the wait has no end"),
        }
    }

    pub fn leave(&self) {
        assert!(self.lock.give_back().is_ok(), "it was mine to give back");
    }

    /// Waits until it is open.
    pub fn wait_until_open(&self) {
        self.enter();
        self.wait_inside_until_open();
        self.leave();
    }

    /// The same, with the lock taken already, and kept.
    pub fn wait_inside_until_open(&self) {
        while !self.open.get() {
            self.wait_once(None);
        }
    }

    /// Waits once, if it is not open. True if a notification ended it.
    pub fn wait_once(&self, until: Option<Deadline>) -> bool {
        let given_before = self.notes.offered.get();
        let held = self.lock.is_mine();
        match self.condition().wait(&self.lock, until) {
            Ok(Waited { notified, acquired }) => {
                if notified {
                    let returned = self.notes.returned.get() + 1;
                    self.notes.returned.set(returned);
                    let offered = self.notes.offered.get();
                    assert!(returned <= offered, "a return without a notification");
                    assert!(
                        given_before < offered,
                        "a notification that was given before the wait began"
                    );
                    if loom::me() == 1 {
                        self.notes.first_returned.set(true);
                    }
                } else {
                    let reason = until.is_some() || acquired == Acquired::OwnerDied;
                    assert!(reason, "a return for no reason");
                }
                assert!(held && self.lock.is_mine(), "returned without the lock");
                self.vouch(acquired);
                notified
            }
            Err(refused) => panic!("{refused:?}, though there is room, and no one gave up"),
        }
    }

    /// Waits once with a deadline, and hands on what it was told, if it was.
    pub fn wait_soon(&self) {
        self.enter();
        if !self.open.get() && self.wait_once(SOON) {
            self.notify(1);
        }
        self.leave();
    }

    /// Waits until lane 1 has ended, one way or the other (or has not begun).
    pub fn outlive(&self) {
        if let Ok(Acquired::OwnerDied) = self.life.lock(Patience::Endless) {
            assert!(self.life.mark_consistent().is_ok());
        }
        assert!(self.life.unlock().is_ok());
    }

    /// Under the lock: opens, and tells so many of it.
    pub fn tell(&self, count: usize) {
        self.enter();
        self.open.set(true);
        self.notify(count);
        self.leave();
    }

    /// The same, in the owner's seat.
    pub fn tell_from_the_owners_seat(&self, count: usize) {
        self.enter();
        assert!(self.condition().hold());
        assert!(!self.condition().hold(), "seated twice");
        self.open.set(true);
        self.notes.opened.set(true);
        self.notify(count);
        self.condition().let_go();
        self.leave();
    }

    /// Under the lock.
    pub fn notify(&self, count: usize) {
        let offered = &self.notes.offered;
        let most = count.min(SEATS) as u32;
        offered.set(offered.get() + most);
        let told = self.condition().notify(&self.lock, count);
        let told = told.expect("the lock is held") as u32;
        // Those that were offered and had no taker are no excuse for a return.
        offered.set(offered.get() - (most - told));
        self.notes.given.set(self.notes.given.get() + told);
    }

    /// Waits, where the lock may be given up meanwhile.
    pub fn wait_or_be_refused(&self) {
        match self.lock.lock() {
            Ok(Acquired::Clean) => {}
            Ok(Acquired::OwnerDied) => return self.forsake(),
            Err(Refused::NotRecoverable) => return,
            Err(refused) => panic!("{refused:?}"),
        }
        while !self.open.get() {
            match self.condition().wait(&self.lock, None) {
                Ok(Waited {
                    acquired: Acquired::Clean,
                    notified,
                }) => assert!(notified, "a return for no reason"),
                Ok(Waited {
                    acquired: Acquired::OwnerDied,
                    ..
                }) => return self.forsake(),
                Err(NoWait::NotRecoverable) => {
                    assert!(self.notes.lost.get(), "refused, though no one gave it up");
                    assert!(!self.lock.is_mine());
                    return;
                }
                Err(refused) => panic!("{refused:?}"),
            }
        }
        self.leave();
    }

    /// As [`tell`](Scene::tell), where whoever takes the lock over from the dead gives it up.
    pub fn tell_or_forsake(&self) {
        match self.lock.lock() {
            Ok(Acquired::Clean) => {
                self.open.set(true);
                self.notify(SEATS);
                self.leave();
            }
            Ok(Acquired::OwnerDied) => self.forsake(),
            Err(Refused::NotRecoverable) => {}
            Err(refused) => panic!("{refused:?}"),
        }
    }

    fn forsake(&self) {
        self.notes.lost.set(true);
        self.leave();
    }

    /// The judge's part: no one waits, every seat is to be had again, and what was told was returned with.
    pub fn settle(&self) {
        self.settle_after_death();
        assert_eq!(
            self.notes.returned.get(),
            self.notes.given.get(),
            "a notification was swallowed"
        );
    }

    pub fn settle_after_death(&self) {
        self.enter();
        assert_eq!(
            self.condition().notify(&self.lock, 1),
            Ok(0),
            "someone waits"
        );
        for seat in 0..=SEATS {
            let occupant = Roster::new(&self.seats).look(seat).0;
            assert_eq!(occupant, Occupant::None, "a seat is taken for ever");
        }
        self.leave();
    }

    pub fn has_dead_seat(&self) -> bool {
        let seats = Roster::new(&self.seats);
        (0..SEATS).any(|seat| seats.look(seat).0 == Occupant::Dead)
    }

    fn vouch(&self, acquired: Acquired) {
        if acquired == Acquired::OwnerDied {
            assert_eq!(self.lock.mark_consistent(), Ok(()));
        }
    }
}

macro_rules! guard {
    ($lock:ident) => {
        impl<W: World> Guard<W> for $lock<W> {
            fn new() -> Self {
                $lock::new()
            }
            fn lock(&self) -> Result<Acquired, Refused> {
                self.lock(Patience::Endless)
            }
            fn mark_consistent(&self) -> Result<(), NotHeld> {
                self.mark_consistent()
            }
        }
    };
}
guard!(RawMutex);
guard!(RawReentrantMutex);
