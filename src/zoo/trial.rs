//! One technique against one bug and its twin.

use std::cell::Cell;
use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{RngAlgorithm, TestCaseError, TestError, TestRng};
use serde::Serialize;

use crate::explore::cases::runner;
use crate::explore::{Exploration, ExploreError, LoomReport, Model, Report, exhaustive};

/// How a bug is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Technique {
    /// Every order that the memory model allows.
    Loom,
    /// Every order of the steps, in real processes.
    Schedules,
    /// So, with SIGKILLs at every step.
    Kills,
    /// Operations that are drawn.
    Proptest,
    /// Every order of the steps; what the calls returned is judged by [`check`](crate::check).
    History,
}

/// A technique, what it is tried on, and when it must have caught the bug.
pub struct Trial {
    pub technique: Technique,
    /// In so many runs (of loom: executions; of proptest: cases). The searches are exact, and the draws are seeded: it is
    /// what it takes, every time.
    pub within: u64,
    pub(super) bug: fn() -> Outcome,
    pub(super) twin: fn() -> Outcome,
}

/// What a technique made of a program.
pub(super) struct Outcome {
    /// Until the failure; of all, if there is none.
    runs: u64,
    /// The lanes' steps, in all runs: without one, nothing was looked at.
    steps: u64,
    /// It came to the end of what it was to search.
    is_whole: bool,
    failure: Option<Failure>,
}

struct Failure {
    text: String,
    steps: usize,
}

/// What came of a trial.
#[derive(Clone, Debug, Serialize)]
pub struct TrialReport {
    pub technique: Technique,
    pub within: u64,
    /// In how many runs the bug was caught. `None`: it escaped.
    pub caught_after: Option<u64>,
    /// The length of the counterexample: steps of its lanes, or operations that were drawn.
    pub steps: Option<usize>,
    /// What was found.
    pub how: Option<String>,
    pub twin_runs: u64,
    pub twin: Twin,
}

/// What became of the correct twin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Twin {
    Passes,
    /// Of this, without reason.
    Accused(String),
    /// The search came to no end.
    Unfinished,
    /// The search met no step: it proves nothing.
    Blind,
}

impl Technique {
    /// As in the tables: L, S, K, P, H.
    pub fn letter(self) -> char {
        match self {
            Technique::Loom => 'L',
            Technique::Schedules => 'S',
            Technique::Kills => 'K',
            Technique::Proptest => 'P',
            Technique::History => 'H',
        }
    }
}

impl TrialReport {
    /// The bug is caught within its bound, and the twin passes.
    pub fn holds(&self) -> bool {
        let in_time = self.caught_after.is_some_and(|runs| runs <= self.within);
        in_time && self.twin == Twin::Passes
    }
}

impl Trial {
    /// Every schedule.
    pub(super) const fn schedules<B: Model, T: Model>(within: u64) -> Trial {
        Trial {
            technique: Technique::Schedules,
            within,
            bug: || controlled::<B>(exhaustive()),
            twin: || controlled::<T>(exhaustive()),
        }
    }

    /// Every schedule, with one wait of each lane that returns early.
    pub(super) const fn schedules_early<B: Model, T: Model>(within: u64) -> Trial {
        Trial {
            technique: Technique::Schedules,
            within,
            bug: || controlled::<B>(exhaustive().early_returns(1)),
            twin: || controlled::<T>(exhaustive().early_returns(1)),
        }
    }

    /// Every schedule of up to so many choices.
    pub(super) const fn schedules_of<const MOVES: usize, B: Model, T: Model>(within: u64) -> Trial {
        Trial {
            technique: Technique::Schedules,
            within,
            bug: || controlled::<B>(exhaustive().most_moves(MOVES)),
            twin: || controlled::<T>(exhaustive().most_moves(MOVES)),
        }
    }

    /// Every schedule, and the history of its calls.
    pub(super) const fn history<B: Model, T: Model>(within: u64) -> Trial {
        Trial {
            technique: Technique::History,
            ..Trial::schedules::<B, T>(within)
        }
    }

