//! Errors under the names that Python gives them: the one table from ours to those.
//!
//! Where Python has no such error, as for the death of a lock's owner, ours keeps its own name.

use std::cell::RefCell;
use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

use crate::shm::Plain;
use crate::shm::passage::PassageError;
use crate::{
    ArrayError, BarrierError, BoundsError, ConditionFailure, GetError, HandshakeError, LockFailure,
    NetError, PipeError, PoolError, ProcessError, PutFailure, SemaphoreError, WaitError,
};

/// An error, as a step sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Raised {
    pub name: String,
    pub text: String,
}

pub type Answer<T = super::value::Value> = Result<T, Raised>;

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.text)
    }
}

impl std::error::Error for Raised {}

/// The name of a step that asks for what the runner does not have. No case expects it.
pub const UNKNOWN: &str = "unknown operation";

impl Raised {
    pub fn new(name: &str, text: impl fmt::Display) -> Raised {
        Raised {
            name: name.to_owned(),
            text: text.to_string(),
        }
    }

    pub fn type_error(text: impl fmt::Display) -> Raised {
        Raised::new("TypeError", text)
    }

    pub fn value_error(text: impl fmt::Display) -> Raised {
        Raised::new("ValueError", text)
    }

    /// A type of Rust's does not have what Python's has: a program with it does not compile.
    pub fn no_such(kind: &str, op: &str) -> Raised {
        Raised::new(
            "AttributeError",
            format!("'{kind}' object has no attribute '{op}'"),
        )
    }

    pub fn unknown(what: impl fmt::Display) -> Raised {
        Raised::new(UNKNOWN, what)
    }
}

thread_local! {
    static REFUSAL: RefCell<Option<Raised>> = const { RefCell::new(None) };
}

/// Keeps why an object does not travel until the library has reported that it does not.
pub fn remember(refusal: Raised) {
    REFUSAL.set(Some(refusal));
}

fn remembered(otherwise: Raised) -> Raised {
    REFUSAL.take().unwrap_or(otherwise)
}

impl From<io::Error> for Raised {
    fn from(error: io::Error) -> Raised {
        let name = match error.kind() {
            io::ErrorKind::NotFound => "FileNotFoundError",
            io::ErrorKind::AlreadyExists => "FileExistsError",
            io::ErrorKind::ConnectionRefused => "ConnectionRefusedError",
            io::ErrorKind::BrokenPipe => "BrokenPipeError",
            _ => "OSError",
        };
        Raised::new(name, error)
    }
}

impl From<LockFailure> for Raised {
    fn from(error: LockFailure) -> Raised {
        let name = match error {
            LockFailure::OwnerDied => "OwnerDied",
            LockFailure::NotRecoverable => "NotRecoverable",
            LockFailure::AlreadyHeld => "AlreadyHeld",
            LockFailure::TimedOut | LockFailure::WouldBlock => "TimeoutError",
            _ => "OSError",
        };
        Raised::new(name, error)
    }
}

impl From<ConditionFailure> for Raised {
    fn from(error: ConditionFailure) -> Raised {
        let name = match error {
            ConditionFailure::OwnerDied => "OwnerDied",
            ConditionFailure::NotRecoverable => "NotRecoverable",
            _ => "OSError",
        };
        Raised::new(name, error)
    }
}

impl From<SemaphoreError> for Raised {
    fn from(error: SemaphoreError) -> Raised {
        let name = match error {
            SemaphoreError::OverRelease { .. } => "ValueError",
            _ => "OSError",
        };
        Raised::new(name, error)
    }
}

impl From<BarrierError> for Raised {
    fn from(error: BarrierError) -> Raised {
        let name = match error {
            BarrierError::Broken | BarrierError::TimedOut => "BrokenBarrierError",
            _ => "OSError",
        };
        Raised::new(name, error)
    }
}

impl From<BoundsError> for Raised {
    fn from(error: BoundsError) -> Raised {
        let name = match error {
            BoundsError::Index { .. } => "IndexError",
            _ => "ValueError",
        };
        Raised::new(name, error)
    }
}

