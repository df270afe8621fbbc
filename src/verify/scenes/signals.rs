//! Events, conditions and barriers: who waits is told, and goes on.

use std::time::Duration;

use super::super::programs::signals::{self, Lanes};
use super::{Bounds, Scene};
use crate::explore::Stage;
use crate::{Array, Barrier, BarrierError};

pub(super) static SCENES: &[Scene] = &[
    Scene {
        name: "event",
        primitive: "Event",
        claims: "who waits goes on when it is set, and sees what was said before; two tell, as one may be killed",
        is_broken: false,
        quick: Bounds::of(3, 1, 800),
        full: Bounds::of(4, 1, 8_000),
        explore: |exploration, named, lanes| {
            exploration.explore(named, &Lanes::of(1, lanes - 1), signals::set)
        },
    },
    Scene {
        name: "condition",
        primitive: "Condition",
        claims: "who waits for a signal gets one; two give one, as one may be killed",
        is_broken: false,
        quick: Bounds::of(3, 1, 300),
        full: Bounds::of(3, 1, 8_000),
        explore: |exploration, named, lanes| {
            exploration.explore(named, &Lanes::of(1, lanes - 1), signals::given)
        },
    },
    Scene {
        name: "barrier",
        primitive: "Barrier",
        claims: "no one passes before all have come, in two rounds, and each has a number of its own",
        is_broken: false,
        quick: Bounds::of(2, 0, 1_000),
        full: Bounds::of(3, 0, 8_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, barrier),
    },
    Scene {
        name: "barrier-broken",
        primitive: "Barrier",
        claims: "no one passes before all have come, and who waits for one that is dead, or late, is told",
        is_broken: false,
        quick: Bounds::of(2, 1, 600),
        full: Bounds::of(3, 1, 8_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, broken_barrier),
    },
];

const ROUNDS: usize = 2;

/// Each says that it has come, waits, and looks that all have.
fn barrier(stage: &mut Stage, lanes: usize) {
    meet(stage, lanes, ROUNDS, |barrier| {
        Some(barrier.wait().expect("no one breaks it"))
    });
}

/// Each waits for a time only. (Without it who is killed before it came would rightly be waited for.)
fn broken_barrier(stage: &mut Stage, lanes: usize) {
    let barrier = meet(stage, lanes, 1, |barrier| {
        match barrier.wait_timeout(Duration::from_secs(1)) {
            Ok(number) => Some(number),
            Err(BarrierError::Broken | BarrierError::TimedOut) => None,
            Err(other) => panic!("{other}"),
        }
    });
    stage.finally(move |_| {
        barrier.reset().expect("room for a lock");
        assert_eq!((barrier.n_waiting(), barrier.broken()), (0, false));
    });
}

/// In each round, until one does not pass.
fn meet(
    stage: &mut Stage,
    lanes: usize,
    rounds: usize,
    pass: fn(&Barrier) -> Option<usize>,
) -> Barrier {
    let barrier = Barrier::new(lanes).expect("memory for a barrier");
    let came = Array::<u32>::new(rounds * lanes).expect("memory for marks");
    let numbers = Array::<u32>::new(rounds * lanes).expect("memory for marks");
    stage.name("barrier", &barrier);
    stage.name("came", &came);
    stage.name("numbers", &numbers);
    for lane in 0..lanes {
        let (barrier, came, numbers) = (barrier.clone(), came.clone(), numbers.clone());
        stage.lane(&format!("lane {lane}"), move |_| {
            for round in 0..rounds {
                let first = round * lanes;
                came.set_unlocked(first + lane, 1).expect("a lane's own");
                let Some(number) = pass(&barrier) else { return };
                for other in first..first + lanes {
                    assert_eq!(came.get_unlocked(other), Ok(1), "passed too early");
                }
                let mark = numbers.get_unlocked(first + number).expect("a number");
                assert_eq!(mark, 0, "two have the number {number}");
                numbers.set_unlocked(first + number, 1).expect("a number");
            }
        });
    }
    barrier
}
