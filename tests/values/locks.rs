//! `Lock` and `RLock`, taken and given back.

use std::time::Duration;

use forkproof::{Array, Lock, LockError, LockFailure, RLock, Value};

use crate::wire::{Wire, in_child};
use crate::{at_the_start, race, start};

#[test]
fn a_lock_makes_a_read_and_a_write_one() {
    fn count(lock: Lock, counter: Value<i64>, exchange: String) {
        at_the_start(exchange);
        for _ in 0..20_000 {
            let _held = lock.lock().unwrap();
            counter.set_unlocked(counter.get_unlocked() + 1);
        }
    }
    let (lock, counter) = (Lock::new().unwrap(), Value::new(0).unwrap());
    race(count, 3, |exchange| {
        (lock.clone(), counter.clone(), exchange)
    });
    assert_eq!(counter.get().unwrap(), 60_000);
}

#[test]
fn a_reentrant_lock_is_held_until_its_outer_guard_is_dropped() {
    fn count(lock: RLock, counter: Value<i64>, exchange: String) {
        at_the_start(exchange);
        for _ in 0..20_000 {
            let _held = lock.lock().unwrap();
            let seen = counter.get_unlocked();
            drop(lock.lock().unwrap());
            counter.set_unlocked(seen + 1);
        }
    }
    let (lock, counter) = (RLock::new().unwrap(), Value::new(0).unwrap());
    race(count, 3, |exchange| {
        (lock.clone(), counter.clone(), exchange)
    });
    assert_eq!(counter.get().unwrap(), 60_000);
}

#[test]
fn threads_of_two_processes_exclude_each_other() {
    fn child(lock: Lock, counter: Value<i64>, exchange: String) {
        at_the_start(exchange);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..5_000 {
                        let _held = lock.lock().unwrap();
                        counter.set_unlocked(counter.get_unlocked() + 1);
                    }
                });
            }
        });
    }
    let (lock, counter) = (Lock::new().unwrap(), Value::new(0).unwrap());
    race(child, 2, |exchange| {
        (lock.clone(), counter.clone(), exchange)
    });
    assert_eq!(counter.get().unwrap(), 30_000);
}

#[test]
fn a_holder_that_would_wait_for_itself_is_told() {
    fn child(lock: Lock, value: Value<i32>, array: Array<i32>) {
        let _lock = lock.lock().unwrap();
        assert!(matches!(lock.lock(), Err(LockError::AlreadyHeld)));
        assert!(matches!(lock.try_lock(), Err(LockError::AlreadyHeld)));
        let _value = value.lock().unwrap();
        assert!(matches!(value.get(), Err(LockError::AlreadyHeld)));
        assert!(matches!(value.update(|_| ()), Err(LockError::AlreadyHeld)));
        let _array = array.lock().unwrap();
        let refused = array.to_vec().unwrap_err().to_string();
        assert_eq!(refused, LockFailure::AlreadyHeld.to_string());
    }
    let (lock, value) = (Lock::new().unwrap(), Value::new(1).unwrap());
    in_child(child, (lock.clone(), value.clone(), Array::new(1).unwrap()));
    assert!(
        lock.try_lock().is_ok() && value.try_lock().is_ok(),
        "given back"
    );
}

fn hold(lock: Lock, rlock: RLock, exchange: String) {
    let _lock = lock.lock().unwrap();
    let outer = rlock.lock().unwrap();
    let inner = rlock.lock().unwrap();
    let mut wire = Wire::call(&exchange);
    wire.say("held");
    assert_eq!(wire.hear(), "give one back");
    drop(inner);
    wire.say("given");
    assert_eq!(wire.hear(), "give the rest back");
    drop(outer);
}

#[test]
fn who_will_not_wait_is_told_and_who_waits_too_long_too() {
    let (lock, rlock) = (Lock::new().unwrap(), RLock::new().unwrap());
    let (p, mut wire) = start(hold, |exchange| (lock.clone(), rlock.clone(), exchange));
    assert_eq!(wire.hear(), "held");
    assert!(lock.is_locked() && rlock.is_locked() && !rlock.is_mine());
    let refused = || {
        assert!(matches!(lock.try_lock(), Err(LockError::WouldBlock)));
        assert!(matches!(rlock.try_lock(), Err(LockError::WouldBlock)));
        for timeout in [Duration::ZERO, Duration::from_millis(2)] {
            assert!(matches!(
                lock.lock_timeout(timeout),
                Err(LockError::TimedOut)
            ));
            assert!(matches!(
                rlock.lock_timeout(timeout),
                Err(LockError::TimedOut)
            ));
        }
    };
    refused();
    wire.say("give one back");
    assert_eq!(wire.hear(), "given");
    refused(); // the outer hold lasts
    wire.say("give the rest back");
    // As long as it takes: the first for longer than the clock can count.
    drop(lock.lock_timeout(Duration::MAX).unwrap());
    drop(rlock.lock_timeout(Duration::from_secs(3_600)).unwrap());
    assert_eq!(p.join().unwrap(), 0);
}

#[test]
fn a_timeout_of_zero_takes_a_free_lock() {
    let lock = Lock::new().unwrap();
    assert!(lock.lock_timeout(Duration::ZERO).is_ok());
    assert!(RLock::new().unwrap().lock_timeout(Duration::ZERO).is_ok());
    assert!(!lock.is_locked());
}

#[test]
fn a_reentrant_lock_is_given_back_by_its_last_guard() {
    fn child(rlock: RLock) {
        let guards: Vec<_> = (0..100).map(|_| rlock.lock().unwrap()).collect();
        for guard in guards {
            assert!(rlock.is_mine());
            drop(guard);
        }
        assert!(!rlock.is_mine() && !rlock.is_locked());
    }
    let rlock = RLock::new().unwrap();
    in_child(child, (rlock.clone(),));
    assert!(rlock.try_lock().is_ok());
}

#[test]
fn a_thread_may_hold_2048_locks_and_no_more() {
    fn child(locks: Vec<Lock>) {
        let mut held: Vec<_> = locks[..2_048]
            .iter()
            .map(|lock| lock.lock().unwrap())
            .collect();
        assert!(matches!(locks[2_048].lock(), Err(LockError::TooManyHeld)));
        assert!(!locks[2_048].is_locked());
        held.pop();
        assert!(locks[2_048].lock().is_ok());
    }
    let locks: Vec<Lock> = (0..2_049).map(|_| Lock::new().unwrap()).collect();
    in_child(child, (locks.clone(),));
    assert!(locks.iter().all(|lock| lock.try_lock().is_ok()));
}

#[test]
fn locks_show_whether_they_are_held() {
    let (lock, rlock) = (Lock::new().unwrap(), RLock::new().unwrap());
    assert!(format!("{lock:?}").starts_with("<Lock(unlocked) at 0x"));
    assert!(format!("{rlock:?}").starts_with("<RLock(unlocked) at 0x"));
    let _held = (lock.lock().unwrap(), rlock.lock().unwrap());
    assert!(format!("{lock:?}").starts_with("<Lock(locked) at 0x"));
    assert!(format!("{rlock:?}").starts_with("<RLock(locked) at 0x"));
}
