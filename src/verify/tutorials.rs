//! The rows of the tutorials: each example, run as a program of its own, prints what it must; and in no schedule of it
//! anything else.

use std::path::Path;

use super::{Budget, Fallible, Progress, Report};
use crate::tutorial::outcomes::{OutcomesError, outcomes};
use crate::tutorial::{EXAMPLES, Example, Order, judge};

/// Those that can print one text only, compared to the byte; and what was recorded elsewhere.
pub fn outputs(_: Budget, progress: &Progress) -> Report {
    let fixed = EXAMPLES
        .iter()
        .filter(|example| example.order() == Order::Fixed);
    let recorded = EXAMPLES
        .iter()
        .filter(|example| example.run_recorded.is_some());
    let fixed = fixed.map(|example| (example, false));
    check(
        fixed
            .chain(recorded.map(|example| (example, true)))
            .collect(),
        1,
        progress,
    )
}

/// Those whose order is open: what all their outputs keep.
pub fn invariants(budget: Budget, progress: &Progress) -> Report {
    let races = EXAMPLES
        .iter()
        .filter(|example| example.order() == Order::Race);
    let runs = budget.of(2, 3, 8);
    check(
        races.map(|example| (example, false)).collect(),
        runs,
        progress,
    )
}

/// Under control: everything that an example can print is what it may print, and all that it is to show is among it.
pub fn outcome_sets(budget: Budget, progress: &Progress) -> Report {
    let most_runs = budget.of(100, 100, 4_000);
    progress.expect(EXAMPLES.len() as u64);
    let mut report = Report::holds(0, 0, 0);
    let (mut whole, mut cut_short, mut unexplored) = (0, Vec::new(), Vec::new());
    for example in EXAMPLES {
        match outcomes(example, most_runs, None) {
            Ok(set) => {
                report.cases += 1;
                report.runs += set.outcomes.tally.schedules() as u64;
                if let Err(wrong) = set.judge() {
                    return report.fails(wrong);
                }
                match set.outcomes.tally.is_complete() {
                    true => whole += 1,
                    false => cut_short.push(example.id),
                }
            }
            Err(OutcomesError::NotExplored { id, .. }) => unexplored.push(id),
            Err(error) => return report.fails(error.to_string()),
        }
        progress.advance(1);
    }
    let mut extent = format!("outcome sets: {whole} whole");
    for (what, ids) in [("cut short", cut_short), ("not explored", unexplored)] {
        if !ids.is_empty() {
            extent += &format!(", {what}: {}", ids.join(" "));
        }
    }
    report.extent.push(extent);
    report
}

fn check(examples: Vec<(&'static Example, bool)>, runs: u64, progress: &Progress) -> Report {
    progress.expect(examples.len() as u64 * runs);
    let mut report = Report::holds(examples.len() as u64, 0, 0);
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return report.fails(format!("this program cannot be found: {error}")),
    };
    for (example, recorded) in examples {
        // They mostly sleep, so they run side by side.
        let outcomes = std::thread::scope(|scope| {
            let run = || run(&program, example, recorded);
            let threads: Vec<_> = (0..runs)
                .map(|_| scope.spawn(move || run().map_err(|why| why.to_string())))
                .collect();
            let joined = threads
                .into_iter()
                .map(|thread| thread.join().expect("run() does not panic"));
            joined.collect::<Vec<_>>()
        });
        report.runs += runs;
        progress.advance(runs);
        if let Some(why) = outcomes.into_iter().find_map(Result::err) {
            let flag = if recorded { " --recorded" } else { "" };
            return report.fails(format!("forkproof tutorial {}{flag}: {why}", example.id));
        }
    }
    report
}

fn run(program: &Path, example: &Example, recorded: bool) -> Fallible {
    let output = judge::run(program, example, recorded)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}\n{said}", output.status).into());
    }
    Ok(judge::judge(example, &output.stdout, recorded)?)
}
