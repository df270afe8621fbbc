//! forkproof: sharing data between processes, in the vocabulary of Python's `multiprocessing`.

pub mod data;
mod error;
#[cfg(feature = "harness")]
pub mod explore;
pub mod raw;
pub mod shm;
pub mod sync;
pub mod sys;
pub mod world;
#[cfg(feature = "harness")]
pub mod zoo;

pub use data::{Array, ArrayError, ArrayGuard, BoundsError, Value, ValueGuard};
pub use error::{Error, Result};
pub use shm::Plain;
pub use sync::{Lock, LockError, LockFailure, LockGuard, RLock, RLockGuard};
