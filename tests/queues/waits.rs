//! Waiting for queues, and for queues among other things.

use forkproof::{GetError, JoinableQueue, Process, Queue, Result, SimpleQueue, wait};

use super::{LONG, NOW, start};

fn put_later(go: Queue<u8>, to: Queue<u8>) -> Result<()> {
    go.get()?;
    to.put(1)?;
    go.get()?;
    to.close()?;
    Ok(())
}

#[test]
fn a_poll_sees_what_comes() -> Result<()> {
    let (go, queue) = (Queue::new()?, Queue::new()?);
    assert!(!queue.poll(NOW)?);
    queue.put(0)?;
    assert!(queue.poll(NOW)?);
    assert_eq!(queue.get()?, 0);
    assert!(!queue.poll(NOW)?);
    let child = start(put_later, (go.clone(), queue.clone()))?;
    go.put(1)?;
    assert!(queue.poll(LONG)?);
    assert_eq!(queue.get()?, 1);
    assert!(!queue.poll(NOW)?);
    go.put(2)?;
    assert!(queue.poll(LONG)?, "the end is something to know of");
    assert!(matches!(queue.get(), Err(GetError::Closed)));
    assert_eq!(child.join()?, 0);
    Ok(())
}

fn put_into(which: usize, queues: Vec<Queue<usize>>) -> Result<()> {
    queues[which].put(which)?;
    Ok(())
}

#[test]
fn the_first_of_many_is_found() -> Result<()> {
    let queues: Vec<Queue<usize>> = (0..60)
        .map(|_| Queue::with_capacity(None, 64))
        .collect::<Result<_, _>>()?;
    let child = start(put_into, (41, queues.clone()))?;
    let objects: Vec<_> = queues.iter().map(|queue| queue as _).collect();
    assert_eq!(wait(&objects, Some(LONG))?, [41]);
    assert_eq!(queues[41].get()?, 41);
    assert!(wait(&objects, Some(NOW))?.is_empty());
    assert_eq!(child.join()?, 0);
    Ok(())
}

#[test]
fn all_kinds_can_be_waited_for() -> Result<()> {
    let (joinable, simple) = (JoinableQueue::new()?, SimpleQueue::new()?);
    let child = Process::new(|| (), ());
    child.start()?;
    assert_eq!(wait(&[&joinable, &simple, &child], Some(LONG))?, [2]);
    simple.put(1)?;
    assert_eq!(wait(&[&joinable, &simple], Some(LONG))?, [1]);
    joinable.put(2)?;
    assert_eq!(wait(&[&joinable, &simple], Some(LONG))?, [0, 1]);
    assert_eq!(simple.get()? + joinable.get()?, 3);
    child.join()?;
    Ok(())
}

fn poll_and_get(queue: Queue<u32>, got: Queue<u32>) -> Result<()> {
    while let [0] = wait(&[&queue], None)?[..] {
        match queue.try_get() {
            Ok(item) => got.put(item)?,
            Err(GetError::Empty) => {} // another was faster
            Err(GetError::Closed) => break,
            Err(other) => return Err(other.into()),
        }
    }
    Ok(())
}

/// Two poll the same queue; one is killed, and the flag that it leaves costs nothing but bells.
#[test]
fn several_poll_one_queue_and_none_sleeps_through_an_item() -> Result<()> {
    let (queue, got) = (Queue::new()?, Queue::new()?);
    let pollers = [0, 1, 2].map(|_| start(poll_and_get, (queue.clone(), got.clone())));
    let [doomed, first, second] = pollers;
    let doomed = doomed?;
    for number in 0..2_000 {
        if number == 500 {
            doomed.kill()?;
            doomed.join()?;
        }
        queue.put(number)?;
    }
    queue.close()?;
    assert_eq!(first?.join()?, 0);
    assert_eq!(second?.join()?, 0);
    got.close()?;
    let mut all = got.iter().collect::<Result<Vec<_>, GetError>>()?;
    all.sort_unstable();
    all.dedup();
    assert!((1_999..=2_000).contains(&all.len()), "{}", all.len());
    Ok(())
}
