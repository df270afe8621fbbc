//! The rows whose work is done in a process of its own: random kills ([mending](super::kills) under a fixed seed
//! and under the budget's, and [giving up](super::giving_up)), and [families](super::starts) of processes.

use super::apart::{Errand, apart};
use super::kills::Campaign;
use super::pair::Guard;
use super::{Budget, Progress, Report};

const FIXED_SEED: u64 = 42;
/// From so many kills on, that none met an owner is a sign of blindness.
const ENOUGH_TO_MEET_AN_OWNER: u64 = 100;

pub fn lock(budget: Budget, progress: &Progress) -> Report {
    check(Guard::Lock, budget, progress)
}

pub fn rlock(budget: Budget, progress: &Progress) -> Report {
    check(Guard::RLock, budget, progress)
}

pub fn value(budget: Budget, progress: &Progress) -> Report {
    check(Guard::Value, budget, progress)
}

pub fn array(budget: Budget, progress: &Progress) -> Report {
    check(Guard::Array, budget, progress)
}

fn check(guard: Guard, budget: Budget, progress: &Progress) -> Report {
    let kills = budget.kills.unwrap_or(budget.of(100, 1_000, 20_000));
    let campaign = |kills, seed| Campaign { guard, kills, seed };
    let errands = [
        Errand::Kills(campaign(kills * 2 / 5, FIXED_SEED)),
        Errand::Kills(campaign(kills * 2 / 5, budget.seed)),
        Errand::GivingUp(campaign(kills / 5, budget.seed)),
    ];
    progress.expect(kills);
    let mut report = Report::holds(errands.len() as u64, 0, 0);
    let mut owners = 0;
    for errand in errands {
        let before = report.kills;
        let tally = match apart(errand, |done| progress.reached(before + done)) {
            Ok(tally) => tally,
            Err(why) => return report.fails(format!("{errand:?}: {why}")),
        };
        report.runs += tally.moves;
        report.kills += tally.kills;
        owners += tally.owners;
        if let Some(why) = tally.why {
            return report.fails(format!("{errand:?}: {why}"));
        }
    }
    if owners == 0 && report.kills >= ENOUGH_TO_MEET_AN_OWNER {
        return report.fails("blind: no kill met an owner of the lock");
    }
    report
}

pub fn processes(budget: Budget, progress: &Progress) -> Report {
    let (cases, seed) = (budget.of(24, 150, 2_000), budget.seed);
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
