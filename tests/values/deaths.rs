//! An owner that is killed, or ends, with the lock in its hands.

use forkproof::{Array, Error, Lock, LockError, LockFailure, Process, RLock, Value};
use nix::sys::signal::{Signal, raise};

use crate::wire::{Wire, in_child};
use crate::{die, killed, start};

/// Takes what the last owner left, whatever it is an owner of.
macro_rules! inherit {
    ($attempt:expr) => {
        match $attempt {
            Err(LockError::OwnerDied(guard)) => guard,
            other => panic!("{:?}", other.map(|_| "taken, as if nothing had happened")),
        }
    };
}

#[test]
fn a_lock_is_inherited_and_as_good_as_new_once_it_is_marked() {
    fn child(lock: Lock) {
        let _held = lock.lock().unwrap();
        die();
    }
    fn after(lock: Lock) {
        assert!(lock.lock().is_ok());
    }
    let lock = Lock::new().unwrap();
    killed(Process::new(child, (lock.clone(),)));
    let guard = inherit!(lock.lock());
    guard.mark_consistent();
    drop(guard);
    assert!(lock.lock().is_ok());
    in_child(after, (lock,));
}

#[test]
fn a_reentrant_lock_is_inherited_at_its_first_level() {
    fn child(rlock: RLock) {
        let _held = (rlock.lock().unwrap(), rlock.lock().unwrap());
        die();
    }
    let rlock = RLock::new().unwrap();
    killed(Process::new(child, (rlock.clone(),)));
    let guard = inherit!(rlock.try_lock());
    guard.mark_consistent();
    drop(guard);
    assert!(!rlock.is_locked(), "one guard, one level");
    assert!(rlock.lock().is_ok());
}

#[test]
fn a_value_is_as_it_was_before_the_update_that_death_cut_short() {
    fn child(value: Value<i64>) {
        let _ = value.update(|value| {
            *value = -1;
            die();
        });
    }
    let value = Value::new(41).unwrap();
    killed(Process::new(child, (value.clone(),)));
    let mut guard = inherit!(value.lock());
    assert_eq!(*guard, 41);
    *guard += 1;
    guard.mark_consistent();
    drop(guard);
    assert_eq!(value.get().unwrap(), 42);
}

#[test]
fn an_array_is_repaired_by_who_inherits_it() {
    fn transfer(accounts: Array<i64>) {
        let mut accounts = accounts.lock().unwrap();
        let (from, amount) = (accounts.get(0).unwrap(), 30);
        accounts.set(0, from - amount).unwrap();
        die();
    }
    fn sum(accounts: Array<i64>) {
        assert_eq!(accounts.to_vec().unwrap().iter().sum::<i64>(), 300);
    }
    let accounts = Array::from_slice(&[100, 200]).unwrap();
    killed(Process::new(transfer, (accounts.clone(),)));
    let mut guard = inherit!(accounts.lock());
    assert_eq!(guard.iter().sum::<i64>(), 270, "30 were under way");
    guard[1] += 30;
    guard.mark_consistent();
    drop(guard);
    in_child(sum, (accounts,));
}

#[test]
fn given_back_unmarked_it_is_lost_for_everyone() {
    fn child(lock: Lock, rlock: RLock, value: Value<i32>, array: Array<i32>) {
        let _lock = lock.lock().unwrap();
        let _rlock = rlock.lock().unwrap();
        let _value = value.lock().unwrap();
        let _array = array.lock().unwrap();
        die();
    }
    fn after(lock: Lock, rlock: RLock, value: Value<i32>, array: Array<i32>) {
        assert!(matches!(lock.lock(), Err(LockError::NotRecoverable)));
        assert!(matches!(rlock.try_lock(), Err(LockError::NotRecoverable)));
        assert!(matches!(value.get(), Err(LockError::NotRecoverable)));
        let error = array.set(0, 1).unwrap_err().to_string();
        assert_eq!(error, LockFailure::NotRecoverable.to_string());
        assert_eq!(
            value.get_unlocked(),
            5,
            "what it guards can still be looked at"
        );
    }
    let (lock, rlock) = (Lock::new().unwrap(), RLock::new().unwrap());
    let (value, array) = (Value::new(5).unwrap(), Array::new(1).unwrap());
    let all = (lock.clone(), rlock.clone(), value.clone(), array.clone());
    killed(Process::new(child, all.clone()));
    drop(inherit!(lock.lock()));
    drop(inherit!(rlock.lock()));
    drop(inherit!(value.lock()));
    drop(inherit!(array.lock()));
    after(lock, rlock, value, array);
    in_child(after, all);
}

