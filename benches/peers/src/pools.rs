//! Many small tasks, a thousand of a millisecond each, and one at a time: by as many workers as there are cores.
//!
//! Each library cuts a map into chunks as it does if nothing is said of it, but for procspawn, which has no map: there each
//! item is a task. rayon's workers are threads: the limit for those that need no process.

use std::hint::black_box;
use std::time::Instant;

use forkproof::Pool;
use rayon::prelude::*;

use crate::cpython;
use crate::table::{Row, Work};

const TRIVIAL: u64 = 100_000;
/// Of procspawn, which takes ten times as long for each.
const TRIVIAL_ALONE: u64 = 5_000;
const LONG: u64 = 1_000;
const APPLIES: u64 = 1_000;

pub fn works() -> Vec<Work> {
    vec![
        Work {
            name: "pool, trivial items".to_owned(),
            rows: trivial(),
        },
        Work {
            name: "pool, items of 1 ms".to_owned(),
            rows: long(),
        },
        Work {
            name: "pool, one apply".to_owned(),
            rows: applies(),
        },
    ]
}

fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn plus_one(number: u64) -> u64 {
    number + 1
}

fn is_plus_one(items: u64, results: impl Iterator<Item = u64>) {
    assert_eq!(results.sum::<u64>(), items * (items + 1) / 2);
}

fn trivial() -> Vec<Row> {
    let mut rows = vec![
        mapped("forkproof Pool", TRIVIAL, ours, |pool| {
            let results = pool.map(plus_one, 0..TRIVIAL).expect("no worker dies");
            is_plus_one(TRIVIAL, results.into_iter());
        }),
        mapped("rayon (threads)", TRIVIAL, threads, |pool| {
            let results: Vec<u64> =
                pool.install(|| (0..TRIVIAL).into_par_iter().map(plus_one).collect());
            is_plus_one(TRIVIAL, results.into_iter());
        }),
        mapped("procspawn", TRIVIAL_ALONE, procspawned, |pool| {
            let tasks = (0..TRIVIAL_ALONE).map(|n| procspawn::spawn!(in pool, (n) || plus_one(n)));
            let tasks: Vec<_> = tasks.collect();
            let results = tasks
                .into_iter()
                .map(|task| task.join().expect("it does not die"));
            is_plus_one(TRIVIAL_ALONE, results);
        }),
    ];
    rows.extend(python(
        "def task(number): return number + 1",
        TRIVIAL,
        &format!("assert sum(pool.map(task, range({TRIVIAL}))) == sum(range(1, {TRIVIAL} + 1))"),
    ));
    rows
}

/// Until its thread has had the core for a millisecond: so it is as long for all, whatever else the machine does.
fn busy(number: u64) -> u64 {
    let end = had_ns() + 1_000_000;
    while had_ns() < end {}
    plus_one(number)
}

/// How long the thread has had a core.
fn had_ns() -> u64 {
    let mut had = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a clock that each thread has, and a place of the right type.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut had) };
    assert_eq!(failed, 0, "a thread has a clock");
    had.tv_sec as u64 * 1_000_000_000 + had.tv_nsec as u64
}

fn long() -> Vec<Row> {
    let mut rows = vec![
        mapped("forkproof Pool", LONG, ours, |pool| {
            let results = pool.map(busy, 0..LONG).expect("no worker dies");
            is_plus_one(LONG, results.into_iter());
        }),
        mapped("rayon (threads)", LONG, threads, |pool| {
            let results: Vec<u64> = pool.install(|| (0..LONG).into_par_iter().map(busy).collect());
            is_plus_one(LONG, results.into_iter());
        }),
        mapped("procspawn", LONG, procspawned, |pool| {
            let tasks = (0..LONG).map(|n| procspawn::spawn!(in pool, (n) || busy(n)));
            let tasks: Vec<_> = tasks.collect();
            let results = tasks
                .into_iter()
                .map(|task| task.join().expect("it does not die"));
            is_plus_one(LONG, results);
        }),
    ];
    rows.extend(python(
        "def task(number):
    end = time.thread_time_ns() + 1_000_000
    while time.thread_time_ns() < end: pass
    return number + 1",
        LONG,
        &format!("assert sum(pool.map(task, range({LONG}))) == sum(range(1, {LONG} + 1))"),
    ));
    rows
}

/// To a worker that waits, and back.
fn applies() -> Vec<Row> {
    let mut rows = vec![
        mapped("forkproof Pool", APPLIES, ours, |pool| {
            for number in 0..APPLIES {
                let result = pool.apply(plus_one, (number,)).expect("no worker dies");
                assert_eq!(result, number + 1);
            }
        }),
        mapped("rayon (threads)", APPLIES, threads, |pool| {
            for number in 0..APPLIES {
                assert_eq!(pool.install(|| plus_one(black_box(number))), number + 1);
            }
        }),
        mapped("procspawn", APPLIES, procspawned, |pool| {
            for number in 0..APPLIES {
                let task = procspawn::spawn!(in pool, (number) || plus_one(number));
                assert_eq!(task.join().expect("it does not die"), number + 1);
            }
        }),
    ];
    rows.extend(python(
        "def task(number): return number + 1",
        APPLIES,
        &format!(
            "for number in range({APPLIES}): assert pool.apply(task, (number,)) == number + 1"
        ),
    ));
    rows
}

/// A pool that is made, and whose workers have all had a task, before the first round.
fn mapped<P: 'static>(
    who: &'static str,
    items: u64,
    made: fn() -> P,
    work: impl Fn(&P) + 'static,
) -> Row {
    let mut pool = None;
    Row::new(who, move || {
        let pool = pool.get_or_insert_with(|| {
            let pool = made();
            work(&pool);
            pool
        });
        let begun = Instant::now();
        work(pool);
        begun.elapsed().as_nanos() as f64 / items as f64
    })
}

fn ours() -> Pool {
    Pool::new(workers()).expect("processes")
}

fn threads() -> rayon::ThreadPool {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(workers());
    threads.build().expect("threads")
}

fn procspawned() -> procspawn::Pool {
    procspawn::Pool::new(workers()).expect("processes")
}

/// The statement, in nanoseconds for each item, when it has been done once.
fn python(defined: &str, items: u64, statement: &str) -> Option<Row> {
    cpython::script(format!(
        "import multiprocessing as mp, time
{defined}
def main():
    with mp.Pool({workers}) as pool:
        def work():
            {statement}
        work()
        begun = time.perf_counter_ns()
        work()
        print((time.perf_counter_ns() - begun) / {items})
if __name__ == '__main__': main()
",
        workers = workers(),
    ))
}
