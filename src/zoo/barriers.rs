//! A barrier that is used again too early.

// Relaxed throughout: only who has come is counted, and a sleep compares anew.
use std::sync::atomic::Ordering::Relaxed;

use super::{Entry, Trial};
use crate::explore::{Model, Part};
use crate::world::{Word, World};

const PARTIES: u32 = 2;

/// Two lanes meet twice. `ROUNDS`: who waits does so for the end of its round, not for the count to be 0.
struct Meeting<const ROUNDS: bool>;

struct Barrier<W: World> {
    come: W::Word,
    round: W::Word,
}

impl<const ROUNDS: bool> Model for Meeting<ROUNDS> {
    type Shared<W: World> = Barrier<W>;

    fn set_up<W: World>() -> Barrier<W> {
        Barrier {
            come: W::Word::new(0),
            round: W::Word::new(0),
        }
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&Barrier<W>))> {
        let meet_twice: fn(&Barrier<W>) = |barrier| {
            for _ in 0..2 {
                if ROUNDS {
                    meet::<W>(barrier);
                } else {
                    meet_at_zero::<W>(barrier);
                }
            }
        };
        vec![("first", meet_twice), ("second", meet_twice)]
    }

    fn parts<W: World>(barrier: &Barrier<W>) -> Vec<Part> {
        vec![
            Part::new("come", &barrier.come),
            Part::new("round", &barrier.round),
        ]
    }
}

/// The last one begins the next round, and that is what the others wait for.
fn meet<W: World>(barrier: &Barrier<W>) {
    let round = barrier.round.load(Relaxed);
    if barrier.come.fetch_add(1, Relaxed) + 1 == PARTIES {
        barrier.come.store(0, Relaxed);
        barrier.round.store(round + 1, Relaxed);
        W::wake(&barrier.round, u32::MAX);
    } else {
        while barrier.round.load(Relaxed) == round {
            W::wait(&barrier.round, round, None);
        }
    }
}

/// The last one sets the count to 0; by the time the others look, the first of the next round may have come.
fn meet_at_zero<W: World>(barrier: &Barrier<W>) {
    if barrier.come.fetch_add(1, Relaxed) + 1 == PARTIES {
        barrier.come.store(0, Relaxed);
        W::wake(&barrier.come, u32::MAX);
    } else {
        loop {
            let come = barrier.come.load(Relaxed);
            if come == 0 {
                return;
            }
            W::wait(&barrier.come, come, None);
        }
    }
}

pub(super) const ENTRIES: &[Entry] = &[Entry {
    number: 19,
    name: "barrier used again too early",
    bug: "one that is slow to leave the first round is caught by the second",
    source: "D. Hensgen, R. Finkel and U. Manber, \"Two algorithms for barrier synchronization\" (1988)",
    trials: &[Trial::schedules::<Meeting<false>, Meeting<true>>(1)],
}];
