//! The turn: real processes that go one at a time, in a given order of steps.
//!
//! # How
//! An *explorer* process, which has one thread and nothing of the caller's, runs the set-up, forks the lanes
//! and gives the turn from one to the next at each [step](crate::sys::step). The lanes are real processes over
//! real shared memory; they sleep in real futexes, and are killed by real SIGKILLs. Because the set-up runs
//! elsewhere it captures nothing: what it needs travels as arguments. That makes it work in any `#[test]`
//! function, beside any others.
//!
//! # What a pass proves
//! That this schedule leads to no failure. Every access is in the order in which it was granted (sequential
//! consistency): memory orderings are for the loom models.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::boss;
use super::schedule::{Choice, Plan, Schedule};
use super::stage::Stage;
use super::trace::Trace;
use crate::shm::passage::{self, PassageError};
use crate::sys::child::Request;
use crate::sys::{fork, zygote};

/// One controlled run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub ended: Ended,
    /// The choices that were made: [`Plan::Exactly`] these is a replay.
    pub schedule: Schedule,
    pub kills: usize,
    pub trace: Trace,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Ended {
    #[error("well")]
    Well,
    /// In a lane, or in the last look (`finally`).
    #[error("{lane} panics: {text}")]
    Panicked { lane: String, text: String },
    #[error("deadlock: {}", asleep.iter().map(|(lane, word)| format!("{lane} sleeps on {word}"))
        .collect::<Vec<_>>().join(", "))]
    Deadlock { asleep: Vec<(String, String)> },
    #[error("no end after {choices} choices")]
    Endless { choices: usize },
    /// It exited, or was killed, by no choice of the schedule. The status is an exit code, or minus a signal.
    #[error("{lane} ended by itself, with status {status}")]
    LaneEnded { lane: String, status: i32 },
    #[error("the schedule does not fit this program: choice {at} is {wanted:?}")]
    Diverged { at: usize, wanted: Option<Choice> },
}

impl Run {
    pub fn is_well(&self) -> bool {
        self.ended == Ended::Well
    }

    /// The lanes' steps that were granted.
    pub fn steps(&self) -> usize {
        self.schedule
            .0
            .iter()
            .filter(|choice| matches!(choice, Choice::Go(_)))
            .count()
    }
}

