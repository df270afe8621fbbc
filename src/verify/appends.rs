//! Generated scenarios of appends, to a list in shared memory, to a queue, and to a manager's list and dict: each item is
//! there once, and each lane's are in its order.

mod managed;

pub use managed::{dict as managers_dict, list as managers_list};

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::scenario::{Dawdle, Scenario, Subject, check};
use super::shared_list::{SharedList, item};
use super::{Budget, Progress, Report};
use crate::check::chain::Chain;
use crate::check::{list, queue};
use crate::{GetError, PutError, Queue};

/// What once failed, for proptest.
const REGRESSIONS: &str = "appends.txt";
const QUEUE_REGRESSIONS: &str = "queue.txt";

/// To an array with a length, under a lock.
pub fn list(budget: Budget, progress: &Progress) -> Report {
    let open = |items: &Chain<u32>| SharedList::new(&items.to_vec());
    check(open, appends(), REGRESSIONS, budget, progress)
}

/// To a queue, with and without a bound.
pub fn queue(budget: Budget, progress: &Progress) -> Report {
    let open = |start: &queue::State| {
        let queue = match start.capacity {
            Some(items) => Queue::bounded(items)?,
            None => Queue::new()?,
        };
        for &item in &start.items {
            queue.put(item)?;
        }
        Ok(Mailbox {
            queue,
            capacity: start.capacity,
        })
    };
    check(open, traffic(), QUEUE_REGRESSIONS, budget, progress)
}

/// A queue, and its bound.
#[derive(Clone, Serialize, Deserialize)]
struct Mailbox {
    queue: Queue<u32>,
    capacity: Option<usize>,
}

impl Subject for Mailbox {
    type Spec = queue::Queue;

    fn perform(&self, call: queue::Call, dawdle: Dawdle) -> crate::Result<queue::Return> {
        dawdle();
        Ok(match call {
            queue::Call::TryPut { item } => match self.queue.try_put(item) {
                Ok(()) => queue::Return::Put,
                Err(PutError::Full(_)) => queue::Return::Full,
                Err(other) => return Err(other.into()),
            },
            queue::Call::TryGet => match self.queue.try_get() {
                Ok(item) => queue::Return::Got(item),
                Err(GetError::Empty) => queue::Return::Empty,
                Err(other) => return Err(other.into()),
            },
            queue::Call::Put { item } => match self.queue.put(item) {
                Ok(()) => queue::Return::Put,
                Err(other) => return Err(other.into()),
            },
            queue::Call::Get => queue::Return::Got(self.queue.get()?),
            queue::Call::Len => queue::Return::Len(self.queue.len()),
        })
    }

    fn end(&self) -> queue::State {
        queue::State {
            capacity: self.capacity,
            items: std::iter::from_fn(|| self.queue.try_get().ok()).collect(),
        }
    }
}

/// Scenarios of two to four lanes of up to twelve calls.
fn appends() -> impl Strategy<Value = Scenario<list::List>> {
    let calls = prop::collection::vec(prop::bool::weighted(0.8), 0..=12);
    prop::collection::vec(calls, 2..=4).prop_map(|lanes| {
        let lanes = lanes.into_iter().enumerate().map(|(lane, calls)| {
            let calls = calls.into_iter().enumerate();
            let call = |(number, appends)| match appends {
                true => list::Call::Append {
                    item: item(lane, number),
                },
                false => list::Call::Len,
            };
            calls.map(call).collect()
        });
        Scenario {
            start: Chain::new(),
            lanes: lanes.collect(),
        }
    })
}

/// Scenarios of a queue with a few items to begin with, and two to four lanes of calls: few, as a put returns nothing
/// that would tell the judge of its place, and there are at most 12! / 3!^4 orders to look at.
fn traffic() -> impl Strategy<Value = Scenario<queue::Queue>> {
    let capacity = prop::option::of(3..=5usize);
    let lanes = prop_oneof![Just((2, 7)), Just((3, 4)), Just((4, 3))];
    let lanes = lanes.prop_flat_map(|(lanes, calls)| {
        prop::collection::vec(prop::collection::vec(0..=8u8, 0..=calls), lanes)
    });
    (capacity, 0..=3u32, lanes).prop_map(|(capacity, items, lanes)| {
        let lanes = lanes.into_iter().enumerate().map(|(lane, calls)| {
            let calls = calls.into_iter().enumerate();
            let call = |(number, kind)| match kind {
                0..=3 => queue::Call::TryPut {
                    item: item(lane, number),
                },
                4..=7 => queue::Call::TryGet,
                _ => queue::Call::Len,
            };
            calls.map(call).collect()
        });
        Scenario {
            start: queue::State {
                capacity,
                items: (10_001..10_001 + items).collect(),
            },
            lanes: lanes.collect(),
        }
    })
}
