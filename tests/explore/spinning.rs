//! Lanes that read the same again and again: what they do once they stop is found, in every schedule.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::time::Duration;

use forkproof::explore::{Ended, Report, Stage, exhaustive};
use forkproof::sys::SharedWord;
use forkproof::world::Word;
use forkproof::{Lock, Semaphore};

/// A lane panics, with these words.
fn fails(report: &Report, why: &str) {
    let ended = report.failure().map(|run| &run.ended);
    let panics = matches!(ended, Some(Ended::Panicked { text, .. }) if text.contains(why));
    assert!(panics, "{report}");
}

/// Explored with the reduction, and without.
fn fails_in_both<F>(program: F, why: &str)
where
    F: Fn(&mut Stage, ()) + Copy + 'static,
{
    for exploration in [exhaustive(), exhaustive().unreduced()] {
        fails(&exploration.check((), program).unwrap(), why);
    }
}

#[test]
fn who_gives_up_after_some_rounds_does_so_while_others_could_go_on() {
    fails_in_both(
        |stage, ()| {
            let flag = stage.shared(SharedWord::new(0));
            stage.lane("impatient", move |_| {
                let came = (0..50).any(|_| flag.load(Acquire) == 1);
                assert!(came, "gave up");
            });
            stage.lane("late", move |_| flag.store(1, Release));
        },
        "gave up",
    );
}

#[test]
fn who_waits_for_a_lock_sleeps_and_gives_up_while_its_owner_is_inside() {
    fails_in_both(
        |stage, ()| {
            let lock = Lock::new().unwrap();
            let inside = stage.shared(SharedWord::new(0));
            for name in ["ann", "ben"] {
                let lock = lock.clone();
                stage.lane(name, move |_| {
                    let _guard = lock.lock_timeout(Duration::from_secs(60)).ok(); // or without it
                    assert_eq!(inside.fetch_add(1, Relaxed), 0, "two inside");
                    inside.fetch_sub(1, Relaxed);
                });
            }
        },
        "two inside",
    );
}

#[test]
fn who_searches_many_places_goes_on_searching() {
    let report = exhaustive().check((), |stage: &mut Stage, ()| {
        let permits = Semaphore::new(1).unwrap();
        for name in ["ann", "ben"] {
            let permits = permits.clone();
            stage.lane(name, move |_| {
                if permits.value() > 0 {
                    let permit = permits.try_acquire();
                    assert!(permit.is_ok(), "it was there");
                }
            });
        }
    });
    fails(&report.unwrap(), "it was there");
}

#[test]
fn who_spins_for_good_is_waited_for() {
    let report = exhaustive()
        .check((), |stage: &mut Stage, ()| {
            let lock = stage.shared(SharedWord::new(0));
            for name in ["ann", "ben", "cid"] {
                stage.lane(name, move |_| {
                    while lock.swap(1, AcqRel) == 1 {}
                    lock.store(0, Release);
                });
            }
        })
        .unwrap();
    assert!(!report.fails() && report.tally.is_all(), "{report}");
}
