//! How the tasks of a manager's pool are to be run: again after a death, in a given time, so many together; and what
//! is told of those that were not.

use std::time::Duration;

use forkproof::manager::{ManagerError, PoolProxy};
use forkproof::{Address, LostTask, PoolError, SharedMemory};
use nix::sys::signal::{Signal, raise};

use super::pools::{Gate, await_byte, square};
use super::{LONG, manager_at, near_and_far};

/// For what takes for ever.
const SHORT: Duration = Duration::from_millis(20);

/// Counts what tasks do; its name is gone with it.
struct Counter(SharedMemory);

impl Counter {
    fn new() -> Counter {
        Counter(SharedMemory::create(1).unwrap())
    }

    fn name(&self) -> String {
        self.0.name().to_owned()
    }

    fn count(&self) -> u8 {
        self.0.get(0).unwrap()
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.0.unlink().unwrap();
    }
}

/// In a pool of one worker.
fn add_one(counter: &str) -> u8 {
    let counter = SharedMemory::attach(counter).unwrap();
    let count = counter.get(0).unwrap() + 1;
    counter.set(0, count).unwrap();
    count
}

/// Dies in the first runs, so many.
fn die_at_first(runs: String, deaths: u8) -> u8 {
    let run = add_one(&runs);
    if run <= deaths {
        raise(Signal::SIGKILL).unwrap();
    }
    run
}

fn panic_or_err(runs: String, number: u64) -> Result<u64, String> {
    add_one(&runs);
    match number {
        0 => panic!("zero"),
        number => Err(format!("{number} is too much")),
    }
}

fn die_at_seventy(number: u64) -> u64 {
    if number == 70 {
        raise(Signal::SIGKILL).unwrap();
    }
    number
}

fn leave(code: i32) {
    std::process::exit(code);
}

fn for_ever_at_five(number: u64) -> u64 {
    if number == 5 {
        loop {
            std::thread::park();
        }
    }
    number
}

forkproof::callable!(
    die_at_first,
    panic_or_err,
    die_at_seventy,
    leave,
    for_ever_at_five
);

