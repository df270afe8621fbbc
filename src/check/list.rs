//! A list that grows: what is appended stays, in its order.

use serde::{Deserialize, Serialize};

use super::Spec;
use super::chain::Chain;

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
    type State = Chain<u32>;
    type Call = Call;
    type Return = Return;

    fn apply(items: &Chain<u32>, call: &Call) -> (Chain<u32>, Return) {
        match *call {
            Call::Append { item } => (items.push(item), Return::At(items.len())),
            Call::Len => (items.clone(), Return::Len(items.len())),
        }
    }

    fn only_reads(call: &Call) -> bool {
        *call == Call::Len
    }
}
