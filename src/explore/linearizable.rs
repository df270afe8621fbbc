//! Generated calls on an object, in the schedules that a search chooses, judged by what the object means.
//!
//! proptest draws who calls what; each case is explored; and the history of each run is judged. Of a failure the calls
//! shrink first, each time explored anew, then lanes are joined, and then the schedule shrinks.
//!
//! # What a pass proves
//! That no order of steps that was looked at makes these calls return what no order of whole calls explains. Not more
//! lanes, other calls, or weaker memory orderings.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem::Discriminant;
use std::ops::RangeInclusive;

use proptest::collection::vec;
use proptest::strategy::Strategy;
use proptest::test_runner::{TestCaseError, TestError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::apart::ExploreError;
use super::cases;
use super::exploration::{Again, Exploration, Named, portfolio};
use super::replay::{self, Replay};
use super::report::{Report, asked_for, program_of};
use super::run::Ended;
use super::stage::{Lane, Stage};
use crate::check::{Spec, Start};

/// An object that lanes call at once.
///
/// The subject itself travels to the process that explores; the object is made there.
pub trait Subject<S: Spec>: Clone + Serialize + DeserializeOwned + 'static {
    /// Shared by the lanes: each has a clone. A [`Shared`](super::Shared), or an object of this library.
    type Object: Clone + 'static;

    /// Makes the object, in the state in which the spec starts.
    fn set_up(&self, stage: &mut Stage) -> Self::Object;

    /// Makes a call, and tells what it returned.
    ///
    /// A lane that waits for ever is a deadlock, and fails the run, even if the spec says that the call `Waits`: what
    /// the strategy draws must come to an end.
    fn call(object: &Self::Object, call: &S::Call, lane: &Lane) -> S::Return;
}

/// A spec whose calls and states can be told to other processes: each spec of [`check`](crate::check) can, but for
/// the objects by key.
pub trait Portable:
    Spec<
        State: Serialize + DeserializeOwned,
        Call: Clone + Serialize + DeserializeOwned,
        Return: Serialize + DeserializeOwned,
    > + 'static
{
}

impl<S> Portable for S where
    S: Spec<
            State: Serialize + DeserializeOwned,
            Call: Clone + Serialize + DeserializeOwned,
            Return: Serialize + DeserializeOwned,
        > + 'static
{
}

/// Each lane's calls, in its order.
pub type Lanes<C> = Vec<Vec<C>>;

/// Checks generated calls on an object: 32 cases, each in at most 400 schedules of the [`portfolio`], without kills. For
/// more or other ones see [`Linearizability`].
///
/// ```should_panic
/// use std::sync::atomic::Ordering::SeqCst;
/// use forkproof::check::Spec;
/// use forkproof::check::value::{Call, Return, Value};
/// use forkproof::explore::{Lane, Shared, Stage, Subject, check_linearizable, lanes_of};
/// use forkproof::sys::SharedWord;
/// use forkproof::world::Word;
/// use proptest::prelude::*;
///
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// struct Counter;
///
/// impl Subject<Value> for Counter {
///     type Object = Shared<SharedWord>;
///
///     fn set_up(&self, stage: &mut Stage) -> Shared<SharedWord> {
///         stage.shared_as("count", SharedWord::new(0))
///     }
///
///     fn call(count: &Shared<SharedWord>, call: &Call, _: &Lane) -> Return {
///         match *call {
///             Call::Get => Return::Got(count.load(SeqCst).into()),
///             Call::Set { value } => {
///                 count.store(value as u32, SeqCst);
///                 Return::Nothing
///             }
///             Call::Add { amount } => {
///                 let sum = count.load(SeqCst) + amount as u32;
///                 count.store(sum, SeqCst); // another lane may have added since
///                 Return::Sum(sum.into())
///             }
///         }
///     }
/// }
///
/// let calls = prop_oneof![
///     Just(Call::Get),
///     (1..10i64).prop_map(|amount| Call::Add { amount }),
/// ];
/// // Fails: two calls of `add 1`, and the four steps that lose one of them.
/// check_linearizable(Counter, Value::starting(0), lanes_of(calls));
/// ```
///
/// # Panics
/// If a history is illegal, a lane panics, or lanes wait for ever: with the calls and the schedule, shrunk, and the
/// string that replays them. If there was no run ([`ExploreError`]), or the lanes made no step.
#[track_caller]
pub fn check_linearizable<S, T>(
    subject: T,
    start: Start<S>,
    strategy: impl Strategy<Value = Lanes<S::Call>>,
) where
    S: Portable,
    T: Subject<S>,
{
    Linearizability::new().run(subject, start, strategy);
}

/// Two or three lanes of one to four calls.
pub fn lanes_of<C: fmt::Debug>(call: impl Strategy<Value = C>) -> impl Strategy<Value = Lanes<C>> {
    lanes_of_sizes(call, 2..=3, 1..=4)
}

