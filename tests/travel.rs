//! Every shared object can be an argument of a process, and be sent through a queue and through a pipe: it is the same
//! object there.

use forkproof::{
    Array, Barrier, BoundedSemaphore, Condition, Event, JoinableQueue, Lock, Pipe, Process, Queue,
    RLock, Receiver, Result, Semaphore, Sender, SimpleQueue, Value,
};
use serde::{Deserialize, Serialize};

/// One of each.
#[derive(Clone, Serialize, Deserialize)]
struct All {
    lock: Lock,
    rlock: RLock,
    semaphore: Semaphore,
    bounded: BoundedSemaphore,
    condition: Condition,
    event: Event,
    barrier: Barrier,
    value: Value<i64>,
    array: Array<u8>,
    queue: Queue<String>,
    joinable: JoinableQueue<u32>,
    simple: SimpleQueue<u32>,
    sender: Sender<u32>,
}

fn all() -> Result<(All, Receiver<u32>)> {
    let (receiver, sender) = Pipe::one_way()?;
    let all = All {
        lock: Lock::new()?,
        rlock: RLock::new()?,
        semaphore: Semaphore::new(2)?,
        bounded: BoundedSemaphore::new(2)?,
        condition: Condition::new()?,
        event: Event::new()?,
        barrier: Barrier::new(2)?,
        value: Value::new(0)?,
        array: Array::new(2)?,
        queue: Queue::new()?,
        joinable: JoinableQueue::new()?,
        simple: SimpleQueue::new()?,
        sender,
    };
    Ok((all, receiver))
}

/// Leaves a trace on each: what only the same object can show to the other side.
fn use_all(all: All) -> Result<()> {
    all.barrier.wait()?;
    assert!(all.lock.is_locked(), "by the parent");
    assert!(all.rlock.try_lock().is_err(), "held by the parent");
    assert_eq!((all.semaphore.value(), all.bounded.value()), (1, 1));
    all.semaphore.acquire()?.forget();
    all.bounded.acquire()?.forget();
    all.value.update(|value| *value += 1)?;
    all.array.set(1, 9)?;
    all.queue.put("from the child".to_owned())?;
    all.joinable.put(1)?;
    all.simple.put(2)?;
    all.sender.send(&3)?;
    let held = all.condition.lock()?;
    assert!(held.notify_one(), "the parent waits");
    drop(held);
    all.event.set();
    Ok(())
}

fn from_argument(all: All) -> Result<()> {
    use_all(all)
}

fn from_queue(queue: Queue<All>) -> Result<()> {
    use_all(queue.get()?)
}

fn from_pipe(receiver: Receiver<All>) -> Result<()> {
    use_all(receiver.recv()?)
}

/// The child is started, and gets them all.
fn check(start: impl FnOnce(&All) -> Result<Process>) -> Result<()> {
    let (all, receiver) = all()?;
    let (lock, rlock) = (all.lock.lock()?, all.rlock.lock()?);
    let (one, other) = (all.semaphore.acquire()?, all.bounded.acquire()?);
    let child = start(&all)?;
    let held = all.condition.lock()?;
    all.barrier.wait()?; // the child goes on, and will notify when the lock is free
    drop(held.wait()?);
    all.event.wait();
    assert_eq!(child.join()?, 0);
    drop((lock, rlock, one, other));
    assert_eq!((all.semaphore.value(), all.bounded.value()), (1, 1));
    assert_eq!((all.value.get()?, all.array.to_vec()?), (1, vec![0, 9]));
    assert_eq!(all.queue.get()?, "from the child");
    assert_eq!((all.joinable.get()?, all.simple.get()?), (1, 2));
    assert_eq!(all.joinable.unfinished(), 1);
    all.joinable.task_done()?;
    all.joinable.join().unwrap();
    assert_eq!(receiver.recv()?, 3);
    Ok(())
}

#[test]
fn as_an_argument() -> Result<()> {
    check(|all| {
        let child = Process::new(from_argument, (all.clone(),));
        child.start()?;
        Ok(child)
    })
}

#[test]
fn through_a_queue() -> Result<()> {
    check(|all| {
        let queue = Queue::new()?;
        let child = Process::new(from_queue, (queue.clone(),));
        child.start()?;
        queue.put(all.clone())?;
        Ok(child)
    })
}

#[test]
fn through_a_pipe() -> Result<()> {
    check(|all| {
        let (receiver, sender) = Pipe::one_way()?;
        let child = Process::new(from_pipe, (receiver,));
        child.start()?;
        sender.send(all)?;
        Ok(child)
    })
}
