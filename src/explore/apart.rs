//! The explorer: a process of one thread, and of nothing of the caller's, in which a program is set up and run.
//!
//! Because the set-up runs elsewhere it captures nothing: what it needs travels as arguments. That makes it work in any
//! `#[test]` function, beside any others, whatever threads the caller has.

use std::hash::RandomState;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::engine::{Course, Explorer, Trouble};
use super::exploration::{self, Explored, Wish};
use super::outcomes::{self, Collected};
use super::region::Region;
use super::run::Run;
use super::schedule::Plan;
use super::search::Search;
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

/// What the explorer is to do.
#[derive(Serialize, Deserialize)]
pub(super) enum Work {
    /// A run for each plan; `in_full`: also the events of those that go well.
    Plans {
        plans: Vec<Plan>,
        in_full: bool,
    },
    Search(Wish),
    Outcomes(Search),
}

/// What came of it.
#[derive(Serialize, Deserialize)]
pub(super) enum Done {
    Runs(Vec<Run>),
    Explored(Box<Explored>),
    Outcomes(Collected),
}

#[derive(Serialize, Deserialize)]
struct Task {
    arguments: Vec<u8>,
    work: Work,
}

/// Has an explorer do it.
pub(super) fn explore<A, F>(set_up: F, arguments: &A, work: Work) -> Result<Done, TurnError>
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
        work,
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
    let result: Result<Done, String> = postcard::from_bytes(&bytes)
        .map_err(|_| TurnError::Explorer(format!("it ended with status {}", status.code())))?;
    result.map_err(TurnError::Explorer)
}

/// The explorer's main: the answer goes to the first descriptor; the others are the arguments'.
fn explorer<A, F>(payload: &[u8], mut fds: Vec<OwnedFd>) -> i32
where
    A: DeserializeOwned,
    F: Fn(&mut Stage, A) + Copy + 'static,
{
    let mut answer = io::PipeWriter::from(fds.remove(0));
    let result = work::<A, F>(payload, &fds);
    let bytes = postcard::to_allocvec(&result).expect("what is told serialises");
    i32::from(answer.write_all(&bytes).is_err())
}

fn work<A, F>(payload: &[u8], fds: &[OwnedFd]) -> Result<Done, String>
where
    A: DeserializeOwned,
    F: Fn(&mut Stage, A) + Copy + 'static,
{
    // SAFETY: F has no bytes (explore() asserts it), so every address holds it; it is Copy, and a value of it
    // was given to explore(), of which this is a copy in another process of the same program.
    let set_up = unsafe { NonNull::<F>::dangling().as_ptr().read() };
    let _slower_without = fork::stay_on_this_core();
    // Drawn here, once, so that all runs have hash maps of one order.
    let _keys = RandomState::new();
    let task: Task = postcard::from_bytes(payload).map_err(|error| error.to_string())?;
    // In a box: one engine for all programs, and not one compiled for each.
    let stage: Box<dyn Fn() -> io::Result<Stage> + '_> = Box::new(|| {
        let fds = fds
            .iter()
            .map(OwnedFd::try_clone)
            .collect::<io::Result<_>>()?;
        let arguments = passage::unpack(&task.arguments, fds).map_err(io::Error::other)?;
        let mut stage = Stage::new(Region::new()?);
        set_up(&mut stage, arguments);
        Ok(stage)
    });
    let mut explorer = Explorer::new(stage).map_err(|error| error.to_string())?;
    match &task.work {
        Work::Plans { plans, in_full } => {
            let runs = plans
                .iter()
                .map(|plan| follow(&mut explorer, plan, *in_full));
            Ok(Done::Runs(runs.collect::<Result<_, _>>()?))
        }
        Work::Search(wish) => {
            let explored = exploration::explore(&mut explorer, wish);
            let explored = explored.map_err(|error| error.to_string())?;
            Ok(Done::Explored(Box::new(explored)))
        }
        Work::Outcomes(search) => {
            let collected = outcomes::collect(&mut explorer, *search);
            Ok(Done::Outcomes(
                collected.map_err(|error| error.to_string())?,
            ))
        }
    }
}

fn follow(
    explorer: &mut Explorer<impl Fn() -> io::Result<Stage>>,
    plan: &Plan,
    in_full: bool,
) -> Result<Run, String> {
    let in_full = in_full || matches!(plan, Plan::Exactly(_));
    let order = |course: &mut Course| course.follow(plan);
    loop {
        match explorer.run(&order, in_full) {
            Err(Trouble::StartsAnew) => {}
            told => return Ok(told.map_err(|error| error.to_string())?.run),
        }
    }
}
