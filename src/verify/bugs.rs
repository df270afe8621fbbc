//! The row of the zoo: each known bug is caught by each technique of its row, and its correct twin is not accused.

use super::{Budget, Progress, Report};
use crate::zoo::{Entry, entries};

/// Entries of the zoo: all of them, or those whose bugs are caught soon.
pub fn caught(budget: Budget, progress: &Progress) -> Report {
    let within = budget.of(50, 50, u64::MAX);
    let is_soon = |entry: &&Entry| entry.trials.iter().all(|trial| trial.within <= within);
    let all = entries();
    let chosen: Vec<_> = all.iter().copied().filter(is_soon).collect();
    progress.expect(chosen.len() as u64);
    let mut report = Report::holds(0, 0, 0);
    report.extent.push(match chosen.len() {
        count if count == all.len() => format!("the zoo: all {count} bugs"),
        count => format!(
            "the zoo: {count} of {} bugs, those that are caught within {within} runs",
            all.len()
        ),
    });
    for entry in chosen {
        let tried = entry.run();
        report.cases += 1;
        for trial in &tried.trials {
            report.runs += trial.caught_after.unwrap_or(trial.within) + trial.twin_runs;
        }
        if !tried.holds() {
            let name = entry.name;
            return report.fails(format!(
                "{name} escapes, or its twin is accused\nforkproof zoo --only \"{name}\""
            ));
        }
        progress.advance(1);
    }
    report
}