    /// Every schedule, with up to so many lanes killed, each at every step.
    pub(super) const fn kills<const LANES: usize, B: Model, T: Model>(within: u64) -> Trial {
        Trial {
            technique: Technique::Kills,
            within,
            bug: || controlled::<B>(exhaustive().kills(LANES)),
            twin: || controlled::<T>(exhaustive().kills(LANES)),
        }
    }

    /// So, of the schedules that take the turn at most so often from a lane that could go on.
    pub(super) const fn kills_within<
        const LANES: usize,
        const PREEMPTIONS: usize,
        B: Model,
        T: Model,
    >(
        within: u64,
    ) -> Trial {
        Trial {
            technique: Technique::Kills,
            within,
            bug: || controlled::<B>(exhaustive().kills(LANES).preemptions(PREEMPTIONS)),
            twin: || controlled::<T>(exhaustive().kills(LANES).preemptions(PREEMPTIONS)),
        }
    }

    /// Every execution.
    pub(super) const fn loom<B: Model, T: Model>(within: u64) -> Trial {
        Trial {
            technique: Technique::Loom,
            within,
            bug: || in_loom::<B>(exhaustive()),
            twin: || in_loom::<T>(exhaustive()),
        }
    }

    /// Every execution, with the same wait of each lane returning early.
    pub(super) const fn loom_early<B: Model, T: Model>(within: u64) -> Trial {
        Trial {
            technique: Technique::Loom,
            within,
            bug: || in_loom::<B>(exhaustive().early_returns(1)),
            twin: || in_loom::<T>(exhaustive().early_returns(1)),
        }
    }

    /// Every execution in which lanes that could go on are made to wait so often at most.
    pub(super) const fn loom_within<const PREEMPTIONS: usize, B: Model, T: Model>(
        within: u64,
    ) -> Trial {
        Trial {
            technique: Technique::Loom,
            within,
            bug: || in_loom::<B>(exhaustive().preemptions(PREEMPTIONS)),
            twin: || in_loom::<T>(exhaustive().preemptions(PREEMPTIONS)),
        }
    }

    /// Operations drawn by proptest.
    pub(super) const fn drawn(within: u64, bug: fn() -> Outcome, twin: fn() -> Outcome) -> Trial {
        Trial {
            technique: Technique::Proptest,
            within,
            bug,
            twin,
        }
    }

    /// Runs both.
    pub(super) fn run(&self) -> TrialReport {
        let bug = (self.bug)();
        let twin = (self.twin)();
        let caught = bug.failure.filter(|_| bug.steps > 0);
        TrialReport {
            technique: self.technique,
            within: self.within,
            caught_after: caught.is_some().then_some(bug.runs),
            steps: caught.as_ref().map(|failure| failure.steps),
            how: caught.map(|failure| failure.text),
            twin_runs: twin.runs,
            twin: match twin.failure {
                Some(failure) => Twin::Accused(failure.text),
                None if twin.steps == 0 => Twin::Blind,
                None if !twin.is_whole => Twin::Unfinished,
                None => Twin::Passes,
            },
        }
    }
}

fn controlled<M: Model>(exploration: Exploration) -> Outcome {
    Outcome::of_report(exploration.check_model_in_processes::<M>())
}

fn in_loom<M: Model>(exploration: Exploration) -> Outcome {
    let report: LoomReport = exploration.check_model_in_loom::<M>();
    Outcome {
        runs: report.executions,
        steps: report.steps,
        is_whole: report.is_complete,
        failure: report.failure.map(|failure| Failure {
            text: failure.text,
            steps: failure.steps,
        }),
    }
}

