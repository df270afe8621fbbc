//! What CPython's `multiprocessing` does when a process is killed, and must not happen here.
//!
//! | CPython 3.11, 3.13 | here |
//! |---|---|
//! | holder of a Lock, RLock or Semaphore killed: everyone hangs | [`a_killed_holder_hangs_no_one`] |
//! | waiter killed: `notify`, `Event.set`, `Event.is_set`, `Barrier.wait(0.5)` and `abort` hang | [`a_killed_waiter_hangs_no_one`] |
//! | reader killed in `get`: later `get(0.5)` says Empty though there is an item | [`a_killed_getter_hides_no_item`] |
//! | writer killed in the middle of a message: `get(timeout=0.5)` ignores its timeout | [`half_a_message_is_none`] |
//! | put, then SIGKILL: the item is lost one time in two | [`what_was_put_before_death_is_got`] |
//! | worker killed in `map`: hangs; idle worker killed: the pool stalls, and `terminate` hangs | [`a_killed_worker_hangs_no_pool`] |
//! | a dead client blocked in a managed `Queue.get` swallows the next item | [`a_dead_client_swallows_no_item`] |
//! | a dead holder's managed RLock is entered through a reused identity | `ids::a_managed_rlock_is_not_entered_by_the_next_of_its_name` |
//! | server killed: the socket file is left | [`a_killed_servers_socket_file_goes_with_its_manager`] |
//! | parent killed: children and manager live on | [`a_killed_parents_daemons_and_manager_end`] |
//! | a process that merely attached to a segment destroys it when it dies | [`who_attached_and_died_destroys_nothing`] |

use std::time::Instant;

use forkproof::manager::{Manager, ManagerError, QueueProxy};
use forkproof::{
    Address, Barrier, BarrierError, Condition, Event, GetError, Lock, LockError, Pipe, Pool,
    PoolError, Process, Queue, RLock, Semaphore, Sender, SharedMemory, StartMethod,
};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use super::{LONG, SHORT, asleep, here, in_time, kill, start, start_parent, stay};
use crate::wire::{Exchange, Wire};

fn hold(lock: Lock, rlock: RLock, permits: Semaphore, exchange: String) {
    let _held = (lock.lock().unwrap(), rlock.lock().unwrap());
    let _permit = permits.acquire().unwrap();
    here(&exchange);
    stay()
}

#[test]
fn a_killed_holder_hangs_no_one() {
    let (lock, rlock) = (Lock::new().unwrap(), RLock::new().unwrap());
    let permits = Semaphore::new(1).unwrap();
    let (holder, _) = start(hold, |exchange| {
        (lock.clone(), rlock.clone(), permits.clone(), exchange)
    });
    assert!(matches!(lock.lock_timeout(SHORT), Err(LockError::TimedOut)));
    kill(&holder);
    assert!(matches!(
        lock.lock_timeout(LONG),
        Err(LockError::OwnerDied(_))
    ));
    assert!(matches!(
        rlock.lock_timeout(LONG),
        Err(LockError::OwnerDied(_))
    ));
    assert!(permits.acquire_timeout(LONG).is_ok());
}

fn wait_for_notice(condition: Condition, exchange: String) {
    let held = condition.lock().unwrap();
    here(&exchange);
    let _ = held.wait();
}

fn wait_for_event(event: Event, exchange: String) {
    here(&exchange);
    event.wait();
}

fn wait_at_barrier(barrier: Barrier, exchange: String) {
    here(&exchange);
    let _ = barrier.wait();
}

fn call_all(condition: Condition, event: Event, barrier: Barrier) {
    assert_eq!(condition.lock().unwrap().notify_all(), 0);
    assert!(!event.is_set());
    event.set();
    assert!(event.is_set());
    assert_eq!(barrier.wait_timeout(SHORT), Err(BarrierError::Broken));
    barrier.abort().unwrap();
}

#[test]
fn a_killed_waiter_hangs_no_one() {
    let (condition, event) = (Condition::new().unwrap(), Event::new().unwrap());
    let barrier = Barrier::new(2).unwrap();
    let waiters = [
        start(wait_for_notice, |exchange| (condition.clone(), exchange)).0,
        start(wait_for_event, |exchange| (event.clone(), exchange)).0,
        start(wait_at_barrier, |exchange| (barrier.clone(), exchange)).0,
    ];
    while condition.waiters() == 0 || barrier.n_waiting() == 0 {
        std::thread::yield_now();
    }
    waiters.iter().for_each(kill);
    in_time(call_all, (condition, event, barrier));
}

fn get(queue: Queue<u32>, exchange: String) {
    here(&exchange);
    let _ = queue.get();
}

#[test]
fn a_killed_getter_hides_no_item() {
    let queue = Queue::new().unwrap();
    for number in 0..20 {
        let (getter, _) = start(get, |exchange| (queue.clone(), exchange));
        if number % 2 == 0 {
            asleep(&getter);
        }
        kill(&getter);
        queue.put(number).unwrap();
        assert_eq!(queue.get_timeout(LONG).unwrap(), number);
    }
}

const LARGE: usize = 60_000;

fn put_for_ever(queue: Queue<Vec<u8>>, exchange: String) {
    here(&exchange);
    for number in 0u8.. {
        queue.put(vec![number; LARGE]).unwrap();
    }
}

