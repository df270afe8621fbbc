//! Semaphores: whoever is killed, its permits come home, none is made twice, and no one sleeps while one is to be had.

use forkproof::shm::Shared;
use forkproof::{BoundedSemaphore, Permit, Semaphore, SemaphoreError};

use super::{Case, busy, quiet};
use crate::stage::{Stage, forever};

pub(super) static CASES: &[Case] = &[
    quiet("Semaphore", "acquire, one free", |stage| {
        acquire::<Semaphore>(stage)
    }),
    quiet("Semaphore", "acquire, none free", |stage| {
        acquire_none::<Semaphore>(stage, 0)
    }),
    quiet("Semaphore", "acquire, none free, one asleep", |stage| {
        acquire_none::<Semaphore>(stage, 1)
    }),
    quiet("Semaphore", "give back, nobody there", |stage| {
        give_back::<Semaphore>(stage, 0)
    }),
    quiet("Semaphore", "give back, one asleep", |stage| {
        give_back::<Semaphore>(stage, 1)
    }),
    quiet("Semaphore", "give back, two asleep", |stage| {
        give_back::<Semaphore>(stage, 2)
    }),
    quiet("Semaphore", "forget, nobody there", forget),
    quiet("Semaphore", "release, nobody there", |stage| {
        release(stage, 0)
    }),
    quiet("Semaphore", "release, one asleep", |stage| {
        release(stage, 1)
    }),
    quiet("Semaphore", "release, two asleep", |stage| {
        release(stage, 2)
    }),
    quiet(
        "Semaphore",
        "release, no place left, one asleep",
        release_surplus,
    ),
    busy("Semaphore", "acquire and give back, one awake", |stage| {
        come_and_go::<Semaphore>(stage)
    }),
    quiet("BoundedSemaphore", "acquire, one free", |stage| {
        acquire::<BoundedSemaphore>(stage)
    }),
    quiet(
        "BoundedSemaphore",
        "acquire, none free, one asleep",
        |stage| acquire_none::<BoundedSemaphore>(stage, 1),
    ),
    quiet("BoundedSemaphore", "give back, one asleep", |stage| {
        give_back::<BoundedSemaphore>(stage, 1)
    }),
    quiet("BoundedSemaphore", "give back, two asleep", |stage| {
        give_back::<BoundedSemaphore>(stage, 2)
    }),
    busy(
        "BoundedSemaphore",
        "acquire and give back, one awake",
        come_and_go::<BoundedSemaphore>,
    ),
];

/// Either kind.
trait Permits: Shared + Clone + 'static {
    fn one() -> Self;
    fn acquire(&self) -> Permit<'_>;
    fn at_home(&self) -> u32;
}

impl Permits for Semaphore {
    fn one() -> Semaphore {
        Semaphore::new(1).expect("memory for a semaphore")
    }

    fn acquire(&self) -> Permit<'_> {
        Semaphore::acquire(self).expect("a permit")
    }

    fn at_home(&self) -> u32 {
        let value = self.value();
        let taken = self.try_acquire();
        assert_eq!(taken.is_ok(), value > 0, "{value} are at home, it says");
        value
    }
}

impl Permits for BoundedSemaphore {
    fn one() -> BoundedSemaphore {
        BoundedSemaphore::new(1).expect("memory for a semaphore")
    }

    fn acquire(&self) -> Permit<'_> {
        BoundedSemaphore::acquire(self).expect("a permit")
    }

    fn at_home(&self) -> u32 {
        drop(self.try_acquire());
        assert_eq!(
            self.release(1),
            Err(SemaphoreError::OverRelease { over: 1 })
        );
        self.value()
    }
}

fn on<S: Permits>(stage: &mut Stage) -> S {
    let semaphore = S::one();
    stage.watch(&semaphore);
    semaphore
}

fn fall_asleep<S: Permits>(stage: &mut Stage, semaphore: &S, sleepers: usize) {
    for _ in 0..sleepers {
        let semaphore = semaphore.clone();
        stage.asleep("who sleeps for a permit", move || drop(semaphore.acquire()));
    }
}

/// One more comes when the victim is dead; in the end the one permit is at home.
fn finish<S: Permits>(stage: &mut Stage, semaphore: S) {
    let after = semaphore.clone();
    stage.survivor("who comes after", move |_| drop(after.acquire()));
    stage.judge(move |_| assert_eq!(semaphore.at_home(), 1, "permits at home"));
}

