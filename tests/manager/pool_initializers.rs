//! What each worker of a manager's pool does first, and what becomes of the pool if it cannot; what else is said of
//! its workers.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use forkproof::manager::ManagerError;
use forkproof::{Address, ExitCode, PoolError, StartMethod, Value};
use nix::sys::signal::{Signal, raise};

use super::pools::{Gate, await_byte, pid, square};
use super::{LONG, manager_at, near_and_far};

static SETTING: AtomicU32 = AtomicU32::new(0);

fn set(setting: u32) {
    SETTING.store(setting, Relaxed);
}

/// Not registered.
fn set_secretly(setting: u32) {
    SETTING.store(setting, Relaxed);
}

fn take(_: Value<u32>) {}

fn refuse(how: String) -> Result<ExitCode, String> {
    match how.as_str() {
        "error" => Err("there is no database".into()),
        "code" => Ok(ExitCode(3)),
        "panic" => panic!("out of order"),
        "exit" => std::process::exit(5),
        _ => {
            raise(Signal::SIGKILL).unwrap();
            unreachable!()
        }
    }
}

fn await_and_refuse(gate: String) -> Result<(), String> {
    await_byte(gate);
    Err("too late".into())
}

forkproof::initializer!(set, take, refuse, await_and_refuse);

fn get(_: i64) -> u32 {
    SETTING.load(Relaxed)
}

fn die(_: i64) {
    raise(Signal::SIGKILL).unwrap();
}

/// The place of the program in this worker's memory.
fn place(_: i64) -> u64 {
    place as fn(i64) -> u64 as usize as u64
}

fn length(text: String) -> usize {
    text.len()
}

forkproof::callable!(get, die, place, length);

#[test]
fn it_is_run_in_each_worker_before_its_tasks() {
    near_and_far(initialize_each);
}

fn initialize_each(address: Option<Address>) {
    let manager = manager_at(address);
    let builder = manager.pool_builder().processes(2);
    let pool = builder.initializer(set, (42,)).unwrap().build().unwrap();
    let ones = pool.chunks(1).unwrap();
    assert_eq!(ones.map(get, 0..20).unwrap(), [42; 20]);
    for _ in 0..3 {
        let died = pool.apply(die, (0,));
        assert!(
            matches!(died, Err(ManagerError::Pool(PoolError::WorkerDied { .. }))),
            "{died:?}"
        );
    }
    let afterwards = ones.map(get, 0..20).unwrap();
    assert_eq!(afterwards, [42; 20], "in the replacements, too");
    assert_eq!(SETTING.load(Relaxed), 0, "not here");
    let other = manager.pool(1).unwrap();
    assert_eq!(other.apply(get, (0,)).unwrap(), 0, "nor in another pool");
}

#[test]
fn a_failing_one_is_one_error_for_all_and_the_server_serves_on() {
    near_and_far(fail_to_initialize);
}

fn fail_to_initialize(address: Option<Address>) {
    let manager = manager_at(address);
    let why = |outcome: Result<Vec<i64>, ManagerError>| match outcome {
        Err(ManagerError::Pool(PoolError::Initializer { why })) => why,
        other => panic!("{other:?}"),
    };
    for (how, expected) in [
        ("error", "failed: there is no database"),
        ("code", "returned exit code 3"),
        ("panic", ": out of order"),
        ("exit", "ended the worker with exit code 5"),
        ("signal", "died of signal 9, again and again"),
    ] {
        let builder = manager.pool_builder().processes(2);
        let builder = builder.initializer(refuse, (how.to_owned(),)).unwrap();
        let pool = builder.build().unwrap();
        let first = pool.map_async(square, 0..100);
        let first = why(first.and_then(|result| result.get_timeout(LONG)));
        assert!(first.ends_with(expected), "{how}: {first}");
        let clone = pool.clone();
        for pool in [&pool, &clone] {
            assert_eq!(why(pool.map(square, [])), first, "the same to everyone");
            assert_eq!(why(pool.map(square, 0..100)), first);
        }
        assert_eq!(manager.list([5]).unwrap().len().unwrap(), 1);
        pool.close().unwrap();
        assert_eq!(why(pool.join().map(|()| Vec::new())), first);
        let other = manager.pool(1).unwrap();
        assert_eq!(other.map(square, [2]).unwrap(), [4], "another pool");
    }
}

/// That which has no room in the pool's queue, too.
#[test]
fn what_was_under_way_has_the_error() {
    near_and_far(fail_with_work_under_way);
}

fn fail_with_work_under_way(address: Option<Address>) {
    let manager = manager_at(address);
    let gate = Gate::new();
    let builder = manager.pool_builder().processes(1);
    let builder = builder.initializer(await_and_refuse, (gate.name(),));
    let pool = builder.unwrap().build().unwrap();
    let texts = || (0..200).map(|_| "x".repeat(20_000));
    let ones = pool.chunks(1).unwrap();
    let result = ones.map_async(length, texts()).unwrap();
    let each = ones.imap_unordered(length, texts()).unwrap();
    assert!(!result.ready().unwrap());
    gate.open();
    let expected = "the pool's initializer failed: too late";
    let error = result.get_timeout(LONG).unwrap_err();
    assert_eq!(error.to_string(), expected);
    let errors: Vec<_> = each.map(Result::unwrap_err).collect();
    assert_eq!(errors.len(), 200);
    errors
        .iter()
        .for_each(|error| assert_eq!(error.to_string(), expected));
}

#[test]
fn one_that_is_not_registered_or_cannot_be_sent_is_refused() {
    near_and_far(initialize_wrongly);
}

fn initialize_wrongly(address: Option<Address>) {
    let manager = manager_at(address);
    let builder = manager.pool_builder().processes(1);
    match builder.initializer(set_secretly, (1,)).unwrap().build() {
        Err(ManagerError::Pool(PoolError::UnknownInitializer { name })) => {
            assert!(name.ends_with("::set_secretly"), "{name}");
        }
        other => panic!("{other:?}"),
    }
    let builder = manager.pool_builder().processes(1);
    let shared = builder.initializer(take, (Value::new(1).unwrap(),));
    assert!(matches!(shared, Err(ManagerError::Item(_))));
    assert_eq!(manager.list([5]).unwrap().len().unwrap(), 1);
}

#[test]
fn workers_end_after_their_number_of_tasks() {
    near_and_far(wear_out);
}

fn wear_out(address: Option<Address>) {
    let manager = manager_at(address);
    let builder = manager.pool_builder().processes(1).max_tasks_per_child(2);
    let pool = builder.build().unwrap();
    let mut workers = pool.chunks(1).unwrap().map(pid, 0..6).unwrap();
    workers.dedup();
    assert_eq!(workers.len(), 3);
}

#[test]
fn workers_are_started_as_was_said() {
    near_and_far(start_in_each_way);
}

fn start_in_each_way(address: Option<Address>) {
    let manager = manager_at(address);
    for (method, is_a_copy) in [
        (StartMethod::Zygote, true),
        (StartMethod::Fork, true),
        (StartMethod::Spawn, false),
    ] {
        let builder = manager.pool_builder().processes(1).max_tasks_per_child(1);
        let pool = builder.start_method(method).build().unwrap();
        let places = pool.chunks(1).unwrap().map(place, 0..2).unwrap();
        assert_eq!(
            places[0] == places[1],
            is_a_copy,
            "{method:?}: a program that is executed again lies elsewhere"
        );
    }
}
