//! A list that grows and shrinks at its end, whose `append` returns nothing, as Python's.

use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::Spec;
use super::chain::Chain;

/// The sequential list. Its state is its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence<T = u32>(PhantomData<T>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call<T = u32> {
    Append {
        item: T,
    },
    /// Two items, next to each other.
    Extend {
        items: [T; 2],
    },
    /// Takes the last item.
    Pop,
    Get {
        index: usize,
    },
    Len,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return<T = u32> {
    Nothing,
    /// `None`: there is no such item.
    Item(Option<T>),
    Len(usize),
}

impl<T: Clone + Eq + Hash + Debug> Spec for Sequence<T> {
    type State = Chain<T>;
    type Call = Call<T>;
    type Return = Return<T>;

    fn apply(items: &Chain<T>, call: &Call<T>) -> (Chain<T>, Return<T>) {
        match call {
            Call::Append { item } => (items.push(item.clone()), Return::Nothing),
            Call::Extend { items: more } => (items.extend(more.clone()), Return::Nothing),
            Call::Pop => match items.pop() {
                Some((rest, item)) => (rest, Return::Item(Some(item))),
                None => (items.clone(), Return::Item(None)),
            },
            Call::Get { index } => (items.clone(), Return::Item(items.get(*index).cloned())),
            Call::Len => (items.clone(), Return::Len(items.len())),
        }
    }

    fn only_reads(call: &Call<T>) -> bool {
        matches!(call, Call::Get { .. } | Call::Len)
    }
}
