//! forkproof: sharing data between processes, in the vocabulary of Python's `multiprocessing`.

// The tutorials say `use forkproof::..`, as a program outside of this crate does.
#[cfg(feature = "harness")]
extern crate self as forkproof;

#[cfg(feature = "harness")]
pub mod check;
pub mod data;
mod error;
#[cfg(feature = "harness")]
pub mod explore;
pub mod process;
pub mod raw;
pub mod shm;
pub mod sync;
pub mod sys;
#[cfg(feature = "harness")]
pub mod tutorial;
#[cfg(feature = "harness")]
pub mod verify;
pub mod world;
#[cfg(feature = "harness")]
pub mod zoo;

/// For structs of one's own in shared memory: see [`Plain`].
pub use bytemuck;
pub use data::{Array, ArrayError, ArrayGuard, BoundsError, Value, ValueGuard};
pub use error::{Error, Result};
pub use process::{
    ExitCode, Process, ProcessError, StartMethod, Status, active_children, current_process,
    parent_process, set_start_method,
};
pub use shm::Plain;
pub use sync::{Lock, LockError, LockFailure, LockGuard, RLock, RLockGuard};

/// For the macros of this crate.
#[doc(hidden)]
pub mod __private {
    pub use crate::process::spawnable;
    pub use crate::sys::exec::{SPAWNABLE, Spawnable};
    pub use linkme;
}

/// The README's examples, run.
#[cfg(all(doctest, feature = "harness"))]
#[doc = include_str!("../README.md")]
struct Readme;
