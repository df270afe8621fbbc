//! A queue whose tasks are counted until they are done.

use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::{Spec, queue};

/// The sequential queue of tasks: a [`Queue`](queue::Queue), and a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinableQueue<T = u32>(PhantomData<T>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State<T = u32> {
    pub queue: queue::State<T>,
    /// Tasks that were put, and are not done.
    pub unfinished: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call<T = u32> {
    Queue(queue::Call<T>),
    TaskDone,
    /// Waits until all tasks are done.
    Join,
    Unfinished,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return<T = u32> {
    Queue(queue::Return<T>),
    Done,
    /// More are said to be done than were put.
    TooMany,
    Joined,
    Unfinished(usize),
    /// No history holds this: an endless wait goes on.
    Waits,
}

impl<T: Clone + Eq + Hash + Debug> Spec for JoinableQueue<T> {
    type State = State<T>;
    type Call = Call<T>;
    type Return = Return<T>;

    fn apply(state: &State<T>, call: &Call<T>) -> (State<T>, Return<T>) {
        let mut after = state.clone();
        let returned = match call {
            Call::Queue(call) => {
                let (queue, returned) = queue::Queue::apply(&state.queue, call);
                after.queue = queue;
                if returned == queue::Return::Put {
                    after.unfinished += 1;
                }
                Return::Queue(returned)
            }
            Call::TaskDone if state.unfinished == 0 => Return::TooMany,
            Call::TaskDone => {
                after.unfinished -= 1;
                Return::Done
            }
            Call::Join if state.unfinished == 0 => Return::Joined,
            Call::Join => Return::Waits,
            Call::Unfinished => Return::Unfinished(state.unfinished),
        };
        (after, returned)
    }

    fn only_reads(call: &Call<T>) -> bool {
        match call {
            Call::Queue(call) => queue::Queue::only_reads(call),
            Call::Join | Call::Unfinished => true,
            Call::TaskDone => false,
        }
    }
}
