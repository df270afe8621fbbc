//! Managers, in real processes.

use forkproof::manager::{Kind, ManagerError};

mod ends;
mod lists;
#[cfg(feature = "harness")]
mod models;
mod own;
mod pools;
mod sync;

/// What the server raised.
fn kind<T: std::fmt::Debug>(outcome: Result<T, ManagerError>) -> Kind {
    let error = outcome.unwrap_err();
    error.kind().unwrap_or_else(|| panic!("{error}"))
}
