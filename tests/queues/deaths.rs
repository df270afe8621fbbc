//! Whoever is killed: nothing that was acknowledged is lost, and no one waits for the dead.

use forkproof::{GetError, PutError, Queue, Result};

use super::{LONG, NOW, start};

fn work_for_ever(queue: Queue<u32>, at_work: Queue<u32>) -> Result<()> {
    Ok(queue.process(|item| {
        at_work.put(item).unwrap();
        loop {
            std::thread::park();
        }
    })?)
}

#[test]
fn what_is_processed_stays_until_it_is_done() -> Result<()> {
    let (queue, at_work) = (Queue::new()?, Queue::new()?);
    queue.put(1)?;
    queue.put(2)?;
    let child = start(work_for_ever, (queue.clone(), at_work.clone()))?;
    assert_eq!(at_work.get()?, 1);
    assert!(
        matches!(queue.try_get(), Err(GetError::Empty)),
        "it is being worked on"
    );
    assert!(matches!(queue.get_timeout(NOW), Err(GetError::TimedOut)));
    assert!(matches!(
        queue.process_timeout(NOW, |_| ()),
        Err(GetError::TimedOut)
    ));
    assert_eq!(queue.len(), 2);
    queue.put(3)?;
    child.kill()?;
    assert_eq!(child.join()?, -9);
    assert_eq!(queue.process(|item| item * 10)?, 10, "the work begins anew");
    assert_eq!(queue.try_get()?, 2);
    assert_eq!(queue.get()?, 3);
    Ok(())
}

#[test]
fn the_dead_worker_is_followed_by_one_who_waits() -> Result<()> {
    let (queue, at_work) = (Queue::new()?, Queue::new()?);
    let first = start(work_for_ever, (queue.clone(), at_work.clone()))?;
    queue.put(7)?;
    assert_eq!(at_work.get()?, 7);
    let second = start(work_for_ever, (queue.clone(), at_work.clone()))?;
    first.kill()?;
    assert_eq!(at_work.get_timeout(LONG)?, 7, "the same item");
    second.kill()?;
    second.join()?;
    assert_eq!(queue.try_get()?, 7);
    Ok(())
}

#[test]
fn a_panic_gives_the_item_back() -> Result<()> {
    let queue = Queue::new()?;
    queue.put(1)?;
    let panicked =
        std::panic::catch_unwind(|| queue.process(|_| std::panic::resume_unwind(Box::new(()))));
    assert!(panicked.is_err());
    assert_eq!(queue.get()?, 1);
    Ok(())
}

#[test]
fn who_works_on_an_item_cannot_get() -> Result<()> {
    let queue = Queue::new()?;
    queue.put(1)?;
    let inside = queue.process(|_| (queue.get(), queue.try_get(), queue.process(|_| ())))?;
    assert!(matches!(inside.0, Err(GetError::Nested)));
    assert!(matches!(inside.1, Err(GetError::Nested)));
    assert!(matches!(inside.2, Err(GetError::Nested)));
    assert!(queue.is_empty());
    Ok(())
}

fn wait_to_get(queue: Queue<u32>, here: Queue<()>) -> Result<()> {
    here.put(())?;
    queue.get()?;
    Ok(())
}

fn wait_to_put(queue: Queue<u32>, here: Queue<()>) -> Result<()> {
    here.put(())?;
    queue.put(99)?;
    Ok(())
}

#[test]
fn those_killed_while_they_wait_take_nothing_along() -> Result<()> {
    let (queue, here) = (Queue::bounded(1)?, Queue::new()?);
    for round in 0..20 {
        let getters = [0, 1, 2].map(|_| start(wait_to_get, (queue.clone(), here.clone())).unwrap());
        getters.iter().try_for_each(|_| here.get())?;
        for getter in &getters {
            getter.kill()?;
            getter.join()?;
        }
        queue.put(round)?;
        let putters = [0, 1, 2].map(|_| start(wait_to_put, (queue.clone(), here.clone())).unwrap());
        putters.iter().try_for_each(|_| here.get())?;
        for putter in &putters {
            putter.kill()?;
            putter.join()?;
        }
        assert!(matches!(queue.try_put(77), Err(PutError::Full(77))));
        assert_eq!(queue.get_timeout(LONG)?, round);
        assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    }
    Ok(())
}

fn put_and_die(queue: Queue<Queue<u32>>, inner: Queue<u32>) -> Result<()> {
    queue.put(inner)?;
    std::process::abort()
}

#[test]
fn what_the_dead_have_sent_arrives_with_all_it_names() -> Result<()> {
    let (queue, inner) = (Queue::new()?, Queue::new()?);
    let child = start(put_and_die, (queue.clone(), inner.clone()))?;
    assert_eq!(child.join()?, -6);
    inner.put(5)?;
    let arrived: Queue<u32> = queue.get()?;
    assert_eq!(arrived.get()?, 5);
    Ok(())
}
