//! Tasks, and those who wait for their end.

use forkproof::{JoinableQueue, Process, Result, TaskError, Value};

use super::{LONG, NOW, start};

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
    numbers.join(); // of nothing
    let workers: Vec<Process> = (0..3)
        .map(|_| start(add_up, (numbers.clone(), sum.clone())))
        .collect::<Result<_>>()?;
    let mut total = 0;
    for round in 0..200 {
        for number in 0..round % 7 {
            numbers.put(number)?;
            total += number;
        }
        numbers.join();
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
    assert!(!queue.join_timeout(NOW));
    queue.get()?;
    queue.task_done()?;
    assert!(!queue.join_timeout(NOW), "got is not done");
    assert_eq!(queue.process(|text| text.len())?, 3);
    assert!(queue.join_timeout(NOW));
    assert_eq!(queue.task_done(), Err(TaskError::TooManyDone));
    let error: forkproof::Error = TaskError::TooManyDone.into();
    assert!(error.to_string().contains("too many times"));
    Ok(())
}

fn take_and_die(queue: JoinableQueue<u8>) {
    let _ = queue.get();
    std::process::abort()
}

fn await_all(queue: JoinableQueue<u8>) {
    assert!(queue.join_timeout(LONG));
}

#[test]
fn a_dead_workers_task_is_for_others_to_end() -> Result<()> {
    let queue = JoinableQueue::new()?;
    queue.put(1)?;
    let waiters = [0, 1].map(|_| start(await_all, (queue.clone(),)));
    let worker = start(take_and_die, (queue.clone(),))?;
    assert_eq!(worker.join()?, -6);
    assert!(queue.is_empty());
    assert_eq!(queue.unfinished(), 1);
    queue.task_done()?; // who has seen the exit code
    for waiter in waiters {
        assert_eq!(waiter?.join()?, 0);
    }
    Ok(())
}
