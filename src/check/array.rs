//! A shared array: elements that are read and written one at a time, or all at once.

use serde::{Deserialize, Serialize};

use super::Spec;

/// The sequential array. Its state is its elements, as many as there are for ever. Judged element by element, where no
/// call is about all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Array {}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call {
    Get {
        index: usize,
    },
    Set {
        index: usize,
        value: i64,
    },
    /// All elements, of one moment.
    ToVec,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return {
    Got(i64),
    Set,
    /// There is no such element.
    OutOfBounds,
    All(Vec<i64>),
}

impl Spec for Array {
    type State = Vec<i64>;
    type Call = Call;
    type Return = Return;

    fn apply(elements: &Vec<i64>, call: &Call) -> (Vec<i64>, Return) {
        let mut after = elements.clone();
        let returned = match *call {
            Call::Get { index } => elements
                .get(index)
                .map_or(Return::OutOfBounds, |&it| Return::Got(it)),
            Call::Set { index, value } => match after.get_mut(index) {
                Some(element) => {
                    *element = value;
                    Return::Set
                }
                None => Return::OutOfBounds,
            },
            Call::ToVec => Return::All(elements.clone()),
        };
        (after, returned)
    }

    fn only_reads(call: &Call) -> bool {
        matches!(call, Call::Get { .. } | Call::ToVec)
    }

    fn key(call: &Call) -> Option<String> {
        match call {
            Call::Get { index } | Call::Set { index, .. } => Some(index.to_string()),
            Call::ToVec => None,
        }
    }
}
