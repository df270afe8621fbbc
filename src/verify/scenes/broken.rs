//! Programs that are broken, as many are at first: each must be caught.
// SeqCst throughout: what the controller shows; weaker orders are for the loom models.

use std::sync::atomic::Ordering::SeqCst;

use super::{Bounds, Scene};
use crate::check::Spec;
use crate::check::value::{Call, Return};
use crate::explore::{Shared, Stage};
use crate::sys::{Os, SharedWord};
use crate::world::{Word, World};
use crate::{Value, check};

pub(super) static SCENES: &[Scene] = &[
    Scene {
        name: "lost-update",
        primitive: "Value",
        claims: "broken: additions without the lock are to be all there",
        is_broken: true,
        quick: Bounds::of(2, 0, 2_000),
        full: Bounds::of(3, 0, 20_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, lost_update),
    },
    Scene {
        name: "check-then-set",
        primitive: "a lock",
        claims: "broken: a lock that looks first, and then locks, is to let one in at a time",
        is_broken: true,
        quick: Bounds::of(2, 0, 2_000),
        full: Bounds::of(3, 0, 20_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, check_then_set),
    },
    Scene {
        name: "no-wake",
        primitive: "a lock",
        claims: "broken: a lock that is given back without a wake is to leave no one asleep",
        is_broken: true,
        quick: Bounds::of(2, 0, 2_000),
        full: Bounds::of(3, 0, 20_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, no_wake),
    },
    Scene {
        name: "dead-owner",
        primitive: "a lock",
        claims: "broken: a lock that the kernel does not know of is to outlive its owner",
        is_broken: true,
        quick: Bounds::of(2, 1, 2_000),
        full: Bounds::of(3, 1, 20_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, dead_owner),
    },
];

fn lost_update(stage: &mut Stage, lanes: usize) {
    let value = Value::new(0i64).expect("memory for a value");
    stage.name("value", &value);
    let judged = stage.judged(check::value::Value::starting(0));
    for number in 0..lanes {
        let value = value.clone();
        stage.lane(&format!("lane {number}"), move |lane| {
            judged.make(lane, &Call::Add { amount: 1 }, |_| {
                let sum = value.get_unlocked() + 1;
                value.set_unlocked(sum);
                Return::Sum(sum)
            });
        });
    }
}

const FREE: u32 = 0;
const LOCKED: u32 = 1;
/// Locked, others asleep.
const CONTENDED: u32 = 2;

fn check_then_set(stage: &mut Stage, lanes: usize) {
    fn lock(word: &SharedWord) {
        while word.load(SeqCst) != FREE {
            Os::wait(word, LOCKED, None);
        }
        word.store(LOCKED, SeqCst);
    }
    fn unlock(word: &SharedWord) {
        word.store(FREE, SeqCst);
        Os::wake(word, 1);
    }
    visits(stage, lanes, lock, unlock);
}

/// The third mutex of Drepper's "Futexes are tricky".
fn lock_or_sleep(word: &SharedWord) {
    if word.compare_exchange(FREE, LOCKED, SeqCst, SeqCst).is_err() {
        while word.swap(CONTENDED, SeqCst) != FREE {
            Os::wait(word, CONTENDED, None);
        }
    }
}

fn no_wake(stage: &mut Stage, lanes: usize) {
    visits(stage, lanes, lock_or_sleep, |word| {
        word.store(FREE, SeqCst);
    });
}

fn dead_owner(stage: &mut Stage, lanes: usize) {
    visits(stage, lanes, lock_or_sleep, |word| {
        if word.swap(FREE, SeqCst) == CONTENDED {
            Os::wake(word, 1);
        }
    });
}

/// Each lane comes in under a lock, and must find itself alone.
fn visits(stage: &mut Stage, lanes: usize, lock: fn(&SharedWord), unlock: fn(&SharedWord)) {
    let word = stage.shared_as("lock", SharedWord::new(FREE));
    let inside = stage.shared_as("inside", SharedWord::new(0));
    let visit = move |word: Shared<SharedWord>| {
        lock(&word);
        assert_eq!(inside.fetch_add(1, SeqCst), 0, "someone else is inside");
        inside.fetch_sub(1, SeqCst);
        unlock(&word);
    };
    for lane in 0..lanes {
        stage.lane(&format!("lane {lane}"), move |_| visit(word));
    }
}
