//! Running the checks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::Shard;
use super::progress::Progress;
use super::report::{Budget, Check, Report, Verdict};
use super::table::{Row, Table};

/// Runs checks, each with a progress of its own, in two rows side by side: those that compute, on one core; and those
/// that run processes.
pub fn run(
    checks: &[&Check],
    budget: Budget,
    progress: impl Fn(&Check) -> Progress + Sync,
) -> Table {
    let run = |check: &Check| {
        let progress = progress(check);
        let begun = Instant::now();
        let report = report(check, budget, &progress);
        let row = Row::new(check, report, begun.elapsed());
        progress.finish(&row);
        row
    };
    let rows_of = |computes: bool| {
        let places = checks.iter().enumerate();
        let own = places.filter(|(_, check)| check.technique.only_computes() == computes);
        own.map(|(place, check)| (place, run(check)))
            .collect::<Vec<_>>()
    };
    let mut rows = std::thread::scope(|scope| {
        let computed = scope.spawn(|| rows_of(true));
        let mut rows = rows_of(false);
        rows.extend(computed.join().expect("report() catches panics"));
        rows
    });
    rows.sort_by_key(|(place, _)| *place);
    Table {
        seed: budget.seed,
        shard: Shard::WHOLE,
        rows: rows.into_iter().map(|(_, row)| row).collect(),
    }
}

/// A check's report: a panic is a failure, and so is a check that ran nothing.
pub fn report(check: &Check, budget: Budget, progress: &Progress) -> Report {
    let nothing = Report::holds(0, 0, 0);
    match catch_unwind(AssertUnwindSafe(|| (check.run)(budget, progress))) {
        Ok(report) if report.runs == 0 && report.verdict == Verdict::Holds => {
            report.fails("blind: nothing was run")
        }
        Ok(report) => report,
        Err(panic) => nothing.fails(format!("panicked: {}", panic_text(&*panic))),
    }
}

pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "with something that is no text"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{Size, Technique};

    fn verdict(run: fn(Budget, &Progress) -> Report) -> Verdict {
        let (primitive, technique) = ("Lock", Technique::Proptest);
        let check = Check {
            primitive,
            technique,
            run,
        };
        report(&check, Budget::new(Size::Test), &Progress::silent()).verdict
    }

    #[test]
    fn a_check_that_runs_nothing_fails() {
        assert_eq!(verdict(|_, _| Report::holds(1, 1, 0)), Verdict::Holds);
        let blind = Verdict::Fails("blind: nothing was run".into());
        assert_eq!(verdict(|_, _| Report::holds(1, 0, 0)), blind);
    }

    #[test]
    fn a_check_that_panics_fails() {
        let failed = |text: &str| Verdict::Fails(format!("panicked: {text}"));
        assert_eq!(verdict(|_, _| panic!("at once")), failed("at once"));
        assert_eq!(verdict(|_, _| panic!("at {}", "once")), failed("at once"));
    }

    #[test]
    fn a_failure_keeps_its_own_words() {
        let failed = Verdict::Fails("lost".into());
        assert_eq!(verdict(|_, _| Report::holds(0, 0, 0).fails("lost")), failed);
    }
}
