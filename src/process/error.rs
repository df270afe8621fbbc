//! What can go wrong with a process, as its parent sees it.

use std::io;

use crate::shm::passage::PassageError;
use crate::sys::direct::Refusal;

/// Why a call on a [`Process`](super::Process) did nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// A process is started once.
    #[error("the process has been started already: make another")]
    AlreadyStarted,
    /// There is nothing to wait for or to signal yet.
    #[error("the process has not been started")]
    NotStarted,
    /// Only what has ended can be closed.
    #[error("the process is still running: join it first, or terminate it")]
    StillRunning,
    /// `close` was called.
    #[error("the process has been closed")]
    Closed,
    /// A daemon is killed without warning when its parent ends, and would leave its children behind.
    #[error("a daemon may not start processes")]
    DaemonHasNoChildren,
    /// See [`StartMethod::Fork`](super::StartMethod::Fork).
    #[error(
        "fork is unsafe here: the process has {count} threads, and what the others have locked would stay \
         locked in the child; start with StartMethod::Zygote"
    )]
    Threads { count: usize },
    /// A closure exists in memory only, so only a fork has it.
    #[error("a closure can be started with StartMethod::Fork only")]
    ClosureNeedsFork,
    /// The process was made by another one, of which the calling process is a fork.
    #[error("only the process that made it can use it")]
    NotTheParent,
    /// The arguments cannot be sent.
    #[error("an argument {0}")]
    Args(#[from] PassageError),
    /// The kernel refused.
    #[error("cannot {doing} the process: {source}")]
    Io {
        doing: &'static str,
        source: io::Error,
    },
}

impl ProcessError {
    pub(super) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> ProcessError {
        move |source| ProcessError::Io { doing, source }
    }
}

impl From<Refusal> for ProcessError {
    fn from(refusal: Refusal) -> ProcessError {
        match refusal {
            Refusal::Threads(count) => ProcessError::Threads { count },
            Refusal::Io(source) => ProcessError::io("start")(source),
        }
    }
}
