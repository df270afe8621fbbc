//! Changes that are lost.

use std::sync::atomic::Ordering::Relaxed;

use proptest::collection::vec;
use proptest::prelude::any;

use super::trial::{Outcome, drawn};
use super::{Entry, Trial};
use crate::explore::{Model, Part, Stage, random};
use crate::sys::{Os, SharedWord};
use crate::world::{Word, World};

/// Two add one each: `AT_ONCE`, or by reading and writing.
pub(super) struct Adding<const AT_ONCE: bool>;

impl<const AT_ONCE: bool> Model for Adding<AT_ONCE> {
    type Shared<W: World> = W::Word;

    fn set_up<W: World>() -> W::Word {
        W::Word::new(0)
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&W::Word))> {
        let add: fn(&W::Word) = |count| add::<W>(count, 1, AT_ONCE);
        vec![("first", add), ("second", add)]
    }

    fn finally<W: World>(count: &W::Word) {
        // Relaxed: every lane has ended.
        assert_eq!(count.load(Relaxed), 2, "an update was lost");
    }

    fn parts<W: World>(count: &W::Word) -> Vec<Part> {
        vec![Part::new("count", count)]
    }
}

fn add<W: World>(count: &W::Word, amount: u32, at_once: bool) {
    // Relaxed: there is nothing beside the count.
    if at_once {
        count.fetch_add(amount, Relaxed);
    } else {
        let seen = count.load(Relaxed);
        count.store(seen + amount, Relaxed);
    }
}

/// What two lanes add, one amount after the other; in an order that a drawn seed gives.
fn amounts(at_once: bool) -> Outcome {
    let strategy = (vec(vec(1..4_u32, 1..4), 2), any::<u64>());
    drawn(
        DRAWN,
        &strategy,
        |(lanes, _)| lanes.iter().map(Vec::len).sum(),
        |(lanes, seed)| {
            let report = random(*seed)
                .most_runs(2) // the first draws nothing
                .check((lanes.clone(), at_once), adding)
                .map_err(|error| error.to_string())?;
            match report.failure() {
                Some(run) => Err(run.ended.to_string()),
                None => Ok(()),
            }
        },
    )
}

/// The lanes of a drawn case, in real processes.
fn adding(stage: &mut Stage, (lanes, at_once): (Vec<Vec<u32>>, bool)) {
    let count = stage.shared_as("count", SharedWord::new(0));
    let sum: u32 = lanes.iter().flatten().sum();
    for (lane, amounts) in lanes.into_iter().enumerate() {
        stage.lane(&format!("lane {lane}"), move |_| {
            for amount in amounts {
                add::<Os>(&count, amount, at_once);
            }
        });
    }
    // Relaxed: every lane has ended.
    stage.finally(move |_| assert_eq!(count.load(Relaxed), sum, "an update was lost"));
}

const DRAWN: u32 = 25;

pub(super) const ENTRIES: &[Entry] = &[Entry {
    number: 1,
    name: "lost update",
    bug: "what another wrote between the reading and the writing is overwritten",
    source: "J. N. Gray and others, \"Granularity of locks and degrees of consistency\" (1976)",
    trials: &[
        Trial::schedules::<Adding<false>, Adding<true>>(2),
        Trial::loom::<Adding<false>, Adding<true>>(1),
        Trial::drawn(DRAWN as u64, || amounts(false), || amounts(true)),
    ],
}];
