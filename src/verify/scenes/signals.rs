//! Events, conditions and barriers: who waits is told, and goes on.

use super::{Bounds, Scene};
use crate::explore::Stage;
use crate::{Array, Barrier, Condition, ConditionError, ConditionGuard, Event, LockError, Value};

pub(super) static SCENES: &[Scene] = &[
    Scene {
        name: "event",
        primitive: "Event",
        claims: "who waits goes on when it is set, and sees what was said before; two tell, as one may be killed",
        is_broken: false,
        quick: Bounds::of(3, 1, 400),
        full: Bounds::of(4, 1, 20_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, event),
    },
    Scene {
        name: "condition",
        primitive: "Condition",
        claims: "who waits for a signal gets one; two give one, as one may be killed",
        is_broken: false,
        quick: Bounds::of(3, 1, 200),
        full: Bounds::of(3, 1, 20_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, condition),
    },
    Scene {
        name: "barrier",
        primitive: "Barrier",
        claims: "no one passes before all have come, in two rounds, and each has a number of its own",
        is_broken: false,
        quick: Bounds::of(2, 0, 1_000),
        full: Bounds::of(3, 0, 20_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, barrier),
    },
];

/// One waits, the others set it.
fn event(stage: &mut Stage, lanes: usize) {
    let event = Event::new().expect("memory for an event");
    let said = Value::new(0).expect("memory for a number");
    stage.name("event", &event);
    stage.name("said", &said);
    let (heard, hears) = (event.clone(), said.clone());
    stage.lane("hearer", move |_| {
        heard.wait();
        assert_eq!(hears.get_unlocked(), 7, "heard, and not told");
    });
    for lane in 1..lanes {
        let (event, said) = (event.clone(), said.clone());
        stage.lane(&format!("teller {lane}"), move |_| {
            said.set_unlocked(7);
            event.set();
        });
    }
}

/// One waits for a signal, the others give one each.
fn condition(stage: &mut Stage, lanes: usize) {
    let condition = Condition::new().expect("memory for a condition");
    let signals = Value::new(0u32).expect("memory for a count");
    stage.name("condition", &condition);
    stage.name("signals", &signals);
    let (heard, awaited) = (condition.clone(), signals.clone());
    stage.lane("waiter", move |_| {
        let mut held = lock(&heard);
        while awaited.get_unlocked() == 0 {
            held = match held.wait() {
                Ok(held) => held,
                Err(ConditionError::OwnerDied(held)) => look_again(held),
                Err(other) => panic!("{other}"),
            };
        }
        awaited.set_unlocked(awaited.get_unlocked() - 1);
    });
    for lane in 1..lanes {
        let (condition, signals) = (condition.clone(), signals.clone());
        stage.lane(&format!("teller {lane}"), move |_| {
            let held = lock(&condition);
            signals.set_unlocked(signals.get_unlocked() + 1);
            held.notify_one();
        });
    }
    stage.finally(move |_| {
        let held = lock(&condition);
        assert!(
            (signals.get_unlocked() as usize) < lanes,
            "too many signals"
        );
        assert_eq!(held.notify_all(), 0, "someone waits");
    });
}

/// On the death of an owner there is nothing to mend but that all should look again.
fn lock(condition: &Condition) -> ConditionGuard<'_> {
    match condition.lock() {
        Ok(held) => held,
        Err(LockError::OwnerDied(held)) => look_again(held),
        Err(other) => panic!("{other}"),
    }
}

fn look_again(held: ConditionGuard<'_>) -> ConditionGuard<'_> {
    held.mark_consistent();
    held.notify_all();
    held
}

const ROUNDS: usize = 2;

/// Each says that it has come, waits, and looks that all have.
fn barrier(stage: &mut Stage, lanes: usize) {
    let barrier = Barrier::new(lanes).expect("memory for a barrier");
    let came = Array::<u32>::new(ROUNDS * lanes).expect("memory for marks");
    let numbers = Array::<u32>::new(ROUNDS * lanes).expect("memory for marks");
    stage.name("barrier", &barrier);
    stage.name("came", &came);
    stage.name("numbers", &numbers);
    for lane in 0..lanes {
        let (barrier, came, numbers) = (barrier.clone(), came.clone(), numbers.clone());
        stage.lane(&format!("lane {lane}"), move |_| {
            for round in 0..ROUNDS {
                let first = round * lanes;
                came.set_unlocked(first + lane, 1).expect("a lane's own");
                let number = barrier.wait().expect("no one breaks it");
                for other in first..first + lanes {
                    assert_eq!(came.get_unlocked(other), Ok(1), "passed too early");
                }
                let mark = numbers.get_unlocked(first + number).expect("a number");
                assert_eq!(mark, 0, "two have the number {number}");
                numbers.set_unlocked(first + number, 1).expect("a number");
            }
        });
    }
}
