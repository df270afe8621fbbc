//! A list and a dict in a server process, and what one call of a proxy costs.

use std::time::Instant;

use forkproof::Manager;

use crate::cpython;
use crate::table::{Row, Work};

const CALLS: u32 = 5_000;
const KEYS: i64 = 100;

pub fn works() -> Vec<Work> {
    vec![
        Work {
            name: "manager, list append".to_owned(),
            rows: rows(
                append,
                "items = manager.list()",
                "items.append(7)",
                "len(items) == calls",
            ),
        },
        Work {
            name: "manager, dict get".to_owned(),
            rows: rows(
                get,
                "numbers = manager.dict({key: -key for key in range(100)})",
                "assert numbers.get(call % 100) == -(call % 100)",
                "True",
            ),
        },
        Work {
            name: "manager, dict set".to_owned(),
            rows: rows(
                set,
                "numbers = manager.dict()",
                "numbers[call % 100] = call",
                "sum(numbers.values()) == sum(range(calls - 100, calls))",
            ),
        },
    ]
}

/// Calls of a proxy; what it is made for is checked at the end.
fn rows(ours: fn(&Manager) -> f64, made: &str, call: &str, check: &str) -> Vec<Row> {
    let mut manager = None;
    let measure = move || ours(manager.get_or_insert_with(|| Manager::start().expect("a server")));
    let mut rows = vec![Row::new("forkproof Manager", measure)];
    rows.extend(cpython::script(format!(
        "import multiprocessing as mp, time
calls = {CALLS}
def main():
    with mp.Manager() as manager:
        {made}
        begun = time.perf_counter_ns()
        for call in range(calls): {call}
        took = time.perf_counter_ns() - begun
        assert {check}
        print(took / calls)
if __name__ == '__main__': main()
"
    )));
    rows
}

fn timed(mut call: impl FnMut(i64)) -> f64 {
    let begun = Instant::now();
    (0..i64::from(CALLS)).for_each(&mut call);
    begun.elapsed().as_nanos() as f64 / f64::from(CALLS)
}

fn append(manager: &Manager) -> f64 {
    let items = manager.list::<i64>([]).expect("a list");
    let ns = timed(|_| items.append(7).expect("the server lives"));
    assert_eq!(items.len().expect("the server lives"), CALLS as usize);
    ns
}

fn get(manager: &Manager) -> f64 {
    let numbers = manager.dict((0..KEYS).map(|key| (key, -key)));
    let numbers = numbers.expect("a dict");
    timed(|call| {
        let key = call % KEYS;
        let got = numbers.get(&key).expect("the server lives");
        assert_eq!(got, Some(-key));
    })
}

fn set(manager: &Manager) -> f64 {
    let numbers = manager.dict::<i64, i64>([]).expect("a dict");
    let ns = timed(|call| {
        let set = numbers.insert(call % KEYS, call);
        set.expect("the server lives");
    });
    let values = numbers.values().expect("the server lives");
    let last = i64::from(CALLS);
    assert_eq!(values.iter().sum::<i64>(), (last - KEYS..last).sum::<i64>());
    ns
}
