//! Checking by running: loom's model of memory, and real processes in a chosen order.

pub mod dice;
mod engine;
pub mod loom;
mod region;
mod replay;
mod run;
mod schedule;
pub mod search;
mod stage;
mod trace;
mod turn;

pub use replay::{NotAReplay, Replay};
pub use run::{Ended, Run};
pub use schedule::{Choice, MAX_LANES, NotASchedule, Plan, Schedule};
pub use stage::{Lane, Shared, Stage};
pub use trace::{Event, Trace};
pub use turn::{TurnError, run, run_all};