#[test]
fn half_a_message_is_none() {
    for round in 0..20 {
        // With room for one and a half.
        let queue = Queue::with_capacity(None, LARGE * 3 / 2).unwrap();
        let (putter, _) = start(put_for_ever, |exchange| (queue.clone(), exchange));
        for _ in 0..round {
            queue.get_timeout(LONG).unwrap();
        }
        kill(&putter);
        let left = std::iter::from_fn(|| queue.try_get().ok());
        for message in left.chain([vec![7; LARGE]]) {
            assert!(message.len() == LARGE && message.iter().all(|byte| *byte == message[0]));
        }
        let before = Instant::now();
        assert!(matches!(queue.get_timeout(SHORT), Err(GetError::TimedOut)));
        assert!(before.elapsed() < LONG);
        queue.put_timeout(vec![1; LARGE], LONG).unwrap();
        assert_eq!(queue.get_timeout(LONG).unwrap().len(), LARGE);
    }
}

fn put_one(queue: Queue<u32>, number: u32, exchange: String) {
    queue.put(number).unwrap();
    here(&exchange);
    stay()
}

#[test]
fn what_was_put_before_death_is_got() {
    let queue = Queue::new().unwrap();
    for number in 0..50 {
        let (putter, _) = start(put_one, |exchange| (queue.clone(), number, exchange));
        kill(&putter);
        assert_eq!(queue.get_timeout(LONG).unwrap(), number);
    }
}

fn die_at(deadly: u32, number: u32) -> u32 {
    if number == deadly {
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).unwrap();
    }
    number
}

fn map_with_deaths() {
    let pool = Pool::new(2).unwrap();
    let died = pool.starmap(die_at, (0..20).map(|number| (7, number)));
    assert!(
        matches!(died, Err(PoolError::WorkerDied { .. })),
        "{died:?}"
    );
    let kill_idle = || {
        for worker in forkproof::active_children() {
            worker.kill().unwrap();
            worker.join().unwrap();
        }
    };
    kill_idle();
    assert_eq!(pool.apply(die_at, (0, 5)).unwrap(), 5);
    kill_idle();
    pool.terminate();
    pool.join().unwrap();
}

#[test]
fn a_killed_worker_hangs_no_pool() {
    in_time(map_with_deaths, ());
}

fn get_managed(queue: QueueProxy<u32>, exchange: String) {
    here(&exchange);
    let _ = queue.get();
}

#[test]
fn a_dead_client_swallows_no_item() {
    let manager = Manager::start().unwrap();
    let queue = manager.queue().unwrap();
    for number in 0..20 {
        let (client, _) = start(get_managed, |exchange| (queue.clone(), exchange));
        if number % 2 == 0 {
            asleep(&client);
        }
        kill(&client);
        queue.put(number).unwrap();
        assert_eq!(queue.get_timeout(LONG).unwrap(), number);
    }
}

#[test]
fn a_killed_servers_socket_file_goes_with_its_manager() {
    let path = std::env::temp_dir().join(format!("forkproof-deaths-{}", std::process::id()));
    let address = Address::Unix(path.clone());
    let manager = Manager::builder().address(address).start().unwrap();
    let queue = manager.queue::<u32>().unwrap();
    assert!(path.exists());
    let server = manager.process().unwrap();
    kill(&server);
    assert!(matches!(
        queue.get_timeout(LONG),
        Err(ManagerError::ServerGone)
    ));
    drop(manager);
    assert!(!path.exists());
}

fn stay_with(exchange: String) {
    let _wire = here(&exchange);
    stay()
}

fn start_both(to_daemon: String, proxies: Sender<QueueProxy<u32>>, own: String) {
    let daemon = Process::new(stay_with, (to_daemon,)).daemon(true);
    daemon.start().unwrap();
    let manager = Manager::start().unwrap();
    proxies.send(&manager.queue().unwrap()).unwrap();
    let _wire = here(&own);
    stay()
}

#[test]
fn a_killed_parents_daemons_and_manager_end() {
    let to_daemon = Exchange::new();
    let (proxy, proxies) = Pipe::one_way().unwrap();
    let (parent, _) = start_parent(start_both, |own| (to_daemon.name.clone(), proxies, own));
    let mut daemon: Wire = to_daemon.accept();
    assert_eq!(daemon.hear(), "here");
    let queue: QueueProxy<u32> = proxy.recv().unwrap();
    assert!(queue.is_empty().unwrap());
    kill(&parent);
    daemon.hear_the_end();
    assert!(matches!(
        queue.get_timeout(LONG),
        Err(ManagerError::ServerGone)
    ));
}

fn attach(name: String, exchange: String) {
    let _attached = SharedMemory::attach(&name).unwrap();
    here(&exchange);
    stay()
}

/// Nor does anyone who was started on its behalf: all that it left behind have ended, too, before the look.
fn attach_and_die(name: String) {
    nix::sys::prctl::set_child_subreaper(true).unwrap();
    let exchange = Exchange::new();
    // A direct fork: this process has no zygote, which would stay.
    let attacher = Process::new(attach, (name.clone(), exchange.name.clone()));
    let attacher = attacher.start_method(StartMethod::Fork);
    attacher.start().unwrap();
    assert_eq!(exchange.accept().hear(), "here");
    kill(&attacher);
    while waitpid(Pid::from_raw(-1), None).is_ok() {}
    SharedMemory::attach(&name).unwrap();
}

#[test]
fn who_attached_and_died_destroys_nothing() {
    let made = SharedMemory::create(1).unwrap();
    let outcome = std::panic::catch_unwind(|| in_time(attach_and_die, (made.name().to_owned(),)));
    let unlinked = made.unlink();
    outcome.unwrap();
    unlinked.unwrap();
}
