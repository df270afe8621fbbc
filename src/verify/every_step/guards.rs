//! Locks, and what brings a lock along: what they guard can be repaired after any death, and they are free, or
//! rightly given up, in the end.

use std::time::Duration;

use super::Subject;
use crate::explore::{Stage, run_all};
use crate::{Array, ArrayError, Lock, LockError, RLock, Value};

/// The subjects of this file.
pub(super) static SUBJECTS: &[Subject] = &[
    Subject {
        primitive: "Lock",
        name: "lock-3",
        lanes: 3,
        run: |plans| run_all(set_up, &Program::Lock.with(3), plans),
    },
    Subject {
        primitive: "Lock",
        name: "lock-given-up-3",
        lanes: 3,
        run: |plans| run_all(set_up, &Program::GivenUp.with(3), plans),
    },
    Subject {
        primitive: "Lock",
        name: "lock-impatient-4",
        lanes: 4,
        run: |plans| run_all(set_up, &Program::Impatient.with(4), plans),
    },
    Subject {
        primitive: "Lock",
        name: "lock-4",
        lanes: 4,
        run: |plans| run_all(set_up, &Program::Lock.with(4), plans),
    },
    Subject {
        primitive: "RLock",
        name: "rlock-3",
        lanes: 3,
        run: |plans| run_all(set_up, &Program::RLock.with(3), plans),
    },
    Subject {
        primitive: "Value",
        name: "value-3",
        lanes: 3,
        run: |plans| run_all(set_up, &Program::Value.with(3), plans),
    },
    Subject {
        primitive: "Array",
        name: "array-3",
        lanes: 3,
        run: |plans| run_all(set_up, &Program::Array.with(3), plans),
    },
];

/// What the set-up is told.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
struct Shape {
    program: Program,
    lanes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Program {
    Lock,
    /// As `Lock`, but whoever takes it over from the dead gives it up.
    GivenUp,
    /// With deadlines, and with lanes that only try.
    Impatient,
    RLock,
    Value,
    Array,
}

impl Program {
    const fn with(self, lanes: usize) -> Shape {
        Shape {
            program: self,
            lanes,
        }
    }
}

fn set_up(stage: &mut Stage, shape: Shape) {
    match shape.program {
        Program::Lock | Program::GivenUp | Program::Impatient => locked_pair(stage, shape),
        Program::RLock => nested_pair(stage, shape),
        Program::Value => counted_value(stage, shape),
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
                        !given_up.get_unlocked(),
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
            add_to_both(&pair);
            drop(outer);
            assert!(lock.is_mine(), "one of two holds was given back");
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

/// A value of 8 bytes is never half written: it needs no repair, only someone who vouches for it.
fn counted_value(stage: &mut Stage, Shape { lanes, .. }: Shape) {
    let value = Value::new(0i64).expect("memory for a value");
    stage.name("value", &value);
    for lane in 0..lanes {
        let value = value.clone();
        stage.lane(&format!("lane {lane}"), move |_| {
            match value.update(|value| *value += 1) {
                Ok(()) => {}
                Err(LockError::OwnerDied(mut guard)) => {
                    *guard += 1;
                    guard.mark_consistent();
                }
                Err(other) => panic!("{other}"),
            }
        });
    }
    stage.finally(move |_| {
        let seen = match value.try_lock() {
            Ok(guard) | Err(LockError::OwnerDied(guard)) => *guard,
            Err(other) => panic!("in the end: {other}"),
        };
        assert!(
            (0..=lanes as i64).contains(&seen),
            "{seen} of at most {lanes} additions"
        );
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
                    let most = guard[0].max(guard[1]);
                    guard.fill(most);
                    guard.mark_consistent();
                    guard
                }
                Err(other) => panic!("{other}"),
            };
            guard.iter_mut().for_each(|number| *number += 1);
        });
    }
    stage.finally(move |_| {
        match pair.to_vec() {
            Ok(_) => {}
            Err(ArrayError::Lock(LockError::OwnerDied(mut guard))) => {
                let most = guard[0].max(guard[1]);
                guard.fill(most);
                guard.mark_consistent();
            }
            Err(other) => panic!("in the end: {other}"),
        }
        assert_equal(&pair, lanes);
    });
}

fn add_to_both(pair: &Array<i64>) {
    for index in 0..2 {
        let seen = pair.get_unlocked(index).expect("a pair has two");
        pair.set_unlocked(index, seen + 1).expect("a pair has two");
    }
}

/// An addition that was cut short is completed.
fn mend(pair: &Array<i64>) {
    let most = pair
        .to_vec_unlocked()
        .into_iter()
        .max()
        .expect("a pair has two");
    for index in 0..2 {
        pair.set_unlocked(index, most).expect("a pair has two");
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
