//! Tasks, and those who wait for their end.

use std::sync::Barrier;

use forkproof::{JoinError, JoinableQueue, Process, Result, TaskError, Value};

use super::{NOW, start};

fn add_up(numbers: JoinableQueue<u64>, sum: Value<u64>) -> Result<()> {
    for number in numbers.iter() {
        let number = number?;
        sum.update(|sum| *sum += number)?;
        numbers.task_done()?;
    }
    Ok(())
}

#[test]
fn a_join_waits_for_the_last_of_them() -> Result<()> {
    let (numbers, sum) = (JoinableQueue::bounded(3)?, Value::new(0)?);
    numbers.join()?; // of nothing
    let workers: Vec<Process> = (0..3)
        .map(|_| start(add_up, (numbers.clone(), sum.clone())))
        .collect::<Result<_>>()?;
    let mut total = 0;
    for round in 0..200 {
        for number in 0..round % 7 {
            numbers.put(number)?;
            total += number;
        }
        numbers.join()?;
        assert_eq!(sum.get()?, total);
        assert_eq!(numbers.unfinished(), 0);
    }
    numbers.close()?;
    for worker in workers {
        assert_eq!(worker.join()?, 0);
    }
    Ok(())
}

#[test]
fn tasks_are_counted_and_not_twice() -> Result<()> {
    let queue = JoinableQueue::new()?;
    assert_eq!(queue.task_done(), Err(TaskError::TooManyDone));
    queue.put("one".to_owned())?;
    queue.put("two".to_owned())?;
    assert_eq!(queue.unfinished(), 2);
    assert!(!queue.join_timeout(NOW)?);
    queue.get()?;
    queue.task_done()?;
    assert!(!queue.join_timeout(NOW)?, "got is not done");
    assert_eq!(queue.process(|text| text.len())?, 3);
    assert!(queue.join_timeout(NOW)?);
    assert_eq!(queue.task_done(), Err(TaskError::TooManyDone));
    let error: forkproof::Error = TaskError::TooManyDone.into();
    assert!(error.to_string().contains("too many times"));
    Ok(())
}

fn take_and_die(queue: JoinableQueue<u8>) {
    let _task = queue.get();
    std::process::abort()
}

fn process_and_die(queue: JoinableQueue<u8>) {
    let _ended = queue.process(|_| std::process::abort());
}

fn learn_of_a_death(queue: JoinableQueue<u8>) {
    assert_eq!(queue.join(), Err(JoinError::WorkerDied { tasks: 1 }));
}

fn await_all(queue: JoinableQueue<u8>) {
    assert_eq!(queue.join(), Ok(()));
}

#[test]
fn all_who_wait_are_told_of_a_dead_workers_task() -> Result<()> {
    let queue = JoinableQueue::new()?;
    queue.put(1)?;
    let waiters = [0, 1].map(|_| start(learn_of_a_death, (queue.clone(),)));
    let worker = start(take_and_die, (queue.clone(),))?;
    for waiter in waiters {
        assert_eq!(waiter?.join()?, 0);
    }
    assert_eq!(worker.join()?, -6);
    assert!(queue.is_empty());
    assert_eq!(queue.unfinished(), 1);
    assert_eq!(queue.join(), Err(JoinError::WorkerDied { tasks: 1 }));
    let error: forkproof::Error = JoinError::WorkerDied { tasks: 1 }.into();
    assert_eq!(error.to_string(), "tasks whose worker has died: 1");
    assert_eq!(queue.write_off(), Ok(1));
    assert_eq!(queue.write_off(), Ok(0));
    assert_eq!(queue.join(), Ok(()));
    Ok(())
}

