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

use super::engine::{Explorer, Trouble};
use super::region::Region;
use super::stage::Stage;
use crate::shm::passage::{self, PassageError};
use crate::sys::child::Request;
use crate::sys::{fork, zygote};

/// Why nothing was explored: there was no run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExploreError {
    #[error("the explorer cannot be started: {0}")]
    Start(#[from] io::Error),
    #[error("the set-up's arguments {0}")]
    Arguments(#[from] PassageError),
    #[error("the explorer failed: {0}")]
    Explorer(String),
}

/// What an explorer is to do.
pub(super) trait Task: Serialize + DeserializeOwned + 'static {
    /// What comes of it.
    type Answer: Serialize + DeserializeOwned;

    /// In the explorer.
    ///
    /// # Errors
    /// [`Trouble`]. When the runs start anew, so does the task.
    fn run(&self, explorer: &mut Explorer) -> Result<Self::Answer, Trouble>;
}

/// What travels to the explorer.
#[derive(Serialize, Deserialize)]
struct Errand<T> {
    arguments: Vec<u8>,
    task: T,
}

/// Has an explorer do it.
pub(super) fn explore<T, A, F>(set_up: F, arguments: &A, task: T) -> Result<T::Answer, ExploreError>
where
    T: Task,
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
    let errand = Errand {
        arguments: parcel.bytes.clone(),
        task,
    };
    let errand = postcard::to_allocvec(&errand)
        .map_err(|error| ExploreError::Explorer(error.to_string()))?;
    let (mut answer, explorer_answer) = io::pipe()?;
    let mut fds = vec![explorer_answer.as_fd()];
    let shared = parcel.fds();
    fds.extend(shared);
    let request = Request {
        entry: explorer::<T, A, F>,
        payload: &errand,
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
    let result: Result<T::Answer, String> = postcard::from_bytes(&bytes)
        .map_err(|_| ExploreError::Explorer(format!("it ended with status {}", status.code())))?;
    result.map_err(ExploreError::Explorer)
}

/// The explorer's main: the answer goes to the first descriptor; the others are the arguments'.
fn explorer<T, A, F>(payload: &[u8], mut fds: Vec<OwnedFd>) -> i32
where
    T: Task,
    A: DeserializeOwned,
    F: Fn(&mut Stage, A) + Copy + 'static,
{
    let mut answer = io::PipeWriter::from(fds.remove(0));
    let result = run::<T, A, F>(payload, &fds).map_err(|error| error.to_string());
    let bytes = postcard::to_allocvec(&result).expect("what is told serialises");
    i32::from(answer.write_all(&bytes).is_err())
}

fn run<T, A, F>(payload: &[u8], fds: &[OwnedFd]) -> Result<T::Answer, Trouble>
where
    T: Task,
    A: DeserializeOwned,
    F: Fn(&mut Stage, A) + Copy + 'static,
{
    // SAFETY: F has no bytes (explore() asserts it), so every address holds it; it is Copy, and a value of it
    // was given to explore(), of which this is a copy in another process of the same program.
    let set_up = unsafe { NonNull::<F>::dangling().as_ptr().read() };
    let _slower_without = fork::stay_on_this_core();
    // Drawn here, once, so that all runs have hash maps of one order.
    let _keys = RandomState::new();
    let errand: Errand<T> = postcard::from_bytes(payload).map_err(io::Error::other)?;
    let stage = || {
        let fds = fds
            .iter()
            .map(OwnedFd::try_clone)
            .collect::<io::Result<_>>()?;
        let arguments = passage::unpack(&errand.arguments, fds).map_err(io::Error::other)?;
        let mut stage = Stage::new(Region::new()?);
        set_up(&mut stage, arguments);
        Ok(stage)
    };
    let mut explorer = Explorer::new(Box::new(stage))?;
    explorer.anew(|explorer| errand.task.run(explorer))
}
