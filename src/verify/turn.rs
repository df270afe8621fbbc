//! The rows of the turn: [kills at every step](super::every_step), and the [lost update](super::lost_update),
//! which it must find.

use super::every_step::{subjects, sweep};
use super::lost_update::{Discipline, find, is_lost_update};
use super::{Budget, Fallible, Progress, Report, replay};

/// A kill at every step of the subjects that are about a primitive.
pub fn every_step(primitive: &str, budget: Budget, progress: &Progress) -> Report {
    // Killed again during each recovery: the first subject only, but for the full budget.
    let (bases, twice_first, twice_others) = budget.of((1, 0, 0), (2, 1, 0), (24, 4, 4));
    progress.expect(subjects(primitive).count() as u64);
    let mut report = Report::holds(0, 0, 0);
    for (number, subject) in subjects(primitive).enumerate() {
        let twice = if number == 0 {
            twice_first
        } else {
            twice_others
        };
        match sweep(subject, bases, twice) {
            Ok(tally) => {
                report.cases += tally.cases as u64;
                report.runs += tally.runs as u64;
                report.kills += tally.kills as u64;
            }
            Err(why) => return report.fails(why),
        }
        progress.advance(1);
    }
    report
}

/// Runs that lost an update before.
const REGRESSIONS: &str = include_str!("../../fixtures/regressions/lost_update.txt");

/// The turn finds the lost update from several seeds, shrinks it and replays it, and accuses no correct bank.
pub fn lost_update(budget: Budget, progress: &Progress) -> Report {
    let seeds = budget.of(1, 3, 20);
    progress.expect(seeds + 1);
    let mut report = Report::holds(0, 0, 0);
    let outcome = REGRESSIONS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .try_for_each(|string| again(string, &mut report))
        .and_then(|()| {
            (0..seeds).try_for_each(|number| {
                progress.advance(1);
                caught(budget.seed.wrapping_add(number), &mut report)
            })
        })
        .and_then(|()| acquitted(budget.of(50, 200, 2_000), budget.seed, &mut report));
    match outcome {
        Ok(()) => report,
        Err(why) => report.fails(why.to_string()),
    }
}

fn again(string: &str, report: &mut Report) -> Fallible {
    let run = replay(string)?;
    report.cases += 1;
    report.runs += 1;
    if is_lost_update(&run) {
        Ok(())
    } else {
        Err(format!("{string} loses no update any more: {}", run.ended).into())
    }
}

fn caught(seed: u64, report: &mut Report) -> Fallible {
    let found = find(Discipline::Unlocked, 500, seed)?
        .map_err(|runs| format!("blind: no lost update in {runs} runs from seed {seed}"))?;
    report.cases += 1;
    report.runs += found.runs as u64;
    let string = found.replay.to_string();
    if found.operations() != 2 || !is_lost_update(&found.run) {
        return Err(format!("not shrunk to two operations: forkproof replay {string}").into());
    }
    report.runs += 1;
    if replay(&string)? != found.run {
        return Err(format!("a replay is another run: forkproof replay {string}").into());
    }
    Ok(())
}

fn acquitted(runs: u32, seed: u64, report: &mut Report) -> Fallible {
    report.cases += 1;
    match find(Discipline::Locked, runs, seed)? {
        Ok(found) => {
            report.runs += found.runs as u64;
            Err(format!("the correct bank fails: forkproof replay {}", found.replay).into())
        }
        Err(runs) => {
            report.runs += runs as u64;
            Ok(())
        }
    }
}
