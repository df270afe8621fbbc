//! The hunt for a bug that shows in some orders only: a program is run in generated orders of its steps, until one
//! fails; then shrunk to the fewest operations and changes of lane; and replayed from a string.
//!
//! Its correct twin runs in the same generated orders and must not be accused.

use std::cell::Cell;
use std::fmt::{Debug, Display};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::check::{History, Spec, Verdict, judge};
use crate::explore::cases::{runner, seeded};
use crate::explore::{Ended, ExploreError, Plan, Replay, Run, Stage, run, run_all};

/// A program with a bug, or its correct twin. Its string stands in replay strings.
pub trait Quarry: Clone + Debug + Display + Serialize + DeserializeOwned + 'static {
    type Call;

    /// What replay strings call it.
    fn scenario(&self) -> &'static str;

    fn lanes(&mut self) -> &mut Vec<Vec<Self::Call>>;

    /// Sets its lanes on the stage, and [`claim_an_order`] of what they did in the end.
    fn set_up(self, stage: &mut Stage);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Discipline {
    /// The lock is held from the read to the write.
    Locked,
    /// Read, then write, without the lock: the bug.
    Unlocked,
}

impl Discipline {
    /// The one that has this name.
    pub fn of(scenario: &str, name: fn(Discipline) -> &'static str) -> Option<Discipline> {
        let mut both = [Discipline::Locked, Discipline::Unlocked].into_iter();
        both.find(|&it| name(it) == scenario)
    }
}

/// A run that failed.
#[derive(Clone, Debug)]
pub struct Found<Q> {
    pub scenario: Q,
    pub run: Run,
    pub replay: Replay,
    /// Runs until it was found, and runs in all, with the shrinking.
    pub runs_until: usize,
    pub runs: usize,
}

/// What a hunt came to: a failure; else in how many runs there was none.
pub type Hunted<Q> = Result<Found<Q>, usize>;

fn set_up<Q: Quarry>(stage: &mut Stage, quarry: Q) {
    quarry.set_up(stage);
}

/// Looks for a failure in at most `cases` generated programs and orders; then shrinks it.
///
/// # Errors
/// There was no run; or nothing was found, and then `Ok(Err(runs))`.
pub fn find<Q: Quarry>(
    quarries: impl Strategy<Value = Q>,
    cases: u32,
    seed: u64,
) -> Result<Hunted<Q>, ExploreError> {
    let mut runner = runner(cases, 4_000, seeded(seed));
    let (runs, runs_until) = (Cell::new(0), Cell::new(None));
    let trouble = Cell::new(None);
    let outcome = runner.run(&(quarries, vec(0..4u8, 0..60)), |(quarry, picks)| {
        runs.set(runs.get() + 1);
        match run(set_up::<Q>, &quarry, Plan::Picks(picks)) {
            Ok(run) if run.is_well() => Ok(()),
            Ok(run) => {
                runs_until.set(runs_until.get().or(Some(runs.get())));
                Err(TestCaseError::fail(run.ended.to_string()))
            }
            Err(error) => {
                trouble.set(Some(error));
                Err(TestCaseError::fail("no run"))
            }
        }
    });
    if let Some(error) = trouble.take() {
        return Err(error);
    }
    match outcome {
        Err(TestError::Fail(_, (mut scenario, picks))) => {
            let mut found = run(set_up::<Q>, &scenario, Plan::Picks(picks))?;
            let mut runs = runs.get() + 1;
            while let Some((smaller, run)) = shrink(&scenario, &found, &mut runs)? {
                (scenario, found) = (smaller, run);
            }
            let replay = Replay::new(scenario.scenario(), &scenario.to_string(), &found);
            let runs_until = runs_until.get().unwrap_or(0);
            Ok(Ok(Found {
                scenario,
                run: found,
                replay,
                runs_until,
                runs,
            }))
        }
        _ => Ok(Err(runs.get())),
    }
}

