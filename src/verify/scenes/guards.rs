//! Locks and semaphores: one inside at a time, whoever is killed; and what the dead held can be had.

use std::time::Duration;

use super::{Bounds, Scene};
use crate::explore::Stage;
use crate::{
    Array, BoundedSemaphore, Lock, LockError, Permit, RLock, Semaphore, SemaphoreError, Value,
};

pub(super) static SCENES: &[Scene] = &[
    Scene {
        name: "lock",
        primitive: "Lock",
        claims: "one is inside at a time; who comes after a dead owner is told, and can mend what it left",
        is_broken: false,
        quick: Bounds::of(2, 1, 400),
        full: Bounds::of(3, 2, 20_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, lock),
    },
    Scene {
        name: "lock-timeout",
        primitive: "Lock",
        claims: "who waits for a time only gets the lock, or is told; and no one else is held up by it",
        is_broken: false,
        quick: Bounds::of(2, 1, 400),
        full: Bounds::of(3, 1, 20_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, impatient),
    },
    Scene {
        name: "rlock",
        primitive: "RLock",
        claims: "the holder may take it again, and it is free when it was given back as often; or when its holder is dead",
        is_broken: false,
        quick: Bounds::of(2, 1, 400),
        full: Bounds::of(3, 1, 20_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, rlock),
    },
    Scene {
        name: "semaphore",
        primitive: "Semaphore",
        claims: "as many permits are out as there are; that of a dead holder comes home",
        is_broken: false,
        quick: Bounds::of(2, 1, 400),
        full: Bounds::of(3, 1, 20_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, semaphore),
    },
    Scene {
        name: "bounded-semaphore",
        primitive: "BoundedSemaphore",
        claims: "as the semaphore; and no permit more comes home than there are",
        is_broken: false,
        quick: Bounds::of(2, 1, 400),
        full: Bounds::of(3, 1, 20_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, bounded_semaphore),
    },
];

/// Two numbers that are equal whenever the lock is free.
fn lock(stage: &mut Stage, lanes: usize) {
    locked(stage, lanes, false);
}

/// The same, where the last lane gives up when its time has passed.
fn impatient(stage: &mut Stage, lanes: usize) {
    locked(stage, lanes, true);
}

fn locked(stage: &mut Stage, lanes: usize, is_impatient: bool) {
    let lock = Lock::new().expect("memory for a lock");
    let pair = Array::<i64>::new(2).expect("memory for a pair");
    stage.name("lock", &lock);
    stage.name("pair", &pair);
    for lane in 0..lanes {
        let (lock, pair) = (lock.clone(), pair.clone());
        stage.lane(&format!("lane {lane}"), move |_| {
            let taken = match is_impatient && lane + 1 == lanes {
                true => lock.lock_timeout(Duration::from_secs(1)),
                false => lock.lock(),
            };
            let guard = match taken {
                Ok(guard) => guard,
                Err(LockError::OwnerDied(guard)) => {
                    set_both(&pair, get(&pair, 0).max(get(&pair, 1)));
                    guard.mark_consistent();
                    guard
                }
                Err(LockError::TimedOut) if is_impatient => return,
                Err(other) => panic!("{other}"),
            };
            assert_eq!(get(&pair, 0), get(&pair, 1), "someone else is inside");
            set_both(&pair, get(&pair, 0) + 1);
            drop(guard);
        });
    }
    stage.finally(move |_| {
        let taken = lock.try_lock();
        let was_left_whole = taken.is_ok();
        match taken {
            Ok(_) | Err(LockError::OwnerDied(_)) => {}
            Err(other) => panic!("in the end: {other}"),
        }
        assert!(!was_left_whole || get(&pair, 0) == get(&pair, 1));
        assert!(get(&pair, 0) <= lanes as i64, "more additions than lanes");
    });
}

fn get(pair: &Array<i64>, index: usize) -> i64 {
    pair.get_unlocked(index).expect("a pair has two")
}

fn set_both(pair: &Array<i64>, number: i64) {
    for index in 0..2 {
        pair.set_unlocked(index, number).expect("a pair has two");
    }
}

fn rlock(stage: &mut Stage, lanes: usize) {
    let lock = RLock::new().expect("memory for a lock");
    let inside = Value::new(usize::MAX).expect("memory for a mark");
    stage.name("lock", &lock);
    stage.name("inside", &inside);
    for lane in 0..lanes {
        let (lock, inside) = (lock.clone(), inside.clone());
        stage.lane(&format!("lane {lane}"), move |_| {
            let outer = match lock.lock() {
                Ok(guard) => guard,
                Err(LockError::OwnerDied(guard)) => {
                    guard.mark_consistent();
                    guard
                }
                Err(other) => panic!("{other}"),
            };
            let inner = lock.lock().expect("the holder may take it again");
            inside.set_unlocked(lane);
            drop(outer);
            assert_eq!(inside.get_unlocked(), lane, "someone else is inside");
            assert!(lock.is_mine(), "one of two holds was given back");
            drop(inner);
            assert!(!lock.is_mine(), "both holds were given back");
        });
    }
    stage.finally(move |_| match lock.try_lock() {
        Ok(_) | Err(LockError::OwnerDied(_)) => {}
        Err(other) => panic!("in the end: {other}"),
    });
}

fn semaphore(stage: &mut Stage, lanes: usize) {
    let semaphore = Semaphore::new(1).expect("memory for a semaphore");
    stage.name("semaphore", &semaphore);
    let (visited, left) = (semaphore.clone(), semaphore);
    visits(stage, lanes, move |act| act(visited.acquire()));
    stage.finally(move |_| {
        assert_eq!(left.value(), 1, "one permit at home");
        drop(left.try_acquire().expect("the permit"));
    });
}

fn bounded_semaphore(stage: &mut Stage, lanes: usize) {
    let semaphore = BoundedSemaphore::new(1).expect("memory for a semaphore");
    stage.name("semaphore", &semaphore);
    let (visited, left) = (semaphore.clone(), semaphore);
    visits(stage, lanes, move |act| act(visited.acquire()));
    stage.finally(move |_| {
        assert_eq!(left.value(), 1, "one permit at home");
        let over = left.release(1);
        assert_eq!(over, Err(SemaphoreError::OverRelease { over: 1 }));
    });
}

/// Each lane comes in by a permit, and must find itself alone.
fn visits(
    stage: &mut Stage,
    lanes: usize,
    acquire: impl Fn(&dyn Fn(Result<Permit, SemaphoreError>)) + Clone + 'static,
) {
    let inside = Value::new(usize::MAX).expect("memory for a mark");
    stage.name("inside", &inside);
    for lane in 0..lanes {
        let (acquire, inside) = (acquire.clone(), inside.clone());
        stage.lane(&format!("lane {lane}"), move |_| {
            acquire(&|permit| {
                let permit = permit.expect("a permit");
                inside.set_unlocked(lane);
                assert_eq!(inside.get_unlocked(), lane, "someone else is inside");
                drop(permit);
            });
        });
    }
}
