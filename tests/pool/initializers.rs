//! What each worker does first; and what becomes of the pool if it cannot.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use forkproof::{Event, ExitCode, Pool, PoolError, Queue, Value};

use super::{LONG, pool, square};

static SETTING: AtomicU32 = AtomicU32::new(0);

fn set(setting: u32) {
    SETTING.store(setting, Relaxed);
}

fn get(_: u64) -> u32 {
    SETTING.load(Relaxed)
}

#[test]
fn it_is_run_in_each_worker_before_its_tasks() -> Result<(), PoolError> {
    let pool = Pool::builder()
        .processes(2)
        .initializer(set, (42,))?
        .build()?;
    assert_eq!(pool.chunks(1)?.map(get, 0..20)?, [42; 20]);
    assert_eq!(SETTING.load(Relaxed), 0, "not here");
    Ok(())
}

#[test]
fn it_is_run_in_the_replacement_of_a_dead_worker_and_of_a_worn_one() -> Result<(), forkproof::Error>
{
    fn count(runs: Value<u32>, setting: u32) -> ExitCode {
        set(setting);
        runs.update(|runs| *runs += 1).unwrap();
        ExitCode(0)
    }
    let runs = Value::new(0)?;
    let pool = Pool::builder()
        .processes(1)
        .max_tasks_per_child(2)
        .initializer(count, (runs.clone(), 7))?
        .build()?;
    assert_eq!(pool.apply(get, (0,))?, 7);
    super::assert_died(pool.apply(super::kill_self, ()), -9);
    assert_eq!(pool.chunks(1)?.map(get, 0..4)?, [7; 4]);
    assert!(
        matches!(runs.get()?, 3 | 4),
        "the last one may have a successor"
    );
    Ok(())
}

/// The pool says the same to everyone, and starts no more workers.
#[track_caller]
fn assert_stops(pool: &Pool, expected: &str) {
    let first = match pool.apply(square, (2,)) {
        Err(error @ PoolError::Initializer { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(first.contains(expected), "{first}");
    for _ in 0..2 {
        match pool.map(square, 0..100) {
            Err(PoolError::Initializer { why }) => assert!(first.ends_with(&why)),
            other => panic!("{other:?}"),
        }
    }
    pool.close().unwrap();
    assert!(matches!(pool.join(), Err(PoolError::Initializer { .. })));
}

fn refuse(runs: Value<u32>, how: String) -> Result<ExitCode, String> {
    runs.update(|runs| *runs += 1).unwrap();
    match how.as_str() {
        "error" => Err("there is no database".into()),
        "code" => Ok(ExitCode(3)),
        "panic" => panic!("out of order"),
        "exit" => std::process::exit(5),
        _ => {
            super::kill_self();
            unreachable!()
        }
    }
}

#[test]
fn a_failing_one_is_one_error_and_no_worker_is_started_again() -> Result<(), forkproof::Error> {
    for (how, expected) in [
        ("error", "failed: there is no database"),
        ("code", "returned exit code 3"),
        ("panic", ": out of order"),
        ("exit", "ended the worker with exit code 5"),
    ] {
        let runs = Value::new(0)?;
        let pool = Pool::builder()
            .processes(2)
            .initializer(refuse, (runs.clone(), how.to_owned()))?
            .build()?;
        assert_stops(&pool, expected);
        assert!(runs.get()? <= 2, "{how}: each worker once");
    }
    Ok(())
}

#[test]
fn a_worker_that_is_killed_in_it_is_replaced() -> Result<(), forkproof::Error> {
    fn wait_and_set(begun: Queue<u32>, gate: Event) {
        begun.put(std::process::id()).unwrap();
        gate.wait();
        set(5);
    }
    let (begun, gate) = (Queue::new()?, Event::new()?);
    let pool = Pool::builder()
        .processes(1)
        .initializer(wait_and_set, (begun.clone(), gate.clone()))?
        .build()?;
    let result = pool.apply_async(get, (0,))?;
    for _ in 0..10 {
        super::deaths::kill_worker(begun.get()?);
        while begun.is_empty() {
            assert!(!result.ready()); // takes the death up
            std::thread::yield_now();
        }
    }
    gate.set();
    assert_eq!(result.get_timeout(LONG)?, 5);
    Ok(())
}

#[test]
fn one_in_which_every_worker_is_killed_stops_the_pool() -> Result<(), forkproof::Error> {
    let runs = Value::new(0)?;
    let pool = Pool::builder()
        .processes(2)
        .initializer(refuse, (runs.clone(), "signal".to_owned()))?
        .build()?;
    assert_stops(&pool, "died of signal 9, again and again");
    assert!(runs.get()? > 2, "more than each once");
    assert!(runs.get()? <= 2 + 16 + 2);
    Ok(())
}

#[test]
fn what_was_under_way_has_the_error_too() -> Result<(), forkproof::Error> {
    fn wait_and_refuse(gate: Event) -> Result<(), String> {
        gate.wait();
        Err("too late".into())
    }
    let gate = Event::new()?;
    let pool = Pool::builder()
        .processes(1)
        .initializer(wait_and_refuse, (gate.clone(),))?
        .build()?;
    let (told, heard) = std::sync::mpsc::channel();
    let result = pool
        .apply_async(square, (2,))?
        .error_callback(move |error| told.send(error.to_string()).unwrap());
    let map = pool.chunks(1)?.map_async(square, 0..100_000)?; // more than there is room for
    let mut each = pool.imap(square, 0..)?;
    gate.set();
    let expected = "the pool's initializer failed: too late";
    assert_eq!(result.get_timeout(LONG).unwrap_err().to_string(), expected);
    assert_eq!(heard.try_recv().unwrap(), expected);
    assert_eq!(map.get_timeout(LONG).unwrap_err().to_string(), expected);
    let first = each.find_map(Result::err).unwrap();
    assert_eq!(first.to_string(), expected);
    assert_eq!(pool.apply(square, (2,)).unwrap_err().to_string(), expected);
    Ok(())
}

#[test]
fn arguments_that_cannot_be_written() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Unwritable(#[serde(serialize_with = "refused")] u8);
    fn refused<S: serde::Serializer>(_: &u8, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no"))
    }
    let builder = Pool::builder().initializer(|_: Unwritable| (), (Unwritable(1),));
    let built = builder.unwrap().build();
    assert!(matches!(built, Err(PoolError::Unsendable(_))), "{built:?}");
    drop(pool(1));
}
