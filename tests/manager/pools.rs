//! A manager's pool.

use std::time::{Duration, Instant};

use forkproof::manager::{Kind, Manager, ManagerError, PoolProxy};
use forkproof::{PoolError, Process, Result, SharedMemory};
use nix::sys::signal::{Signal, kill, raise};
use nix::unistd::Pid;

use super::{LONG, kind};

pub fn square(number: i64) -> i64 {
    number * number
}

fn divide(dividend: i64, divisor: i64) -> Result<i64, String> {
    let quotient = dividend.checked_div(divisor);
    quotient.ok_or_else(|| "by zero".to_owned())
}

fn panic_with(text: String) {
    panic!("{text}");
}

fn die(number: i64) -> i64 {
    if number == 0 {
        raise(Signal::SIGKILL).unwrap();
    }
    number
}

pub fn pid(_: i64) -> u32 {
    std::process::id()
}

/// Returns when the first byte of the memory of that name is set.
pub fn await_byte(name: String) -> u8 {
    let gate = SharedMemory::attach(&name).unwrap();
    loop {
        match gate.get(0).unwrap() {
            0 => std::thread::yield_now(),
            byte => return byte,
        }
    }
}

forkproof::callable!(square, divide, panic_with, die, pid, await_byte);

/// Not registered.
fn secret(number: i64) -> i64 {
    number
}

/// What tasks wait for; its name is gone with it.
pub struct Gate(SharedMemory);

impl Gate {
    pub fn new() -> Gate {
        Gate(SharedMemory::create(1).unwrap())
    }

    pub fn name(&self) -> String {
        self.0.name().to_owned()
    }

    pub fn open(&self) {
        self.0.set(0, 7).unwrap();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
        self.0.unlink().unwrap();
    }
}

#[test]
fn tasks_come_back_in_order() {
    let manager = Manager::start().unwrap();
    let pool = manager.pool(2).unwrap();
    assert_eq!(pool.apply(square, (5,)).unwrap(), 25);
    let squares: Vec<i64> = (0..100).map(|number| number * number).collect();
    assert_eq!(pool.map(square, 0..100).unwrap(), squares);
    let chunked = pool.chunks(7).unwrap().map_async(square, 0..100).unwrap();
    assert_eq!(chunked.get().unwrap(), squares);
    assert_eq!(chunked.get().unwrap(), squares, "any number of times");
    assert!(pool.map(square, []).unwrap().is_empty());
    let quotients = pool.starmap(divide, [(6, 2), (1, 0)]).unwrap();
    assert_eq!(quotients, [Ok(3), Err("by zero".to_owned())]);
    let imap: std::result::Result<Vec<i64>, _> = pool.imap(square, 1..=3).unwrap().collect();
    assert_eq!(imap.unwrap(), [1, 4, 9]);
    let any: std::result::Result<Vec<i64>, _> =
        pool.imap_unordered(square, 1..=9).unwrap().collect();
    let mut any = any.unwrap();
    any.sort_unstable();
    assert_eq!(any, [1, 4, 9, 16, 25, 36, 49, 64, 81]);
    let together = pool.chunks(4).unwrap().map(pid, 0..4).unwrap();
    assert!(
        together.iter().all(|pid| *pid == together[0]),
        "one chunk, one worker"
    );
}

fn square_there(pool: PoolProxy) -> Result<()> {
    assert_eq!(pool.map(square, [3, 4])?, [9, 16]);
    Ok(())
}

#[test]
fn every_client_has_the_same_pool() {
    let manager = Manager::start().unwrap();
    let pool = manager.pool(1).unwrap();
    let child = Process::new(square_there, (pool.clone(),));
    child.start().unwrap();
    assert_eq!(child.join().unwrap(), 0);
    pool.terminate().unwrap();
    assert_eq!(kind(pool.apply(square, (1,))), Kind::ValueError);
}

#[test]
fn what_befalls_a_task_is_told() {
    let manager = Manager::start().unwrap();
    let pool = manager.pool(2).unwrap();
    match pool.apply(panic_with, ("told".to_owned(),)) {
        Err(ManagerError::Pool(PoolError::Panicked(panic))) => assert_eq!(panic.message, "told"),
        other => panic!("{other:?}"),
    }
    let died = pool.apply_async(die, (0,)).unwrap();
    let error = died.get().unwrap_err();
    assert_eq!(error.kind(), Some(Kind::RemoteError));
    assert!(
        matches!(
            error,
            ManagerError::Pool(PoolError::WorkerDied {
                exit: None,
                signal: Some(9),
                ..
            })
        ),
        "{error}"
    );
    assert!(died.ready().unwrap() && !died.successful().unwrap());
    assert_eq!(
        pool.map(die, 1..=20).unwrap(),
        (1..=20).collect::<Vec<_>>(),
        "it goes on"
    );
    assert_eq!(kind(pool.apply(secret, (1,))), Kind::AttributeError);
    assert_eq!(kind(manager.pool(0)), Kind::ValueError);
    assert_eq!(kind(pool.chunks(0)), Kind::ValueError);
}

