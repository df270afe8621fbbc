//! A list and a dict in a server process, and what one call of a proxy costs.

use std::time::Instant;

use forkproof::Manager;

use crate::cpython;
use crate::table::{Figure, Row, Work};

const CALLS: u32 = 100_000;
/// Of CPython, which takes ten and more times as long for each.
const CALLS_OF_CPYTHON: u32 = 5_000;
/// Every so many calls it is looked where the server runs.
const LOOKS: u32 = 5_000;
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
fn rows(ours: fn(&Manager) -> Figure, made: &str, call: &str, check: &str) -> Vec<Row> {
    let mut manager = None;
    let measure = move || ours(manager.get_or_insert_with(|| Manager::start().expect("a server")));
    let mut rows = vec![Row::noted("forkproof Manager", measure)];
    rows.extend(cpython::script(format!(
        "import multiprocessing as mp, time
calls = {CALLS_OF_CPYTHON}
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

/// Whoever has its server on its own core cannot meet it awake: how often that was seen is told.
fn timed(manager: &Manager, mut call: impl FnMut(i64)) -> Figure {
    let server = manager.process().expect("a server");
    let server = server.pid().expect("it is started");
    let (mut looks, mut on_one_core) = (0, 0);
    let begun = Instant::now();
    for number in 0..CALLS {
        call(number.into());
        if number % LOOKS == 0 {
            looks += 1;
            on_one_core += u32::from(last_core(server) == last_core(std::process::id()));
        }
    }
    Figure {
        ns: begun.elapsed().as_nanos() as f64 / f64::from(CALLS),
        note: format!("on its server's core in {on_one_core} of {looks} looks"),
    }
}

fn append(manager: &Manager) -> Figure {
    let items = manager.list::<i64>([]).expect("a list");
    let figure = timed(manager, |_| items.append(7).expect("the server lives"));
    assert_eq!(items.len().expect("the server lives"), CALLS as usize);
    figure
}

fn get(manager: &Manager) -> Figure {
    let numbers = manager.dict((0..KEYS).map(|key| (key, -key)));
    let numbers = numbers.expect("a dict");
    timed(manager, |call| {
        let key = call % KEYS;
        let got = numbers.get(&key).expect("the server lives");
        assert_eq!(got, Some(-key));
    })
}

fn set(manager: &Manager) -> Figure {
    let numbers = manager.dict::<i64, i64>([]).expect("a dict");
    let figure = timed(manager, |call| {
        let set = numbers.insert(call % KEYS, call);
        set.expect("the server lives");
    });
    let values = numbers.values().expect("the server lives");
    let last = i64::from(CALLS);
    assert_eq!(values.iter().sum::<i64>(), (last - KEYS..last).sum::<i64>());
    figure
}

/// The core that a process ran on last: field 39 of proc_pid_stat(5).
fn last_core(pid: u32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    let behind_name = stat.rsplit(')').next().expect("the name is in brackets");
    let core = behind_name.split_whitespace().nth(36);
    core.and_then(|core| core.parse().ok()).expect("a number")
}
