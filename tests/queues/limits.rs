//! What has room, and what is refused.

use std::io::ErrorKind;

use forkproof::{PutError, Queue, Result};

use super::{LONG, NOW, start};

/// Bytes of an item: as postcard writes a vector of fewer than 128, one for its length.
fn item(bytes: usize) -> Vec<u8> {
    assert!(bytes <= 128);
    vec![7; bytes - 1]
}

#[test]
fn an_item_that_never_fits_is_refused_at_once() -> Result<()> {
    let queue = Queue::with_capacity(None, 64)?;
    queue.put(item(48))?; // with its header 56 of 64 bytes: full
    let refused = queue.put(item(57)); // would wait for ever
    assert!(
        matches!(&refused, Err(PutError::TooLarge(back)) if back.len() == 56),
        "{refused:?}"
    );
    assert!(matches!(
        queue.try_put(item(57)),
        Err(PutError::TooLarge(_))
    ));
    assert!(matches!(queue.try_put(item(1)), Err(PutError::Full(_))));
    queue.get()?;
    queue.try_put(item(56))?; // all of it
    assert!(queue.is_full());
    assert_eq!(queue.get()?, item(56));
    Ok(())
}

/// Every size at every offset of a ring whose end many of them wrap around.
#[test]
fn every_size_wraps() -> Result<()> {
    for bytes in [16, 24, 40, 64] {
        let queue = Queue::with_capacity(None, bytes)?;
        for round in 0..200 {
            let size = 1 + round % (bytes - 8);
            queue.try_put(item(size))?;
            let beside = queue.try_put(item(1)).is_ok();
            let used = 8 + size.next_multiple_of(8);
            assert_eq!(beside, used + 16 <= bytes, "{size} in {bytes}");
            assert_eq!(queue.try_get()?, item(size));
            assert_eq!(queue.len(), usize::from(beside));
            if beside {
                assert_eq!(queue.try_get()?, item(1));
            }
        }
    }
    Ok(())
}

#[test]
fn limits_that_no_queue_can_have_are_refused() {
    let kind = |items, bytes| {
        Queue::<u8>::with_capacity(items, bytes)
            .err()
            .map(|it| it.kind())
    };
    assert_eq!(kind(Some(0), 100), Some(ErrorKind::InvalidInput));
    assert_eq!(kind(Some(1 << 31), 100), Some(ErrorKind::InvalidInput));
    assert_eq!(kind(None, 8), Some(ErrorKind::InvalidInput));
    assert_eq!(kind(None, (16 << 30) + 1), Some(ErrorKind::InvalidInput));
    assert_eq!(kind(Some((1 << 31) - 1), 9), None);
}

fn wait_with_a_large_one(queue: Queue<Vec<u8>>, here: Queue<u8>) -> Result<()> {
    here.put(1)?;
    queue.put(item(100))?;
    Ok(())
}

/// While a large item waits for room, there is room for a small one: a try takes it.
#[test]
fn a_try_is_not_held_up_by_one_who_waits() -> Result<()> {
    let (queue, here) = (Queue::with_capacity(None, 128)?, Queue::new()?);
    queue.put(item(60))?;
    let child = start(wait_with_a_large_one, (queue.clone(), here.clone()))?;
    here.get()?;
    queue.try_put(item(1))?; // whether the child sleeps already or not
    let refused = queue.put_timeout(item(100), NOW);
    assert!(matches!(refused, Err(PutError::TimedOut(_))), "{refused:?}");
    assert_eq!(queue.get()?, item(60));
    assert_eq!(queue.get()?, item(1));
    assert_eq!(queue.get_timeout(LONG)?, item(100));
    assert_eq!(child.join()?, 0);
    Ok(())
}

#[test]
fn an_item_that_cannot_be_written_comes_back() -> Result<()> {
    struct Refuses;
    impl serde::Serialize for Refuses {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("never"))
        }
    }
    let queue = Queue::new()?;
    let refused = queue.put(Refuses).unwrap_err();
    assert!(matches!(&refused, PutError::Unsendable(..)));
    assert!(refused.to_string().starts_with("the item cannot be sent"));
    let Refuses = refused.into_item();
    assert!(queue.is_empty());
    Ok(())
}

#[test]
fn errors_speak_for_themselves() -> Result<()> {
    let queue = Queue::bounded(1)?;
    queue.put(5)?;
    let text = queue.try_put(6).unwrap_err().to_string();
    assert_eq!(text, "the queue is full");
    let error: forkproof::Error = queue.try_put(6).unwrap_err().into();
    assert_eq!(error.to_string(), text);
    let error: forkproof::Error = Queue::<u8>::new()?.try_get().unwrap_err().into();
    assert_eq!(error.to_string(), "the queue is empty");
    Ok(())
}
