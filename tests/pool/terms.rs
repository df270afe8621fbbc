//! How the tasks of a call are to be run: again after a death, and in a given time.

use std::time::Duration;

use forkproof::{LostTask, Pool, PoolError, Value, wait};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use super::{
    LONG, assert_died, assert_panicked, exit_with, in_child, kill_self, pid, pool, square,
};

/// For what takes for ever.
const SHORT: Duration = Duration::from_millis(20);
/// For what takes no time.
const AMPLE: Duration = Duration::from_secs(2);

/// Dies in the first runs, so many.
fn die_at_first(runs: Value<u32>, deaths: u32) -> u32 {
    let run = runs.update(|runs| {
        *runs += 1;
        *runs
    });
    let run = run.unwrap();
    if run <= deaths {
        kill_self();
    }
    run
}

fn for_ever(_: u64) {
    loop {
        std::thread::park();
    }
}

#[track_caller]
fn assert_exceeded<T: std::fmt::Debug>(result: Result<T, PoolError>) -> LostTask {
    match result {
        Err(PoolError::TimeLimitExceeded { limit, task }) => {
            assert!([SHORT, AMPLE].contains(&limit));
            task
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_task_whose_worker_died_is_run_again_as_often_as_was_said() -> Result<(), forkproof::Error> {
    let pool = pool(2);
    for (retries, deaths) in [(0, 0), (1, 1), (3, 2), (20, 20)] {
        let runs = Value::new(0)?;
        let answer = pool
            .retries(retries)
            .apply(die_at_first, (runs.clone(), deaths));
        assert_eq!(answer?, deaths + 1);
        assert_eq!(runs.get()?, deaths + 1, "and no oftener");
    }
    for (retries, deaths) in [(0, 1), (2, 3)] {
        let runs = Value::new(0)?;
        let answer = pool
            .retries(retries)
            .apply(die_at_first, (runs.clone(), deaths));
        assert_died(answer, -9);
        assert_eq!(runs.get()?, retries + 1);
    }
    Ok(())
}

#[test]
fn only_deaths_are_tried_again() -> Result<(), forkproof::Error> {
    fn count(runs: Value<u32>, number: u64) -> Result<u64, String> {
        runs.update(|runs| *runs += 1).unwrap();
        match number {
            0 => panic!("zero"),
            number => Err(format!("{number} is too much")),
        }
    }
    let pool = pool(1);
    let runs = Value::new(0)?;
    let again = pool.retries(5);
    assert_eq!(
        again.apply(count, (runs.clone(), 3))?.unwrap_err(),
        "3 is too much"
    );
    assert_panicked(again.apply(count, (runs.clone(), 0)), "zero");
    let for_ever = again.time_limit(SHORT).map_async(for_ever, [0])?;
    assert_exceeded(for_ever.get_timeout(LONG));
    assert_eq!(runs.get()?, 2);
    Ok(())
}

#[test]
fn a_chunk_is_run_again_as_a_whole_and_the_others_are_not() -> Result<(), forkproof::Error> {
    fn one_dies(runs: Value<u32>, deaths: Value<u32>, number: u64) -> u64 {
        runs.update(|runs| *runs += 1).unwrap();
        if number == 5
            && deaths
                .update(|deaths| std::mem::replace(deaths, 1))
                .unwrap()
                == 0
        {
            kill_self();
        }
        number
    }
    let pool = pool(2);
    let (runs, deaths) = (Value::new(0)?, Value::new(0)?);
    let items = (0..12).map(|number| (runs.clone(), deaths.clone(), number));
    let calls = pool.chunks(4)?.retries(1);
    let numbers = calls.starmap(one_dies, items)?;
    assert!((0..12).eq(numbers));
    assert_eq!(runs.get()?, 12 + 2, "4 and 5 twice");
    Ok(())
}

#[test]
fn a_closed_pool_ends_after_the_last_retry() {
    in_child(close_with_retries, ());
}

fn close_with_retries() -> Result<(), forkproof::Error> {
    let pool = pool(1);
    let runs = Value::new(0)?;
    let calls = pool.retries(3);
    let result = calls.apply_async(die_at_first, (runs, 3))?;
    let hopeless = calls.apply_async(exit_with, (4,))?;
    let squares = pool.map_async(square, 0..10)?;
    pool.close()?;
    pool.join()?;
    assert_eq!(result.get()?, 4);
    assert_died(hopeless.get(), 4);
    assert!((0..10).map(square).eq(squares.get()?));
    Ok(())
}

#[test]
fn what_is_to_be_run_again_is_forgotten_by_terminate() -> Result<(), forkproof::Error> {
    let pool = pool(1);
    let endless = pool.retries(u32::MAX).apply_async(kill_self, ())?;
    assert!(!endless.wait_timeout(SHORT)?);
    pool.terminate();
    assert!(matches!(endless.get(), Err(PoolError::Terminated)));
    Ok(())
}

#[test]
fn the_lost_task_is_named() -> Result<(), PoolError> {
    fn kill_self_at(number: u64) -> u64 {
        if number == 70 {
            kill_self();
        }
        number
    }
    let pool = pool(2);
    let died = pool.chunks(8)?.map(kill_self_at, 0..100).unwrap_err();
    let PoolError::WorkerDied { ref task, .. } = died else {
        panic!("{died:?}");
    };
    assert_eq!((task.item, &task.chunk), (70, &(64..72)));
    let name = std::any::type_name_of_val(&kill_self_at);
    assert_eq!(
        died.to_string(),
        format!("the worker that had item 70 of `{name}`, in the chunk of 64..72, died (signal 9)")
    );
    let died = pool.apply(exit_with, (3,)).unwrap_err().to_string();
    let name = std::any::type_name_of_val(&exit_with);
    assert_eq!(
        died,
        format!("the worker that had item 0 of `{name}` died (exit code 3)")
    );
    Ok(())
}

#[test]
fn a_limit_ends_the_task_that_exceeds_it_and_no_other() -> Result<(), PoolError> {
    fn for_ever_at(number: u64) -> u64 {
        if number == 5 {
            for_ever(number);
        }
        number
    }
    let pool = pool(2);
    let calls = pool.time_limit(AMPLE).chunks(1)?;
    let mut results = calls.imap(for_ever_at, 0..10)?;
    for number in 0..10 {
        let result = results.next_timeout(LONG);
        match number {
            5 => {
                let task = assert_exceeded(result);
                assert_eq!((task.item, task.chunk), (5, 5..6));
            }
            number => assert_eq!(result?, Some(number)),
        }
    }
    let result = calls.chunks(4)?.map_async(for_ever_at, 0..10)?;
    let task = assert_exceeded(result.get_timeout(LONG));
    assert_eq!((task.item, task.chunk), (5, 4..8));
    Ok(())
}

#[test]
fn each_task_of_a_chunk_has_its_own_time() -> Result<(), PoolError> {
    /// What a limit is about is time.
    fn last(_: u64) -> u32 {
        std::thread::sleep(AMPLE / 4);
        pid()
    }
    let pool = pool(1);
    let during = pool.time_limit(AMPLE).chunks(5)?.map(last, 0..5)?;
    let afterwards = pool.chunks(5)?.map(last, 0..5)?;
    assert_eq!(during, afterwards, "one worker lived through all of it");
    Ok(())
}

#[test]
fn it_ends_the_task_while_the_parent_is_in_no_call() -> Result<(), forkproof::Error> {
    let pool = pool(1);
    let worker = pool.apply(pid, ())?;
    let children = forkproof::active_children();
    let worker = children.iter().find(|child| child.pid() == Some(worker));
    let result = pool.time_limit(SHORT).apply_async(for_ever, (0,))?;
    let ended = wait(&[worker.expect("it runs")], Some(LONG))?;
    assert_eq!(ended, [0], "nobody asks the pool");
    assert_exceeded(result.get_timeout(LONG));
    Ok(())
}

#[test]
fn a_kill_in_time_is_a_death_and_not_the_limit() -> Result<(), PoolError> {
    let pool = pool(1);
    let calls = pool.time_limit(LONG);
    assert_died(calls.apply(kill_self, ()), -9);
    assert_died(calls.apply(exit_with, (2,)), 2);
    Ok(())
}

#[test]
fn one_that_has_blocked_the_signal_or_is_stopped_is_killed() -> Result<(), PoolError> {
    fn block_all(_: u64) {
        SigSet::all().thread_block().unwrap();
        for_ever(0)
    }
    fn stop(_: u64) {
        kill(Pid::this(), Signal::SIGSTOP).unwrap();
    }
    let pool = pool(2);
    let calls = pool.time_limit(AMPLE);
    let blocked = calls.apply_async(block_all, (0,))?;
    let stopped = calls.apply_async(stop, (0,))?;
    assert_died(blocked.get_timeout(LONG), -9);
    assert_died(stopped.get_timeout(LONG), -9);
    Ok(())
}

#[test]
fn a_limit_of_nothing_is_exceeded_and_one_without_end_is_not() -> Result<(), PoolError> {
    let pool = pool(1);
    let none = pool.time_limit(Duration::ZERO);
    let none = none.apply_async(for_ever, (0,))?;
    assert!(matches!(
        none.get_timeout(LONG),
        Err(PoolError::TimeLimitExceeded { .. })
    ));
    assert_eq!(pool.time_limit(Duration::MAX).apply(square, (3,))?, 9);
    Ok(())
}

#[test]
fn workers_started_in_each_way_have_limits() -> Result<(), PoolError> {
    for method in [
        forkproof::StartMethod::Zygote,
        forkproof::StartMethod::Spawn,
    ] {
        let pool = Pool::builder().processes(1).start_method(method).build()?;
        let result = pool.time_limit(SHORT).map_async(for_ever, [0])?;
        assert_exceeded(result.get_timeout(LONG));
    }
    Ok(())
}
