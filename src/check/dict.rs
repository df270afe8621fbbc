//! A dict: values by key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Spec;

/// The sequential dict. Its state is its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dict {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call {
    Set {
        key: u8,
        value: u32,
    },
    /// The value that is there, or this one, which then is there.
    SetDefault {
        key: u8,
        value: u32,
    },
    Get {
        key: u8,
    },
    /// Takes the entry away.
    Pop {
        key: u8,
    },
    Len,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return {
    Nothing,
    /// `None`: there is no such entry.
    Value(Option<u32>),
    Len(usize),
}

impl Spec for Dict {
    type State = BTreeMap<u8, u32>;
    type Call = Call;
    type Return = Return;

    fn apply(entries: &BTreeMap<u8, u32>, call: &Call) -> (BTreeMap<u8, u32>, Return) {
        let mut after = entries.clone();
        let returned = match *call {
            Call::Set { key, value } => {
                after.insert(key, value);
                Return::Nothing
            }
            Call::SetDefault { key, value } => {
                Return::Value(Some(*after.entry(key).or_insert(value)))
            }
            Call::Get { key } => Return::Value(entries.get(&key).copied()),
            Call::Pop { key } => Return::Value(after.remove(&key)),
            Call::Len => Return::Len(entries.len()),
        };
        (after, returned)
    }

    fn only_reads(call: &Call) -> bool {
        matches!(call, Call::Get { .. } | Call::Len)
    }

    fn key(call: &Call) -> Option<String> {
        match call {
            Call::Set { key, .. }
            | Call::SetDefault { key, .. }
            | Call::Get { key }
            | Call::Pop { key } => Some(key.to_string()),
            Call::Len => None,
        }
    }
}
