//! Generated scenarios, in real processes at full speed.
//!
//! Each lane is a process. It performs its calls on a shared [`Subject`] and writes down what they returned; the
//! sequential specification must explain it all. A scenario is run several times, each time on a new subject: the
//! processes meet before each, so that they set off together.
//!
//! # What is not covered
//! Full speed judges correct code only: a rare interleaving may not come up. The same calls without locks are
//! refused for certain under a schedule (see [`hunt`](super::hunt)).

use std::cell::{Cell, RefCell};
use std::fmt;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestError, TestRunner};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Budget, Fallible, Progress, Report, pace, stuck};
use crate::check::{Event, History, Spec, Verdict, judge};
use crate::explore::dice::Dice;
use crate::{Array, Process, Value};

/// How often a scenario is run.
const ROUNDS: usize = 8;
/// A scenario that hangs is not shrunk for long: each try costs [`stuck::PATIENCE`].
const SHRINK_MS: u32 = 20_000;
/// More than enough for what is generated.
const JUDGE_BUDGET: usize = 4_000_000;

/// An object that lanes call at once: handles, which travel.
pub trait Subject: Clone + Serialize + DeserializeOwned + Send + 'static {
    /// What it means when calls come one after another.
    type Spec: Spec<
            Call: Copy + Serialize + DeserializeOwned + Send + 'static,
            Return: Serialize + DeserializeOwned,
        > + 'static;

    /// Performs a call, dawdling where others would come in if they could.
    ///
    /// # Errors
    /// Those of what it is made of.
    fn perform(
        &self,
        call: <Self::Spec as Spec>::Call,
        dawdle: Dawdle,
    ) -> crate::Result<<Self::Spec as Spec>::Return>;

    /// The state, when no one works on it any more.
    fn end(&self) -> <Self::Spec as Spec>::State;
}

/// What is done between a read and a write.
pub type Dawdle<'a> = &'a dyn Fn();

type CallOf<S> = <<S as Subject>::Spec as Spec>::Call;
type StateOf<S> = <<S as Subject>::Spec as Spec>::State;

/// A state to begin with, and lanes of calls.
pub struct Scenario<S: Spec> {
    pub start: S::State,
    pub lanes: Vec<Vec<S::Call>>,
}

/// One run of a scenario, as its lanes share it.
#[derive(Clone, Serialize, Deserialize)]
struct Round<S> {
    subject: S,
    /// How many lanes have come to the start.
    arrived: Value<u32>,
    /// For each call of a lane what it returned; the lane's own, and read when it has ended.
    returned: Array<Note>,
}

/// What a call returned, as it lies in shared memory: the number of its bytes, and they.
type Note = [u8; NOTE_BYTES];
const NOTE_BYTES: usize = 32;

/// Generates scenarios, runs each, and judges what was seen.
pub fn check<S: Subject>(
    open: impl Fn(&StateOf<S>) -> crate::Result<S>,
    scenarios: impl Strategy<Value = Scenario<S::Spec>>,
    regressions: &str,
    budget: Budget,
    progress: &Progress,
) -> Report {
    let cases = budget.of(32, 32, 1_024);
    progress.expect(cases.into());
    let persistence = std::env::var("CARGO_MANIFEST_DIR").ok().map(|root| {
        // From the root of the project, where `cargo run` and `cargo test` say it is.
        let path = format!("{root}/fixtures/regressions/{regressions}").leak(); // proptest wants it so; once a run
        Box::new(FileFailurePersistence::Direct(path)) as _
    });
    let mut runner = TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(budget.seed),
        failure_persistence: persistence,
        max_shrink_iters: 400,
        max_shrink_time: SHRINK_MS,
        ..Config::default()
    });
    let tried = Cell::new(0);
    let outcome = runner.run(&scenarios, |scenario| {
        tried.set(tried.get() + 1);
        progress.advance(1);
        run(&open, &scenario, ROUNDS).map_err(|why| TestCaseError::fail(why.to_string()))
    });
    let report = Report::holds(tried.get(), tried.get() * ROUNDS as u64, 0);
    match outcome {
        Ok(()) => report,
        Err(TestError::Fail(why, scenario)) => {
            report.fails(format!("with this scenario:\n{scenario:?}\n{why}"))
        }
        Err(TestError::Abort(why)) => report.fails(why.to_string()),
    }
}

/// Runs a scenario so many times.
///
/// # Errors
/// What went wrong, in words.
fn run<S: Subject>(
    open: &impl Fn(&StateOf<S>) -> crate::Result<S>,
    scenario: &Scenario<S::Spec>,
    rounds: usize,
) -> Fallible {
    let rounds = perform(open, scenario, rounds)?;
    for (number, round) in rounds.iter().enumerate() {
        match judge(round, JUDGE_BUDGET) {
            Verdict::Ok(_) => (),
            Verdict::Illegal(dilemma) => {
                return Err(format!("run {number}: {}", dilemma.explain(round)).into());
            }
            Verdict::Unknown { searched } => {
                return Err(
                    format!("run {number}: no verdict after {searched} calls tried").into(),
                );
            }
        }
    }
    Ok(())
}