#[test]
fn the_question_mark_drops_the_guard() {
    fn child(value: Value<i32>) {
        let _held = value.lock().unwrap();
        die();
    }
    fn read(value: &Value<i32>) -> forkproof::Result<i32> {
        Ok(value.get()?)
    }
    let value = Value::new(5).unwrap();
    killed(Process::new(child, (value.clone(),)));
    assert!(matches!(
        read(&value),
        Err(Error::Lock(LockFailure::OwnerDied))
    ));
    assert!(matches!(
        read(&value),
        Err(Error::Lock(LockFailure::NotRecoverable))
    ));
}

#[test]
fn who_waits_when_the_owner_is_killed_gets_the_lock() {
    fn hold(lock: Lock, exchange: String) {
        let _held = lock.lock().unwrap();
        let mut wire = Wire::call(&exchange);
        wire.say("held");
        wire.hear();
    }
    fn wait(lock: Lock, exchange: String) {
        let mut wire = Wire::call(&exchange);
        wire.say("about to wait");
        inherit!(lock.lock()).mark_consistent();
        wire.say("inherited");
    }
    for _ in 0..20 {
        let lock = Lock::new().unwrap();
        let (holder, mut to_holder) = start(hold, |exchange| (lock.clone(), exchange));
        assert_eq!(to_holder.hear(), "held");
        let (waiter, mut to_waiter) = start(wait, |exchange| (lock.clone(), exchange));
        assert_eq!(to_waiter.hear(), "about to wait");
        holder.kill().unwrap();
        assert_eq!(to_waiter.hear(), "inherited");
        assert_eq!(waiter.join().unwrap(), 0);
        assert_eq!(holder.join().unwrap(), -9);
        assert!(lock.try_lock().is_ok());
    }
}

#[test]
fn a_waiter_that_is_killed_leaves_no_trace() {
    fn wait(lock: Lock, exchange: String) {
        Wire::call(&exchange).say("about to wait");
        let _ = lock.lock();
    }
    for _ in 0..20 {
        let lock = Lock::new().unwrap();
        let held = lock.lock().unwrap();
        let (waiter, mut wire) = start(wait, |exchange| (lock.clone(), exchange));
        assert_eq!(wire.hear(), "about to wait");
        waiter.kill().unwrap();
        assert_eq!(waiter.join().unwrap(), -9);
        drop(held);
        assert!(lock.lock().is_ok());
    }
}

#[test]
fn one_who_dies_repairing_leaves_it_to_the_next() {
    fn child(lock: Lock) {
        let _held = lock.lock().unwrap();
        die();
    }
    fn repair(lock: Lock) {
        let _held = inherit!(lock.lock());
        die();
    }
    let lock = Lock::new().unwrap();
    killed(Process::new(child, (lock.clone(),)));
    for _ in 0..3 {
        killed(Process::new(repair, (lock.clone(),)));
    }
    inherit!(lock.lock()).mark_consistent();
    assert!(lock.lock().is_ok());
}

#[test]
fn all_that_the_dead_held_is_inherited() {
    fn child(locks: Vec<Lock>) {
        let held: Vec<_> = locks.iter().map(|lock| lock.lock().unwrap()).collect();
        die();
        drop(held);
    }
    let locks: Vec<Lock> = (0..2_048).map(|_| Lock::new().unwrap()).collect();
    killed(Process::new(child, (locks.clone(),)));
    for lock in &locks {
        inherit!(lock.try_lock()).mark_consistent();
    }
}

#[test]
fn a_process_that_exits_or_aborts_with_the_lock_is_as_dead_as_a_killed_one() {
    fn exit(lock: Lock) {
        let _held = lock.lock().unwrap();
        std::process::exit(3)
    }
    fn forget(lock: Lock) {
        std::mem::forget(lock.lock().unwrap());
    }
    fn signal_itself(lock: Lock) {
        let _held = lock.lock().unwrap();
        raise(Signal::SIGUSR1).unwrap(); // SIGHUP is ignored under nohup(1)
    }
    let lock = Lock::new().unwrap();
    let ends = [
        (Process::new(exit, (lock.clone(),)), 3),
        (Process::new(forget, (lock.clone(),)), 0),
        (Process::new(signal_itself, (lock.clone(),)), -10),
    ];
    for (p, code) in ends {
        p.start().unwrap();
        assert_eq!(p.join().unwrap(), code);
        inherit!(lock.lock()).mark_consistent();
    }
}

#[test]
fn a_thread_that_ends_with_the_lock_is_dead_though_its_process_lives() {
    let value = Value::new(1).unwrap();
    let theirs = value.clone();
    std::thread::spawn(move || std::mem::forget(theirs.lock().unwrap()))
        .join()
        .unwrap();
    let guard = inherit!(value.lock());
    guard.mark_consistent();
    assert_eq!(*guard, 1);
}
