//! Accesses that are ordered too weakly: what loom is for.

use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release, SeqCst};

use super::counting::{Counting, WordLock};
use super::locks::ThreeStates;
use super::{Entry, Trial};
use crate::explore::{Model, Part};
use crate::world::{Word, World};

const FREE: u32 = 0;
const LOCKED: u32 = 1;
const CONTENDED: u32 = 2;

/// The lock of three states, with these orders in its three places.
fn lock<W: World>(word: &W::Word, at_once: Ordering, after_a_wait: Ordering) {
    // Relaxed on failure: the swap looks again.
    if word
        .compare_exchange(FREE, LOCKED, at_once, Relaxed)
        .is_err()
    {
        while word.swap(CONTENDED, after_a_wait) != FREE {
            W::wait(word, CONTENDED, None);
        }
    }
}

/// Takes it without seeing what was done before.
struct RelaxedLock;

impl WordLock for RelaxedLock {
    fn lock<W: World>(word: &W::Word) {
        // Relaxed: the bug; the Release in unlock() has no partner.
        lock::<W>(word, Relaxed, Relaxed);
    }

    fn unlock<W: World>(word: &W::Word) {
        ThreeStates::unlock::<W>(word);
    }
}

/// Gives it back, and what was done meanwhile may come later.
struct RelaxedUnlock;

impl WordLock for RelaxedUnlock {
    fn lock<W: World>(word: &W::Word) {
        // Acquire: its partner is missing.
        lock::<W>(word, Acquire, Acquire);
    }

    fn unlock<W: World>(word: &W::Word) {
        // Relaxed: the bug; the Acquires in lock() have no partner.
        if word.swap(FREE, Relaxed) == CONTENDED {
            W::wake(word, 1);
        }
    }
}

/// Takes it as it should, unless it had to wait.
struct RelaxedAfterAWait;

impl WordLock for RelaxedAfterAWait {
    fn lock<W: World>(word: &W::Word) {
        // Acquire: pairs with the Release in unlock(). Relaxed: the bug.
        lock::<W>(word, Acquire, Relaxed);
    }

    fn unlock<W: World>(word: &W::Word) {
        ThreeStates::unlock::<W>(word);
    }
}

/// Peterson's lock of two lanes; `FENCED`: with the fence that it needs.
struct Peterson<const FENCED: bool>;

struct Sides<W: World> {
    wants: [W::Word; 2],
    /// Who waits, if both want.
    turn: W::Word,
    count: W::Word,
}

impl<const FENCED: bool> Model for Peterson<FENCED> {
    type Shared<W: World> = Sides<W>;

    fn set_up<W: World>() -> Sides<W> {
        Sides {
            wants: [W::Word::new(0), W::Word::new(0)],
            turn: W::Word::new(0),
            count: W::Word::new(0),
        }
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&Sides<W>))> {
        vec![
            ("first", |sides| visit::<W>(sides, 0, FENCED)),
            ("second", |sides| visit::<W>(sides, 1, FENCED)),
        ]
    }

    fn finally<W: World>(sides: &Sides<W>) {
        // Relaxed: every lane has ended.
        assert_eq!(sides.count.load(Relaxed), 2, "both were inside");
    }

    fn parts<W: World>(sides: &Sides<W>) -> Vec<Part> {
        vec![
            Part::new("first wants", &sides.wants[0]),
            Part::new("second wants", &sides.wants[1]),
            Part::new("turn", &sides.turn),
            Part::new("count", &sides.count),
        ]
    }
}

fn visit<W: World>(sides: &Sides<W>, me: usize, fenced: bool) {
    let other = 1 - me;
    // Release: pairs with the Acquires of the other's loop.
    sides.wants[me].store(1, Release);
    sides.turn.store(me as u32, Release);
    if fenced {
        // SeqCst: of two that come at once, one sees what the other wants; pairs with itself in the other lane.
        W::fence(SeqCst);
    }
    // Acquire: pairs with the Releases above and below.
    while sides.wants[other].load(Acquire) == 1 && sides.turn.load(Acquire) == me as u32 {}
    // Relaxed: the lock puts it in order, or does not.
    let seen = sides.count.load(Relaxed);
    sides.count.store(seen + 1, Relaxed);
    // Release: pairs with the other's Acquire above.
    sides.wants[me].store(0, Release);
}

