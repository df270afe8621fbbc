//! Locks that sleep, each one thought away from right; the twin of all is [`ThreeStates`].

// Acquire throughout: pairs with the Release in the same lock's unlock().
// Release throughout: pairs with the Acquires in the same lock's lock().
// Relaxed throughout: looked at again by an exchange, or by the sleep.
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::counting::{Counting, WordLock};
use super::{Entry, Trial};
use crate::world::{Woken, Word, World};

pub(super) const FREE: u32 = 0;
const LOCKED: u32 = 1;
/// Locked, others may be asleep.
const CONTENDED: u32 = 2;

/// The second mutex of Ulrich Drepper, "Futexes Are Tricky" (2004). Whoever had to wait takes it as `CONTENDED`, as it
/// cannot know whether others sleep: one wake too many at the end, and none too few.
pub(super) struct ThreeStates;

impl WordLock for ThreeStates {
    fn lock<W: World>(word: &W::Word) {
        if !try_lock::<W>(word) {
            while word.swap(CONTENDED, Acquire) != FREE {
                W::wait(word, CONTENDED, None);
            }
        }
    }

    fn unlock<W: World>(word: &W::Word) {
        if word.swap(FREE, Release) == CONTENDED {
            W::wake(word, 1);
        }
    }
}

fn try_lock<W: World>(word: &W::Word) -> bool {
    let taken = word.compare_exchange(FREE, LOCKED, Acquire, Relaxed);
    taken.is_ok()
}

/// Two see it free, and both take it.
struct CheckThenSet;

impl WordLock for CheckThenSet {
    fn lock<W: World>(word: &W::Word) {
        while word.load(Acquire) != FREE {
            W::wait(word, LOCKED, None);
        }
        word.store(LOCKED, Relaxed);
    }

    fn unlock<W: World>(word: &W::Word) {
        word.store(FREE, Release);
        W::wake(word, 1);
    }
}

/// Those who sleep, sleep on.
struct WakesNoOne;

impl WordLock for WakesNoOne {
    fn lock<W: World>(word: &W::Word) {
        ThreeStates::lock::<W>(word);
    }

    fn unlock<W: World>(word: &W::Word) {
        word.swap(FREE, Release);
    }
}

/// Who is woken finds it locked still, and sleeps again.
struct WakesTooEarly;

impl WordLock for WakesTooEarly {
    fn lock<W: World>(word: &W::Word) {
        ThreeStates::lock::<W>(word);
    }

    fn unlock<W: World>(word: &W::Word) {
        if word.load(Relaxed) == CONTENDED {
            W::wake(word, 1);
        }
        word.store(FREE, Release);
    }
}

/// What the sleep compares with is what has come since, `FREE` included.
struct ReadsExpectedAgain;

impl WordLock for ReadsExpectedAgain {
    fn lock<W: World>(word: &W::Word) {
        if !try_lock::<W>(word) {
            while word.swap(CONTENDED, Acquire) != FREE {
                let expected = word.load(Relaxed);
                W::wait(word, expected, None);
            }
        }
    }

    fn unlock<W: World>(word: &W::Word) {
        ThreeStates::unlock::<W>(word);
    }
}

/// A lock that was waited for is taken as if no one else waited.
struct DropsTheMark;

impl WordLock for DropsTheMark {
    fn lock<W: World>(word: &W::Word) {
        while !try_lock::<W>(word) {
            // LOCKED -> CONTENDED, if it is not so already.
            let marked = word.compare_exchange(LOCKED, CONTENDED, Relaxed, Relaxed);
            if marked != Err(FREE) {
                W::wait(word, CONTENDED, None);
            }
        }
    }

    fn unlock<W: World>(word: &W::Word) {
        ThreeStates::unlock::<W>(word);
    }
}

/// The lock was free for a moment, and another may have come; or the wait returned early.
struct WokenOwns;

