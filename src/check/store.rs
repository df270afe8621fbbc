//! A key-value store: texts by key, that are put, got, and appended to.

use serde::{Deserialize, Serialize};

use super::Spec;
use super::independent::Independent;
use super::text::Text;

/// The sequential store. Each key has an [`Entry`] of its own, empty at first.
pub type Store = Independent<Entry>;

/// What is stored under one key. Its state is the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call {
    Get,
    Put { text: Text },
    Append { text: Text },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return {
    Got(Text),
    Done,
}

impl Spec for Entry {
    type State = Text;
    type Call = Call;
    type Return = Return;

    fn apply(text: &Text, call: &Call) -> (Text, Return) {
        match call {
            Call::Get => (text.clone(), Return::Got(text.clone())),
            Call::Put { text } => (text.clone(), Return::Done),
            Call::Append { text: more } => (text.append(more), Return::Done),
        }
    }

    fn only_reads(call: &Call) -> bool {
        *call == Call::Get
    }

    fn tell_call(call: &Call) -> String {
        match call {
            Call::Get => "get".to_owned(),
            Call::Put { text } => format!("put {text:?}"),
            Call::Append { text } => format!("append {text:?}"),
        }
    }

    fn tell_return(returned: &Return) -> String {
        match returned {
            Return::Got(text) => format!("{text:?}"),
            Return::Done => "done".to_owned(),
        }
    }
}
