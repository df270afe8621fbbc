//! A list that grows: what is appended stays, in its order.

use serde::{Deserialize, Serialize};

use super::Spec;

/// The sequential list. Its state is its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call {
    Append { item: u32 },
    Len,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return {
    /// Where the item stands, counted from 0.
    At(usize),
    Len(usize),
}

impl Spec for List {
    type State = Vec<u32>;
    type Call = Call;
    type Return = Return;

    fn apply(items: &Vec<u32>, call: &Call) -> (Vec<u32>, Return) {
        let mut after = items.clone();
        let returned = match *call {
            Call::Append { item } => {
                after.push(item);
                Return::At(items.len())
            }
            Call::Len => Return::Len(items.len()),
        };
        (after, returned)
    }
}
