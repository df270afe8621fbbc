//! A queue: first in, first out, and no more items at once than its capacity.

use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::Spec;

/// The sequential queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue<T = u32>(PhantomData<T>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State<T = u32> {
    /// In items; `None`: no bound.
    pub capacity: Option<usize>,
    /// The oldest first.
    pub items: Vec<T>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call<T = u32> {
    /// Puts, unless the queue is full.
    TryPut {
        item: T,
    },
    /// Gets, unless the queue is empty.
    TryGet,
    /// Waits for room.
    Put {
        item: T,
    },
    /// Waits for an item.
    Get,
    Len,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return<T = u32> {
    Put,
    Full,
    Got(T),
    Empty,
    Len(usize),
    /// No history holds this: an endless wait goes on.
    Waits,
}

impl<T: Clone + Eq + Hash + Debug> Spec for Queue<T> {
    type State = State<T>;
    type Call = Call<T>;
    type Return = Return<T>;

    fn apply(queue: &State<T>, call: &Call<T>) -> (State<T>, Return<T>) {
        let is_full = Some(queue.items.len()) == queue.capacity;
        let mut after = queue.clone();
        let returned = match call {
            Call::TryPut { .. } if is_full => Return::Full,
            Call::Put { .. } if is_full => Return::Waits,
            Call::TryPut { item } | Call::Put { item } => {
                after.items.push(item.clone());
                Return::Put
            }
            Call::TryGet if queue.items.is_empty() => Return::Empty,
            Call::Get if queue.items.is_empty() => Return::Waits,
            Call::TryGet | Call::Get => Return::Got(after.items.remove(0)),
            Call::Len => Return::Len(queue.items.len()),
        };
        (after, returned)
    }

    fn only_reads(call: &Call<T>) -> bool {
        matches!(call, Call::Len)
    }

    fn tell_call(call: &Call<T>) -> String {
        match call {
            Call::TryPut { item } => format!("try put {item:?}"),
            Call::Put { item } => format!("put {item:?}"),
            Call::TryGet => "try get".to_owned(),
            Call::Get => "get".to_owned(),
            Call::Len => "len".to_owned(),
        }
    }

    fn tell_return(returned: &Return<T>) -> String {
        match returned {
            Return::Put => "done".to_owned(),
            Return::Full => "full".to_owned(),
            Return::Got(item) => format!("{item:?}"),
            Return::Empty => "empty".to_owned(),
            Return::Len(len) => len.to_string(),
            Return::Waits => "waits".to_owned(),
        }
    }
}