fn acquire<S: Permits>(stage: &mut Stage) {
    let semaphore = on::<S>(stage);
    let mine = forever(&semaphore);
    stage.victim(|| (), |()| mine.acquire());
    finish(stage, semaphore);
}

/// Its holder gives it back when the victim sleeps for it, behind others.
fn acquire_none<S: Permits>(stage: &mut Stage, sleepers: usize) {
    let semaphore = on::<S>(stage);
    let (mine, holder) = (forever(&semaphore), forever(&semaphore));
    stage.poised("the holder", || holder.acquire(), drop);
    fall_asleep(stage, &semaphore, sleepers);
    stage.victim(|| (), |()| mine.acquire());
    finish(stage, semaphore);
}

fn give_back<S: Permits>(stage: &mut Stage, sleepers: usize) {
    let semaphore = on::<S>(stage);
    let mine = forever(&semaphore);
    stage.victim(|| mine.acquire(), drop);
    fall_asleep(stage, &semaphore, sleepers);
    finish(stage, semaphore);
}

fn come_and_go<S: Permits>(stage: &mut Stage) {
    let semaphore = on::<S>(stage);
    let (mine, awake) = (semaphore.clone(), semaphore.clone());
    stage.awake("who comes and goes", move || drop(awake.acquire()));
    stage.victim(|| (), move |()| drop(mine.acquire()));
    finish(stage, semaphore);
}

/// A permit that was given away does not come back; one that was not yet does.
fn forget(stage: &mut Stage) {
    let semaphore = on::<Semaphore>(stage);
    let mine = forever(&semaphore);
    stage.victim(|| Permits::acquire(mine), Permit::forget);
    stage.judge(move |end| {
        let home = semaphore.at_home();
        assert!(home <= u32::from(!end.returned), "{home} at home, {end:?}");
    });
}

/// Each of those asleep takes one for good.
fn release(stage: &mut Stage, sleepers: u32) {
    let semaphore = Semaphore::new(0).expect("memory for a semaphore");
    stage.watch(&semaphore);
    for _ in 0..sleepers {
        let semaphore = semaphore.clone();
        stage.asleep("who sleeps for a permit", move || {
            Permits::acquire(&semaphore).forget();
        });
    }
    let (mine, after) = (semaphore.clone(), semaphore.clone());
    let victims = sleepers.max(1);
    stage.victim(
        || (),
        move |()| mine.release(victims).expect("room for more"),
    );
    stage.survivor("who releases after", move |end| {
        // One that the victim did release is enough for one asleep: it may not lie there unnoticed. Of several it may
        // have released some.
        if !end.returned && (victims > 1 || after.value() == 0) {
            after.release(victims).expect("room for more");
        }
    });
    stage.judge(move |end| {
        let (least, most) = match end.returned {
            true => (victims - sleepers, victims - sleepers),
            false => (victims - sleepers, 2 * victims - sleepers),
        };
        let home = semaphore.at_home();
        assert!((least..=most).contains(&home), "{home} at home, {end:?}");
    });
}

/// Permits at a time that are places; those beyond are a number.
const PLACES: u32 = 16;

/// All places are taken, by this process, so that what is released is a number.
fn release_surplus(stage: &mut Stage) {
    let semaphore = Semaphore::new(0).expect("memory for a semaphore");
    stage.watch(&semaphore);
    let holder = forever(&semaphore);
    holder.release(PLACES).expect("room for more");
    let held: Vec<Permit> = (0..PLACES).map(|_| Permits::acquire(holder)).collect();
    let (sleeper, mine, after) = (semaphore.clone(), semaphore.clone(), semaphore.clone());
    stage.asleep("who sleeps for a permit", move || {
        Permits::acquire(&sleeper).forget();
    });
    stage.victim(|| (), move |()| mine.release(1).expect("room for more"));
    stage.survivor("who releases after", move |end| {
        if !end.returned && after.value() == 0 {
            after.release(1).expect("room for more");
        }
    });
    stage.judge(move |end| {
        let more = semaphore.at_home();
        assert!(more <= u32::from(!end.returned), "{more} at home, {end:?}");
        drop(held);
        assert_eq!(semaphore.at_home(), more + PLACES, "{end:?}");
    });
}
