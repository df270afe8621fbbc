//! `Condition`: notified in order, by deadline, across processes, and in spite of deaths.

use std::time::Duration;

use forkproof::{
    Array, Condition, ConditionError, ConditionFailure, Lock, LockError, Process, RLock, Value,
};
use nix::sys::signal::{Signal, raise};

use crate::wire::{Wire, in_child};
use crate::{race, start};

const LONG: Duration = Duration::from_secs(3_600);
const SHORT: Duration = Duration::from_millis(5);

/// Says that it holds the lock, waits, and says how that ended.
fn wait(condition: Condition, exchange: String) {
    let mut wire = Wire::call(&exchange);
    let held = condition.lock().unwrap();
    wire.say("held");
    match held.wait() {
        Ok(_held) => wire.say("notified"),
        Err(ConditionError::OwnerDied(held)) => {
            held.mark_consistent();
            wire.say("owner died");
        }
        Err(other) => wire.say(other.failure()),
    }
}

/// Starts a child that waits: it does as soon as the lock is free again.
fn waiter(condition: &Condition) -> (Process, Wire) {
    let (p, mut wire) = start(wait, |exchange| (condition.clone(), exchange));
    assert_eq!(wire.hear(), "held");
    (p, wire)
}

fn ends_well(p: Process) {
    assert_eq!(p.join().unwrap(), 0);
}

/// Takes the lock, notifies one, and dies with both.
fn notify_and_die(condition: Condition) {
    let held = condition.lock().unwrap();
    assert!(held.notify_one());
    raise(Signal::SIGKILL).unwrap();
}

fn lock_and_die(condition: Condition) {
    let _held = condition.lock().unwrap();
    raise(Signal::SIGKILL).unwrap();
}

fn killed(p: Process) {
    p.start().unwrap();
    assert_eq!(p.join().unwrap(), -9);
}

#[test]
fn who_has_waited_longest_is_notified_first() {
    let condition = Condition::new().unwrap();
    let mut waiters = [waiter(&condition), waiter(&condition), waiter(&condition)];
    assert_eq!(condition.lock().unwrap().notify(0), 0);
    for (p, wire) in &mut waiters {
        let held = condition.lock().unwrap();
        let before = condition.waiters();
        assert!(held.notify_one());
        assert_eq!(condition.waiters(), before - 1);
        drop(held);
        assert_eq!(wire.hear(), "notified");
        assert_eq!(p.join().unwrap(), 0);
    }
    assert!(!condition.lock().unwrap().notify_one(), "no one is left");
}

#[test]
fn so_many_are_notified_and_no_more() {
    let condition = Condition::with_lock(Lock::new().unwrap()).unwrap();
    let mut waiters = [waiter(&condition), waiter(&condition), waiter(&condition)];
    assert_eq!(condition.lock().unwrap().notify(2), 2);
    for (p, wire) in &mut waiters[..2] {
        assert_eq!(wire.hear(), "notified");
        assert_eq!(p.join().unwrap(), 0);
    }
    assert_eq!(condition.lock().unwrap().notify_all(), 1);
    assert_eq!(waiters[2].1.hear(), "notified");
    waiters.into_iter().for_each(|(p, _)| ends_well(p));
}

#[test]
fn what_is_said_before_a_wait_is_not_for_it() {
    let condition = Condition::new().unwrap();
    let held = condition.lock().unwrap();
    assert!(!held.notify_one());
    assert_eq!(held.notify_all(), 0);
    let (held, notified) = held.wait_timeout(SHORT).unwrap();
    assert!(!notified);
    drop(held);
}

#[test]
fn a_wait_that_times_out_holds_the_lock_again() {
    fn try_it(condition: Condition) {
        assert!(matches!(condition.try_lock(), Err(LockError::WouldBlock)));
        assert!(matches!(
            condition.lock_timeout(SHORT),
            Err(LockError::TimedOut)
        ));
    }
    let condition = Condition::new().unwrap();
    let mut held = condition.lock_timeout(LONG).unwrap();
    for timeout in [Duration::ZERO, SHORT] {
        let (again, notified) = held.wait_timeout(timeout).unwrap();
        assert!(!notified);
        in_child(try_it, (condition.clone(),));
        let (again, met) = again.wait_for_timeout(|| false, timeout).unwrap();
        assert!(!met);
        let (again, met) = again.wait_for_timeout(|| true, timeout).unwrap();
        assert!(met);
        assert_eq!(condition.waiters(), 0, "who gave up waits no more");
        held = again;
    }
}

#[test]
fn a_predicate_is_asked_under_the_lock_until_it_is_true() {
    fn count_up(condition: Condition, number: Value<u32>) {
        for _ in 0..3 {
            let held = condition.lock().unwrap();
            number.set_unlocked(number.get_unlocked() + 1);
            held.notify_all();
        }
    }
    let (condition, number) = (Condition::new().unwrap(), Value::new(0).unwrap());
    let p = Process::new(count_up, (condition.clone(), number.clone()));
    let held = condition.lock().unwrap();
    p.start().unwrap();
    let mut asked = 0;
    let held = held
        .wait_for(|| {
            asked += 1;
            number.get_unlocked() == 3
        })
        .unwrap();
    assert!(asked >= 2);
    let (held, met) = held
        .wait_for_timeout(|| number.get_unlocked() == 3, LONG)
        .unwrap();
    assert!(met);
    drop(held);
    ends_well(p);
}

