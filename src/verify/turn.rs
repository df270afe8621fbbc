//! The rows of the turn: [kills at every step](super::every_step); the [lost update](super::lost_update) and the
//! [lost append](super::lost_append), which it must find.

use super::every_step::{subjects, sweep};
use super::hunt::{Discipline, Hunted, Quarry, has_no_order};
use super::side_by_side::side_by_side;
use super::{Budget, Fallible, Progress, Report, lost_append, lost_update, replay};
use crate::explore::ExploreError;

/// A kill at every step of the subjects that are about a primitive.
pub fn every_step(primitive: &str, budget: Budget, progress: &Progress) -> Report {
    // Runs with a second kill: of the first subject only, but for the full budget.
    let (bases, twice_first, twice_others) = budget.of((2, 2_000, 0), (1, 0, 0), (4, 5_000, 2_500));
    let most = budget.of(usize::MAX, 1, usize::MAX);
    let mut sweeps = Vec::new();
    for (number, subject) in subjects(primitive).take(most).enumerate() {
        let twice = if number == 0 {
            twice_first
        } else {
            twice_others
        };
        sweeps.extend((0..bases).map(|base| (subject, base, if base == 0 { twice } else { 0 })));
    }
    progress.expect(sweeps.len() as u64);
    let outcomes = side_by_side(sweeps, |&(subject, base, twice)| {
        let outcome = sweep(subject, base, twice);
        progress.advance(1);
        outcome
    });
    let mut report = Report::holds(0, 0, 0);
    for outcome in outcomes {
        match outcome {
            Ok(tally) => {
                report.cases += tally.cases as u64;
                report.runs += tally.runs as u64;
                report.kills += tally.kills as u64;
            }
            Err(why) => return report.fails(why),
        }
    }
    report
}

/// A bug that the turn must find, and its correct twin that it must not accuse.
struct Prey<Q> {
    /// In at most so many cases from a seed.
    find: fn(Discipline, u32, u64) -> Result<Hunted<Q>, ExploreError>,
    /// Replay strings of runs that failed before.
    regressions: &'static str,
}

/// The turn finds the lost update from several seeds, shrinks it and replays it, and accuses no correct bank.
pub fn lost_update(budget: Budget, progress: &Progress) -> Report {
    let prey = Prey {
        find: lost_update::find,
        regressions: include_str!("../../fixtures/regressions/lost_update.txt"),
    };
    prey.hunt(budget, progress)
}

/// The same of the lost append.
pub fn lost_append(budget: Budget, progress: &Progress) -> Report {
    let prey = Prey {
        find: lost_append::find,
        regressions: include_str!("../../fixtures/regressions/lost_append.txt"),
    };
    prey.hunt(budget, progress)
}

impl<Q: Quarry> Prey<Q> {
    fn hunt(&self, budget: Budget, progress: &Progress) -> Report {
        let seeds = budget.of(1, 1, 8);
        progress.expect(seeds + 1);
        let mut report = Report::holds(0, 0, 0);
        let outcome = self
            .regressions
            .lines()
            .filter(|line| !line.starts_with('#'))
            .try_for_each(|string| again(string, &mut report))
            .and_then(|()| {
                (0..seeds).try_for_each(|number| {
                    progress.advance(1);
                    self.caught(budget.seed.wrapping_add(number), &mut report)
                })
            })
            .and_then(|()| self.acquitted(budget.of(50, 50, 500), budget.seed, &mut report));
        match outcome {
            Ok(()) => report,
            Err(why) => report.fails(why.to_string()),
        }
    }

    fn caught(&self, seed: u64, report: &mut Report) -> Fallible {
        let found = (self.find)(Discipline::Unlocked, 500, seed)?
            .map_err(|runs| format!("blind: nothing was found in {runs} runs from seed {seed}"))?;
        report.cases += 1;
        report.runs += found.runs as u64;
        let string = found.replay.to_string();
        // Three where one must pay in what another moves.
        if found.operations() > 3 || !has_no_order(&found.run) {
            return Err(
                format!("not shrunk to three operations: forkproof replay {string}").into(),
            );
        }
        report.runs += 1;
        if replay(&string)? != found.run {
            return Err(format!("a replay is another run: forkproof replay {string}").into());
        }
        Ok(())
    }

    fn acquitted(&self, runs: u32, seed: u64, report: &mut Report) -> Fallible {
        report.cases += 1;
        match (self.find)(Discipline::Locked, runs, seed)? {
            Ok(found) => {
                report.runs += found.runs as u64;
                let string = found.replay;
                Err(format!("the correct twin fails: forkproof replay {string}").into())
            }
            Err(runs) => {
                report.runs += runs as u64;
                Ok(())
            }
        }
    }
}

fn again(string: &str, report: &mut Report) -> Fallible {
    let run = replay(string)?;
    report.cases += 1;
    report.runs += 1;
    if has_no_order(&run) {
        Ok(())
    } else {
        Err(format!("{string} does not fail any more: {}", run.ended).into())
    }
}
