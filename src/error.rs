//! One error type for programs that use `?`.

use std::io;

use crate::data::{
    ArrayError, BoundsError, GetError, JoinError, PipeError, PutError, PutFailure,
    ShareableListError, TaskError, WaitError,
};
use crate::manager::ManagerError;
use crate::net::{EmptyKey, NetError, NoAddress};
use crate::process::{PoolError, ProcessError};
use crate::shm::Plain;
use crate::sync::{
    BarrierError, ConditionError, ConditionFailure, LockError, LockFailure, SemaphoreError,
};

/// Everything that can go wrong in this library, without the guards that [`LockError`] may hold: the `?`
/// operator drops them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Lock(#[from] LockFailure),
    #[error(transparent)]
    Semaphore(#[from] SemaphoreError),
    #[error(transparent)]
    Condition(#[from] ConditionFailure),
    #[error(transparent)]
    Barrier(#[from] BarrierError),
    #[error(transparent)]
    Bounds(#[from] BoundsError),
    #[error(transparent)]
    ShareableList(#[from] ShareableListError),
    #[error(transparent)]
    Pipe(#[from] PipeError),
    #[error(transparent)]
    Wait(#[from] WaitError),
    #[error(transparent)]
    Put(#[from] PutFailure),
    #[error(transparent)]
    Get(#[from] GetError),
    #[error(transparent)]
    Task(#[from] TaskError),
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error(transparent)]
    Process(#[from] ProcessError),
    #[error(transparent)]
    Net(#[from] NetError),
    #[error(transparent)]
    Address(#[from] NoAddress),
    #[error(transparent)]
    Pool(#[from] PoolError),
    #[error(transparent)]
    Manager(#[from] ManagerError),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<EmptyKey> for Error {
    fn from(error: EmptyKey) -> Error {
        Error::Net(error.into())
    }
}

/// Drops the guard; see [`LockFailure`].
impl<G> From<LockError<G>> for Error {
    fn from(error: LockError<G>) -> Error {
        Error::Lock(error.failure())
    }
}

/// Drops the guard; see [`ConditionFailure`].
impl<G> From<ConditionError<G>> for Error {
    fn from(error: ConditionError<G>) -> Error {
        Error::Condition(error.failure())
    }
}

/// Drops the guard; see [`LockFailure`].
impl<T: Plain> From<ArrayError<'_, T>> for Error {
    fn from(error: ArrayError<'_, T>) -> Error {
        match error {
            ArrayError::Bounds(error) => Error::Bounds(error),
            ArrayError::Lock(error) => error.into(),
        }
    }
}

/// Drops the item; see [`PutFailure`].
impl<T> From<PutError<T>> for Error {
    fn from(error: PutError<T>) -> Error {
        Error::Put(error.into())
    }
}
