//! A list that grows and shrinks at its end, whose `append` returns nothing, as Python's.

use serde::{Deserialize, Serialize};

use super::Spec;

/// The sequential list. Its state is its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sequence {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call {
    Append {
        item: u32,
    },
    /// Two items, next to each other.
    Extend {
        items: [u32; 2],
    },
    /// Takes the last item.
    Pop,
    Get {
        index: usize,
    },
    Len,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return {
    Nothing,
    /// `None`: there is no such item.
    Item(Option<u32>),
    Len(usize),
}

impl Spec for Sequence {
    type State = Vec<u32>;
    type Call = Call;
    type Return = Return;

    fn apply(items: &Vec<u32>, call: &Call) -> (Vec<u32>, Return) {
        let mut after = items.clone();
        let returned = match *call {
            Call::Append { item } => {
                after.push(item);
                Return::Nothing
            }
            Call::Extend { items } => {
                after.extend(items);
                Return::Nothing
            }
            Call::Pop => Return::Item(after.pop()),
            Call::Get { index } => Return::Item(items.get(index).copied()),
            Call::Len => Return::Len(items.len()),
        };
        (after, returned)
    }
}
