//! Checking by running: loom's model of memory, and real processes in a chosen order.

mod boss;
pub mod dice;
mod lane;
pub mod loom;
mod replay;
mod schedule;
pub mod search;
mod stage;
mod trace;
mod turn;

pub use replay::{NotAReplay, Replay};
pub use schedule::{Choice, MAX_LANES, NotASchedule, Plan, Schedule};
pub use stage::Stage;
pub use trace::{Event, Trace};
pub use turn::{Ended, Run, TurnError, run, run_all};
