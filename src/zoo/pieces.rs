//! A value that is copied in pieces.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::locks::ThreeStates;
use super::{Entry, Trial};
use crate::explore::{Model, Part};
use crate::world::{Wide, Word, World};
use crate::zoo::counting::WordLock;

/// A value of 16 bytes, which no machine word holds: it is written and read in two pieces, under a lock if `LOCKED`.
struct Copies<const LOCKED: bool>;

struct Value<W: World> {
    lock: W::Word,
    pieces: [W::Wide; 2],
}

impl<const LOCKED: bool> Model for Copies<LOCKED> {
    type Shared<W: World> = Value<W>;

    fn set_up<W: World>() -> Value<W> {
        Value {
            lock: W::Word::new(0),
            pieces: [W::Wide::new(0), W::Wide::new(0)],
        }
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&Value<W>))> {
        vec![
            ("writer", |value| {
                under::<W, _>(&value.lock, LOCKED, || {
                    // Release: pairs with the reader's Acquire: it is not the order that is missing.
                    value.pieces[0].store(7, Release);
                    value.pieces[1].store(7, Release);
                });
            }),
            ("reader", |value| {
                // Acquire: pairs with the writer's Releases.
                let read = || [0, 1].map(|piece: usize| value.pieces[piece].load(Acquire));
                let seen = under::<W, _>(&value.lock, LOCKED, read);
                assert_eq!(seen[0], seen[1], "half of the old value, half of the new");
            }),
        ]
    }

    fn finally<W: World>(value: &Value<W>) {
        // Relaxed: every lane has ended.
        assert_eq!(value.lock.load(Relaxed), 0);
    }

    fn parts<W: World>(value: &Value<W>) -> Vec<Part> {
        vec![
            Part::new("lock", &value.lock),
            Part::new("first half", &value.pieces[0]),
            Part::new("second half", &value.pieces[1]),
        ]
    }
}

fn under<W: World, R>(lock: &W::Word, locked: bool, act: impl FnOnce() -> R) -> R {
    if locked {
        ThreeStates::lock::<W>(lock);
    }
    let result = act();
    if locked {
        ThreeStates::unlock::<W>(lock);
    }
    result
}

pub(super) const ENTRIES: &[Entry] = &[Entry {
    number: 13,
    name: "torn read",
    bug: "a value larger than a word is read while it is written",
    source: "L. Lamport, \"Concurrent reading and writing\", CACM 20 (1977)",
    trials: &[Trial::schedules::<Copies<false>, Copies<true>>(2)],
}];
