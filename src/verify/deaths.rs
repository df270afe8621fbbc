//! The rows whose work is done in a process of its own: random kills ([mending](super::kills) under a fixed seed
//! and under the budget's, and [giving up](super::giving_up)), and [families](super::starts) of processes.

use super::apart::{Errand, Subject, apart};
use super::giving_up::Campaign;
use super::pair::Guard;
use super::{Budget, Progress, Report};

const FIXED_SEED: u64 = 42;
/// From so many kills on someone should have met what a death had left. Where a lane is hardly ever killed inside it
/// may not be so, so all is done again: none in so many rounds is a sign of blindness.
const ENOUGH_TO_MEET_ONE: u64 = 100;
const ROUNDS_TO_MEET_ONE: u32 = 20;

/// Random kills of a lock's owners and waiters, where they mend and where they give up.
pub fn guard(guard: Guard, budget: Budget, progress: &Progress) -> Report {
    let kills = kills(budget);
    let subject = Subject::Pair(guard);
    let errands = [
        Errand::Kills {
            subject,
            kills: kills * 2 / 5,
            seed: FIXED_SEED,
        },
        Errand::Kills {
            subject,
            kills: kills * 2 / 5,
            seed: budget.seed,
        },
        Errand::GivingUp(Campaign {
            guard,
            kills: kills / 5,
            seed: budget.seed,
        }),
    ];
    run(&errands, kills, progress)
}

/// Random kills of the lanes that work on something.
pub fn subject(subject: Subject, budget: Budget, progress: &Progress) -> Report {
    let kills = budget.kills.unwrap_or(kills(budget) / subject.cost());
    let errands = [FIXED_SEED, budget.seed].map(|seed| Errand::Kills {
        subject,
        kills: kills / 2,
        seed,
    });
    run(&errands, kills, progress)
}

/// Very many messages through a queue, with a death now and then.
pub fn messages(budget: Budget, progress: &Progress) -> Report {
    let messages = budget.of(20_000, 200_000, 2_000_000);
    let kills = budget.of(20, 50, 300);
    let errand = Errand::Kills {
        subject: Subject::Queue { messages },
        kills,
        seed: budget.seed,
    };
    run(&[errand], kills, progress)
}

fn kills(budget: Budget) -> u64 {
    budget.kills.unwrap_or(budget.of(200, 100, 3_000))
}

fn run(errands: &[Errand], kills: u64, progress: &Progress) -> Report {
    progress.expect(kills);
    let mut report = Report::holds(errands.len() as u64, 0, 0);
    let mut met = 0;
    for _ in 0..ROUNDS_TO_MEET_ONE {
        for &errand in errands {
            let before = report.kills;
            let tally = match apart(errand, |done| progress.reached(before + done)) {
                Ok(tally) => tally,
                Err(why) => return report.fails(format!("{errand:?}: {why}")),
            };
            report.runs += tally.moves;
            report.kills += tally.kills;
            met += tally.met;
            if let Some(why) = tally.why {
                return report.fails(format!("{errand:?}: {why}"));
            }
        }
        if met > 0 || report.kills < ENOUGH_TO_MEET_ONE {
            return report;
        }
    }
    report.fails("blind: no one met what a death had left")
}

pub fn processes(budget: Budget, progress: &Progress) -> Report {
    let (cases, seed) = (budget.of(24, 150, 500), budget.seed);
    progress.expect(cases.into());
    let outcome = apart(Errand::Starts { cases, seed }, |done| {
        progress.reached(done)
    });
    match outcome {
        Ok(tally) => {
            let report = Report::holds(cases.into(), tally.moves, tally.kills);
            match tally.why {
                None => report,
                Some(why) => report.fails(why),
            }
        }
        Err(why) => Report::holds(0, 0, 0).fails(why.to_string()),
    }
}
