//! Objects for generated calls: some of a user's own, broken or not, and some of the library.

use std::sync::atomic::Ordering::SeqCst;

use forkproof::check::register::{self, Register};
use forkproof::check::value::{Call, Return};
use forkproof::check::{Spec, queue, value};
use forkproof::explore::{Lane, Shared, Stage, Subject};
use forkproof::sys::SharedWord;
use forkproof::world::Word;
use forkproof::{GetError, LockError, PutError, Queue, Value};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// A number, and whether it is added to in one step.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Counter {
    pub is_atomic: bool,
}

impl Subject<value::Value> for Counter {
    type Object = (bool, Shared<SharedWord>);

    fn set_up(&self, stage: &mut Stage) -> Self::Object {
        (self.is_atomic, stage.shared_as("count", SharedWord::new(0)))
    }

    fn call((is_atomic, count): &Self::Object, call: &Call, _: &Lane) -> Return {
        match *call {
            Call::Get => Return::Got(count.load(SeqCst).into()),
            Call::Set { value } => {
                count.store(value as u32, SeqCst);
                Return::Nothing
            }
            Call::Add { amount } if *is_atomic => {
                let before = count.fetch_add(amount as u32, SeqCst);
                Return::Sum(i64::from(before) + amount)
            }
            Call::Add { amount } => {
                let sum = count.load(SeqCst) + amount as u32;
                count.store(sum, SeqCst);
                Return::Sum(sum.into())
            }
        }
    }
}

pub fn value_calls() -> impl Strategy<Value = Call> {
    prop_oneof![
        Just(Call::Get),
        (0..50i64).prop_map(|value| Call::Set { value }),
        (1..50i64).prop_map(|amount| Call::Add { amount }),
    ]
}

/// The library's, which is in doubt when an owner dies.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Shipped;

impl Subject<value::Value> for Shipped {
    type Object = Value<i64>;

    fn set_up(&self, stage: &mut Stage) -> Value<i64> {
        let value = Value::new(0).unwrap();
        stage.name("value", &value);
        value
    }

    fn call(value: &Value<i64>, call: &Call, _: &Lane) -> Return {
        let mut guard = match value.lock() {
            Ok(guard) => guard,
            Err(LockError::OwnerDied(guard)) => {
                guard.mark_consistent(); // the number is one store
                guard
            }
            Err(error) => panic!("{error}"),
        };
        match *call {
            Call::Get => Return::Got(*guard),
            Call::Set { value } => {
                guard.set(value);
                Return::Nothing
            }
            Call::Add { amount } => {
                let sum = *guard + amount;
                guard.set(sum);
                Return::Sum(sum)
            }
        }
    }
}

impl Subject<queue::Queue> for Shipped {
    type Object = Queue<u32>;

    fn set_up(&self, stage: &mut Stage) -> Queue<u32> {
        let queue = Queue::with_capacity(Some(2), 64).unwrap();
        stage.name("queue", &queue);
        queue
    }

    fn call(queue: &Queue<u32>, call: &queue::Call, _: &Lane) -> queue::Return {
        match call {
            queue::Call::TryPut { item } => match queue.try_put(*item) {
                Ok(()) => queue::Return::Put,
                Err(PutError::Full(_)) => queue::Return::Full,
                Err(error) => panic!("{error:?}"),
            },
            queue::Call::TryGet => match queue.try_get() {
                Ok(item) => queue::Return::Got(item),
                Err(GetError::Empty) => queue::Return::Empty,
                Err(error) => panic!("{error}"),
            },
            queue::Call::Len => queue::Return::Len(queue.len()),
            other => unreachable!("{other:?} is not drawn: it may wait for ever"),
        }
    }
}

pub fn queue_calls() -> impl Strategy<Value = queue::Call> {
    prop_oneof![
        2 => (0..50u32).prop_map(|item| queue::Call::TryPut { item }),
        2 => Just(queue::Call::TryGet),
        1 => Just(queue::Call::Len),
    ]
}

/// Two words that are written one after the other: whoever reads in between sees a half of each.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Torn;

pub type Pair = (u32, u32);

impl Subject<Register<Pair>> for Torn {
    type Object = Shared<[SharedWord; 2]>;

    fn set_up(&self, stage: &mut Stage) -> Self::Object {
        stage.shared_as("halves", [SharedWord::new(0), SharedWord::new(0)])
    }

