//! Workers that are killed, or end themselves; and their parent.

use std::collections::HashSet;

use forkproof::{
    Connection, Event, Pipe, PipeError, Pool, PoolError, Process, ProcessError, Queue, Value,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{
    LONG, NOW, assert_died, assert_panicked, exit_with, in_child, kill_self, pass, pid, pid_for,
    pool, square,
};

#[test]
fn exit_in_a_task_is_the_death_of_its_worker() -> Result<(), PoolError> {
    let pool = pool(1);
    let result = pool.apply_async(exit_with, (3,))?;
    assert_died(result.get_timeout(LONG), 3);
    assert!(!result.successful()?);
    assert_died(result.get(), 3);
    assert_eq!(pool.apply(square, (3,))?, 9);
    assert_died(pool.apply(exit_with, (0,)), 0);
    Ok(())
}

#[test]
fn a_killed_worker_costs_its_task_and_no_other() -> Result<(), PoolError> {
    fn kill_self_at(deadly: u64, number: u64) -> u64 {
        if number == deadly {
            kill_self();
        }
        number
    }
    let pool = pool(2);
    assert_died(pool.apply_async(kill_self, ())?.get(), -9);
    assert_died(pool.starmap(kill_self_at, [(9, 9)]), -9);
    let (told, heard) = std::sync::mpsc::channel();
    let result = pool
        .chunks(1)?
        .starmap_async(kill_self_at, (0..100).map(|number| (70, number)))?
        .callback(|_| panic!("not all have succeeded"))
        .error_callback(move |error| told.send(error.clone()).unwrap());
    assert_died(result.get(), -9);
    assert_died(Err::<(), _>(heard.try_recv().unwrap()), -9);
    let at = |(deadly, number)| kill_self_at(deadly, number);
    let items = (0..100).map(|number| (number - number % 10, number));
    for (number, result) in pool.imap(at, items)?.enumerate() {
        match result {
            Ok(same) => assert!(same == number as u64 && number % 10 != 0),
            died => {
                assert!(number.is_multiple_of(10));
                assert_died(died, -9);
            }
        }
    }
    let mut all: Vec<_> = pool.chunks(5)?.imap(at, (0..20).map(|n| (7, n)))?.collect();
    assert!(
        all.drain(5..10)
            .all(|it| matches!(it, Err(PoolError::WorkerDied { .. })))
    );
    assert!(all.into_iter().all(|it| it.is_ok()), "7's chunk alone");
    Ok(())
}

fn hold_twice(begun: Queue<u32>, gate: Event) -> u32 {
    begun.put(std::process::id()).unwrap();
    gate.wait();
    std::process::id()
}

pub(super) fn kill_worker(pid: u32) {
    kill(Pid::from_raw(pid as i32), Signal::SIGKILL).unwrap();
}

#[test]
fn the_others_go_on_with_what_they_have() -> Result<(), forkproof::Error> {
    let pool = pool(2);
    let (begun, gate) = (Queue::new()?, Event::new()?);
    let args = || (begun.clone(), gate.clone());
    let results = [
        pool.apply_async(hold_twice, args())?,
        pool.apply_async(hold_twice, args())?,
    ];
    let workers = [begun.get()?, begun.get()?];
    let behind = pool.apply_async(pass, (Queue::new()?, gate.clone(), 5))?;
    kill_worker(workers[0]);
    let dead = |result: &forkproof::AsyncResult<u32>| result.get_timeout(NOW);
    // One of the two has died; the other one cannot have ended.
    let lost = loop {
        match (dead(&results[0]), dead(&results[1])) {
            (Err(PoolError::TimedOut), Err(PoolError::TimedOut)) => std::thread::yield_now(),
            (lost, Err(PoolError::TimedOut)) | (Err(PoolError::TimedOut), lost) => break lost,
            both => panic!("{both:?}"),
        }
    };
    assert_died(lost, -9);
    gate.set();
    assert_eq!(behind.get()?, 5);
    let survived: Vec<u32> = results.iter().filter_map(|it| it.get().ok()).collect();
    assert_eq!(survived, [workers[1]]);
    Ok(())
}

#[test]
fn idle_workers_that_are_killed_cost_nothing() -> Result<(), PoolError> {
    let pool = pool(2);
    for round in 0..20 {
        let workers: HashSet<u32> = pool.chunks(1)?.map(pid_for, 0..50)?.into_iter().collect();
        workers.iter().for_each(|pid| kill_worker(*pid));
        let squares = pool.map(square, 0..50)?;
        assert!((0..50).map(square).eq(squares), "round {round}");
    }
    Ok(())
}

#[test]
fn a_pool_whose_idle_workers_were_killed_ends_and_works() {
    /// While the pool is in no call. The calling process has no other children.
    fn kill_all() -> Result<(), PoolError> {
        for worker in forkproof::active_children() {
            worker.kill()?;
            worker.join()?;
        }
        Ok(())
    }
    fn bereft() -> Result<Pool, PoolError> {
        let pool = pool(2);
        assert_eq!(pool.map(square, 0..50)?.len(), 50);
        kill_all()?;
        Ok(pool)
    }
    fn works() -> Result<(), PoolError> {
        let pool = bereft()?;
        assert_eq!(pool.apply(square, (5,))?, 25);
        Ok(())
    }
    fn joins() -> Result<(), PoolError> {
        let pool = bereft()?;
        pool.close()?;
        pool.join()
    }
    fn joins_with_work() -> Result<(), PoolError> {
        let pool = bereft()?;
        let squares = pool.map_async(square, 0..100)?;
        pool.close()?;
        kill_all()?;
        pool.join()?;
        assert_eq!(squares.get()?.len(), 100);
        Ok(())
    }
    fn terminates() -> Result<(), PoolError> {
        let pool = bereft()?;
        pool.terminate();
        assert!(matches!(
            pool.apply(square, (5,)),
            Err(PoolError::Terminated)
        ));
        pool.join()
    }
    fn drops() -> Result<(), PoolError> {
        bereft().map(drop)
    }
    in_child(works, ());
    in_child(joins, ());
    in_child(joins_with_work, ());
    in_child(terminates, ());
    in_child(drops, ());
}

#[test]
fn a_result_that_was_sent_is_not_lost() -> Result<(), forkproof::Error> {
    fn leave_a_trace(traces: Queue<u32>) -> u32 {
        traces.put(std::process::id()).unwrap();
        7
    }
    let pool = pool(1);
    let traces = Queue::new()?;
    let first = pool.apply_async(leave_a_trace, (traces.clone(),))?;
    let (begun, gate) = (Queue::new()?, Event::new()?);
    let second = pool.apply_async(pass, (begun.clone(), gate, 2))?;
    assert_eq!(begun.get()?, 2, "the worker is at its second task");
    kill_worker(traces.get()?);
    assert_eq!(first.get()?, 7);
    assert_died(second.get(), -9);
    Ok(())
}

#[test]
fn a_worker_that_dies_while_it_reads_its_task_dies_once() -> Result<(), PoolError> {
    #[derive(serde::Serialize)]
    struct Deadly;
    impl<'de> serde::Deserialize<'de> for Deadly {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Deadly, D::Error> {
            kill_self();
            unreachable!()
        }
    }
    let pool = pool(1);
    assert_died(pool.apply(|_: Deadly| (), (Deadly,)), -9);
    assert_eq!(pool.apply(square, (2,))?, 4);
    Ok(())
}

#[test]
fn more_deaths_than_a_pool_that_cannot_start_would_survive() -> Result<(), PoolError> {
    let pool = pool(2);
    let each = pool.chunks(1)?.imap_unordered(exit_with, vec![1; 60])?;
    assert_eq!(each.map(|it| assert_died(it, 1)).count(), 60);
    assert_eq!(pool.apply(square, (2,))?, 4);
    Ok(())
}

#[test]
fn a_closed_pool_replaces_the_dead_while_there_is_work() -> Result<(), PoolError> {
    let pool = pool(1);
    let deaths = pool.chunks(1)?.imap(exit_with, vec![6; 5])?;
    let squares = pool.map_async(square, 0..100)?;
    pool.close()?;
    pool.join()?;
    assert_eq!(deaths.map(|it| assert_died(it, 6)).count(), 5);
    assert!((0..100).map(square).eq(squares.get()?));
    Ok(())
}

#[test]
fn a_worker_is_a_daemon_and_has_no_children() -> Result<(), PoolError> {
    fn start_child() -> String {
        let refused = Process::new(|| (), ()).start();
        match refused {
            Err(ProcessError::DaemonHasNoChildren) => "refused".into(),
            other => format!("{other:?}"),
        }
    }
    fn start_pool() -> String {
        match Pool::new(1) {
            Err(PoolError::Start(error)) => error.to_string(),
            other => format!("{other:?}"),
        }
    }
    let pool = pool(1);
    let is_daemon = || forkproof::current_process().is_daemon();
    assert!(pool.apply(is_daemon, ())?);
    assert_eq!(pool.apply(start_child, ())?, "refused");
    assert_eq!(
        pool.apply(start_pool, ())?,
        "a daemon may not start processes"
    );
    let name = || forkproof::current_process().name().to_owned();
    assert_eq!(pool.apply(name, ())?, "PoolWorker-1");
    Ok(())
}

#[test]
fn a_killed_parent_takes_its_workers_with_it() -> Result<(), forkproof::Error> {
    fn hold(life: Connection<u32, u8>) {
        life.send(&pid()).unwrap();
        loop {
            std::thread::park();
        }
    }
    fn parent(life: Connection<u32, u8>) -> Result<(), PoolError> {
        let pool = pool(2);
        let lives = [(life.clone(),), (life,)];
        pool.chunks(1)?.starmap(hold, lives).map(drop)
    }
    let (ours, theirs) = Pipe::duplex::<u8, u32>()?;
    let program = Process::new(parent, (theirs,));
    program.start()?;
    assert_ne!(ours.recv()?, ours.recv()?, "two workers");
    program.kill()?;
    program.join()?;
    assert!(matches!(ours.recv(), Err(PipeError::PeerDied)));
    Ok(())
}

#[test]
fn a_thread_of_a_worker_that_panics_is_not_the_task() -> Result<(), PoolError> {
    fn with_a_thread() -> bool {
        let panics = || std::panic::resume_unwind(Box::new(()));
        std::thread::spawn(panics).join().is_err()
    }
    let pool = pool(1);
    assert!(pool.apply(with_a_thread, ())?);
    assert_panicked(pool.apply(super::panic_if_odd, (1,)), "1 is odd");
    Ok(())
}

#[test]
fn each_of_many_tasks_is_run_once() -> Result<(), forkproof::Error> {
    fn count(runs: Value<u64>, _: u64) {
        runs.update(|runs| *runs += 1).unwrap();
    }
    let pool = pool(2);
    let runs = Value::new(0)?;
    let items = (0..5_000).map(|number| (runs.clone(), number));
    pool.chunks(1)?.starmap(count, items)?;
    assert_eq!(runs.get()?, 5_000);
    Ok(())
}
