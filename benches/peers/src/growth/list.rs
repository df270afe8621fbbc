//! A manager's list, longer and longer.

use std::time::{Duration, Instant};

use forkproof::manager::{ListProxy, Manager};

use super::{Growth, with_commas};

const TIMES: usize = 1_000;
/// So many items are sent at a time: a request has a limit.
const AT_A_TIME: usize = 10_000;

pub fn growth() -> Growth {
    let manager = Manager::start().expect("a manager can be started");
    Growth {
        name: "list",
        title: "A list of a million items in a manager answers as fast as one of ten",
        of: "items in the list",
        numbers: (1..=6).map(|power| 10u64.pow(power)).collect(),
        written: with_commas,
        lines: &["ListProxy: get, anywhere", "ListProxy: append"],
        measure: Box::new(move |length| {
            let length = length as usize;
            let list = filled(&manager, length);
            let costs = vec![got(&list, length), appended(&list, length)];
            assert_eq!(list.len().expect("the manager lives"), length);
            costs
        }),
    }
}

/// Each item is its own place.
fn filled(manager: &Manager, length: usize) -> ListProxy<usize> {
    let list = manager.list([0usize; 0]).expect("the manager lives");
    for from in (0..length).step_by(AT_A_TIME) {
        let items = from..length.min(from + AT_A_TIME);
        list.extend(items).expect("the manager lives");
    }
    list
}

fn got(list: &ListProxy<usize>, length: usize) -> f64 {
    let begun = Instant::now();
    for turn in 0..TIMES {
        let place = turn * length / TIMES;
        let item = list.get(place as isize).expect("the place is there");
        assert_eq!(item, place);
    }
    begun.elapsed().as_nanos() as f64 / TIMES as f64
}

/// What is appended is taken off again, which is not timed: the list stays as long as it is.
fn appended(list: &ListProxy<usize>, length: usize) -> f64 {
    let mut took = Duration::ZERO;
    for turn in 0..TIMES {
        let begun = Instant::now();
        list.append(length + turn).expect("the manager lives");
        took += begun.elapsed();
        assert_eq!(list.pop().expect("it is not empty"), length + turn);
    }
    took.as_nanos() as f64 / TIMES as f64
}
