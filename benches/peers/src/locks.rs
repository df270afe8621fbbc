//! Locks: alone, and several processes at one.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::cpython;
use crate::crowd::{self, Told, shared};
use crate::mutexes::{Mutex, Pthread, ThreeStates};
use crate::table::{Figure, Row, Work};

const TIMES: u32 = 1_000_000;
const WHILE: Duration = Duration::from_millis(200);
/// Every so many operations one is timed: the clock costs as much as a lock.
const TIMED: u64 = 64;

pub fn works() -> Vec<Work> {
    let mut alone = vec![
        Row::new(
            "forkproof Lock",
            alone(forkproof::Lock::new().expect("there is memory")),
        ),
        Row::new("std Mutex", {
            let mutex = std::sync::Mutex::new(());
            move || each(|| drop(std::hint::black_box(&mutex).lock()))
        }),
        Row::new("parking_lot Mutex", {
            let mutex = parking_lot::Mutex::new(());
            move || each(|| drop(std::hint::black_box(&mutex).lock()))
        }),
        Row::new("pthread shared", alone(Pthread::<false>::new())),
        Row::new("pthread robust", alone(Pthread::<true>::new())),
    ];
    alone.extend(cpython::row(
        "from multiprocessing import Lock
lock = Lock()",
        "with lock: pass",
        200_000,
    ));
    let mut works = vec![Work {
        name: "lock, alone".to_owned(),
        rows: alone,
    }];
    for processes in [2, 4] {
        works.push(Work {
            name: format!("lock, {processes} processes"),
            rows: vec![
                Row::noted("forkproof Lock", contended::<forkproof::Lock>(processes)),
                Row::noted("pthread shared", contended::<Pthread<false>>(processes)),
                Row::noted("pthread robust", contended::<Pthread<true>>(processes)),
                Row::noted("three-state futex", contended::<ThreeStates>(processes)),
            ],
        });
    }
    works
}

fn alone(mutex: impl Mutex) -> impl FnMut() -> f64 {
    move || each(|| std::hint::black_box(&mutex).with(|| ()))
}

fn each(mut act: impl FnMut()) -> f64 {
    let begun = Instant::now();
    for _ in 0..TIMES {
        act();
    }
    begun.elapsed().as_nanos() as f64 / f64::from(TIMES)
}

/// Each adds to a count under the lock, by a load and a store, again and again.
pub fn contended<M: Mutex>(processes: usize) -> impl FnMut() -> Figure {
    move || {
        let mutex = M::new();
        let count: &'static AtomicU64 = shared(AtomicU64::new(0));
        let told = crowd::for_a_while(processes, WHILE, move |board| {
            let mut mine = Told {
                operations: 0,
                longest_ns: 0,
            };
            while !board.is_over() {
                let timed = mine.operations.is_multiple_of(TIMED).then(Instant::now);
                // Relaxed: under the lock.
                mutex.with(|| count.store(count.load(Relaxed) + 1, Relaxed));
                mine.operations += 1;
                if let Some(begun) = timed {
                    mine.longest_ns = mine.longest_ns.max(begun.elapsed().as_nanos() as u64);
                }
            }
            mine
        });
        let all: u64 = told.iter().map(|told| told.operations).sum();
        assert_eq!(count.load(Relaxed), all, "the lock lets two in at once");
        let least = told.iter().map(|told| told.operations).min().unwrap_or(0);
        let longest = told.iter().map(|told| told.longest_ns).max().unwrap_or(0);
        Figure {
            ns: WHILE.as_nanos() as f64 / all as f64,
            note: format!(
                "longest wait {:.1} ms, least served {:.0} % of its share",
                longest as f64 / 1e6,
                100.0 * (least * processes as u64) as f64 / all as f64
            ),
        }
    }
}
