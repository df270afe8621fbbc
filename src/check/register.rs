//! A register: one value, read, written, and replaced if it is the one that was expected.

use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::Spec;

/// The sequential register. Its state is its value; by default a number, or nothing yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register<T = Option<i64>>(PhantomData<T>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call<T = Option<i64>> {
    Read,
    Write {
        value: T,
    },
    /// Compare-and-set: writes `new`, if the value is `expected`.
    Cas {
        expected: T,
        new: T,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return<T = Option<i64>> {
    Value(T),
    Written,
    /// The compare-and-set found another value, and wrote nothing.
    Differs,
}

impl<T: Clone + Eq + Hash + Debug> Spec for Register<T> {
    type State = T;
    type Call = Call<T>;
    type Return = Return<T>;

    fn apply(value: &T, call: &Call<T>) -> (T, Return<T>) {
        match call {
            Call::Read => (value.clone(), Return::Value(value.clone())),
            Call::Write { value } => (value.clone(), Return::Written),
            Call::Cas { expected, new } if expected == value => (new.clone(), Return::Written),
            Call::Cas { .. } => (value.clone(), Return::Differs),
        }
    }

    fn only_reads(call: &Call<T>) -> bool {
        matches!(call, Call::Read)
    }

    fn tell_call(call: &Call<T>) -> String {
        match call {
            Call::Read => "read".to_owned(),
            Call::Write { value } => format!("write {value:?}"),
            Call::Cas { expected, new } => format!("cas {expected:?} to {new:?}"),
        }
    }

    fn tell_return(returned: &Return<T>) -> String {
        match returned {
            Return::Value(value) => format!("{value:?}"),
            Return::Written => "done".to_owned(),
            Return::Differs => "it differs".to_owned(),
        }
    }
}
