//! Generated scenarios of appends to a list in shared memory: each item is there once, and each lane's are in its
//! order.

use proptest::prelude::*;

use super::scenario::{Scenario, check};
use super::shared_list::{SharedList, item};
use super::{Budget, Progress, Report};
use crate::check::list::{Call, List};

/// What once failed, for proptest.
const REGRESSIONS: &str = "appends.txt";

/// To an array with a length, under a lock.
pub fn list(budget: Budget, progress: &Progress) -> Report {
    let open = |items: &Vec<u32>| SharedList::new(items);
    check(open, scenarios(), REGRESSIONS, budget, progress)
}

/// Scenarios of two to four lanes of up to twelve calls.
fn scenarios() -> impl Strategy<Value = Scenario<List>> {
    let calls = prop::collection::vec(prop::bool::weighted(0.8), 0..=12);
    prop::collection::vec(calls, 2..=4).prop_map(|lanes| {
        let lanes = lanes.into_iter().enumerate().map(|(lane, calls)| {
            let calls = calls.into_iter().enumerate();
            let call = |(number, appends)| match appends {
                true => Call::Append {
                    item: item(lane, number),
                },
                false => Call::Len,
            };
            calls.map(call).collect()
        });
        Scenario {
            start: Vec::new(),
            lanes: lanes.collect(),
        }
    })
}
