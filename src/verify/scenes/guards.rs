//! Locks and semaphores: one inside at a time, whoever is killed; and what the dead held can be had.

use super::super::programs::pairs::{self, Program};
use super::{Bounds, Scene};
use crate::explore::Stage;
use crate::{BoundedSemaphore, Permit, Semaphore, SemaphoreError, Value};

pub(super) static SCENES: &[Scene] = &[
    Scene {
        name: "lock",
        primitive: "Lock",
        claims: "one is inside at a time; who comes after a dead owner is told, and can mend what it left",
        is_broken: false,
        quick: Bounds::of(2, 1, 1_000),
        full: Bounds::of(3, 2, 8_000),
        explore: |exploration, named, lanes| {
            exploration.explore(named, &Program::Lock.with(lanes), pairs::set_up)
        },
    },
    Scene {
        name: "lock-timeout",
        primitive: "Lock",
        claims: "who waits for a time only gets the lock, or is told; and no one else is held up by it",
        is_broken: false,
        quick: Bounds::of(2, 1, 1_000),
        full: Bounds::of(3, 1, 8_000),
        explore: |exploration, named, lanes| {
            exploration.explore(named, &Program::Impatient.with(lanes), pairs::set_up)
        },
    },
    Scene {
        name: "rlock",
        primitive: "RLock",
        claims: "the holder may take it again, and it is free when it was given back as often; or when its holder is dead",
        is_broken: false,
        quick: Bounds::of(2, 1, 600),
        full: Bounds::of(3, 1, 8_000),
        explore: |exploration, named, lanes| {
            exploration.explore(named, &Program::RLock.with(lanes), pairs::set_up)
        },
    },
    Scene {
        name: "semaphore",
        primitive: "Semaphore",
        claims: "as many permits are out as there are; that of a dead holder comes home",
        is_broken: false,
        quick: Bounds::of(2, 1, 800),
        full: Bounds::of(3, 1, 8_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, semaphore),
    },
    Scene {
        name: "bounded-semaphore",
        primitive: "BoundedSemaphore",
        claims: "as the semaphore; and no permit more comes home than there are",
        is_broken: false,
        quick: Bounds::of(2, 1, 2_000),
        full: Bounds::of(3, 1, 8_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, bounded_semaphore),
    },
];

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
