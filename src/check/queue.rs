//! A queue: first in, first out, and no more items at once than its capacity.

use serde::{Deserialize, Serialize};

use super::Spec;

/// The sequential queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// In items; `None`: no bound.
    pub capacity: Option<usize>,
    /// The oldest first.
    pub items: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call {
    /// Puts, unless the queue is full.
    TryPut {
        item: u32,
    },
    /// Gets, unless the queue is empty.
    TryGet,
    Len,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return {
    Put,
    Full,
    Got(u32),
    Empty,
    Len(usize),
}

impl Spec for Queue {
    type State = State;
    type Call = Call;
    type Return = Return;

    fn apply(queue: &State, call: &Call) -> (State, Return) {
        let mut after = queue.clone();
        let returned = match *call {
            Call::TryPut { .. } if Some(queue.items.len()) == queue.capacity => Return::Full,
            Call::TryPut { item } => {
                after.items.push(item);
                Return::Put
            }
            Call::TryGet if queue.items.is_empty() => Return::Empty,
            Call::TryGet => Return::Got(after.items.remove(0)),
            Call::Len => Return::Len(queue.items.len()),
        };
        (after, returned)
    }
}
