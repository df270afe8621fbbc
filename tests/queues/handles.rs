//! Shared objects inside of items.

use std::fs;

use forkproof::{Lock, PutError, Queue, Result, Value};

use super::{NOW, start};

fn add_to_each(queue: Queue<(Value<i64>, i64)>) -> Result<()> {
    for item in queue.iter() {
        let (value, amount) = item?;
        value.update(|value| *value += amount)?;
    }
    Ok(())
}

#[test]
fn what_is_named_in_an_item_arrives_and_lives() -> Result<()> {
    let queue = Queue::new()?;
    let values: Vec<_> = (0..100).map(Value::new).collect::<Result<_, _>>()?;
    let child = start(add_to_each, (queue.clone(),))?;
    for value in &values {
        queue.put((value.clone(), 1_000))?;
    }
    queue.close()?;
    assert_eq!(child.join()?, 0);
    for (number, value) in values.iter().enumerate() {
        assert_eq!(value.get()?, 1_000 + number as i64);
    }
    Ok(())
}

fn answer(questions: Queue<(u64, Queue<u64>)>) -> Result<()> {
    for question in questions.iter() {
        let (number, answer) = question?;
        answer.put(number * 2)?;
    }
    Ok(())
}

/// More than the shelf has room for at a time.
#[test]
fn a_queue_travels_in_a_queue() -> Result<()> {
    let questions = Queue::new()?;
    let child = start(answer, (questions.clone(),))?;
    for number in 0..1_000 {
        let back = Queue::with_capacity(None, 64)?;
        questions.put((number, back.clone()))?;
        if number % 10 == 0 {
            assert_eq!(back.get()?, number * 2);
        }
    }
    questions.close()?;
    assert_eq!(child.join()?, 0);
    Ok(())
}

/// With no one to get, the shelf fills up before the ring does: no room is no room.
#[test]
fn the_shelf_can_be_full() -> Result<()> {
    let queue = Queue::new()?;
    let lock = Lock::new()?;
    let mut put = 0;
    let refused = loop {
        match queue.try_put(lock.clone()) {
            Ok(()) => put += 1,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, PutError::Full(_)), "{refused:?}");
    assert!(put > 100 && !queue.is_full(), "{put}");
    let refused = queue.put_timeout(lock.clone(), NOW);
    assert!(matches!(refused, Err(PutError::TimedOut(_))), "{refused:?}");
    for _ in 0..put {
        let same: Lock = queue.get()?;
        let held = same.lock()?;
        assert!(lock.is_locked());
        drop(held);
    }
    queue.try_put(lock)?;
    Ok(())
}

#[test]
fn too_many_files_are_refused() -> Result<()> {
    let queue = Queue::new()?;
    let many: Vec<_> = (0..84)
        .map(|_| Queue::<u8>::with_capacity(None, 8_192))
        .collect::<Result<_, _>>()?;
    let refused = queue.put(many).unwrap_err();
    assert!(matches!(&refused, PutError::TooManyFiles(back) if back.len() == 84));
    let mut many = refused.into_item();
    many.pop(); // three files each: 249
    queue.put(many)?;
    assert_eq!(queue.get()?.len(), 83);
    Ok(())
}

#[test]
fn a_queue_of_another_type_is_refused() -> Result<()> {
    let queues = Queue::<Queue<u8>>::new()?;
    let others = serde_copy::<Queue<Queue<u8>>, Queue<Queue<i8>>>(&queues);
    let text = others.err().unwrap();
    assert!(
        text.contains("not one of a") && text.contains("Queue<i8>"),
        "{text}"
    );
    Ok(())
}

/// As an item of type `A`, read as one of type `B`.
fn serde_copy<A: serde::Serialize, B: serde::de::DeserializeOwned>(item: &A) -> Result<B, String> {
    use forkproof::shm::passage;
    let parcel = passage::pack(item).unwrap();
    let files = parcel.fds();
    let files = files.iter().map(|fd| fd.try_clone_to_owned().unwrap());
    let received = passage::unpack(&parcel.bytes, files.collect());
    parcel.delivered();
    received.map_err(|error| error.to_string())
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn leaks_nothing(queue: Queue<(Queue<u8>, Lock)>) -> Result<()> {
    let round = |n: u64| -> Result<()> {
        for _ in 0..n {
            queue.put((Queue::with_capacity(None, 8_192)?, Lock::new()?))?;
            queue.process(|(inner, _)| inner.put(1))?.unwrap();
            queue.put((Queue::with_capacity(None, 64)?, Lock::new()?))?;
            drop(queue.get()?);
        }
        Ok(())
    };
    round(3)?;
    let before = open_files();
    round(300)?;
    assert_eq!(open_files(), before);
    Ok(())
}

#[test]
fn items_that_are_got_leave_nothing_open() -> Result<()> {
    let child = start(leaks_nothing, (Queue::new()?,))?;
    assert_eq!(child.join()?, 0);
    Ok(())
}

/// Worked on twice, and got: the objects in an item outlive each copy of it.
#[test]
fn what_an_item_holds_it_holds_until_it_is_gone() -> Result<()> {
    let queue = Queue::new()?;
    queue.put(Value::new([3_u16; 5])?)?; // no one else has it
    for _ in 0..2 {
        let panicked = std::panic::catch_unwind(|| {
            queue.process(|value: Value<[u16; 5]>| {
                value.set([4; 5]).unwrap();
                std::panic::resume_unwind(Box::new(()))
            })
        });
        assert!(panicked.is_err());
        // The slot is not to be had by another.
        let others: Vec<_> = (0..200).map(|_| Value::new([9_u16; 5])).collect();
        assert!(others.iter().all(Result::is_ok));
    }
    let value = queue.get()?;
    assert_eq!(value.get()?, [4; 5]);
    Ok(())
}
