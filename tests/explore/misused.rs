//! The library's own objects, used wrongly: what holds of each call does not hold of two.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::time::Duration;

use forkproof::explore::{Ended, Exploration, Report, Stage, exhaustive, pct, portfolio, random};
use forkproof::sys::SharedWord;
use forkproof::world::Word;
use forkproof::{Array, Event, Lock, LockError, LockGuard, Semaphore};

use super::bugs::{caught, is_deadlock};

pub fn of(exploration: Exploration, program: impl Fn(&mut Stage) + Copy + 'static) -> Report {
    let report = exploration.check((), move |stage: &mut Stage, ()| program(stage));
    report.unwrap_or_else(|error| panic!("{error}"))
}

/// In a lane, or in the last look, with this text.
pub fn panics(text: &'static str) -> impl Fn(&Ended) -> bool {
    move |ended| matches!(ended, Ended::Panicked { text: told, .. } if told.contains(text))
}

/// Looks at a semaphore of many places, most of them closed, before it takes one.
fn look_then_take(stage: &mut Stage) {
    let permits = Semaphore::new(1).unwrap();
    stage.name("permits", &permits);
    for name in ["ann", "ben"] {
        let permits = permits.clone();
        stage.lane(name, move |_| {
            if permits.value() > 0 {
                drop(permits.try_acquire().expect("there was one"));
            }
        });
    }
}

#[test]
fn a_permit_that_was_there_is_gone() {
    for exploration in [exhaustive(), random(1), pct(1, 3), portfolio(1)] {
        caught(
            &of(exploration, look_then_take),
            500,
            3,
            panics("there was one"),
        );
    }
}

#[test]
fn who_gives_up_on_a_lock_has_not_got_it() {
    let report = of(exhaustive(), |stage| {
        let lock = Lock::new().unwrap();
        stage.name("lock", &lock);
        let inside = stage.shared_as("inside", SharedWord::new(0));
        for name in ["ann", "ben"] {
            let lock = lock.clone();
            stage.lane(name, move |_| {
                let _guard = lock.lock_timeout(Duration::from_secs(60)).ok();
                assert_eq!(inside.fetch_add(1, Relaxed), 0, "two are inside");
                inside.fetch_sub(1, Relaxed);
            });
        }
    });
    caught(&report, 100, 10, panics("two are inside"));
}

/// A writer of a lock for readers: it takes all permits, and another one the rest.
fn collect_permits(stage: &mut Stage) {
    let permits = Semaphore::new(2).unwrap();
    stage.name("permits", &permits);
    for name in ["ann", "ben"] {
        let permits = permits.clone();
        stage.lane(name, move |_| {
            let _one = permits.acquire().unwrap();
            let _other = permits.acquire().unwrap();
        });
    }
}

/// The lanes have other thread ids each time.
#[test]
fn two_that_collect_permits_wait_for_each_other_and_do_so_alike_each_time() {
    for exploration in [exhaustive(), random(1), pct(1, 3), portfolio(1)] {
        let report = of(exploration, collect_permits);
        caught(&report, 500, 6, is_deadlock);
        for _ in 0..3 {
            let again = of(exploration, collect_permits);
            assert_eq!(report.to_string(), again.to_string());
        }
    }
}