    fn call(
        halves: &Self::Object,
        call: &register::Call<Pair>,
        _: &Lane,
    ) -> register::Return<Pair> {
        match *call {
            register::Call::Read => {
                register::Return::Value((halves[0].load(SeqCst), halves[1].load(SeqCst)))
            }
            register::Call::Write { value: (low, high) } => {
                halves[0].store(low, SeqCst);
                halves[1].store(high, SeqCst);
                register::Return::Written
            }
            register::Call::Cas { .. } => unreachable!("it is not drawn"),
        }
    }
}

pub fn pair_calls() -> impl Strategy<Value = register::Call<Pair>> {
    prop_oneof![
        Just(register::Call::Read),
        (0..9u32).prop_map(|half| register::Call::Write {
            value: (half, half)
        }),
    ]
}

/// Treiber's stack, of nodes that are numbered and used again; with a count of its changes beside the top, or without,
/// and then a top that has come back is taken for one that has not changed.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Stack {
    pub is_counted: bool,
}

/// What a stack means.
pub enum Lifo {}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum StackCall {
    Push { item: u32 },
    Pop,
}

impl Spec for Lifo {
    type State = Vec<u32>;
    type Call = StackCall;
    /// What was popped.
    type Return = Option<u32>;

    fn apply(items: &Vec<u32>, call: &StackCall) -> (Vec<u32>, Option<u32>) {
        let mut items = items.clone();
        match *call {
            StackCall::Push { item } => {
                items.push(item);
                (items, None)
            }
            StackCall::Pop => {
                let popped = items.pop();
                (items, popped)
            }
        }
    }
}

const NODES: usize = 8;
const NUMBER: u32 = 0xff;

pub struct Nodes {
    /// The number of a node, from 1; or 0. Above it the count of changes.
    top: SharedWord,
    /// As `top`: those that are not in use. Always counted.
    free: SharedWord,
    next: [SharedWord; NODES],
    item: [SharedWord; NODES],
}

impl Nodes {
    /// Takes the first node of a list.
    fn take(&self, list: &SharedWord, is_counted: bool) -> Option<usize> {
        loop {
            let top = list.load(SeqCst);
            let node = (top & NUMBER).checked_sub(1)? as usize;
            let next = self.next[node].load(SeqCst);
            if replace(list, top, next, is_counted) {
                return Some(node);
            }
        }
    }

    fn add(&self, list: &SharedWord, node: usize, is_counted: bool) {
        loop {
            let top = list.load(SeqCst);
            self.next[node].store(top & NUMBER, SeqCst);
            if replace(list, top, node as u32 + 1, is_counted) {
                return;
            }
        }
    }
}

fn replace(list: &SharedWord, top: u32, number: u32, is_counted: bool) -> bool {
    let count = if is_counted {
        (top & !NUMBER).wrapping_add(NUMBER + 1)
    } else {
        0
    };
    let new = count | number;
    list.compare_exchange(top, new, SeqCst, SeqCst).is_ok()
}

impl Subject<Lifo> for Stack {
    type Object = (bool, Shared<Nodes>);

    fn set_up(&self, stage: &mut Stage) -> Self::Object {
        let number = |node: usize| SharedWord::new((node as u32 + 2) % (NODES as u32 + 1));
        let nodes = Nodes {
            top: SharedWord::new(0),
            free: SharedWord::new(1),
            next: std::array::from_fn(number),
            item: std::array::from_fn(|_| SharedWord::new(0)),
        };
        (self.is_counted, stage.shared_as("stack", nodes))
    }

    fn call((is_counted, nodes): &Self::Object, call: &StackCall, _: &Lane) -> Option<u32> {
        match *call {
            StackCall::Push { item } => {
                let node = nodes.take(&nodes.free, true).expect("nodes enough");
                nodes.item[node].store(item, SeqCst);
                nodes.add(&nodes.top, node, *is_counted);
                None
            }
            StackCall::Pop => {
                let node = nodes.take(&nodes.top, *is_counted)?;
                let item = nodes.item[node].load(SeqCst);
                nodes.add(&nodes.free, node, true);
                Some(item)
            }
        }
    }
}

pub fn stack_calls() -> impl Strategy<Value = StackCall> {
    prop_oneof![
        (1..50u32).prop_map(|item| StackCall::Push { item }),
        Just(StackCall::Pop),
    ]
}
