//! Locks whose owners are killed.

use std::marker::PhantomData;
// Acquire throughout: pairs with what gives the lock back, by the owner or by the kernel at its death.
// Release throughout: pairs with the Acquires in the same lock's lock().
// Relaxed throughout: looked at again by an exchange; or the lock puts it in order.
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::counting::WordLock;
use super::locks::ThreeStates;
use super::{Entry, Trial};
use crate::explore::{Model, Part};
use crate::world::{Node, OWNER_DIED, TID_MASK, Update, WAITERS, Word, World};

/// A lock of one node.
pub(super) trait NodeLock: 'static {
    /// True: its last owner died.
    fn lock<W: World>(node: &Node<W>) -> bool;
    fn unlock<W: World>(node: &Node<W>);
}

/// The right one. A new owner inherits the mark of those who wait; to give it back and to wake them is one step.
pub(super) struct Robust;

impl NodeLock for Robust {
    fn lock<W: World>(node: &Node<W>) -> bool {
        lock(node, |seen| seen & TID_MASK == 0, |seen| seen & WAITERS)
    }

    fn unlock<W: World>(node: &Node<W>) {
        unlock(node, || {
            W::update_and_wake_all(&node.word, Update::Set(0));
        });
    }
}

/// Takes it when `is_free` says so of the word, with the `inherited` part of what stood there.
fn lock<W: World>(node: &Node<W>, is_free: fn(u32) -> bool, inherited: fn(u32) -> u32) -> bool {
    W::announce(node);
    let died = loop {
        let seen = node.word.load(Relaxed);
        if is_free(seen) {
            let mine = W::me() | inherited(seen);
            let taken = node.word.compare_exchange(seen, mine, Acquire, Relaxed);
            if taken.is_ok() {
                break seen & OWNER_DIED != 0;
            }
            continue;
        }
        let marked = seen | WAITERS;
        let is_marked = seen == marked
            || node
                .word
                .compare_exchange(seen, marked, Relaxed, Relaxed)
                .is_ok();
        if is_marked {
            W::wait(&node.word, marked, None);
        }
    };
    W::link(node);
    W::withdraw();
    died
}

/// Gives it back, where the kernel knows of it.
fn unlock<W: World>(node: &Node<W>, give_back: impl FnOnce()) {
    W::announce(node);
    W::unlink(node);
    give_back();
    W::withdraw();
}

/// No one is told of its owner's death.
struct Mortal;

impl NodeLock for Mortal {
    fn lock<W: World>(node: &Node<W>) -> bool {
        ThreeStates::lock::<W>(&node.word);
        false
    }

    fn unlock<W: World>(node: &Node<W>) {
        ThreeStates::unlock::<W>(&node.word);
    }
}

/// Gives it back in two steps, between which it has no owner and is not free.
struct UnlocksInTwoSteps;

impl NodeLock for UnlocksInTwoSteps {
    fn lock<W: World>(node: &Node<W>) -> bool {
        let is_free = |seen| seen == 0 || seen & OWNER_DIED != 0;
        lock(node, is_free, |seen| seen & WAITERS)
    }

    fn unlock<W: World>(node: &Node<W>) {
        unlock(node, || {
            node.word.swap(WAITERS, Release);
            W::update_and_wake_all(&node.word, Update::Set(0));
        });
    }
}

/// Takes it from a dead owner without the mark of the others that wait; and wakes only if there is a mark.
struct DropsTheMark;

impl NodeLock for DropsTheMark {
    fn lock<W: World>(node: &Node<W>) -> bool {
        let inherited = |seen| {
            if seen & OWNER_DIED != 0 {
                0
            } else {
                seen & WAITERS
            }
        };
        lock(node, |seen| seen & TID_MASK == 0, inherited)
    }

    fn unlock<W: World>(node: &Node<W>) {
        unlock(node, || {
            let unmarked = W::me();
            let given_back = node.word.compare_exchange(unmarked, 0, Release, Relaxed);
            if given_back.is_err() {
                W::update_and_wake_all(&node.word, Update::Set(0));
            }
        });
    }
}

/// So many lanes raise two cells under the lock, one after the other; whoever is told of a death makes them equal.
pub(super) struct Visiting<L, const LANES: usize>(PhantomData<L>);

pub(super) struct Cells<W: World> {
    lock: Node<W>,
    left: W::Word,
    right: W::Word,
    /// The cells may be unequal.
    dirty: W::Word,
}