/// The guard, also of one who died: this one does not look at what that one left.
fn vouched_for(lock: &Lock) -> LockGuard<'_> {
    match lock.lock() {
        Ok(guard) => guard,
        Err(LockError::OwnerDied(guard)) => {
            guard.mark_consistent();
            guard
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn money_is_lost_where_who_takes_over_vouches_without_a_look() {
    let report = of(exhaustive().kills(1), |stage| {
        let accounts = Array::<i64>::from_slice(&[100, 0]).unwrap();
        stage.name("accounts", &accounts);
        for name in ["ann", "ben"] {
            let accounts = accounts.clone();
            stage.lane(name, move |_| {
                let mut both = match accounts.lock() {
                    Ok(both) => both,
                    Err(LockError::OwnerDied(both)) => {
                        both.mark_consistent();
                        both
                    }
                    Err(other) => panic!("{other}"),
                };
                let (from, to) = (both.get(0).unwrap(), both.get(1).unwrap());
                assert_eq!(from + to, 100, "money was lost");
                both.set(0, from - 10).unwrap();
                both.set(1, to + 10).unwrap();
            });
        }
    });
    caught(&report, 300, 14, panics("money was lost"));
    assert_eq!(report.failure().unwrap().kills, 1, "{report}");
}

/// A flag that is set before the second half is there, and a dead initialiser's lock taken over: also without a death.
#[test]
fn what_is_ready_by_its_flag_is_half_there() {
    let report = of(exhaustive().kills(1), |stage| {
        let lock = Lock::new().unwrap();
        stage.name("lock", &lock);
        let ready = stage.shared_as("ready", SharedWord::new(0));
        let half = stage.shared_as("half", SharedWord::new(0));
        for name in ["ann", "ben"] {
            let lock = lock.clone();
            stage.lane(name, move |_| {
                if ready.load(Acquire) == 0 {
                    let _guard = vouched_for(&lock);
                    if ready.swap(1, Release) == 0 {
                        half.store(7, Relaxed);
                    }
                }
                assert_eq!(half.load(Relaxed), 7, "half of it is there");
            });
        }
    });
    caught(&report, 100, 12, panics("half of it is there"));
}

/// Adds an amount that is written down first; after a death it is added again.
#[test]
fn a_journal_is_applied_twice_where_adding_is_not_idempotent() {
    let report = of(portfolio(1).kills(1), |stage| {
        let lock = Lock::new().unwrap();
        stage.name("lock", &lock);
        let intent = stage.shared_as("intent", SharedWord::new(0));
        let balance = stage.shared_as("balance", SharedWord::new(0));
        let apply = move || {
            balance.fetch_add(intent.load(SeqCst), SeqCst);
            intent.store(0, SeqCst);
        };
        let depositor = lock.clone();
        stage.lane("depositor", move |_| {
            let _guard = depositor.lock().unwrap();
            intent.store(5, SeqCst);
            apply();
        });
        stage.lane("auditor", move |_| {
            let guard = lock.lock();
            if let Err(LockError::OwnerDied(_)) = &guard {
                apply();
            }
            assert!(balance.load(SeqCst) <= 5, "it was applied twice");
        });
    });
    caught(&report, 2_000, 13, panics("it was applied twice"));
}

/// What is not held comes home with no one's death.
fn pass_on(stage: &mut Stage) {
    let permits = Semaphore::new(1).unwrap();
    stage.name("permits", &permits);
    for name in ["ann", "ben"] {
        let permits = permits.clone();
        stage.lane(name, move |_| {
            permits.acquire().unwrap().forget();
            permits.release(1).unwrap();
        });
    }
}

#[test]
fn a_forgotten_permit_dies_with_who_would_have_passed_it_on() {
    caught(&of(portfolio(1).kills(1), pass_on), 2_000, 6, is_deadlock);
    // Of more schedules than runs, those with a death take their turns.
    caught(&of(exhaustive().kills(1), pass_on), 2_000, 6, is_deadlock);
}

#[test]
fn a_search_that_ends_before_the_first_death_says_so() {
    let report = of(exhaustive().kills(1).most_runs(10), pass_on);
    assert!(!report.fails() && report.kills == 0, "{report}");
    assert!(
        report.to_string().contains("No lane was killed"),
        "{report}"
    );
    let report = of(exhaustive().most_runs(50), pass_on);
    assert!(
        !report.to_string().contains("No lane was killed"),
        "{report}"
    );
}

#[test]
fn an_event_that_is_cleared_at_once_is_missed_by_who_comes_late() {
    let report = of(exhaustive(), |stage| {
        let event = Event::new().unwrap();
        stage.name("event", &event);
        let pulsed = event.clone();
        stage.lane("waiter", move |_| event.wait());
        stage.lane("pulser", move |_| {
            pulsed.set();
            pulsed.clear();
        });
    });
    caught(&report, 50, 4, is_deadlock);
}
