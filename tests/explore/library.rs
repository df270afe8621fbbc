//! The library's own types, unchanged, in every order of a small program.

use forkproof::explore::{Exploration, Report, Stage, exhaustive, random};
use forkproof::{Condition, Event, Lock, LockError, Queue, Semaphore, Value};

fn all<F: Fn(&mut Stage, ()) + Copy + 'static>(exploration: Exploration, set_up: F) -> Report {
    let report = exploration.check((), set_up);
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    assert!(!report.fails(), "{report}");
    assert!(report.tally.is_all(), "{report}");
    report
}

fn deposits(stage: &mut Stage, (): ()) {
    let account = Value::new(200_i64).unwrap();
    stage.name("account", &account);
    for (name, amount) in [("deposit", 1), ("withdraw", -1)] {
        let account = account.clone();
        stage.lane(name, move |_| {
            account.update(|balance| *balance += amount).unwrap()
        });
    }
    stage.finally(move |_| assert_eq!(account.get().unwrap(), 200));
}

#[test]
fn deposits_under_the_lock_are_not_lost() {
    all(exhaustive(), deposits);
}

#[test]
fn the_lock_is_robust() {
    let report = all(exhaustive().kills(1), |stage: &mut Stage, ()| {
        let lock = Lock::new().unwrap();
        let inside = Value::new(0_u32).unwrap();
        stage.name("lock", &lock);
        stage.name("inside", &inside);
        for lane in 0..2 {
            let (lock, inside) = (lock.clone(), inside.clone());
            stage.lane(&format!("lane {lane}"), move |_| {
                let guard = match lock.lock() {
                    Ok(guard) => {
                        assert_eq!(inside.get_unlocked(), 0, "someone is inside");
                        guard
                    }
                    Err(LockError::OwnerDied(guard)) => {
                        guard.mark_consistent();
                        guard
                    }
                    Err(other) => panic!("{other}"),
                };
                inside.set_unlocked(1);
                inside.set_unlocked(0);
                drop(guard);
            });
        }
    });
    assert!(report.kills > 100, "{report}");
}

#[test]
fn a_permit_comes_back() {
    all(exhaustive().kills(1), |stage: &mut Stage, ()| {
        let semaphore = Semaphore::new(1).unwrap();
        stage.name("semaphore", &semaphore);
        for lane in 0..2 {
            let semaphore = semaphore.clone();
            stage.lane(&format!("lane {lane}"), move |_| {
                drop(semaphore.acquire().unwrap())
            });
        }
        stage.finally(move |_| drop(semaphore.acquire().unwrap()));
    });
}

#[test]
fn who_waits_for_an_event_is_told() {
    all(exhaustive(), |stage: &mut Stage, ()| {
        let event = Event::new().unwrap();
        stage.name("event", &event);
        let told = event.clone();
        stage.lane("waiter", move |_| told.wait());
        stage.lane("teller", move |_| event.set());
    });
}

#[test]
fn a_condition_is_not_missed() {
    all(exhaustive(), |stage: &mut Stage, ()| {
        let condition = Condition::new().unwrap();
        let ready = Value::new(false).unwrap();
        stage.name("condition", &condition);
        stage.name("ready", &ready);
        let (theirs, is_ready) = (condition.clone(), ready.clone());
        stage.lane("waiter", move |_| {
            let mut guard = theirs.lock().unwrap();
            while !is_ready.get_unlocked() {
                guard = guard.wait().unwrap();
            }
        });
        stage.lane("teller", move |_| {
            let guard = condition.lock().unwrap();
            ready.set_unlocked(true);
            guard.notify_one();
        });
    });
}

#[test]
fn what_is_put_is_got() {
    all(exhaustive(), |stage: &mut Stage, ()| {
        let queue = Queue::<u32>::with_capacity(None, 64).unwrap();
        stage.name("queue", &queue);
        let theirs = queue.clone();
        stage.lane("putter", move |_| theirs.put(7).unwrap());
        stage.lane("getter", move |_| assert_eq!(queue.get().unwrap(), 7));
    });
}

#[test]
fn objects_made_by_a_lane_are_made_anew_in_each_run() {
    let report = random(1).most_runs(100).check((), |stage: &mut Stage, ()| {
        let count = Value::new(0_u32).unwrap();
        stage.name("count", &count);
        for lane in 0..2 {
            let count = count.clone();
            stage.lane(&format!("lane {lane}"), move |_| {
                let own = Value::new(1_u32).unwrap();
                count.update(|count| *count += own.get_unlocked()).unwrap();
            });
        }
        stage.finally(move |_| assert_eq!(count.get_unlocked(), 2));
    });
    let report = report.unwrap();
    assert!(!report.fails(), "{report}");
    assert_eq!(report.tally.schedules(), 100, "{report}");
}