/// So many lanes of so many calls each.
pub fn lanes_of_sizes<C: fmt::Debug>(
    call: impl Strategy<Value = C>,
    lanes: RangeInclusive<usize>,
    calls: RangeInclusive<usize>,
) -> impl Strategy<Value = Lanes<C>> {
    vec(vec(call, calls), lanes)
}

/// How far generated calls are checked.
#[derive(Clone, Copy, Debug)]
#[must_use = "it checks nothing until it is told what: `run`"]
pub struct Linearizability {
    exploration: Exploration,
    cases: u32,
    seed: u64,
}

/// The variable that chooses other cases.
const SEED: &str = "FORKPROOF_SEED";
/// Schedules of a case.
const MOST_RUNS: usize = 400;
/// Cases that are tried to shrink one.
const MOST_SHRINKING: u32 = 1_000;

impl Default for Linearizability {
    fn default() -> Self {
        Linearizability::new()
    }
}

impl Linearizability {
    /// As [`check_linearizable`] does. The cases are the same each time, unless `FORKPROOF_SEED` is set to a number.
    pub fn new() -> Linearizability {
        let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
        Linearizability::from_seed(seed.unwrap_or(0))
    }

    /// Cases and schedules of this seed, whatever the environment says.
    pub fn from_seed(seed: u64) -> Linearizability {
        Linearizability {
            exploration: portfolio(seed).most_runs(MOST_RUNS),
            cases: 32,
            seed,
        }
    }

    /// So many cases, in place of 32.
    pub fn cases(mut self, cases: u32) -> Linearizability {
        self.cases = cases;
        self
    }

    /// Each case is explored so, kills and bounds included.
    pub fn exploring(mut self, exploration: Exploration) -> Linearizability {
        self.exploration = exploration;
        self
    }

    /// At most so many lanes are killed in a run: the call that a lane was killed in is pending.
    pub fn kills(mut self, most: usize) -> Linearizability {
        self.exploration = self.exploration.kills(most);
        self
    }

    /// Checks.
    ///
    /// # Panics
    /// As [`check_linearizable`].
    #[track_caller]
    pub fn run<S, T>(
        self,
        subject: T,
        start: Start<S>,
        strategy: impl Strategy<Value = Lanes<S::Call>>,
    ) where
        S: Portable,
        T: Subject<S>,
    {
        match self.check(subject, start, strategy) {
            Ok(Checked {
                failure: Some(failure),
                ..
            }) => panic!("{failure}"),
            Ok(checked) => assert!(checked.steps > 0, "blind: the lanes made no step"),
            Err(error) => panic!("nothing was explored: {error}"),
        }
    }

    /// Checks, and tells what came of it. With `FORKPROOF_REPLAY` in the environment it runs that one schedule of those
    /// calls, if it is one of this subject.
    ///
    /// # Errors
    /// [`ExploreError`]: there was no run. What a run finds is in what is told.
    pub fn check<S, T>(
        self,
        subject: T,
        start: Start<S>,
        strategy: impl Strategy<Value = Lanes<S::Call>>,
    ) -> Result<Checked<S>, ExploreError>
    where
        S: Portable,
        T: Subject<S>,
    {
        let program = program_of::<T>();
        if let Some(replay) = asked_for(&program).map_err(ExploreError::Explorer)? {
            return replayed(subject, &start, program, replay);
        }
        let mut runner = cases::runner(self.cases, MOST_SHRINKING, cases::seeded(self.seed));
        let case = |lanes: Lanes<S::Call>| (subject.clone(), start.state.clone(), lanes);
        let explore = |lanes: Lanes<S::Call>, shrinks| {
            let named = Named {
                program: program.clone(),
                arguments: replay::words(&lanes),
                replayed: None,
                shrinks,
                again: Again::Test,
            };
            self.exploration
                .explore(named, &case(lanes), set_up::<S, T>)
        };
        let checked = RefCell::new(Checked::nothing());
        let trouble = Cell::new(None);
        let outcome = runner.run(&strategy, |lanes| match explore(lanes, false) {
            Ok(report) => checked.borrow_mut().learn(&report),
            Err(error) => {
                trouble.set(Some(error));
                Err(TestCaseError::fail("no run"))
            }
        });
        if let Some(error) = trouble.take() {
            return Err(error);
        }
        let mut checked = checked.into_inner();
        match outcome {
            Ok(()) => {}
            Err(TestError::Fail(_, mut lanes)) => {
                while let Some(fewer) = joined(&lanes, |fewer| {
                    let report = explore(fewer.clone(), false)?;
                    Ok(checked.learn(&report).is_err())
                })? {
                    lanes = fewer;
                }
                let report = explore(lanes.clone(), true)?;
                checked.failure = Some(Failure {
                    case: checked.cases,
                    lanes,
                    report,
                });
            }
            Err(TestError::Abort(why)) => {
                return Err(ExploreError::Explorer(format!(
                    "no calls were drawn: {why}"
                )));
            }
        }
        Ok(checked)
    }
}

