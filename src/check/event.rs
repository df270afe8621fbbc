//! An event: set or not, and waited for.

use serde::{Deserialize, Serialize};

use super::Spec;

/// The sequential event. Its state is whether it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call {
    Set,
    Clear,
    IsSet,
    /// Waits as long as it takes.
    Wait,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return {
    /// Set, or cleared.
    Done,
    /// Also of a wait that gave up: it was not set then.
    IsSet(bool),
    /// A wait found it set.
    Happened,
    /// No history holds this: an endless wait goes on.
    Waits,
}

impl Spec for Event {
    type State = bool;
    type Call = Call;
    type Return = Return;

    fn apply(&is_set: &bool, call: &Call) -> (bool, Return) {
        match call {
            Call::Set => (true, Return::Done),
            Call::Clear => (false, Return::Done),
            Call::IsSet => (is_set, Return::IsSet(is_set)),
            Call::Wait if is_set => (is_set, Return::Happened),
            Call::Wait => (is_set, Return::Waits),
        }
    }

    fn only_reads(call: &Call) -> bool {
        matches!(call, Call::IsSet | Call::Wait)
    }
}