impl WordLock for WokenOwns {
    fn lock<W: World>(word: &W::Word) {
        if !try_lock::<W>(word) {
            while word.swap(CONTENDED, Acquire) != FREE {
                if W::wait(word, CONTENDED, None) == Woken::Perhaps {
                    word.swap(CONTENDED, Acquire);
                    return;
                }
            }
        }
    }

    fn unlock<W: World>(word: &W::Word) {
        ThreeStates::unlock::<W>(word);
    }
}

/// Counts who comes; two that come while it is held change the word under each other's sleep, and so neither sleeps.
struct CountsWhoComes;

impl WordLock for CountsWhoComes {
    fn lock<W: World>(word: &W::Word) {
        loop {
            let before = word.fetch_add(1, Acquire);
            if before == FREE {
                return;
            }
            W::wait(word, before + 1, None);
        }
    }

    fn unlock<W: World>(word: &W::Word) {
        word.store(FREE, Release);
        W::wake(word, 1);
    }
}

type Twin<const LANES: usize> = Counting<ThreeStates, LANES>;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        number: 2,
        name: "lock by check, then set",
        bug: "two look, see it free, and both lock it",
        source: "E. W. Dijkstra, \"Solution of a problem in concurrent programming control\", CACM 8 (1965)",
        trials: &[
            Trial::schedules::<Counting<CheckThenSet, 2>, Twin<2>>(13),
            Trial::loom::<Counting<CheckThenSet, 2>, Twin<2>>(1),
        ],
    },
    Entry {
        number: 3,
        name: "unlock without wake",
        bug: "the lock is given back, and those who sleep are not told",
        source: "U. Drepper, \"Futexes Are Tricky\" (2004)",
        trials: &[
            Trial::schedules::<Counting<WakesNoOne, 2>, Twin<2>>(2),
            Trial::loom::<Counting<WakesNoOne, 2>, Twin<2>>(2),
        ],
    },
    Entry {
        number: 4,
        name: "wake before the store",
        bug: "who is woken finds it locked still, and sleeps again",
        source: "U. Drepper, \"Futexes Are Tricky\" (2004)",
        trials: &[
            Trial::schedules::<Counting<WakesTooEarly, 2>, Twin<2>>(2),
            Trial::loom::<Counting<WakesTooEarly, 2>, Twin<2>>(2),
        ],
    },
    Entry {
        number: 5,
        name: "expected value read again",
        bug: "the sleep compares with what it has just read: so it sleeps though the lock is free",
        source: "futex(2): the comparison is there \"to prevent lost wake-ups\"",
        trials: &[
            Trial::schedules::<Counting<ReadsExpectedAgain, 2>, Twin<2>>(6),
            Trial::loom::<Counting<ReadsExpectedAgain, 2>, Twin<2>>(5),
        ],
    },
    Entry {
        number: 6,
        name: "waiters' mark dropped",
        bug: "a new owner takes the lock without the mark that others sleep",
        source: "musl 0db393d, e7655ed",
        trials: &[
            Trial::schedules::<Counting<DropsTheMark, 3>, Twin<3>>(11),
            Trial::loom_within::<2, Counting<DropsTheMark, 3>, Twin<3>>(34),
        ],
    },
    Entry {
        number: 7,
        name: "woken taken for owning",
        bug: "who is woken takes itself for the owner: the lock was free meanwhile, or the wait returned early",
        source: "futex(2): a return of 0 may be spurious",
        trials: &[
            Trial::schedules::<Counting<WokenOwns, 3>, Twin<3>>(23),
            Trial::schedules_early::<Counting<WokenOwns, 2>, Twin<2>>(12),
            Trial::loom_early::<Counting<WokenOwns, 2>, Twin<2>>(11),
        ],
    },
    Entry {
        number: 23,
        name: "Drepper's first mutex",
        bug: "two that wait change the word under each other, and neither comes to sleep",
        source: "U. Drepper, \"Futexes Are Tricky\" (2004), mutex, mended by mutex2",
        trials: &[Trial::schedules_of::<
            50,
            Counting<CountsWhoComes, 3>,
            Twin<3>,
        >(4_767)],
    },
];