#[test]
fn a_wait_gives_back_all_levels_and_takes_them_again() {
    fn take_it(condition: Condition, rlock: RLock) {
        let held = condition.lock().unwrap();
        assert!(rlock.is_mine());
        assert!(held.notify_one());
    }
    let rlock = RLock::new().unwrap();
    let condition = Condition::with_rlock(rlock.clone()).unwrap();
    let outer = rlock.lock().unwrap();
    let middle = condition.lock().unwrap();
    let inner = condition.lock().unwrap();
    let p = Process::new(take_it, (condition.clone(), rlock.clone()));
    p.start().unwrap();
    let inner = inner.wait().unwrap();
    ends_well(p);
    drop(inner);
    drop(middle);
    assert!(rlock.is_mine(), "three levels are held again");
    drop(outer);
    assert!(!rlock.is_locked());
}

#[test]
fn one_waiter_too_many_is_told_and_keeps_the_lock() {
    let condition = Condition::new().unwrap().with_waiters(1).unwrap();
    let (p, mut wire) = waiter(&condition);
    let held = condition.lock().unwrap();
    let Err(ConditionError::TooManyWaiters(held)) = held.wait_timeout(LONG) else {
        panic!("there is room for one");
    };
    assert!(held.notify_one(), "the lock is held");
    drop(held);
    assert_eq!(wire.hear(), "notified");
    ends_well(p);
    for waiters in [0, 121] {
        let refused = condition.with_waiters(waiters).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
    }
}

#[test]
fn many_wait_at_once_in_one_process() {
    let condition = Condition::new().unwrap().with_waiters(120).unwrap();
    let woken = Value::new(0u32).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..120 {
            scope.spawn(|| {
                let held = condition.lock().unwrap().wait().unwrap();
                woken.set_unlocked(woken.get_unlocked() + 1);
                drop(held);
            });
        }
        while condition.waiters() < 120 {
            std::thread::yield_now();
        }
        assert_eq!(condition.lock().unwrap().notify(119), 119);
        while woken.get_unlocked() < 119 {
            std::thread::yield_now();
        }
        assert_eq!(condition.lock().unwrap().notify_all(), 1);
    });
    assert_eq!(woken.get_unlocked(), 120);
}

#[test]
fn a_thread_without_room_to_be_recovered_does_not_wait() {
    fn child(condition: Condition, locks: Vec<Lock>) {
        let held = condition.lock().unwrap();
        let others: Vec<_> = locks.iter().map(|lock| lock.lock().unwrap()).collect();
        let Err(ConditionError::TooManyHeld(held)) = held.wait() else {
            panic!("2,048 locks are held, with the one that tells of its owner's death");
        };
        drop(others);
        assert!(!held.wait_timeout(SHORT).unwrap().1);
    }
    let locks: Vec<Lock> = (0..2_046).map(|_| Lock::new().unwrap()).collect();
    in_child(child, (Condition::new().unwrap(), locks));
}

#[test]
fn a_dead_waiter_swallows_no_notification() {
    let condition = Condition::new().unwrap();
    let (first, _) = waiter(&condition);
    let (second, mut wire) = waiter(&condition);
    let held = condition.lock().unwrap();
    assert!(held.notify_one());
    first.kill().unwrap(); // it is notified, and waits for the lock
    assert_eq!(first.join().unwrap(), -9);
    drop(held);
    assert_eq!(wire.hear(), "notified");
    ends_well(second);
}

#[test]
fn a_dead_waiter_leaves_its_room() {
    let condition = Condition::new().unwrap().with_waiters(1).unwrap();
    for _ in 0..3 {
        let (p, _) = waiter(&condition);
        while condition.waiters() == 0 {
            std::thread::yield_now();
        }
        p.kill().unwrap();
        assert_eq!(p.join().unwrap(), -9);
    }
    assert!(!condition.lock().unwrap().notify_one(), "no one waits");
}

#[test]
fn what_was_meant_for_the_dead_is_not_for_who_comes_later() {
    let condition = Condition::new().unwrap();
    let (first, _) = waiter(&condition);
    let held = condition.lock().unwrap();
    assert!(held.notify_one());
    first.kill().unwrap();
    assert_eq!(first.join().unwrap(), -9);
    assert!(
        !held.wait_timeout(SHORT).unwrap().1,
        "that was no notification of mine"
    );
}

#[test]
fn a_waiter_is_told_that_the_notifier_died_with_the_lock() {
    let condition = Condition::new().unwrap();
    let (p, mut wire) = waiter(&condition);
    killed(Process::new(notify_and_die, (condition.clone(),)));
    assert_eq!(wire.hear(), "owner died");
    ends_well(p);
    assert!(condition.lock().is_ok(), "it was mended");
}

