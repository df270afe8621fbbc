//! Locks and their like in the server: who waits waits alone, and a death is told.

use std::time::{Duration, Instant};

use forkproof::Process;
use forkproof::manager::{
    Acquired, BarrierProxy, ConditionProxy, EventProxy, Kind, LockProxy, Manager, ManagerError,
    QueueProxy, RLockProxy, SemaphoreProxy, Woken,
};

use crate::{LONG, kind};

const SHORT: Duration = Duration::from_millis(20);

type Outcome = Result<(), ManagerError>;

fn hold(lock: LockProxy, held: EventProxy) -> Outcome {
    let _ = lock.acquire()?;
    held.set()?;
    loop {
        std::thread::park();
    }
}

#[test]
fn a_killed_owners_lock_goes_to_the_next_who_is_told() {
    let manager = Manager::start().unwrap();
    let (lock, held) = (manager.lock().unwrap(), manager.event().unwrap());
    let owner = Process::new(hold, (lock.clone(), held.clone()));
    owner.start().unwrap();
    held.wait().unwrap();
    assert_eq!(lock.try_acquire().unwrap(), None);
    assert_eq!(lock.acquire_timeout(SHORT).unwrap(), None);
    assert!(lock.is_locked().unwrap());
    owner.kill().unwrap();
    assert_eq!(lock.acquire().unwrap(), Acquired::OwnerDied);
    lock.release().unwrap();
    assert_eq!(lock.lock().unwrap().acquired(), Acquired::Clean);
    assert!(!lock.is_locked().unwrap());
    assert_eq!(kind(lock.release()), Kind::RuntimeError);
    owner.join().unwrap();
}

/// Of a thread that ends while its process lives on.
#[test]
fn a_threads_lock_is_free_when_it_ends() {
    let manager = Manager::start().unwrap();
    let lock = manager.rlock().unwrap();
    let other = lock.clone();
    let thread = std::thread::spawn(move || other.acquire().map(|_| ()));
    thread.join().unwrap().unwrap();
    assert_eq!(
        lock.acquire_timeout(LONG).unwrap(),
        Some(Acquired::OwnerDied)
    );
}

fn want(lock: RLockProxy, ready: EventProxy) -> Outcome {
    assert_eq!(kind(lock.release()), Kind::RuntimeError);
    assert_eq!(lock.try_acquire()?, None);
    ready.set()?;
    let _held = lock.lock()?;
    Ok(())
}

#[test]
fn an_rlock_is_its_threads() {
    let manager = Manager::start().unwrap();
    let (lock, ready) = (manager.rlock().unwrap(), manager.event().unwrap());
    let outer = lock.lock().unwrap();
    let inner = lock.lock().unwrap();
    let child = Process::new(want, (lock.clone(), ready.clone()));
    child.start().unwrap();
    ready.wait().unwrap();
    drop(inner);
    assert!(child.is_alive());
    drop(outer);
    assert_eq!(child.join().unwrap(), 0);
}

fn take_all(permits: SemaphoreProxy, taken: EventProxy) -> Outcome {
    while permits.try_acquire()? {}
    taken.set()?;
    loop {
        std::thread::park();
    }
}

#[test]
fn a_killed_ones_permits_come_back() {
    let manager = Manager::start().unwrap();
    let permits = manager.bounded_semaphore(3).unwrap();
    let taken = manager.event().unwrap();
    let child = Process::new(take_all, (permits.clone(), taken.clone()));
    child.start().unwrap();
    taken.wait().unwrap();
    assert!(!permits.acquire_timeout(SHORT).unwrap());
    assert_eq!(permits.value().unwrap(), 0);
    child.kill().unwrap();
    for _ in 0..3 {
        permits.acquire().unwrap();
    }
    permits.release_many(3).unwrap();
    assert_eq!(kind(permits.release()), Kind::ValueError);
    child.join().unwrap();
    let free = manager.semaphore(0).unwrap();
    free.release().unwrap();
    assert_eq!(free.value().unwrap(), 1);
}

fn notify(changed: ConditionProxy, step: QueueProxy<u8>) -> Outcome {
    for number in 0..3 {
        let _ = changed.acquire()?;
        step.put(number)?;
        changed.notify(1)?;
        changed.release()?;
    }
    Ok(())
}

#[test]
fn a_condition_is_waited_for() {
    let manager = Manager::start().unwrap();
    let (changed, step) = (manager.condition().unwrap(), manager.queue().unwrap());
    assert_eq!(kind(changed.wait()), Kind::RuntimeError);
    assert_eq!(changed.acquire().unwrap(), Acquired::Clean);
    let late = changed.wait_timeout(SHORT).unwrap();
    let acquired = Acquired::Clean;
    assert_eq!(
        late,
        Woken {
            notified: false,
            acquired
        }
    );
    let child = Process::new(notify, (changed.clone(), step.clone()));
    child.start().unwrap();
    let all = changed.wait_for(None, || step.len().unwrap() == 3).unwrap();
    assert!(all);
    assert!(!changed.wait_for(Some(SHORT), || false).unwrap());
    changed.release().unwrap();
    assert_eq!(child.join().unwrap(), 0);

    let lock = manager.lock().unwrap();
    let shared = manager.condition_over(&lock).unwrap();
    assert_eq!(shared.try_acquire().unwrap(), Some(Acquired::Clean));
    assert!(lock.is_locked().unwrap());
    shared.release().unwrap();
    let refused = manager.condition_over(&step);
    assert_eq!(kind(refused), Kind::TypeError);
}

fn wait_for_ever(changed: ConditionProxy, ready: EventProxy) -> Outcome {
    let _ = changed.acquire()?;
    ready.set()?;
    changed.wait().map(|_| ())
}