impl<W: World> Cells<W> {
    fn new() -> Self {
        Cells {
            lock: Node::new(),
            left: W::Word::new(0),
            right: W::Word::new(0),
            dirty: W::Word::new(0),
        }
    }

    fn parts(&self) -> Vec<Part> {
        vec![
            Part::new("lock", &self.lock.word),
            Part::new("left", &self.left),
            Part::new("right", &self.right),
            Part::new("dirty", &self.dirty),
        ]
    }

    fn raise(&self) {
        let (left, right) = (self.left.load(Relaxed), self.right.load(Relaxed));
        assert_eq!(left, right, "half a visit is taken for a whole one");
        self.left.store(left + 1, Relaxed);
        self.right.store(right + 1, Relaxed);
    }

    fn repair(&self) {
        self.right.store(self.left.load(Relaxed), Relaxed);
    }
}

impl<L: NodeLock, const LANES: usize> Model for Visiting<L, LANES> {
    type Shared<W: World> = Cells<W>;

    fn set_up<W: World>() -> Cells<W> {
        Cells::new()
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&Cells<W>))> {
        let names = ["first", "second", "third"];
        let code: fn(&Cells<W>) = visit::<L, W>;
        names[..LANES].iter().map(|&name| (name, code)).collect()
    }

    fn finally<W: World>(cells: &Cells<W>) {
        visit::<L, W>(cells);
    }

    fn parts<W: World>(cells: &Cells<W>) -> Vec<Part> {
        cells.parts()
    }
}

fn visit<L: NodeLock, W: World>(cells: &Cells<W>) {
    if L::lock(&cells.lock) {
        cells.repair();
    }
    cells.raise();
    L::unlock(&cells.lock);
}

/// As above, with a word that says that the cells may be unequal. `REPAIRS_FIRST`: it is cleared when they are equal
/// again, and not before.
struct Recovering<const REPAIRS_FIRST: bool>;

impl<const REPAIRS_FIRST: bool> Model for Recovering<REPAIRS_FIRST> {
    type Shared<W: World> = Cells<W>;

    fn set_up<W: World>() -> Cells<W> {
        Cells::new()
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&Cells<W>))> {
        let code: fn(&Cells<W>) = visit_marked::<REPAIRS_FIRST, W>;
        vec![("first", code), ("second", code)]
    }

    fn finally<W: World>(cells: &Cells<W>) {
        visit_marked::<REPAIRS_FIRST, W>(cells);
    }

    fn parts<W: World>(cells: &Cells<W>) -> Vec<Part> {
        cells.parts()
    }
}

fn visit_marked<const REPAIRS_FIRST: bool, W: World>(cells: &Cells<W>) {
    if Robust::lock(&cells.lock) && cells.dirty.load(Relaxed) == 1 {
        if REPAIRS_FIRST {
            cells.repair();
            cells.dirty.store(0, Relaxed);
        } else {
            cells.dirty.store(0, Relaxed);
            cells.repair();
        }
    }
    cells.dirty.store(1, Relaxed);
    cells.raise();
    cells.dirty.store(0, Relaxed);
    Robust::unlock(&cells.lock);
}

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        number: 24,
        name: "owner dies inside",
        bug: "the lock stays locked for ever",
        source: "pthread_mutexattr_setrobust(3), which is there for it",
        trials: &[Trial::kills::<1, Visiting<Mortal, 2>, Visiting<Robust, 2>>(
            14,
        )],
    },
    Entry {
        number: 25,
        name: "killed inside unlock",
        bug: "between two steps of an unlock the lock has no owner whose death could be told, and is not free",
        source: "glibc 20985",
        trials: &[Trial::kills::<
            1,
            Visiting<UnlocksInTwoSteps, 2>,
            Visiting<Robust, 2>,
        >(192)],
    },
    Entry {
        number: 26,
        name: "waiters' mark lost at a death",
        bug: "who takes the lock from a dead owner forgets that others wait",
        source: "glibc 20973",
        trials: &[Trial::kills_within::<
            1,
            1,
            Visiting<DropsTheMark, 3>,
            Visiting<Robust, 3>,
        >(1_601)],
    },
    Entry {
        number: 30,
        name: "killed during recovery",
        bug: "the mark that something is to be repaired is cleared before it is repaired",
        source: "C. Mohan and others, \"ARIES\", ACM TODS 17 (1992): a restart may be cut short, too",
        trials: &[Trial::kills::<2, Recovering<false>, Recovering<true>>(
            2_523,
        )],
    },
];