/// A pair under a sequence number, which is odd while the pair is written. `FENCED`: what is written after the number
/// becomes odd is seen after it.
struct SeqLock<const FENCED: bool>;

struct Sequenced<W: World> {
    sequence: W::Word,
    pair: [W::Word; 2],
}

impl<const FENCED: bool> Model for SeqLock<FENCED> {
    type Shared<W: World> = Sequenced<W>;

    fn set_up<W: World>() -> Sequenced<W> {
        Sequenced {
            sequence: W::Word::new(0),
            pair: [W::Word::new(0), W::Word::new(0)],
        }
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&Sequenced<W>))> {
        vec![
            ("writer", |shared| {
                // Relaxed: the fence keeps it before the pair.
                shared.sequence.store(1, Relaxed);
                if FENCED {
                    // Release: pairs with the reader's fence.
                    W::fence(Release);
                }
                shared.pair[0].store(7, Relaxed);
                shared.pair[1].store(7, Relaxed);
                // Release: pairs with the reader's Acquire.
                shared.sequence.store(2, Release);
            }),
            ("reader", |shared| {
                // Acquire: pairs with the writer's last Release.
                let before = shared.sequence.load(Acquire);
                // Relaxed: between the Acquire and the fence.
                let seen = (shared.pair[0].load(Relaxed), shared.pair[1].load(Relaxed));
                // Acquire: pairs with the writer's fence. Relaxed: behind the fence.
                W::fence(Acquire);
                let is_whole = before % 2 == 0 && shared.sequence.load(Relaxed) == before;
                assert!(!is_whole || seen.0 == seen.1, "a torn pair: {seen:?}");
            }),
        ]
    }

    fn parts<W: World>(shared: &Sequenced<W>) -> Vec<Part> {
        vec![
            Part::new("sequence", &shared.sequence),
            Part::new("left", &shared.pair[0]),
            Part::new("right", &shared.pair[1]),
        ]
    }
}

type Twin = Counting<ThreeStates, 2>;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        number: 9,
        name: "Relaxed in lock",
        bug: "the new owner does not see what the last one wrote",
        source: "M. Bos, \"Rust Atomics and Locks\" (2023), chapter 4",
        trials: &[Trial::loom::<Counting<RelaxedLock, 2>, Twin>(1)],
    },
    Entry {
        number: 10,
        name: "Relaxed in unlock",
        bug: "what was written under the lock may come after it was given back",
        source: "M. Bos, \"Rust Atomics and Locks\" (2023), chapter 4",
        trials: &[Trial::loom::<Counting<RelaxedUnlock, 2>, Twin>(1)],
    },
    Entry {
        number: 11,
        name: "Relaxed only after a wait",
        bug: "the way that is seldom taken forgets its order",
        source: "M. Bos, \"Rust Atomics and Locks\" (2023), chapter 9",
        trials: &[Trial::loom_early::<Counting<RelaxedAfterAWait, 2>, Twin>(3)],
    },
    Entry {
        number: 12,
        name: "Peterson without a fence",
        bug: "each looks at what the other wants before its own wish is seen",
        source: "G. L. Peterson, \"Myths about the mutual exclusion problem\" (1981), which takes memory for one",
        trials: &[Trial::loom::<Peterson<false>, Peterson<true>>(1)],
    },
    Entry {
        number: 13,
        name: "seqlock without its fence",
        bug: "the pair is written before its number is seen to be odd",
        source: "H. Boehm, \"Can seqlocks get along with programming language memory models?\" (MSPC 2012)",
        trials: &[Trial::loom::<SeqLock<false>, SeqLock<true>>(4)],
    },
];