/// What was seen of each round.
fn perform<S: Subject>(
    open: &impl Fn(&StateOf<S>) -> crate::Result<S>,
    scenario: &Scenario<S::Spec>,
    rounds: usize,
) -> Fallible<Vec<History<S::Spec>>> {
    let mut shared = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let subject = open(&scenario.start)?;
        let arrived = Value::new(0)?;
        let lanes = scenario.lanes.iter().map(|calls| {
            Ok(Round {
                subject: subject.clone(),
                arrived: arrived.clone(),
                returned: Array::new(calls.len())?,
            })
        });
        let lanes: std::io::Result<Vec<Round<S>>> = lanes.collect();
        shared.push(lanes?);
    }
    let processes: Vec<Process> = (0..scenario.lanes.len())
        .map(|number| {
            let rounds: Vec<Round<S>> = shared.iter().map(|lanes| lanes[number].clone()).collect();
            let calls = scenario.lanes[number].clone();
            Process::new(
                lane::<S>,
                (number, scenario.lanes.len() as u32, calls, rounds),
            )
            .named(format!("lane {number}"))
            .daemon(true)
        })
        .collect();
    start_and_finish(&processes)?;
    shared
        .iter()
        .map(|lanes| history(scenario, lanes))
        .collect()
}

/// A lane's process.
fn lane<S: Subject>(
    number: usize,
    lanes: u32,
    calls: Vec<CallOf<S>>,
    rounds: Vec<Round<S>>,
) -> Fallible {
    let dice = RefCell::new(Dice::new(number as u64));
    for round in rounds {
        let arrived = round.arrived.update(|arrived| *arrived += 1);
        arrived.map_err(crate::Error::from)?;
        // The others are on their way here. To sleep would be to start 25 µs after them, when they are done.
        while round.arrived.get_unlocked() < lanes {
            std::thread::yield_now();
        }
        for (number, &call) in calls.iter().enumerate() {
            let returned = round.subject.perform(call, &|| dawdle(&dice))?;
            let bytes = postcard::to_allocvec(&returned)?;
            let mut note = Note::default();
            note[0] = bytes.len() as u8 + 1;
            note[1..=bytes.len()].copy_from_slice(&bytes);
            round.returned.set_unlocked(number, note)?;
        }
    }
    Ok(())
}

/// A while that differs; now and then so long that others fall asleep.
fn dawdle(dice: &RefCell<Dice>) {
    match dice.borrow_mut().below(64) {
        0 => std::thread::yield_now(),
        turns => pace::spin(turns),
    }
}

/// From the lanes' start to their end. Those that are left when one fails are killed.
fn start_and_finish(processes: &[Process]) -> Fallible {
    let started = processes.iter().try_for_each(Process::start);
    let outcome = started
        .map_err(Into::into)
        .and_then(|()| await_all(processes));
    if outcome.is_err() {
        for process in processes.iter().filter(|process| process.is_alive()) {
            process.kill()?;
            process.join()?;
        }
    }
    outcome
}

/// One that fails is noticed at once, though others wait for it at the start.
fn await_all(processes: &[Process]) -> Fallible {
    let deadline = Instant::now() + stuck::PATIENCE;
    let mut left: Vec<&Process> = processes.iter().collect();
    while let Some(process) = left.pop() {
        match process.join_timeout(Duration::from_millis(10))? {
            Some(0) => (),
            Some(code) => return Err(format!("{} ended with {code}", process.name()).into()),
            None if Instant::now() < deadline => left.insert(0, process),
            None => {
                let who = processes
                    .iter()
                    .map(|process| (process.name(), process.pid()));
                let who: Vec<_> = who.collect();
                return Err(stuck::describe("the end of all lanes", &who).into());
            }
        }
    }
    Ok(())
}

/// What the lanes of a round wrote down.
fn history<S: Subject>(
    scenario: &Scenario<S::Spec>,
    lanes: &[Round<S>],
) -> Fallible<History<S::Spec>> {
    let lanes_seen = scenario.lanes.iter().zip(lanes).map(|(calls, round)| {
        let notes = round.returned.to_vec_unlocked();
        let events = calls.iter().zip(notes).map(|(&call, note)| {
            let length = (note[0] as usize).checked_sub(1);
            let length = length.ok_or("a lane ended well, but did not write down all returns")?;
            let returned = postcard::from_bytes(&note[1..=length])?;
            Ok(Event::returned(call, returned))
        });
        events.collect()
    });
    let lanes_seen: Fallible<Vec<Vec<_>>> = lanes_seen.collect();
    let end = lanes[0].subject.end();
    Ok(History::of_lanes(
        scenario.start.clone(),
        lanes_seen?,
        Some(end),
    ))
}

impl<S: Spec> fmt::Debug for Scenario<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  start: {:?}", self.start)?;
        for (number, calls) in self.lanes.iter().enumerate() {
            write!(f, "\n  lane {number}:")?;
            for call in calls {
                write!(f, "\n    {call:?}")?;
            }
        }
        Ok(())
    }
}
