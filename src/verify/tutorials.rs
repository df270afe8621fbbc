//! The rows of the tutorials: each example, run as a program of its own, prints what it must.

use std::path::Path;

use super::{Budget, Fallible, Progress, Report};
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
    let runs = budget.of(2, 3, 20);
    check(
        races.map(|example| (example, false)).collect(),
        runs,
        progress,
    )
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