impl<T: Plain> From<ArrayError<'_, T>> for Raised {
    fn from(error: ArrayError<'_, T>) -> Raised {
        match error {
            ArrayError::Bounds(error) => error.into(),
            ArrayError::Lock(error) => error.failure().into(),
        }
    }
}

impl From<PassageError> for Raised {
    fn from(error: PassageError) -> Raised {
        match error {
            PassageError::Pack(_) => remembered(Raised::new("PicklingError", error)),
            PassageError::Unpack(_) => Raised::new("UnpicklingError", error),
            other => Raised::new("OSError", other),
        }
    }
}

impl From<PipeError> for Raised {
    fn from(error: PipeError) -> Raised {
        match error {
            PipeError::Disconnected | PipeError::PeerDied => Raised::new("EOFError", error),
            PipeError::Unsendable(error) | PipeError::Unreadable(error) => error.into(),
            PipeError::Mismatch { .. } => Raised::new("UnpicklingError", error),
            PipeError::BufferTooShort { .. } => Raised::new("BufferTooShort", error),
            PipeError::Io(error) => error.into(),
            other => Raised::new("OSError", other),
        }
    }
}

impl From<NetError> for Raised {
    fn from(error: NetError) -> Raised {
        match error {
            NetError::Disconnected => Raised::new("EOFError", error),
            NetError::Unsendable(error) | NetError::Unreadable(error) => error.into(),
            NetError::SharedObject => Raised::new("RuntimeError", error),
            NetError::Mismatch { .. } => Raised::new("UnpicklingError", error),
            NetError::BufferTooShort { .. } => Raised::new("BufferTooShort", error),
            NetError::Handshake {
                why: HandshakeError::HungUp,
                ..
            } => Raised::new("EOFError", error),
            NetError::Handshake { .. } | NetError::EmptyKey(_) => {
                Raised::new("AuthenticationError", error)
            }
            NetError::Connect { why, .. } | NetError::Bind { why, .. } | NetError::Io(why) => {
                why.into()
            }
            other => Raised::new("OSError", other),
        }
    }
}

impl From<WaitError> for Raised {
    fn from(error: WaitError) -> Raised {
        Raised::new("OSError", error)
    }
}

impl From<PutFailure> for Raised {
    fn from(error: PutFailure) -> Raised {
        match error {
            PutFailure::Full | PutFailure::TimedOut => Raised::new("Full", error),
            PutFailure::Closed => Raised::new("ValueError", error),
            PutFailure::Unsendable(error) => error.into(),
            PutFailure::Io(error) => error.into(),
            other => Raised::new("OSError", other),
        }
    }
}

impl From<GetError> for Raised {
    fn from(error: GetError) -> Raised {
        match error {
            GetError::Empty | GetError::TimedOut => Raised::new("Empty", error),
            GetError::Closed => Raised::new("ValueError", error),
            GetError::Unreadable(error) => error.into(),
            GetError::Io(error) => error.into(),
            other => Raised::new("OSError", other),
        }
    }
}

impl From<ProcessError> for Raised {
    fn from(error: ProcessError) -> Raised {
        match error {
            ProcessError::StillRunning | ProcessError::Closed => Raised::new("ValueError", error),
            ProcessError::Args(error) => error.into(),
            ProcessError::Io { source, .. } => source.into(),
            other => Raised::new("AssertionError", other),
        }
    }
}

impl From<PoolError> for Raised {
    fn from(error: PoolError) -> Raised {
        let name = match &error {
            PoolError::NoWorkers
            | PoolError::EmptyChunks
            | PoolError::Closed
            | PoolError::StillOpen
            | PoolError::NotReady => "ValueError",
            PoolError::TimedOut => "TimeoutError",
            PoolError::Unsendable(_) => {
                return remembered(Raised::new("PicklingError", error));
            }
            PoolError::UnsendableResult(_) => "MaybeEncodingError",
            PoolError::Unreadable(_) => "UnpicklingError",
            PoolError::WorkerDied { .. } => "WorkerDied",
            PoolError::NotTheParent => "AssertionError",
            PoolError::Start(_) => "AssertionError",
            PoolError::Terminated => "Terminated",
            PoolError::Initializer { .. } => "Initializer",
            _ => "OSError",
        };
        Raised::new(name, error)
    }
}
