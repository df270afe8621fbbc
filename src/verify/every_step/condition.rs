//! Conditions: whoever is killed, who waits is told what was said, or that it will not be.

use serde::{Deserialize, Serialize};

use super::{Subject, killed_once};
use crate::explore::{Stage, run_all};
use crate::{Condition, ConditionError, ConditionGuard, Lock, LockError, Value};

/// The subjects of this file.
pub(super) static SUBJECTS: &[Subject] = &[Subject {
    primitive: "Condition",
    name: "condition-told-3",
    lanes: 3,
    // One is left to tell when one is killed.
    run: |plans| run_all(told, &Lanes::of(1, 2), &killed_once(plans)),
}];

/// Some wait for a signal each, others give one each.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Lanes {
    waiters: usize,
    tellers: usize,
}

impl Lanes {
    const fn of(waiters: usize, tellers: usize) -> Lanes {
        Lanes { waiters, tellers }
    }
}

fn told(stage: &mut Stage, lanes: Lanes) {
    let own_lock = Lock::new().expect("memory for a lock");
    let condition = Condition::with_lock(own_lock.clone());
    let condition = condition.and_then(|condition| condition.with_waiters(lanes.waiters));
    let condition = condition.expect("memory for a condition");
    let signals = Value::new(0u32).expect("memory for a count");
    stage.name("lock", &own_lock);
    stage.name("condition", &condition);
    stage.name("signals", &signals);
    for lane in 0..lanes.waiters {
        let (condition, signals) = (condition.clone(), signals.clone());
        stage.lane(&format!("waiter {lane}"), move |_| {
            let mut held = lock(&condition);
            while signals.get_unlocked() == 0 {
                held = wait(held);
            }
            signals.set_unlocked(signals.get_unlocked() - 1);
        });
    }
    for lane in 0..lanes.tellers {
        let (condition, signals) = (condition.clone(), signals.clone());
        stage.lane(&format!("teller {lane}"), move |_| {
            let held = lock(&condition);
            signals.set_unlocked(signals.get_unlocked() + 1);
            held.notify_one();
        });
    }
    stage.finally(move |_| {
        let held = lock(&condition);
        let left = signals.get_unlocked() as usize;
        assert!(left <= lanes.tellers, "{left} signals of {}", lanes.tellers);
        is_deserted(&condition, &held);
    });
}

/// Takes the lock; on the death of an owner there is nothing to mend but that all should look again.
fn lock(condition: &Condition) -> ConditionGuard<'_> {
    match condition.lock() {
        Ok(held) => held,
        Err(LockError::OwnerDied(held)) => look_again(held),
        Err(other) => panic!("{other}"),
    }
}

fn wait(held: ConditionGuard<'_>) -> ConditionGuard<'_> {
    match held.wait() {
        Ok(held) => held,
        Err(ConditionError::OwnerDied(held)) => look_again(held),
        Err(other) => panic!("{other}"),
    }
}

fn look_again(held: ConditionGuard<'_>) -> ConditionGuard<'_> {
    held.mark_consistent();
    held.notify_all();
    held
}

/// No one waits.
fn is_deserted(condition: &Condition, held: &ConditionGuard<'_>) {
    assert_eq!(held.notify_all(), 0, "someone waits");
    assert_eq!(condition.waiters(), 0, "someone waits");
}
