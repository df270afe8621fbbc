//! The judge: pure, without any of the code that it judges.
//!
//! A [`Spec`] says what an object means when its calls come one after another. A [`History`] is what lanes
//! of calls were seen to do at once. [`judge()`] asks whether some order of the calls explains what was seen.
//!
//! ```
//! use forkproof::check::bank::{Bank, Call, Return};
//! use forkproof::check::{Event, History, Verdict, judge};
//!
//! // Two deposits of 1, of which both saw a balance of 1 afterwards: one was lost.
//! let deposit = || Event::<Bank>::returned(Call::Deposit { account: 0, amount: 1 }, Return::Balance(1));
//! let history = History {
//!     start: vec![0],
//!     lanes: vec![vec![deposit()], vec![deposit()]],
//!     end: Some(vec![1]),
//! };
//! assert!(matches!(judge(&history, 1_000), Verdict::Illegal(_)));
//! ```
//!
//! # What is not covered
//! Only the order within a lane is kept: of two calls of different lanes either may come first, even if one
//! had returned before the other began. A judge that knows when calls began and returned can refuse more.

pub mod bank;
pub mod dict;
mod history;
mod judge;
pub mod list;
pub mod queue;
pub mod sequence;

pub use history::{Event, History, Place};
pub use judge::{Dilemma, Verdict, judge};

use std::fmt::Debug;
use std::hash::Hash;

/// The sequential meaning of an object: a pure function from state and call to state and return.
pub trait Spec {
    type State: Clone + Eq + Hash + Debug;
    type Call: Debug;
    type Return: PartialEq + Debug;

    fn apply(state: &Self::State, call: &Self::Call) -> (Self::State, Self::Return);
}
