//! A thread id that is used again: whoever has it next is not taken for the dead one. The ids are made to meet by
//! /proc/sys/kernel/ns_last_pid, which only root may write: for others these tests say so, and show nothing.

use std::fs;

use forkproof::manager::{Acquired, Manager, RLockProxy};
use forkproof::process::{Argument, Target};
use forkproof::{Condition, ExitCode, Lock, LockError, Process, RLock, Semaphore};

use super::{here, kill, start, stay};

const LAST: &str = "/proc/sys/kernel/ns_last_pid";
/// A child that has another id than it should.
const ANOTHER: i32 = 99;
/// Others start processes, too, and may be quicker.
const TRIES: usize = 300;

/// Runs a target, told its id to be, in a process that has the id. `None`: someone else has it, or it may not be had.
fn reborn<F: Target<(u32, A)> + Copy, A: Clone>(id: u32, target: F, args: A) -> Option<i32>
where
    (u32, A): Argument,
{
    for _ in 0..TRIES {
        if fs::write(LAST, (id - 1).to_string()).is_err() {
            return None;
        }
        let p = Process::new(target, (id, args.clone()));
        p.start().unwrap();
        match p.join().unwrap() {
            ANOTHER => {}
            code => return Some(code),
        }
    }
    None
}

/// Whether ids can be chosen here.
fn may_choose() -> bool {
    let may = fs::read(LAST)
        .and_then(|last| fs::write(LAST, last))
        .is_ok();
    if !may {
        println!("nothing is shown: {LAST} may not be written");
    }
    may
}

type Held = (Lock, RLock, Semaphore, Condition);

fn hold((lock, rlock, permits, condition): Held, exchange: String) {
    let _locks = (
        lock.lock().unwrap(),
        rlock.lock().unwrap(),
        rlock.lock().unwrap(),
    );
    let _permit = permits.acquire().unwrap();
    let _condition = condition.lock().unwrap();
    here(&exchange);
    stay()
}

fn in_the_place_of_the_dead(id: u32, (lock, rlock, permits, condition): Held) -> ExitCode {
    if std::process::id() != id {
        return ExitCode(ANOTHER as u8);
    }
    let Err(LockError::OwnerDied(held)) = lock.try_lock() else {
        panic!("the lock's owner died");
    };
    held.mark_consistent();
    let Err(LockError::OwnerDied(outer)) = rlock.try_lock() else {
        panic!("the owner died: this one has not entered before");
    };
    outer.mark_consistent();
    drop(outer);
    assert!(!rlock.is_locked(), "it was entered once");
    let Err(LockError::OwnerDied(held)) = condition.try_lock() else {
        panic!("the condition's owner died");
    };
    held.mark_consistent();
    drop(permits.try_acquire().unwrap());
    assert_eq!(
        permits.value(),
        1,
        "the dead one's permit came home, and this one's"
    );
    ExitCode(0)
}

#[test]
fn what_the_dead_held_is_not_its_successors() {
    if !may_choose() {
        return;
    }
    for _ in 0..TRIES {
        let all = (
            Lock::new().unwrap(),
            RLock::new().unwrap(),
            Semaphore::new(1).unwrap(),
            Condition::new().unwrap(),
        );
        let (holder, _) = start(hold, |exchange| (all.clone(), exchange));
        let id = holder.pid().unwrap();
        kill(&holder);
        match reborn(id, in_the_place_of_the_dead, all) {
            None => {}
            Some(code) => return assert_eq!(code, 0, "see the message above"),
        }
    }
    panic!("no id of {TRIES} came again");
}

fn hold_managed(lock: RLockProxy, exchange: String) {
    let _ = lock.acquire().unwrap();
    here(&exchange);
    stay()
}

fn enter_managed(id: u32, lock: RLockProxy) -> ExitCode {
    if std::process::id() != id {
        return ExitCode(ANOTHER as u8);
    }
    assert_eq!(lock.try_acquire().unwrap(), Some(Acquired::OwnerDied));
    lock.release().unwrap();
    assert!(lock.release().is_err(), "it was entered once");
    ExitCode(0)
}

#[test]
fn a_managed_rlock_is_not_entered_by_the_next_of_its_name() {
    if !may_choose() {
        return;
    }
    let manager = Manager::start().unwrap();
    for _ in 0..TRIES {
        let lock = manager.rlock().unwrap();
        let (holder, _) = start(hold_managed, |exchange| (lock.clone(), exchange));
        let id = holder.pid().unwrap();
        kill(&holder);
        match reborn(id, enter_managed, lock) {
            None => {}
            Some(code) => return assert_eq!(code, 0, "see the message above"),
        }
    }
    panic!("no id of {TRIES} came again");
}
