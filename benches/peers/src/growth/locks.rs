//! More processes at one lock; more locks.

use std::hint::black_box;
use std::time::Instant;

use forkproof::Lock;

use super::{Growth, with_commas};
use crate::locks;
use crate::mutexes::Pthread;

/// Over all locks, so that few of them are taken again and again.
const TAKEN: usize = 200_000;
/// So many more are made, while the others are there: memory is mapped for many at a time, in the first round.
const MORE: usize = 4_000;

pub fn contended() -> Growth {
    Growth {
        name: "contention",
        title: "From two processes on, a lock costs the same however many want it",
        of: "processes that take one lock again and again",
        numbers: vec![1, 2, 3, 4, 6, 8, 12, 16],
        written: with_commas,
        lines: &["Lock: lock and unlock", "pthread robust: the same"],
        measure: Box::new(|processes| {
            let processes = processes as usize;
            vec![
                locks::contended::<Lock>(processes)().ns,
                locks::contended::<Pthread<true>>(processes)().ns,
            ]
        }),
    }
}

pub fn alive() -> Growth {
    Growth {
        name: "locks",
        title: "A lock among 10,000 costs hardly more than one alone",
        of: "locks that are there, taken in turn",
        numbers: vec![1, 10, 100, 1_000, 10_000],
        written: with_commas,
        lines: &["Lock: lock and unlock", "Lock::new, for one more"],
        measure: Box::new(|number| {
            let locks = made(number as usize);
            vec![taken_in_turn(&locks), one_more()]
        }),
    }
}

fn made(number: usize) -> Vec<Lock> {
    let made = (0..number).map(|_| Lock::new().expect("there is memory"));
    made.collect()
}

fn taken_in_turn(locks: &[Lock]) -> f64 {
    let times = TAKEN / locks.len();
    let mut counts = vec![0usize; locks.len()];
    let begun = Instant::now();
    for _ in 0..times {
        for (lock, count) in locks.iter().zip(&mut counts) {
            let _guard = black_box(lock).lock().expect("no owner dies");
            *count += 1;
        }
    }
    let took = begun.elapsed().as_nanos() as f64;
    assert!(counts.iter().all(|&count| count == times));
    took / (times * locks.len()) as f64
}

fn one_more() -> f64 {
    let begun = Instant::now();
    let more = black_box(made(MORE));
    let took = begun.elapsed().as_nanos() as f64;
    assert!(more.iter().all(|lock| !lock.is_locked()));
    took / MORE as f64
}
