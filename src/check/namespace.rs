//! A namespace: attributes by name, judged name by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Spec;

/// The sequential namespace. Its state is its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call {
    Get { name: String },
    Set { name: String, value: i64 },
    Delete { name: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return {
    Got(i64),
    /// Set, or deleted.
    Done,
    /// It has no such attribute.
    Missing,
}

impl Spec for Namespace {
    type State = BTreeMap<String, i64>;
    type Call = Call;
    type Return = Return;

    fn apply(attributes: &BTreeMap<String, i64>, call: &Call) -> (BTreeMap<String, i64>, Return) {
        let mut after = attributes.clone();
        let returned = match call {
            Call::Get { name } => attributes
                .get(name)
                .map_or(Return::Missing, |&it| Return::Got(it)),
            Call::Set { name, value } => {
                after.insert(name.clone(), *value);
                Return::Done
            }
            Call::Delete { name } => after.remove(name).map_or(Return::Missing, |_| Return::Done),
        };
        (after, returned)
    }

    fn only_reads(call: &Call) -> bool {
        matches!(call, Call::Get { .. })
    }

    fn key(call: &Call) -> Option<String> {
        let (Call::Get { name } | Call::Set { name, .. } | Call::Delete { name }) = call;
        Some(name.clone())
    }
}
