//! Some wait for what others tell them: enough of these that one is left to tell when some are killed.

use serde::{Deserialize, Serialize};

use crate::explore::Stage;
use crate::{Condition, ConditionError, ConditionGuard, Event, Lock, LockError, Value};

/// Some wait, others tell them.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Lanes {
    pub waiters: usize,
    pub tellers: usize,
}

impl Lanes {
    pub const fn of(waiters: usize, tellers: usize) -> Lanes {
        Lanes { waiters, tellers }
    }
}

/// Through an event: who waits sees what was said before it was set.
pub fn set(stage: &mut Stage, lanes: Lanes) {
    let event = Event::new().expect("memory for an event");
    let said = Value::new(0).expect("memory for a number");
    stage.name("event", &event);
    stage.name("said", &said);
    for lane in 0..lanes.tellers {
        let (event, said) = (event.clone(), said.clone());
        stage.lane(&format!("teller {lane}"), move |_| {
            said.set_unlocked(7);
            event.set();
        });
    }
    for lane in 0..lanes.waiters {
        let (event, said) = (event.clone(), said.clone());
        stage.lane(&format!("waiter {lane}"), move |_| {
            event.wait();
            assert_eq!(said.get_unlocked(), 7, "told, and nothing was said");
        });
    }
    stage.finally(move |_| assert!(event.is_set(), "one of several has set it"));
}

/// Through a condition: each waits for a signal, or gives one where one is needed.
pub fn given(stage: &mut Stage, lanes: Lanes) {
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
            let given = signals.get_unlocked();
            // Whoever died here may have given the last one, and told nobody: then it is for lock() to tell.
            if (given as usize) < lanes.waiters {
                signals.set_unlocked(given + 1);
                held.notify_one();
            }
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