#[test]
fn one_of_those_who_wait_is_told_at_once_that_the_holder_died() {
    let condition = Condition::new().unwrap();
    let mut waiters = [waiter(&condition), waiter(&condition)];
    killed(Process::new(lock_and_die, (condition.clone(),)));
    // No one else takes the lock: one of them must have been woken.
    while condition.waiters() == 2 {
        std::thread::yield_now();
    }
    assert_eq!(condition.lock().unwrap().notify_all(), 1);
    let mut said = waiters.each_mut().map(|(_, wire)| wire.hear());
    said.sort_unstable();
    assert_eq!(said, ["notified", "owner died"]);
    waiters.into_iter().for_each(|(p, _)| ends_well(p));
}

#[test]
fn who_waits_for_a_lock_that_is_given_up_is_refused() {
    fn lock_alone_and_die(rlock: RLock) {
        let _held = rlock.lock().unwrap();
        raise(Signal::SIGKILL).unwrap();
    }
    let rlock = RLock::new().unwrap();
    let condition = Condition::with_rlock(rlock.clone()).unwrap();
    let mut waiters = [waiter(&condition), waiter(&condition)];
    killed(Process::new(lock_alone_and_die, (rlock,)));
    match condition.lock() {
        Err(LockError::OwnerDied(held)) => drop(held), // without mark_consistent()
        other => panic!("{other:?}"),
    }
    for (_, wire) in &mut waiters {
        assert_eq!(wire.hear(), ConditionFailure::NotRecoverable.to_string());
    }
    waiters.into_iter().for_each(|(p, _)| ends_well(p));
    assert!(matches!(condition.lock(), Err(LockError::NotRecoverable)));
}

#[test]
fn a_condition_travels_with_its_lock() {
    fn child(condition: Condition, lock: Lock) {
        let held = lock.lock().unwrap();
        assert!(matches!(condition.lock(), Err(LockError::AlreadyHeld)));
        drop(held);
        assert!(condition.try_lock().is_ok());
    }
    let lock = Lock::new().unwrap();
    let condition = Condition::with_lock(lock.clone()).unwrap();
    in_child(child, (condition.clone(), lock.clone()));
    let _held = lock.lock().unwrap();
    assert!(matches!(condition.try_lock(), Err(LockError::AlreadyHeld)));
}

#[test]
fn two_conditions_share_a_lock_and_nothing_else() {
    fn put(not_full: Condition, not_empty: Condition, places: Array<u32>) {
        for number in 1..=2_000 {
            let held = not_full.lock().unwrap();
            let held = held
                .wait_for(|| places.get_unlocked(0).unwrap() == 0)
                .unwrap();
            places.set_unlocked(0, number).unwrap();
            drop(held);
            not_empty.lock().unwrap().notify_one();
        }
    }
    let not_full = Condition::new().unwrap();
    let not_empty = not_full.with_waiters(3).unwrap();
    let place = Array::<u32>::new(1).unwrap();
    let p = Process::new(put, (not_full.clone(), not_empty.clone(), place.clone()));
    p.start().unwrap();
    for number in 1..=2_000 {
        let held = not_empty.lock().unwrap();
        let held = held
            .wait_for(|| place.get_unlocked(0).unwrap() != 0)
            .unwrap();
        assert_eq!(place.get_unlocked(0).unwrap(), number);
        place.set_unlocked(0, 0).unwrap();
        drop(held);
        not_full.lock().unwrap().notify_one();
    }
    ends_well(p);
}

#[test]
fn goods_reach_their_consumers_whoever_wakes() {
    fn lane(lane: usize, condition: Condition, goods: Value<i64>, exchange: String) {
        crate::at_the_start(exchange);
        for _ in 0..3_000 {
            let mut held = condition.lock().unwrap();
            if lane < 3 {
                goods.set_unlocked(goods.get_unlocked() + 1);
                assert!(held.notify(1) <= 1);
            } else {
                held = held.wait_for(|| goods.get_unlocked() > 0).unwrap();
                goods.set_unlocked(goods.get_unlocked() - 1);
            }
            drop(held);
        }
    }
    let (condition, goods) = (Condition::new().unwrap(), Value::new(0).unwrap());
    let lanes = std::cell::Cell::new(0);
    race(lane, 4, |exchange| {
        lanes.set(lanes.get() + 1);
        (lanes.get(), condition.clone(), goods.clone(), exchange)
    });
    assert_eq!(goods.get().unwrap(), 0);
    assert_eq!(condition.waiters(), 0);
}

#[test]
fn a_condition_shows_its_lock_and_who_waits() {
    let condition = Condition::with_lock(Lock::new().unwrap()).unwrap();
    assert!(format!("{condition:?}").starts_with("<Condition(<Lock(unlocked) at 0x"));
    let (p, _wire) = waiter(&condition);
    let held = condition.lock().unwrap();
    let shown = format!("{condition:?}");
    assert!(
        shown.starts_with("<Condition(<Lock(locked)") && shown.ends_with(", 1)>"),
        "{shown}"
    );
    held.notify_all();
    drop(held);
    ends_well(p);
}
