//! Locks, and what brings a lock along: what they guard can be repaired after any death, and they are free, or
//! rightly given up, in the end.

use super::super::programs::pairs::{self, Program};
use super::Subject;
use crate::explore::{Stage, run_all};
use crate::{LockError, Value};

/// The subjects of this file.
pub(super) static SUBJECTS: &[Subject] = &[
    Subject {
        primitive: "Lock",
        name: "lock-3",
        lanes: 3,
        run: |plans| run_all(pairs::set_up, &Program::Lock.with(3), plans),
    },
    Subject {
        primitive: "Lock",
        name: "lock-given-up-3",
        lanes: 3,
        run: |plans| run_all(pairs::set_up, &Program::GivenUp.with(3), plans),
    },
    Subject {
        primitive: "Lock",
        name: "lock-impatient-4",
        lanes: 4,
        run: |plans| run_all(pairs::set_up, &Program::Impatient.with(4), plans),
    },
    Subject {
        primitive: "Lock",
        name: "lock-4",
        lanes: 4,
        run: |plans| run_all(pairs::set_up, &Program::Lock.with(4), plans),
    },
    Subject {
        primitive: "RLock",
        name: "rlock-3",
        lanes: 3,
        run: |plans| run_all(pairs::set_up, &Program::RLock.with(3), plans),
    },
    Subject {
        primitive: "Value",
        name: "value-3",
        lanes: 3,
        run: |plans| run_all(counted_value, &3, plans),
    },
    Subject {
        primitive: "Array",
        name: "array-3",
        lanes: 3,
        run: |plans| run_all(pairs::set_up, &Program::Array.with(3), plans),
    },
];

/// A value of 8 bytes is never half written: it needs no repair, only someone who vouches for it.
fn counted_value(stage: &mut Stage, lanes: usize) {
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