/// Something smaller that fails too: an operation less, in whatever order that takes; else the same operations with
/// fewer changes of lane. (proptest removes an operation or changes an order, one at a time; but without the
/// operation it takes another order.)
fn shrink<Q: Quarry>(
    scenario: &Q,
    found: &Run,
    runs: &mut usize,
) -> Result<Option<(Q, Run)>, ExploreError> {
    let (steps, lanes) = (found.steps(), scenario.clone().lanes().len());
    let same = std::iter::once((scenario.clone(), found.schedule.preemptions()));
    let smaller = smaller(scenario).into_iter().map(|smaller| (smaller, 3));
    for (smaller, fewer_than) in smaller.chain(same) {
        let plans: Vec<_> = (0..fewer_than)
            .flat_map(|count| Plan::with_preemptions(steps, lanes, count))
            .collect();
        *runs += plans.len();
        let bad = run_all(set_up::<Q>, &smaller, &plans)?
            .into_iter()
            .find(has_no_order);
        if let Some(bad) = bad {
            return Ok(Some((smaller, bad)));
        }
    }
    Ok(None)
}

/// Each program that has one call less; a lane without calls is left out.
fn smaller<Q: Quarry>(quarry: &Q) -> Vec<Q> {
    let calls: Vec<usize> = quarry.clone().lanes().iter().map(Vec::len).collect();
    let places = calls.iter().enumerate();
    let places = places.flat_map(|(lane, &calls)| (0..calls).map(move |call| (lane, call)));
    places
        .map(|(lane, call)| {
            let mut smaller = quarry.clone();
            smaller.lanes()[lane].remove(call);
            smaller.lanes().retain(|lane| !lane.is_empty());
            smaller
        })
        .collect()
}

impl<Q: Quarry> Found<Q> {
    /// Operations of all lanes.
    pub fn operations(&self) -> usize {
        let mut scenario = self.scenario.clone();
        scenario.lanes().iter().map(Vec::len).sum()
    }
}

/// Runs exactly this schedule of it.
///
/// # Errors
/// There was no run.
pub fn run_again<Q: Quarry>(quarry: &Q, replay: &Replay) -> Result<Run, ExploreError> {
    run(set_up::<Q>, quarry, Plan::Exactly(replay.schedule.clone()))
}

const NO_ORDER: &str = "no order of the calls explains this";

/// For the last look: some order of the calls explains what was seen.
///
/// # Panics
/// If none does.
pub fn claim_an_order<S: Spec>(history: &History<S>) {
    match judge(history, 1_000_000) {
        Verdict::Ok(_) => {}
        Verdict::Illegal(_) => panic!("{NO_ORDER}:\n{history}"),
        Verdict::Unknown { searched } => panic!("no verdict after {searched} calls tried"),
    }
}

/// Whether a run found calls that no order explains, and nothing else.
pub fn has_no_order(run: &Run) -> bool {
    matches!(&run.ended, Ended::Panicked { lane, text }
        if lane == "finally" && text.starts_with(NO_ORDER))
}

/// Reads the lanes of a program's string, which stand behind slashes, their calls between commas.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_lanes<'a, C>(
    lanes: impl Iterator<Item = &'a str>,
    call: impl Fn(&str) -> Result<C, String>,
) -> Result<Vec<Vec<C>>, String> {
    let lanes: Vec<Vec<C>> = lanes
        .map(|lane| lane.split(',').map(&call).collect())
        .collect::<Result<_, _>>()?;
    let most = crate::explore::MAX_LANES;
    match lanes.len() {
        count if (1..=most).contains(&count) => Ok(lanes),
        count => Err(format!("{count} lanes: one to {most}")),
    }
}

/// Writes the lanes as [`parse_lanes`] reads them.
///
/// # Errors
/// Those of the formatter.
pub fn write_lanes<C>(
    f: &mut std::fmt::Formatter<'_>,
    lanes: &[Vec<C>],
    call: impl Fn(&C) -> String,
) -> std::fmt::Result {
    for lane in lanes {
        let calls: Vec<String> = lane.iter().map(&call).collect();
        write!(f, "/{}", calls.join(","))?;
    }
    Ok(())
}
