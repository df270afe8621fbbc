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

use super::engine::{Course, Explorer, Trouble};
use super::region::Region;
use super::run::Run;
use super::schedule::Plan;
use super::stage::Stage;
use crate::shm::passage::{self, PassageError};
use crate::sys::child::Request;
use crate::sys::{fork, zygote};

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
///         stage.lane(name, move |_| {
///             let seen = balance.get_unlocked();
///             balance.set_unlocked(seen + 1);
///         });
///     }
///     stage.finally(move |_| assert_eq!(balance.get_unlocked(), opening + 2));
/// }
///
/// // One after the other:
/// assert!(run(two_deposits, &200, Plan::Picks(vec![])).unwrap().is_well());
/// // The second reads before the first has written:
/// let lost = run(two_deposits, &200, Plan::About("ab2a2b".parse().unwrap())).unwrap();
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
    let runs = explore_apart(set_up, arguments, &[plan], true)?;
    runs.into_iter()
        .next()
        .ok_or_else(|| TurnError::Explorer("it made no run".to_owned()))
}

/// Runs a scenario once for each plan, each time as its set-up left it. Runs that go well are told without events,
/// unless the plan is a replay ([`Plan::Exactly`]).
///
/// # Errors
/// As [`run`].
pub fn run_all<A, F>(set_up: F, arguments: &A, plans: &[Plan]) -> Result<Vec<Run>, TurnError>
where
    A: Serialize + DeserializeOwned + 'static,
    F: Fn(&mut Stage, A) + Copy + 'static,
{
    explore_apart(set_up, arguments, plans, false)
}

/// In an explorer process.
fn explore_apart<A, F>(
    set_up: F,
    arguments: &A,
    plans: &[Plan],
    in_full: bool,
) -> Result<Vec<Run>, TurnError>
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
        in_full,
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
    /// Also the events of runs that go well.
    in_full: bool,
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
    let stage = || {
        let fds = fds
            .iter()
            .map(OwnedFd::try_clone)
            .collect::<io::Result<_>>()?;
        let arguments = passage::unpack(&task.arguments, fds).map_err(io::Error::other)?;
        let mut stage = Stage::new(Region::new()?);
        set_up(&mut stage, arguments);
        Ok(stage)
    };
    let mut explorer = Explorer::new(stage).map_err(|error| error.to_string())?;
    let runs = task.plans.iter().map(|plan| {
        let in_full = task.in_full || matches!(plan, Plan::Exactly(_));
        let order = |course: &mut Course| course.follow(plan);
        let told = match explorer.run(&order, in_full) {
            Err(Trouble::StartsAnew) => explorer.run(&order, in_full),
            told => told,
        };
        Ok(told.map_err(|error| error.to_string())?.run)
    });
    runs.collect()
}