/// Fewer lanes that fail too: the calls of one behind those of another.
fn joined<C: Clone>(
    lanes: &Lanes<C>,
    mut fails: impl FnMut(&Lanes<C>) -> Result<bool, ExploreError>,
) -> Result<Option<Lanes<C>>, ExploreError> {
    let all = 0..lanes.len();
    let pairs = all
        .clone()
        .flat_map(|to| all.clone().map(move |from| (to, from)));
    for (to, from) in pairs.filter(|(to, from)| to != from && lanes.len() > 2) {
        let mut fewer = lanes.clone();
        let behind = lanes[from].iter().cloned();
        fewer[to].extend(behind);
        fewer.remove(from);
        if fails(&fewer)? {
            return Ok(Some(fewer));
        }
    }
    Ok(None)
}

fn replayed<S: Portable, T: Subject<S>>(
    subject: T,
    start: &Start<S>,
    program: String,
    replay: Replay,
) -> Result<Checked<S>, ExploreError> {
    let lanes: Lanes<S::Call> = replay::from_words(&replay.arguments).ok_or_else(|| {
        ExploreError::Explorer(format!(
            "{:?} in the string are no calls of {program}",
            replay.arguments
        ))
    })?;
    let arguments = (subject, start.state.clone(), lanes.clone());
    let named = Named {
        program,
        arguments: replay.arguments.clone(),
        replayed: Some(replay),
        shrinks: false,
        again: Again::Test,
    };
    let report = portfolio(0).explore(named, &arguments, set_up::<S, T>)?;
    let mut checked = Checked::nothing();
    let failed = checked.learn(&report).is_err();
    checked.failure = failed.then_some(Failure {
        case: 1,
        lanes,
        report,
    });
    Ok(checked)
}

fn set_up<S: Portable, T: Subject<S>>(
    stage: &mut Stage,
    (subject, state, lanes): (T, S::State, Lanes<S::Call>),
) {
    let object = subject.set_up(stage);
    let judged = stage.judged(S::starting(state));
    for (number, calls) in lanes.into_iter().enumerate() {
        let object = object.clone();
        stage.lane(&format!("lane {number}"), move |lane| {
            for call in &calls {
                judged.make(lane, call, |call| T::call(&object, call, lane));
            }
        });
    }
}

/// What was checked, and what was found.
#[derive(Debug)]
pub struct Checked<S: Spec> {
    /// Until one failed.
    pub cases: usize,
    /// Those of which every schedule was looked at.
    pub cases_in_full: usize,
    /// Of all cases, without what shrank them.
    pub schedules: usize,
    pub steps: usize,
    pub kills: usize,
    pub failure: Option<Failure<S>>,
    kind: Option<Discriminant<Ended>>,
}

/// Calls, and a schedule of them, that fail.
#[derive(Debug)]
pub struct Failure<S: Spec> {
    /// Which case it was, counted from 1.
    pub case: usize,
    /// Shrunk.
    pub lanes: Lanes<S::Call>,
    pub report: Report,
}

impl<S: Spec> Checked<S> {
    fn nothing() -> Checked<S> {
        Checked {
            cases: 0,
            cases_in_full: 0,
            schedules: 0,
            steps: 0,
            kills: 0,
            failure: None,
            kind: None,
        }
    }

    /// A case; and once one has failed, whether this one fails in the same way.
    fn learn(&mut self, report: &Report) -> Result<(), TestCaseError> {
        let kind = report.failure().map(|run| run.ended.kind());
        if self.kind.is_none() {
            self.cases += 1;
            self.cases_in_full += usize::from(report.tally.is_all());
            self.schedules += report.tally.schedules();
            self.steps += report.steps;
            self.kills += report.kills;
            self.kind = kind;
        }
        if kind.is_some() && kind == self.kind {
            Err(TestCaseError::fail("it fails"))
        } else {
            Ok(())
        }
    }
}

impl<S: Spec> Failure<S> {
    /// Calls of all lanes.
    pub fn calls(&self) -> usize {
        self.lanes.iter().map(Vec::len).sum()
    }
}

impl<S: Spec> fmt::Display for Failure<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (calls, lanes) = (self.calls(), self.lanes.len());
        writeln!(
            f,
            "case {}, shrunk to {calls} calls in {lanes} lanes:",
            self.case
        )?;
        for (number, lane) in self.lanes.iter().enumerate() {
            let calls: Vec<_> = lane.iter().map(|call| S::tell_call(call)).collect();
            writeln!(f, "  lane {number}: {}", calls.join(", "))?;
        }
        write!(f, "{}", self.report)
    }
}