/// The notification that a dead one would have had goes to one that lives.
#[test]
fn a_killed_waiter_swallows_nothing() {
    let manager = Manager::start().unwrap();
    let changed = manager.condition().unwrap();
    let start = || {
        let ready = manager.event().unwrap();
        let child = Process::new(wait_for_ever, (changed.clone(), ready.clone()));
        child.start().unwrap();
        ready.wait().unwrap();
        // It set the event with the lock: who has the lock after it has seen it wait.
        let _ = changed.acquire().unwrap();
        changed.release().unwrap();
        child
    };
    let (killed, living) = (start(), start());
    killed.kill().unwrap();
    killed.join().unwrap();
    let _ = changed.acquire().unwrap();
    // The server has seen the death when this thread's request, made after it, is answered: its file was ready.
    changed.notify(1).unwrap();
    changed.release().unwrap();
    assert_eq!(living.join().unwrap(), 0);
}

fn arrive(barrier: BarrierProxy, numbers: QueueProxy<usize>) -> Outcome {
    numbers.put(barrier.wait()?)
}

#[test]
fn a_barrier_frees_all_and_breaks_for_the_dead() {
    let manager = Manager::start().unwrap();
    let (barrier, numbers) = (manager.barrier(3).unwrap(), manager.queue().unwrap());
    let start = || {
        let child = Process::new(arrive, (barrier.clone(), numbers.clone()));
        child.start().unwrap();
        child
    };
    let children = [start(), start()];
    numbers.put(barrier.wait().unwrap()).unwrap();
    for child in children {
        assert_eq!(child.join().unwrap(), 0);
    }
    let mut seen: Vec<usize> = (0..3).map(|_| numbers.get().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2]);
    assert_eq!(barrier.parties().unwrap(), 3);

    let child = start();
    while barrier.count_waiting().unwrap() == 0 {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.join().unwrap();
    // Before or after the server has seen it: no one waits for the dead.
    assert_eq!(kind(barrier.wait()), Kind::BrokenBarrierError);
    assert!(barrier.is_broken().unwrap());
    barrier.reset().unwrap();
    assert_eq!(kind(barrier.wait_timeout(SHORT)), Kind::BrokenBarrierError);
    barrier.reset().unwrap();
    barrier.abort().unwrap();
    assert_eq!(kind(barrier.wait()), Kind::BrokenBarrierError);
    assert_eq!(kind(manager.barrier(0)), Kind::ValueError);
    let quick = manager.barrier_timeout(2, SHORT).unwrap();
    assert_eq!(kind(quick.wait()), Kind::BrokenBarrierError);
}

#[test]
fn a_queue_in_the_server_is_one() {
    let manager = Manager::start().unwrap();
    let queue = manager.queue_bounded(1).unwrap();
    assert!(queue.is_empty().unwrap());
    queue.put(1).unwrap();
    assert!(queue.is_full().unwrap());
    assert_eq!(kind(queue.try_put(2)), Kind::Full);
    assert_eq!(kind(queue.put_timeout(2, SHORT)), Kind::Full);
    assert!(!queue.join_timeout(SHORT).unwrap());
    assert_eq!((queue.len().unwrap(), queue.get().unwrap()), (1, 1));
    assert_eq!(kind(queue.try_get()), Kind::Empty);
    assert_eq!(kind(queue.get_timeout(SHORT)), Kind::Empty);
    queue.task_done().unwrap();
    assert_eq!(kind(queue.task_done()), Kind::ValueError);
    queue.join().unwrap();
    let tasks: QueueProxy<i32> = manager.joinable_queue().unwrap();
    assert!(!tasks.is_full().unwrap());
}

#[test]
fn values_and_arrays_keep_what_fits() {
    let manager = Manager::start().unwrap();
    let value = manager.value("i", 5).unwrap();
    value.set(7).unwrap();
    assert_eq!(
        (value.get().unwrap(), value.to_string()),
        (7, "Value('i', 7)".to_owned())
    );
    let array = manager.array("h", [1_i64, 2, 3]).unwrap();
    array.set(-1, 30).unwrap();
    assert_eq!(kind(array.set(3, 1)), Kind::IndexError);
    assert_eq!(kind(array.set(0, 40_000)), Kind::OverflowError);
    assert_eq!((array.get(2).unwrap(), array.len().unwrap()), (30, 3));
    assert_eq!(array.to_vec().unwrap(), [1, 2, 30]);
    assert_eq!(array.to_string(), "array('h', [1, 2, 30])");
    assert!(!array.is_empty().unwrap());
    assert_eq!(kind(manager.array("?", [1])), Kind::ValueError);
}

fn block(event: EventProxy, started: EventProxy) -> Outcome {
    started.set()?;
    event.wait()
}

/// The server serves others while calls wait; a deadline is met though no one else calls.
#[test]
fn a_call_that_waits_holds_no_one_up() {
    let manager = Manager::start().unwrap();
    let event = manager.event().unwrap();
    let children: Vec<Process> = (0..4)
        .map(|_| {
            let started = manager.event().unwrap();
            let child = Process::new(block, (event.clone(), started.clone()));
            child.start().unwrap();
            started.wait().unwrap();
            child
        })
        .collect();
    let list = manager.list([1]).unwrap();
    assert_eq!(list.to_vec().unwrap(), [1]);
    let before = Instant::now();
    assert!(!event.wait_timeout(SHORT).unwrap());
    assert!(before.elapsed() >= SHORT);
    event.set().unwrap();
    assert!(event.wait_timeout(LONG).unwrap());
    for child in children {
        assert_eq!(child.join().unwrap(), 0);
    }
    event.clear().unwrap();
    assert!(!event.is_set().unwrap());
}
