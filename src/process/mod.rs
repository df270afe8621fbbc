//! Processes: a function with its arguments, run in a process of its own.
//!
//! ```
//! use forkproof::{Process, Value};
//!
//! fn deposit(balance: Value<i32>, amount: i32) {
//!     balance.update(|sum| *sum += amount).expect("no owner died");
//! }
//!
//! let balance = Value::new(200)?;
//! let p = Process::new(deposit, (balance.clone(), 100));
//! p.start()?;
//! assert_eq!(p.join()?, 0);
//! assert_eq!(balance.get()?, 300);
//! # Ok::<(), forkproof::Error>(())
//! ```
//!
//! | state | `start` | `join` | `terminate`, `kill` | `close` | `exit_code` |
//! |---|---|---|---|---|---|
//! | made | → running | `NotStarted` | `NotStarted` | → closed | `None` |
//! | running | `AlreadyStarted` | waits | signals | `StillRunning` | `None` |
//! | ended | `AlreadyStarted` | the exit code | nothing | → closed | the exit code |
//! | closed | `Closed` | `Closed` | `Closed` | nothing | `None` |
//!
//! # When a process dies
//! A child that is killed has minus the signal's number for its exit code. When the *parent* is killed, its
//! daemons are killed, and those that [are to die with it](Process::dies_with_parent): by its zygote, and by the kernel
//! if that is dead, too. Its other children go on; at its normal end it waits for them.
//!
//! # What is not here
//! Threads: a child starts with one. Handles of a process cannot be sent to another process. Standard output
//! that a test harness captures is captured in its own process only: a child writes to the real one.

mod authkey;
mod children;
mod current;
mod error;
mod handle;
mod outcome;
pub mod pool;
mod start_method;
mod target;

pub use children::active_children;
pub use current::{CurrentProcess, ParentProcess, current_process, parent_process};
pub use error::ProcessError;
pub use handle::{Process, Status};
pub use outcome::{ExitCode, Outcome};
pub(crate) use pool::PoolWatch;
pub use pool::{
    AsyncResult, Calls, Failure, Imap, LostTask, Pool, PoolBuilder, PoolError, TaskPanic,
};
pub use start_method::{StartMethod, set_start_method, start_method};
pub use target::{Argument, Target, spawnable};