impl Outcome {
    /// Under the controller. That there was no run is told as a failure, which no bug is caught by: no step was made.
    pub(super) fn of_report(report: Result<Report, ExploreError>) -> Outcome {
        match report {
            Ok(report) => Outcome {
                runs: report
                    .runs_until_found()
                    .unwrap_or(report.tally.schedules()) as u64,
                steps: report.steps as u64,
                is_whole: report.tally.is_complete(),
                failure: report.failure().map(|run| Failure {
                    text: run.ended.to_string(),
                    steps: run.steps(),
                }),
            },
            Err(error) => Outcome {
                runs: 0,
                steps: 0,
                is_whole: false,
                failure: Some(Failure {
                    text: error.to_string(),
                    steps: 0,
                }),
            },
        }
    }
}

/// Cases of a seeded draw, each judged, until one fails; that one is shrunk. `length` counts its operations.
pub(super) fn drawn<S>(
    cases: u32,
    strategy: &S,
    length: impl Fn(&S::Value) -> usize,
    judge: impl Fn(&S::Value) -> Result<(), String>,
) -> Outcome
where
    S: Strategy<Value: Debug>,
{
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let (tried, operations, failed) = (Cell::new(0), Cell::new(0), Cell::new(false));
    let tested = runner(cases, 10_000, rng).run(strategy, |case| {
        // What shrinking tries is not counted.
        if !failed.get() {
            tried.set(tried.get() + 1);
            operations.set(operations.get() + length(&case) as u64);
        }
        judge(&case).map_err(|text| {
            failed.set(true);
            TestCaseError::fail(text)
        })
    });
    Outcome {
        runs: tried.get(),
        steps: operations.get(),
        is_whole: tested.is_ok(),
        failure: match tested {
            Ok(()) => None,
            Err(TestError::Fail(reason, case)) => Some(Failure {
                text: format!("{reason}: {case:?}"),
                steps: length(&case),
            }),
            Err(TestError::Abort(reason)) => Some(Failure {
                text: reason.to_string(),
                steps: 0,
            }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Word, World};
    use crate::zoo::updates::Adding;

    type Bug = Adding<false>;
    type Right = Adding<true>;

    /// Does nothing that anyone could see.
    struct Idle;

    impl Model for Idle {
        type Shared<W: World> = W::Word;

        fn set_up<W: World>() -> W::Word {
            W::Word::new(0)
        }

        fn lanes<W: World>() -> Vec<(&'static str, fn(&W::Word))> {
            vec![("one", |_| ()), ("other", |_| ())]
        }
    }

    #[test]
    fn a_bug_that_is_caught_in_time_beside_a_twin_that_passes_holds() {
        for trial in [
            Trial::schedules::<Bug, Right>(100),
            Trial::loom::<Bug, Right>(100),
        ] {
            let report = trial.run();
            assert!(report.holds(), "{report:?}");
        }
    }

    #[test]
    fn a_bug_that_escapes_does_not() {
        for trial in [
            Trial::schedules::<Right, Right>(100),
            Trial::loom::<Right, Right>(100),
        ] {
            let report = trial.run();
            assert!(
                report.caught_after.is_none() && !report.holds(),
                "{report:?}"
            );
        }
    }

    #[test]
    fn nor_one_that_is_caught_too_late() {
        let report = Trial::schedules::<Bug, Right>(1).run();
        assert!(
            report.caught_after > Some(1) && !report.holds(),
            "{report:?}"
        );
    }

    #[test]
    fn nor_a_twin_that_is_accused() {
        for trial in [
            Trial::schedules::<Bug, Bug>(100),
            Trial::loom::<Bug, Bug>(100),
        ] {
            let report = trial.run();
            assert!(matches!(report.twin, Twin::Accused(_)), "{report:?}");
            assert!(!report.holds());
        }
    }

    #[test]
    fn nor_what_makes_no_step() {
        for trial in [
            Trial::schedules::<Idle, Idle>(100),
            Trial::loom::<Idle, Idle>(100),
        ] {
            let report = trial.run();
            assert_eq!((report.caught_after, &report.twin), (None, &Twin::Blind));
            assert!(!report.holds());
        }
    }
}
