//! Something that the first one to come makes ready for all.

// Acquire throughout: pairs with the Release of the one who made it ready.
// Release throughout: pairs with the Acquires of those that come later.
// Relaxed throughout: the word, or the lock, puts it in order.
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::robust::{NodeLock, Robust};
use super::{Entry, Trial};
use crate::explore::{Model, Part};
use crate::world::{Node, Word, World};

const NEW: u32 = 0;
const INITIALISING: u32 = 1;
const READY: u32 = 2;

/// Two want to use it. `LOCKED`: it is made ready under a lock that outlives its owner.
struct FirstUse<const LOCKED: bool>;

struct Segment<W: World> {
    state: W::Word,
    lock: Node<W>,
    data: W::Word,
}

impl<const LOCKED: bool> Model for FirstUse<LOCKED> {
    type Shared<W: World> = Segment<W>;

    fn set_up<W: World>() -> Segment<W> {
        Segment {
            state: W::Word::new(NEW),
            lock: Node::new(),
            data: W::Word::new(0),
        }
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&Segment<W>))> {
        let code: fn(&Segment<W>) = if LOCKED { open::<W> } else { wait_for::<W> };
        vec![("first", code), ("second", code)]
    }

    fn parts<W: World>(segment: &Segment<W>) -> Vec<Part> {
        vec![
            Part::new("state", &segment.state),
            Part::new("lock", &segment.lock.word),
            Part::new("data", &segment.data),
        ]
    }
}

/// The first one makes it ready, and the others wait for that, for ever.
fn wait_for<W: World>(segment: &Segment<W>) {
    let first = segment
        .state
        .compare_exchange(NEW, INITIALISING, Relaxed, Relaxed);
    if first.is_ok() {
        segment.data.store(7, Relaxed);
        segment.state.store(READY, Release);
        W::wake(&segment.state, u32::MAX);
    }
    while segment.state.load(Acquire) != READY {
        W::wait(&segment.state, INITIALISING, None);
    }
    assert_eq!(segment.data.load(Relaxed), 7, "it is not ready");
}

/// Whoever comes makes it ready, unless it is: after a death, too.
fn open<W: World>(segment: &Segment<W>) {
    Robust::lock(&segment.lock);
    if segment.state.load(Relaxed) != READY {
        segment.data.store(7, Relaxed);
        segment.state.store(READY, Relaxed);
    }
    Robust::unlock(&segment.lock);
    assert_eq!(segment.data.load(Relaxed), 7, "it is not ready");
}

pub(super) const ENTRIES: &[Entry] = &[Entry {
    number: 27,
    name: "killed while initialising",
    bug: "the others wait for ever for one that is dead",
    source: "boost interprocess 128",
    trials: &[Trial::kills::<1, FirstUse<false>, FirstUse<true>>(12)],
}];
