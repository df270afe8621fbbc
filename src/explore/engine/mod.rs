//! The engine of the controller: runs a program's lanes, which are real processes, one step at a time.
//!
//! The *boss* forks the lanes from the process in which the program was set up. From then on they and it hand a *turn*
//! to each other ([`control`]). Whoever has it reads and writes the *board*, where everything stands that a choice needs
//! ([`board`]); before each of its steps it makes the next choice ([`decide`]) and hands the turn over, if that is
//! another's.

mod board;
mod boss;
mod calls;
mod control;
mod course;
mod decide;
mod explorer;
mod family;
mod lane;
mod list;
mod overseen;
mod sleep;
mod spin;
mod steps;
mod told;

pub(super) use calls::{Called, Moment};
pub(super) use course::Course;
pub(super) use explorer::{Explorer, Trouble};
pub(super) use family::whose_life;
pub(super) use lane::call;
pub(super) use spin::Spin;
