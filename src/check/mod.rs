//! The judge: pure, without any of the code that it judges.
//!
//! A [`Spec`] says what an object means when its calls come one after another. A [`History`] is what lanes
//! of calls were seen to do at once. [`judge()`] asks whether some order of the calls explains what was seen
//! (Herlihy and Wing, "Linearizability", 1990).
//!
//! ```
//! use forkproof::check::bank::{Bank, Call, Return};
//! use forkproof::check::{Event, History, Verdict, judge};
//!
//! // Two deposits of 1, of which both saw a balance of 1 afterwards: one was lost.
//! let deposit = || Event::<Bank>::returned(Call::Deposit { account: 0, amount: 1 }, Return::Balance(1));
//! let history = History::of_lanes(vec![0], vec![vec![deposit()], vec![deposit()]], Some(vec![1]));
//! assert!(matches!(judge(&history, 1_000), Verdict::Illegal(_)));
//! ```
//!
//! # What is known of time
//! | history | made by | what comes before what | a pending call |
//! |---|---|---|---|
//! | of lanes | [`History::of_lanes`] | a lane's calls, in its order | took effect before all that its lane did later, or not |
//! | with times | [`Log`] | what returned, before what began later | took effect at any time after it began, or not |
//! | with an order | [`Log::took_effect`] | all: [`judge_in_order()`] decides in linear time | took effect if it has a number |
//!
//! # How it goes on
//! | file | has |
//! |---|---|
//! | `judge` | the verdict; each key for itself, in turn |
//! | `search`, `order` | the search, over the order of time or over each lane's own |
//! | `in_order` | the verdict on one order |
//! | `dilemma`, `drawing` | the witness, for a person |
//! | [`chain`], [`text`] | states that are cheap to copy and to compare |
//! | the others | a spec each |
//!
//! # What is not covered
//! A history of lanes says nothing of which lane came first: of two calls of different lanes either may, even if one
//! had returned before the other began. A history that is legal is explained, not proved to be what happened. A
//! condition variable has no spec: which sleeper a notification wakes is not told by what was called before.

pub mod array;
pub mod bank;
pub mod barrier;
pub mod chain;
pub mod dict;
mod dilemma;
mod drawing;
pub mod event;
mod history;
mod in_order;
pub mod independent;
pub mod joinable_queue;
mod judge;
pub mod list;
pub mod lock;
mod log;
pub mod namespace;
mod order;
pub mod queue;
pub mod register;
pub mod rlock;
mod search;
pub mod semaphore;
pub mod sequence;
pub mod store;
pub mod text;
pub mod value;

pub use dilemma::Dilemma;
pub use history::{Event, History, Place, Span};
pub use in_order::{OrderError, judge_in_order};
pub use judge::{Verdict, judge};
pub use log::Log;

use std::fmt::Debug;
use std::hash::Hash;

/// The sequential meaning of an object: a pure function from state and call to state and return.
///
/// A call that has to wait in some state (a lock that is held) returns there what no history holds, by convention
/// `Waits`: so it can come only where it need not wait.
pub trait Spec {
    /// A search copies, compares and hashes as many as it tries calls: see [`chain`] for long ones.
    type State: Clone + Eq + Hash + Debug;
    type Call: Debug;
    type Return: PartialEq + Debug;

    fn apply(state: &Self::State, call: &Self::Call) -> (Self::State, Self::Return);

    /// What of the object the call is about, if that is all that it reads and writes, and no call with another key
    /// does so. None: it may be about all.
    fn key(_call: &Self::Call) -> Option<String> {
        None
    }

    /// Whether the call leaves every state as it is. A search is faster for knowing, and panics if it is not so.
    fn only_reads(_call: &Self::Call) -> bool {
        false
    }

    /// The object as it is at first.
    fn starting(state: Self::State) -> Start<Self>
    where
        Self: Sized,
    {
        Start { state }
    }

    /// A call for a person.
    fn tell_call(call: &Self::Call) -> String {
        format!("{call:?}")
    }

    /// A return for a person.
    fn tell_return(returned: &Self::Return) -> String {
        format!("{returned:?}")
    }

    /// A call and its return for a person; `None` if it is pending.
    fn tell(call: &Self::Call, returned: Option<&Self::Return>) -> String {
        let call = Self::tell_call(call);
        match returned {
            Some(returned) => format!("{call} -> {}", Self::tell_return(returned)),
            None => format!("{call} -> (no return)"),
        }
    }
}

/// An object that a spec is of, in the state in which it is at first. Made by [`Spec::starting`].
pub struct Start<S: Spec> {
    pub state: S::State,
}

impl<S: Spec> Clone for Start<S> {
    fn clone(&self) -> Self {
        let state = self.state.clone();
        Start { state }
    }
}

impl<S: Spec> Debug for Start<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "starting as {:?}", self.state)
    }
}
