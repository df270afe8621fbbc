//! Two numbers that are equal whenever their lock is free, or are made so again by who takes it over from the dead.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::explore::Stage;
use crate::{Array, ArrayError, Lock, LockError, RLock, Value};

/// Which program, with how many lanes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Shape {
    program: Program,
    lanes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Program {
    Lock,
    /// As `Lock`, but whoever takes it over from the dead gives it up.
    GivenUp,
    /// The second lane waits for a time only, and the third does not wait.
    Impatient,
    RLock,
    /// Under the array's own lock.
    Array,
}

impl Program {
    pub const fn with(self, lanes: usize) -> Shape {
        Shape {
            program: self,
            lanes,
        }
    }
}

/// Sets its lanes on the stage, and what is to hold in the end.
pub fn set_up(stage: &mut Stage, shape: Shape) {
    match shape.program {
        Program::Lock | Program::GivenUp | Program::Impatient => locked_pair(stage, shape),
        Program::RLock => nested_pair(stage, shape),
        Program::Array => array_pair(stage, shape),
    }
}

/// Under the lock the two numbers are equal: whoever takes it over makes them so again.
fn locked_pair(stage: &mut Stage, Shape { program, lanes }: Shape) {
    let lock = Lock::new().expect("memory for a lock");
    let pair = Array::<i64>::new(2).expect("memory for a pair");
    let given_up = Value::new(false).expect("memory for a mark");
    stage.name("lock", &lock);
    stage.name("pair", &pair);
    stage.name("given up", &given_up);
    for lane in 0..lanes {
        let (lock, pair, given_up) = (lock.clone(), pair.clone(), given_up.clone());
        stage.lane(&format!("lane {lane}"), move |_| {
            let taken = match (program, lane) {
                (Program::Impatient, 1) => lock.lock_timeout(Duration::from_secs(1)),
                (Program::Impatient, 2) => lock.try_lock(),
                _ => lock.lock(),
            };
            let guard = match taken {
                Ok(guard) => {
                    assert!(
                        program != Program::GivenUp || !given_up.get_unlocked(),
                        "a lock that was given up is taken again"
                    );
                    guard
                }
                Err(LockError::OwnerDied(guard)) => {
                    if program == Program::GivenUp {
                        given_up.set_unlocked(true);
                        return; // without mark_consistent()
                    }
                    mend(&pair);
                    guard.mark_consistent();
                    guard
                }
                Err(LockError::NotRecoverable) if program == Program::GivenUp => return,
                Err(LockError::TimedOut | LockError::WouldBlock)
                    if program == Program::Impatient =>
                {
                    return;
                }
                Err(other) => panic!("{other}"),
            };
            add_to_both(&pair);
            drop(guard);
        });
    }
    stage.finally(move |_| {
        let guard = match lock.try_lock() {
            Ok(guard) => guard,
            Err(LockError::OwnerDied(guard)) => {
                mend(&pair);
                guard
            }
            Err(LockError::NotRecoverable) if program == Program::GivenUp => return,
            Err(other) => panic!("in the end: {other}"),
        };
        assert_equal(&pair, lanes);
        drop(guard);
    });
}

fn nested_pair(stage: &mut Stage, Shape { lanes, .. }: Shape) {
    let lock = RLock::new().expect("memory for a lock");
    let pair = Array::<i64>::new(2).expect("memory for a pair");
    stage.name("lock", &lock);
    stage.name("pair", &pair);
    for lane in 0..lanes {
        let (lock, pair) = (lock.clone(), pair.clone());
        stage.lane(&format!("lane {lane}"), move |_| {
            let outer = match lock.lock() {
                Ok(guard) => guard,
                Err(LockError::OwnerDied(guard)) => {
                    mend(&pair);
                    guard.mark_consistent();
                    guard
                }
                Err(other) => panic!("{other}"),
            };
            let inner = lock.lock().expect("the holder may take it again");
            drop(outer);
            assert!(lock.is_mine(), "one of two holds was given back");
            add_to_both(&pair);
            drop(inner);
            assert!(!lock.is_mine(), "both holds were given back");
        });
    }
    stage.finally(move |_| {
        let guard = match lock.try_lock() {
            Ok(guard) => guard,
            Err(LockError::OwnerDied(guard)) => {
                mend(&pair);
                guard
            }
            Err(other) => panic!("in the end: {other}"),
        };
        assert_equal(&pair, lanes);
        drop(guard);
    });
}

/// Two elements, written back one after the other when the guard is dropped.
fn array_pair(stage: &mut Stage, Shape { lanes, .. }: Shape) {
    let pair = Array::<i64>::new(2).expect("memory for a pair");
    stage.name("pair", &pair);
    for lane in 0..lanes {
        let pair = pair.clone();
        stage.lane(&format!("lane {lane}"), move |_| {
            let mut guard = match pair.lock() {
                Ok(guard) => guard,
                Err(LockError::OwnerDied(mut guard)) => {
                    complete(&mut guard);
                    guard.mark_consistent();
                    guard
                }
                Err(other) => panic!("{other}"),
            };
            assert_eq!(guard[0], guard[1], "half an addition");
            guard.iter_mut().for_each(|number| *number += 1);
        });
    }
    stage.finally(move |_| {
        match pair.to_vec() {
            Ok(_) => {}
            Err(ArrayError::Lock(LockError::OwnerDied(mut guard))) => {
                complete(&mut guard);
                guard.mark_consistent();
            }
            Err(other) => panic!("in the end: {other}"),
        }
        assert_equal(&pair, lanes);
    });
}

fn add_to_both(pair: &Array<i64>) {
    let seen = pair.to_vec_unlocked();
    assert_eq!(seen[0], seen[1], "someone else is inside");
    set_both(pair, seen[0] + 1);
}

/// Completes an addition that was cut short.
fn mend(pair: &Array<i64>) {
    let mut seen = pair.to_vec_unlocked();
    complete(&mut seen);
    set_both(pair, seen[0]);
}

fn complete(pair: &mut [i64]) {
    let most = pair[0].max(pair[1]);
    pair.fill(most);
}

fn set_both(pair: &Array<i64>, number: i64) {
    for index in 0..2 {
        pair.set_unlocked(index, number).expect("a pair has two");
    }
}

fn assert_equal(pair: &Array<i64>, lanes: usize) {
    let seen = pair.to_vec_unlocked();
    assert!(seen[0] == seen[1], "half an addition: {seen:?}");
    assert!(
        (0..=lanes as i64).contains(&seen[0]),
        "{seen:?} of at most {lanes} additions"
    );
}
