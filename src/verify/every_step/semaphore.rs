//! Semaphores: whoever is killed, its permits come home, none is made twice, and no one sleeps while one is to be had.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Subject;
use crate::explore::{Stage, run_all};
use crate::{Array, BoundedSemaphore, Permit, Semaphore, SemaphoreError, Value};

/// The subjects of this file.
pub(super) static SUBJECTS: &[Subject] = &[
    Subject {
        primitive: "Semaphore",
        name: "semaphore-signals-4",
        lanes: TELLERS + 1,
        run: |plans| run_all(signals, &(), plans),
    },
    Subject {
        primitive: "Semaphore",
        name: "semaphore-3",
        lanes: 3,
        run: |plans| run_all(turns, &(), plans),
    },
    Subject {
        primitive: "BoundedSemaphore",
        name: "bounded-semaphore-4",
        lanes: 4,
        run: |plans| run_all(visitors, &Visits::of(1), plans),
    },
    Subject {
        primitive: "BoundedSemaphore",
        name: "bounded-semaphore-of-two-4",
        lanes: 4,
        run: |plans| run_all(visitors, &Visits::of(2), plans),
    },
    Subject {
        primitive: "BoundedSemaphore",
        name: "bounded-semaphore-impatient-4",
        lanes: 4,
        run: |plans| run_all(visitors, &Visits::of(1).impatient(), plans),
    },
    Subject {
        primitive: "BoundedSemaphore",
        name: "bounded-semaphore-renewed-3",
        lanes: 3,
        run: |plans| run_all(renewed, &(), plans),
    },
];

/// One is left to tell when two are killed.
const TELLERS: usize = 3;

/// Four lanes that acquire a permit each, and give it back: when one is inside and the first in line is killed, there
/// are two more.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Visits {
    permits: u32,
    /// One lane waits for a time only, and one not at all.
    impatient: bool,
}

impl Visits {
    const fn of(permits: u32) -> Visits {
        Visits {
            permits,
            impatient: false,
        }
    }

    const fn impatient(self) -> Visits {
        Visits {
            impatient: true,
            ..self
        }
    }
}

fn visitors(stage: &mut Stage, visits: Visits) {
    let semaphore = BoundedSemaphore::new(visits.permits).expect("memory for a semaphore");
    // Who is inside, where only one may be.
    let inside = Value::new(usize::MAX).expect("memory for a mark");
    stage.name("semaphore", &semaphore);
    stage.name("inside", &inside);
    for lane in 0..4 {
        let (semaphore, inside) = (semaphore.clone(), inside.clone());
        stage.lane(&format!("lane {lane}"), move |_| {
            let acquired = match (visits.impatient, lane) {
                (true, 1) => semaphore.acquire_timeout(Duration::from_secs(1)),
                (true, 2) => semaphore.try_acquire(),
                _ => semaphore.acquire(),
            };
            let permit = match acquired {
                Ok(permit) => permit,
                Err(SemaphoreError::TimedOut | SemaphoreError::WouldBlock) if visits.impatient => {
                    return;
                }
                Err(other) => panic!("{other}"),
            };
            if visits.permits == 1 {
                inside.set_unlocked(lane);
                assert_eq!(inside.get_unlocked(), lane, "two are inside");
            }
            drop(permit);
        });
    }
    stage.finally(move |_| {
        assert_eq!(semaphore.value(), visits.permits, "permits at home");
        let all: Vec<Permit> = (0..visits.permits)
            .map(|_| semaphore.try_acquire().expect("a permit at home"))
            .collect();
        let more = semaphore.try_acquire().err();
        assert_eq!(more, Some(SemaphoreError::WouldBlock), "one too many");
        drop(all);
    });
}

/// Lanes that take turns, with places to spare.
fn turns(stage: &mut Stage, (): ()) {
    let semaphore = Semaphore::new(1).expect("memory for a semaphore");
    stage.name("semaphore", &semaphore);
    for lane in 0..3 {
        let semaphore = semaphore.clone();
        stage.lane(&format!("lane {lane}"), move |_| {
            drop(semaphore.acquire().expect("a turn"));
        });
    }
    stage.finally(move |_| {
        assert_eq!(semaphore.value(), 1, "one turn at home");
        drop(semaphore.try_acquire().expect("the turn"));
    });
}

/// Several release one each; one acquires one, and keeps it.
fn signals(stage: &mut Stage, (): ()) {
    let semaphore = Semaphore::new(0).expect("memory for a semaphore");
    let told = Array::<u32>::new(TELLERS).expect("memory for an array");
    stage.name("semaphore", &semaphore);
    stage.name("told", &told);
    for lane in 0..TELLERS {
        let (semaphore, told) = (semaphore.clone(), told.clone());
        stage.lane(&format!("teller {lane}"), move |_| {
            semaphore.release(1).expect("room for more permits");
            told.set_unlocked(lane, 1).expect("a teller's own");
        });
    }
    let heard = semaphore.clone();
    stage.lane("hearer", move |_| {
        heard.acquire().expect("one of several is told").forget();
    });
    stage.finally(move |_| {
        let (told, left) = (told.to_vec_unlocked(), semaphore.value());
        let (least, most) = (told.iter().sum::<u32>() - 1, TELLERS as u32);
        assert!(
            (least..=most).contains(&left),
            "{told:?} were told, one was heard, and {left} are left"
        );
    });
}

/// One gives its permit away, and releases another in its place; the others come and go.
fn renewed(stage: &mut Stage, (): ()) {
    const PERMITS: u32 = 2;
    let semaphore = BoundedSemaphore::new(PERMITS).expect("memory for a semaphore");
    let released = Value::new(false).expect("memory for a mark");
    stage.name("semaphore", &semaphore);
    stage.name("released", &released);
    let (renewing, is_released) = (semaphore.clone(), released.clone());
    stage.lane("lane 0", move |_| {
        renewing.acquire().expect("a permit").forget();
        renewing.release(1).expect("one is away");
        is_released.set_unlocked(true);
    });
    for lane in 1..3 {
        let semaphore = semaphore.clone();
        stage.lane(&format!("lane {lane}"), move |_| {
            drop(semaphore.acquire().expect("a permit"));
        });
    }
    stage.finally(move |_| {
        let value = semaphore.value();
        let least = PERMITS - u32::from(!released.get_unlocked());
        assert!(
            (least..=PERMITS).contains(&value),
            "{value} permits are at home"
        );
        let away = PERMITS - value;
        let over = semaphore.release(away + 1);
        assert_eq!(over, Err(SemaphoreError::OverRelease { over: 1 }));
        semaphore.release(away).expect("so many are away");
        assert_eq!(semaphore.value(), PERMITS);
    });
}
