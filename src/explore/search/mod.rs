//! Which schedules to run.

mod choices;
mod decide;
mod program;

pub use choices::{Choices, Lanes};
pub use decide::{Decision, Mind, commutes};
pub use program::{Death, End, Move, Orders, Program, Record, Sleeper, Then, Touch};