/// Why there was no run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TurnError {
    #[error("the explorer cannot be started: {0}")]
    Start(#[from] io::Error),
    #[error("the set-up's arguments {0}")]
    Arguments(#[from] PassageError),
    #[error("the explorer failed: {0}")]
    Explorer(String),
}

/// Runs a scenario once.
///
/// ```
/// use forkproof::Value;
/// use forkproof::explore::{Ended, Plan, Stage, run};
///
/// fn two_deposits(stage: &mut Stage, opening: i32) {
///     let balance = Value::new(opening).unwrap();
///     stage.name("balance", &balance);
///     for name in ["first", "second"] {
///         let balance = balance.clone();
///         stage.lane(name, move || {
///             let seen = balance.get_unlocked();
///             balance.set_unlocked(seen + 1);
///         });
///     }
///     stage.finally(move || assert_eq!(balance.get_unlocked(), opening + 2));
/// }
///
/// // One after the other:
/// assert!(run(two_deposits, &200, Plan::Picks(vec![])).unwrap().is_well());
/// // The second reads before the first has written:
/// let lost = run(two_deposits, &200, Plan::About("a2b3a2b".parse().unwrap())).unwrap();
/// assert!(matches!(lost.ended, Ended::Panicked { .. }));
/// print!("{}", lost.trace);
/// // The same again:
/// let again = run(two_deposits, &200, Plan::Exactly(lost.schedule.clone())).unwrap();
/// assert_eq!(again, lost);
/// ```
///
/// # Errors
/// [`TurnError`]: there was no run. What a run finds is in [`Run::ended`].
pub fn run<A, F>(set_up: F, arguments: &A, plan: Plan) -> Result<Run, TurnError>
where
    A: Serialize + DeserializeOwned + 'static,
    F: Fn(&mut Stage, A) + Copy + 'static,
{
    let runs = run_all(set_up, arguments, &[plan])?;
    runs.into_iter()
        .next()
        .ok_or_else(|| TurnError::Explorer("it made no run".to_owned()))
}

/// Runs a scenario once for each plan, each time from its set-up on.
///
/// # Errors
/// As [`run`].
pub fn run_all<A, F>(set_up: F, arguments: &A, plans: &[Plan]) -> Result<Vec<Run>, TurnError>
where
    A: Serialize + DeserializeOwned + 'static,
    F: Fn(&mut Stage, A) + Copy + 'static,
{
    const {
        assert!(
            size_of::<F>() == 0,
            "a set-up captures nothing: it runs in another process; pass what it needs as arguments"
        )
    };
    let _: F = set_up;
    let parcel = passage::pack(arguments)?;
    let task = Task {
        arguments: parcel.bytes.clone(),
        plans: plans.to_vec(),
    };
    let task =
        postcard::to_allocvec(&task).map_err(|error| TurnError::Explorer(error.to_string()))?;
    let (mut answer, explorer_answer) = io::pipe()?;
    let mut fds = vec![explorer_answer.as_fd()];
    let shared = parcel.fds();
    fds.extend(shared);
    let request = Request {
        entry: explorer::<A, F>,
        payload: &task,
        fds: &fds,
        daemon: true,
        ends_with_parent: true,
        name: "explorer",
    };
    let child = zygote::start(&request)?;
    drop(explorer_answer);
    parcel.delivered();
    let mut bytes = Vec::new();
    answer.read_to_end(&mut bytes)?;
    let status = child.wait()?;
    let runs: Result<Vec<Run>, String> = postcard::from_bytes(&bytes)
        .map_err(|_| TurnError::Explorer(format!("it ended with status {}", status.code())))?;
    runs.map_err(TurnError::Explorer)
}

#[derive(Serialize, Deserialize)]
struct Task {
    arguments: Vec<u8>,
    plans: Vec<Plan>,
}

/// The explorer's main: the answer goes to the first descriptor; the others are the arguments'.
fn explorer<A, F>(payload: &[u8], mut fds: Vec<OwnedFd>) -> i32
where
    A: DeserializeOwned,
    F: Fn(&mut Stage, A) + Copy + 'static,
{
    let mut answer = io::PipeWriter::from(fds.remove(0));
    let runs = explore::<A, F>(payload, fds);
    let bytes = postcard::to_allocvec(&runs).expect("runs serialise");
    i32::from(answer.write_all(&bytes).is_err())
}

fn explore<A, F>(payload: &[u8], fds: Vec<OwnedFd>) -> Result<Vec<Run>, String>
where
    A: DeserializeOwned,
    F: Fn(&mut Stage, A) + Copy + 'static,
{
    // SAFETY: F has no bytes (run_all() asserts it), so every address holds it; it is Copy, and a value of it
    // was given to run_all(), of which this is a copy in another process of the same program.
    let set_up = unsafe { NonNull::<F>::dangling().as_ptr().read() };
    let _slower_without = fork::stay_on_this_core();
    let task: Task = postcard::from_bytes(payload).map_err(|error| error.to_string())?;
    let mut runs = Vec::with_capacity(task.plans.len());
    for plan in &task.plans {
        let fds = fds
            .iter()
            .map(OwnedFd::try_clone)
            .collect::<io::Result<_>>();
        let fds = fds.map_err(|error| error.to_string())?;
        let arguments = passage::unpack(&task.arguments, fds).map_err(|error| error.to_string())?;
        let mut stage = Stage::default();
        set_up(&mut stage, arguments);
        runs.push(boss::run(stage, plan).map_err(|error| error.to_string())?);
    }
    Ok(runs)
}
