//! A shared value: a number that is read, written, and added to.

use serde::{Deserialize, Serialize};

use super::Spec;

/// The sequential value. Its state is the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call {
    Get,
    Set {
        value: i64,
    },
    /// Reads, adds and writes as one, as `Value::update` does. Wraps around.
    Add {
        amount: i64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return {
    Got(i64),
    Nothing,
    /// The number, after what was added.
    Sum(i64),
}

impl Spec for Value {
    type State = i64;
    type Call = Call;
    type Return = Return;

    fn apply(&number: &i64, call: &Call) -> (i64, Return) {
        match *call {
            Call::Get => (number, Return::Got(number)),
            Call::Set { value } => (value, Return::Nothing),
            Call::Add { amount } => {
                let sum = number.wrapping_add(amount);
                (sum, Return::Sum(sum))
            }
        }
    }

    fn only_reads(call: &Call) -> bool {
        *call == Call::Get
    }

    fn tell_call(call: &Call) -> String {
        match call {
            Call::Get => "get".to_owned(),
            Call::Set { value } => format!("set {value}"),
            Call::Add { amount } => format!("add {amount}"),
        }
    }

    fn tell_return(returned: &Return) -> String {
        match returned {
            Return::Got(number) | Return::Sum(number) => number.to_string(),
            Return::Nothing => "done".to_owned(),
        }
    }
}