#[track_caller]
fn died<T: std::fmt::Debug>(
    outcome: Result<T, ManagerError>,
) -> (Option<i32>, Option<i32>, LostTask) {
    match outcome {
        Err(ManagerError::Pool(PoolError::WorkerDied { exit, signal, task })) => {
            (exit, signal, task)
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn exceeded<T: std::fmt::Debug>(outcome: Result<T, ManagerError>) -> (Duration, LostTask) {
    match outcome {
        Err(ManagerError::Pool(PoolError::TimeLimitExceeded { limit, task })) => (limit, task),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_terminated<T: std::fmt::Debug>(outcome: Result<T, ManagerError>) {
    match outcome {
        Err(ManagerError::Pool(PoolError::Terminated)) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_task_whose_worker_died_is_run_again_as_often_as_was_said() {
    near_and_far(run_again);
}

fn run_again(address: Option<Address>) {
    let manager = manager_at(address);
    let pool = manager.pool(1).unwrap();
    for (retries, deaths) in [(0, 0), (1, 1), (3, 2), (9, 9)] {
        let runs = Counter::new();
        let answer = pool
            .retries(retries)
            .apply(die_at_first, (runs.name(), deaths));
        assert_eq!(answer.unwrap(), deaths + 1);
        assert_eq!(runs.count(), deaths + 1, "and no oftener");
    }
    for (retries, deaths) in [(0, 1), (2, 3)] {
        let runs = Counter::new();
        let answer = pool
            .retries(retries)
            .apply(die_at_first, (runs.name(), deaths));
        let (exit, signal, task) = died(answer);
        assert_eq!((exit, signal), (None, Some(9)));
        assert_eq!((task.item, task.chunk), (0, 0..1));
        assert_eq!(u32::from(runs.count()), retries + 1);
    }
    let (exit, signal, _) = died(pool.retries(1).apply(leave, (3,)));
    assert_eq!((exit, signal), (Some(3), None));
}

#[test]
fn only_deaths_are_tried_again() {
    near_and_far(try_what_is_no_death);
}

fn try_what_is_no_death(address: Option<Address>) {
    let manager = manager_at(address);
    let pool = manager.pool(1).unwrap();
    let runs = Counter::new();
    let again = pool.retries(5);
    let answer = again.apply(panic_or_err, (runs.name(), 3)).unwrap();
    assert_eq!(answer.unwrap_err(), "3 is too much");
    match again.apply(panic_or_err, (runs.name(), 0)) {
        Err(ManagerError::Pool(PoolError::Panicked(panic))) => assert_eq!(panic.message, "zero"),
        other => panic!("{other:?}"),
    }
    assert_eq!(runs.count(), 2);
    let endless = again.time_limit(SHORT).map_async(for_ever_at_five, [5]);
    exceeded(endless.unwrap().get_timeout(LONG));
}

#[test]
fn the_lost_task_is_named() {
    near_and_far(name_the_lost);
}

fn name_the_lost(address: Option<Address>) {
    let manager = manager_at(address);
    let pool = manager.pool(2).unwrap();
    let eights = pool.chunks(8).unwrap();
    let error = eights.map(die_at_seventy, 0..100).unwrap_err();
    let name = std::any::type_name_of_val(&die_at_seventy);
    assert_eq!(
        error.to_string(),
        format!("the worker that had item 70 of `{name}`, in the chunk of 64..72, died (signal 9)")
    );
    let (_, _, task) = died::<()>(Err(error));
    assert_eq!(task.function, name);
    assert_eq!((task.item, task.chunk), (70, 64..72));
}

/// One result for each task, also of a chunk whose worker died, and of the last one, which is shorter.
#[test]
fn an_iterator_goes_on_after_a_death() {
    near_and_far(iterate_over_a_death);
}

fn iterate_over_a_death(address: Option<Address>) {
    let manager = manager_at(address);
    let pool = manager.pool(2).unwrap();
    for (size, lost) in [(8, 64..72), (7, 70..77), (1, 70..71), (60, 60..101)] {
        let chunks = pool.chunks(size).unwrap();
        let ordered: Vec<_> = chunks.imap(die_at_seventy, 0..101).unwrap().collect();
        assert_eq!(ordered.len(), 101);
        for (number, result) in (0..).zip(ordered) {
            if lost.contains(&number) {
                assert_eq!(died(result).2.item, 70);
            } else {
                assert_eq!(result.unwrap(), number as u64);
            }
        }
        let any: Vec<_> = chunks
            .imap_unordered(die_at_seventy, 0..101)
            .unwrap()
            .collect();
        assert_eq!(any.len(), 101);
        let (there, errors): (Vec<_>, Vec<_>) = any.into_iter().partition(Result::is_ok);
        assert_eq!(errors.len(), lost.len());
        errors
            .into_iter()
            .for_each(|error| assert_eq!(died(error).2.chunk, lost));
        let mut there: Vec<u64> = there.into_iter().map(Result::unwrap).collect();
        there.sort_unstable();
        assert!(
            (0..101)
                .filter(|it| !lost.contains(&(*it as usize)))
                .eq(there)
        );
    }
}

#[test]
fn a_limit_ends_the_task_that_exceeds_it_and_no_other() {
    near_and_far(exceed_a_limit);
}

fn exceed_a_limit(address: Option<Address>) {
    let manager = manager_at(address);
    let pool = manager.pool(2).unwrap();
    let limit = Duration::from_secs(2);
    let ones = pool.time_limit(limit).chunks(1).unwrap();
    let mut results = ones.imap(for_ever_at_five, 0..10).unwrap();
    for number in 0..10 {
        let result = results.next_timeout(LONG);
        match number {
            5 => {
                let (told, task) = exceeded(result);
                assert_eq!(told, limit);
                assert_eq!((task.item, task.chunk), (5, 5..6));
            }
            number => assert_eq!(result.unwrap(), Some(number)),
        }
        let list = manager.list([number]).unwrap();
        assert_eq!(list.pop().unwrap(), number, "the server serves");
    }
    assert!(results.next_timeout(LONG).unwrap().is_none());
    let fours = ones.chunks(4).unwrap();
    let result = fours.map_async(for_ever_at_five, 0..10).unwrap();
    let (_, task) = exceeded(result.get_timeout(LONG));
    assert_eq!((task.item, task.chunk), (5, 4..8));
    let without_end = pool.time_limit(Duration::MAX);
    assert_eq!(without_end.apply(square, (3,)).unwrap(), 9);
}

#[test]
fn the_end_of_a_pool_is_told_to_who_waits_and_who_comes_later() {
    near_and_far(terminate_under_way);
}

fn terminate_under_way(address: Option<Address>) {
    let manager = manager_at(address);
    let gate = Gate::new();
    let pool = manager.pool(1).unwrap();
    let result = pool.apply_async(await_byte, (gate.name(),)).unwrap();
    let again = pool.retries(u32::MAX).apply_async(leave, (1,)).unwrap();
    let gates = || [gate.name(), gate.name()];
    let mut ordered = pool.imap(await_byte, gates()).unwrap();
    let mut any = pool.imap_unordered(await_byte, gates()).unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| result.get_timeout(LONG));
        pool.terminate().unwrap();
        assert_terminated(waiter.join().unwrap());
    });
    assert_terminated(result.get_timeout(LONG));
    assert_terminated(again.wait_timeout(LONG));
    assert!(!result.ready().unwrap(), "it never will be");
    for imap in [&mut ordered, &mut any] {
        assert_terminated(imap.next_timeout(LONG));
        assert!(imap.next().is_none(), "one error, and then the end");
    }
    for outcome in [pool.map(square, [1]), pool.map(square, [])] {
        assert_terminated(outcome);
    }
    pool.join().unwrap();
}

#[test]
fn what_a_pool_refuses_is_typed() {
    near_and_far(be_refused);
}

fn be_refused(address: Option<Address>) {
    /// Not registered.
    fn secret(number: i64) -> i64 {
        number
    }
    let manager = manager_at(address);
    let refused = |outcome: Result<PoolProxy, ManagerError>| match outcome {
        Err(ManagerError::Pool(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refused(manager.pool(0)), PoolError::NoWorkers));
    let pool = manager.pool(1).unwrap();
    let refused = |outcome: Result<i64, ManagerError>| match outcome {
        Err(ManagerError::Pool(error)) => error,
        other => panic!("{other:?}"),
    };
    match refused(pool.apply(secret, (1,))) {
        PoolError::Unknown { name } => assert!(name.ends_with("::secret"), "{name}"),
        other => panic!("{other:?}"),
    }
    let gate = Gate::new();
    let result = pool.apply_async(await_byte, (gate.name(),)).unwrap();
    let early = result.get_timeout(SHORT).map(i64::from);
    assert!(matches!(refused(early), PoolError::TimedOut));
    let early = result.successful().map(i64::from);
    assert!(matches!(refused(early), PoolError::NotReady));
    let open = pool.join().map(|()| 0);
    assert!(matches!(refused(open), PoolError::StillOpen));
    pool.close().unwrap();
    let closed = pool.apply(square, (1,));
    assert!(matches!(refused(closed), PoolError::Closed));
    gate.open();
    assert_eq!(result.get().unwrap(), 7, "what was taken before is done");
    pool.join().unwrap();
}
