//! A barrier: no one leaves a round before all have arrived in it.
//!
//! A wait is no single step: it arrives, and leaves later, and others arrive in between. So it is told as two calls,
//! [`Arrive`](Call::Arrive) and [`Leave`](Call::Leave), each of which may be at any time between the wait's beginning
//! and its return; as both are open at once, each party has two lanes.
//!
//! What breaks a barrier (a time-out, a death, `abort`) is not covered: until when a round may still be broken is not a
//! matter of the calls alone.

use serde::{Deserialize, Serialize};

use super::Spec;

/// The sequential barrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barrier {}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State {
    /// How many must arrive, at least 1.
    pub parties: usize,
    /// Who has arrived in the round, in order. Fewer than the parties.
    pub arrived: Vec<u32>,
    /// Who may leave an earlier round and has not yet, in ascending order.
    pub leaving: Vec<u32>,
}

impl State {
    /// # Panics
    /// If there are no parties.
    pub fn new(parties: usize) -> State {
        assert!(parties > 0, "a barrier has a party");
        State {
            parties,
            arrived: Vec::new(),
            leaving: Vec::new(),
        }
    }
}

/// Who it is, is a number: the lane's, or that of its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call {
    Arrive {
        who: u32,
    },
    /// Waits until all have arrived.
    Leave {
        who: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return {
    /// So many had arrived in this round before.
    Arrived(usize),
    Left,
    /// No history holds this: the caller has not left the round before, or may not leave yet.
    Waits,
}

impl Spec for Barrier {
    type State = State;
    type Call = Call;
    type Return = Return;

    fn apply(barrier: &State, call: &Call) -> (State, Return) {
        let mut after = barrier.clone();
        let returned = match call {
            Call::Arrive { who } if after.arrived.contains(who) || after.leaving.contains(who) => {
                Return::Waits
            }
            Call::Arrive { who } => {
                let before = after.arrived.len();
                after.arrived.push(*who);
                if after.arrived.len() == after.parties {
                    after.leaving.append(&mut after.arrived);
                    after.leaving.sort_unstable();
                }
                Return::Arrived(before)
            }
            Call::Leave { who } => match after.leaving.binary_search(who) {
                Ok(place) => {
                    after.leaving.remove(place);
                    Return::Left
                }
                Err(_) => Return::Waits,
            },
        };
        (after, returned)
    }
}
