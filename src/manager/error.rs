//! What goes wrong with a manager and its objects.

use std::io;

use serde::{Deserialize, Serialize};

use super::item::{ItemError, NoOrder, Unhashable};
use crate::net::NetError;
use crate::process::{PoolError, ProcessError};

/// Why a call of a proxy, or of a manager, did not do what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManagerError {
    /// The object refused, in the server. It is as it was.
    #[error(transparent)]
    Raised(#[from] Raised),
    /// The server has ended: it was shut down, its last manager was dropped, or it was killed. Whether the call was
    /// still done cannot be known.
    #[error("the manager's server has ended")]
    ServerGone,
    /// The server has cut this thread's connection, as after a record that means nothing.
    #[error("the manager's server has closed this connection")]
    Disconnected,
    /// The manager was not started, or has been shut down.
    #[error("the manager has not been started, or has been shut down")]
    NotRunning,
    /// A manager is started once.
    #[error("the manager has been started already, or shut down: make another")]
    AlreadyStarted,
    /// What a [pool](super::PoolProxy) of the manager's refuses, or what befell it, or a task in it: as it is told of a
    /// [`Pool`](crate::Pool) of one's own. What the server's kernel has refused comes with its number, or its text.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// A value that cannot be an item, or an item that is not what the proxy's type says.
    #[error("the value: {0}")]
    Item(#[from] ItemError),
    /// What is to be sent, with what was sent before, is longer than the server takes from one.
    #[error("a request of more than {most_bytes} bytes")]
    TooLarge { most_bytes: usize },
    /// The manager was started elsewhere, and cannot be ended from here.
    #[error("the manager was started elsewhere, and cannot be ended from here")]
    NotOurs,
    /// A proxy of another manager is in it, and the server is reached over a network.
    #[error("a proxy of another manager cannot be sent over a network")]
    CannotLeave,
    /// The server at an address cannot be reached, or refuses the key; or an address cannot be listened at.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The server's process cannot be made, or not be ended.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// No memory, or no descriptors left.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// An error that an object in the server raised: its kind, by the name of Python's, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{kind:?}: {text}")]
pub struct Raised {
    pub kind: Kind,
    pub text: String,
}

/// Of an error in the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Kind {
    /// No such key.
    KeyError,
    /// No such place.
    IndexError,
    /// Not this value, or not now.
    ValueError,
    /// Not a value of this type.
    TypeError,
    /// No such method, or attribute.
    AttributeError,
    /// A number that does not fit.
    OverflowError,
    /// A lock that the caller does not hold.
    RuntimeError,
    /// The queue was full, for the whole time.
    Full,
    /// The queue was empty, for the whole time.
    Empty,
    /// The barrier is broken, or was reset.
    BrokenBarrierError,
    /// No more results.
    StopIteration,
    /// No result, for the whole time.
    TimeoutError,
    /// Tasks are unfinished whose worker is gone.
    WorkerDied,
    /// No such object, or a method that panicked; what befell a pool, or a task.
    RemoteError,
}

impl ManagerError {
    /// What kind of error an object raised, if that is what it is; a pool's, by what Python's raises.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            ManagerError::Raised(raised) => Some(raised.kind),
            ManagerError::Pool(error) => Some(kind_of(error)),
            _ => None,
        }
    }
}

fn kind_of(error: &PoolError) -> Kind {
    match error {
        PoolError::NoWorkers
        | PoolError::EmptyChunks
        | PoolError::Closed
        | PoolError::Terminated
        | PoolError::StillOpen
        | PoolError::NotReady => Kind::ValueError,
        PoolError::Unknown { .. } | PoolError::UnknownInitializer { .. } => Kind::AttributeError,
        PoolError::TimedOut => Kind::TimeoutError,
        _ => Kind::RemoteError,
    }
}

impl Kind {
    /// An error of this kind.
    pub fn says(self, text: impl Into<String>) -> Raised {
        Raised {
            kind: self,
            text: text.into(),
        }
    }
}

impl From<Unhashable> for Raised {
    fn from(error: Unhashable) -> Raised {
        Kind::TypeError.says(error.to_string())
    }
}

impl From<NoOrder> for Raised {
    fn from(error: NoOrder) -> Raised {
        Kind::TypeError.says(error.to_string())
    }
}

impl From<ItemError> for Raised {
    fn from(error: ItemError) -> Raised {
        Kind::TypeError.says(error.to_string())
    }
}
