//! Two locks.

use super::counting::WordLock;
use super::locks::ThreeStates;
use super::{Entry, Trial};
use crate::explore::{Model, Part};
use crate::world::{Word, World};

/// Two lanes take both locks: `CROSSED`, the second one takes them the other way round.
struct Both<const CROSSED: bool>;

impl<const CROSSED: bool> Model for Both<CROSSED> {
    type Shared<W: World> = [W::Word; 2];

    fn set_up<W: World>() -> [W::Word; 2] {
        [W::Word::new(0), W::Word::new(0)]
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&[W::Word; 2]))> {
        vec![
            ("first", |[left, right]| take::<W>(left, right)),
            ("second", |[left, right]| {
                if CROSSED {
                    take::<W>(right, left);
                } else {
                    take::<W>(left, right);
                }
            }),
        ]
    }

    fn parts<W: World>([left, right]: &[W::Word; 2]) -> Vec<Part> {
        vec![Part::new("left", left), Part::new("right", right)]
    }
}

fn take<W: World>(one: &W::Word, other: &W::Word) {
    ThreeStates::lock::<W>(one);
    ThreeStates::lock::<W>(other);
    ThreeStates::unlock::<W>(other);
    ThreeStates::unlock::<W>(one);
}

pub(super) const ENTRIES: &[Entry] = &[Entry {
    number: 20,
    name: "two locks in two orders",
    bug: "each holds what the other waits for",
    source: "E. G. Coffman and others, \"System deadlocks\", ACM Computing Surveys 3 (1971)",
    trials: &[Trial::schedules::<Both<true>, Both<false>>(31)],
}];