fn wait_and_be_killed(pool: PoolProxy, gate: String) -> Result<()> {
    pool.apply(await_byte, (gate,))?;
    Ok(())
}

#[test]
fn a_call_that_waits_holds_up_no_one() {
    let manager = Manager::start().unwrap();
    let pool = manager.pool(2).unwrap();
    let gate = Gate::new();
    let result = pool.apply_async(await_byte, (gate.name(),)).unwrap();
    assert!(!result.ready().unwrap());
    assert_eq!(kind(result.successful()), Kind::ValueError);
    assert!(!result.wait_timeout(Duration::from_millis(1)).unwrap());
    assert_eq!(
        kind(result.get_timeout(Duration::from_millis(1))),
        Kind::TimeoutError
    );
    let mut slow = pool.imap(await_byte, [gate.name()]).unwrap();
    assert_eq!(
        kind(slow.next_timeout(Duration::from_millis(1))),
        Kind::TimeoutError
    );
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| result.get().unwrap());
        let list = manager.list([1]).unwrap();
        assert_eq!(list.pop().unwrap(), 1, "the server serves");
        gate.open();
        assert_eq!(waiter.join().unwrap(), 7);
    });
    assert_eq!(slow.next().unwrap().unwrap(), 7);
    assert!(slow.next().is_none());
}

#[test]
fn a_client_that_dies_waiting_leaves_the_pool_to_the_others() {
    let manager = Manager::start().unwrap();
    let pool = manager.pool(2).unwrap();
    let gate = Gate::new();
    let child = Process::new(wait_and_be_killed, (pool.clone(), gate.name()));
    child.start().unwrap();
    child.kill().unwrap();
    assert_eq!(child.join().unwrap(), -9);
    assert_eq!(pool.map(square, [1, 2]).unwrap(), [1, 4]);
}

/// The processes whose parent this is.
fn children_of(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let is_child = |pid: &u32| {
        // pid (name) state parent ...
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        fields.nth(1) == Some(parent.to_string().as_str())
    };
    pids.filter(is_child).collect()
}

#[test]
fn a_worker_that_is_killed_at_rest_is_replaced_though_no_one_waits() {
    let manager = Manager::start().unwrap();
    let pool = manager.pool(1).unwrap();
    let server = manager.process().unwrap().pid().unwrap();
    for _ in 0..3 {
        let worker = pool.apply(pid, (0,)).unwrap();
        let before = children_of(server);
        assert!(before.contains(&worker));
        kill(Pid::from_raw(worker as i32), Signal::SIGKILL).unwrap();
        let deadline = Instant::now() + LONG;
        let is_new = |pid: &u32| !before.contains(pid);
        while !children_of(server).iter().any(is_new) {
            assert!(Instant::now() < deadline, "no worker came in its place");
            std::thread::yield_now();
        }
    }
    assert_eq!(pool.apply(square, (3,)).unwrap(), 9);
    pool.terminate().unwrap();
    assert!(pool.apply(square, (3,)).is_err());
}

#[test]
fn a_closed_pool_ends_when_its_tasks_are_done() {
    let manager = Manager::start().unwrap();
    let pool = manager.pool(2).unwrap();
    assert_eq!(kind(pool.join()), Kind::ValueError, "it is open");
    let gate = Gate::new();
    let result = pool.apply_async(await_byte, (gate.name(),)).unwrap();
    pool.close().unwrap();
    assert_eq!(kind(pool.apply(square, (1,))), Kind::ValueError);
    std::thread::scope(|scope| {
        let joiner = scope.spawn(|| pool.join());
        assert_eq!(
            manager.list([5]).unwrap().len().unwrap(),
            1,
            "the server serves"
        );
        gate.open();
        joiner.join().unwrap().unwrap();
    });
    assert_eq!(result.get().unwrap(), 7);
    pool.join().unwrap();
}

#[test]
fn a_killed_server_is_told_to_who_waits() {
    let manager = Manager::start().unwrap();
    let pool = manager.pool(1).unwrap();
    let gate = Gate::new();
    let result = pool.apply_async(await_byte, (gate.name(),)).unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| result.get());
        manager.process().unwrap().kill().unwrap();
        assert!(matches!(
            waiter.join().unwrap(),
            Err(ManagerError::ServerGone)
        ));
    });
}