/// Though others have tasks, and there are some in the queue; and those are waited for when that is dealt with.
#[test]
fn they_are_told_at_once() -> Result<()> {
    let queue = JoinableQueue::new()?;
    for task in 0..3 {
        queue.put(task)?;
    }
    queue.get()?; // this thread's
    assert_eq!(start(take_and_die, (queue.clone(),))?.join()?, -6);
    assert_eq!(queue.join(), Err(JoinError::WorkerDied { tasks: 1 }));
    assert_eq!(queue.write_off(), Ok(1));
    assert!(!queue.join_timeout(NOW)?);
    let waiter = start(await_all, (queue.clone(),))?;
    queue.task_done()?;
    queue.process(drop)?;
    assert_eq!(waiter.join()?, 0);
    Ok(())
}

#[test]
fn a_task_that_is_processed_is_there_for_the_next() -> Result<()> {
    let queue = JoinableQueue::new()?;
    queue.put(1)?;
    let waiter = start(await_all, (queue.clone(),))?;
    assert_eq!(start(process_and_die, (queue.clone(),))?.join()?, -6);
    assert!(!queue.join_timeout(NOW)?);
    queue.process(|task| assert_eq!(task, 1))?;
    assert_eq!(waiter.join()?, 0);
    Ok(())
}

/// Whoever says so: it is then a living one's task that is done, and with no one else's left, the dead's.
#[test]
fn anyone_may_say_that_a_task_is_done() -> Result<()> {
    let queue = JoinableQueue::new()?;
    queue.put(1)?;
    queue.put(2)?;
    assert_eq!(start(take_and_die, (queue.clone(),))?.join()?, -6);
    queue.get()?;
    std::thread::scope(|threads| {
        let by_another = threads.spawn(|| queue.task_done());
        by_another.join().unwrap()
    })?;
    assert_eq!(queue.join(), Err(JoinError::WorkerDied { tasks: 1 }));
    queue.task_done()?;
    assert_eq!(queue.join(), Ok(()));
    assert_eq!(queue.write_off(), Ok(0));
    assert_eq!(queue.task_done(), Err(TaskError::TooManyDone));
    queue.put(3)?;
    queue.task_done()?; // before anyone has it
    assert_eq!(queue.join(), Ok(()));
    queue.put(4)?;
    assert!(!queue.join_timeout(NOW)?);
    queue.process(drop)?;
    queue.process(drop)?;
    assert_eq!(queue.join(), Ok(()));
    Ok(())
}

/// In a process that lives on.
#[test]
fn a_thread_that_ends_with_a_task_is_told() -> Result<()> {
    let queue = JoinableQueue::new()?;
    queue.put(1)?;
    std::thread::scope(|threads| {
        let waiter = threads.spawn(|| queue.join());
        threads.spawn(|| queue.get().unwrap());
        let told = waiter.join().unwrap();
        assert_eq!(told, Err(JoinError::WorkerDied { tasks: 1 }));
    });
    assert_eq!(queue.write_off(), Ok(1));
    Ok(())
}

/// Of more threads than the kernel can tell of at a time, the last get tasks that are no one's.
#[test]
fn more_threads_than_there_are_hands_have_tasks() -> Result<()> {
    const THREADS: usize = 103;
    let queue = JoinableQueue::new()?;
    (0..THREADS).try_for_each(|task| queue.put(task))?;
    let all_have_one = Barrier::new(THREADS);
    std::thread::scope(|threads| {
        let work = || {
            queue.get().unwrap();
            all_have_one.wait();
            queue.task_done().unwrap();
        };
        (0..THREADS).for_each(|_| drop(threads.spawn(work)));
        assert_eq!(queue.join(), Ok(()));
    });
    assert_eq!(queue.task_done(), Err(TaskError::TooManyDone));
    Ok(())
}

/// A thread's place at a queue comes back with the queue, and the queue's memory with it.
#[test]
fn a_thread_may_work_at_many_queues() -> Result<()> {
    for round in 0..6_000 {
        let queue = JoinableQueue::with_capacity(None, 64)?;
        queue.put(round)?;
        queue.get()?;
        // If it does not say so, the task is no one's when the queue goes.
        if round % 2 == 0 {
            queue.task_done()?;
            assert_eq!(queue.join(), Ok(()));
        }
    }
    Ok(())
}
