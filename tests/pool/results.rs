//! Results that may still be under way, and callbacks.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use forkproof::{AsyncResult, Event, PoolError, Queue};

use super::{LONG, NOW, assert_panicked, panic_if_odd, pass, pool, square};

#[test]
fn under_way_and_then_there() -> Result<(), forkproof::Error> {
    let pool = pool(1);
    let (begun, gate) = (Queue::new()?, Event::new()?);
    let result = pool.apply_async(pass, (begun.clone(), gate.clone(), 5))?;
    assert_eq!(begun.get()?, 5);
    assert!(!result.ready());
    assert!(matches!(result.successful(), Err(PoolError::NotReady)));
    assert!(matches!(result.get_timeout(NOW), Err(PoolError::TimedOut)));
    assert!(!result.wait_timeout(std::time::Duration::from_millis(20))?);
    assert_eq!(format!("{result:?}"), "<AsyncResult under way>");
    gate.set();
    result.wait()?;
    assert!(result.wait_timeout(NOW)?);
    assert!(result.ready());
    assert!(result.successful()?);
    assert_eq!(format!("{result:?}"), "<AsyncResult of success>");
    assert_eq!(result.get()?, 5);
    assert_eq!(result.get_timeout(NOW)?, 5, "as often as one asks");
    assert_eq!(result.into_inner()?, 5);
    Ok(())
}

#[test]
fn an_error_is_a_result() -> Result<(), PoolError> {
    let pool = pool(1);
    let result = pool.apply_async(panic_if_odd, (1,))?;
    result.wait()?;
    assert!(!result.successful()?);
    assert_eq!(format!("{result:?}"), "<AsyncResult of failure>");
    assert_panicked(result.get(), "1 is odd");
    assert_panicked(result.get_timeout(NOW), "1 is odd");
    assert_panicked(result.into_inner(), "1 is odd");
    Ok(())
}

#[test]
fn values_that_cannot_be_cloned_are_taken() -> Result<(), PoolError> {
    #[derive(Debug, serde::Serialize, serde::Deserialize, PartialEq)]
    struct Single(u64);
    let pool = pool(1);
    let single: AsyncResult<Single> = pool.apply_async(Single, (4,))?;
    assert_eq!(single.into_inner()?, Single(4));
    assert_eq!(pool.map(Single, [1, 2])?, [Single(1), Single(2)]);
    Ok(())
}

#[test]
fn ready_alone_brings_a_result_in() -> Result<(), PoolError> {
    let pool = pool(1);
    let result = pool.apply_async(square, (4,))?;
    let deadline = std::time::Instant::now() + LONG;
    while !result.ready() {
        assert!(std::time::Instant::now() < deadline);
        std::thread::yield_now();
    }
    assert_eq!(result.get()?, 16);
    Ok(())
}

#[test]
fn a_callback_is_called_once_before_the_result_is_there() -> Result<(), PoolError> {
    let pool = pool(2);
    let (told, heard) = channel();
    let result = pool
        .map_async(square, [1, 2, 3])?
        .callback({
            let told = told.clone();
            move |squares: &Vec<u64>| told.send(squares.clone()).unwrap()
        })
        .error_callback(|_| panic!("there is no error"));
    assert_eq!(result.get()?, [1, 4, 9]);
    assert_eq!(heard.try_recv().unwrap(), [1, 4, 9]);
    result.get()?;
    result.wait()?;
    assert!(heard.try_recv().is_err(), "once");
    let result = result.callback(move |_| told.send(vec![7]).unwrap());
    assert_eq!(
        heard.try_recv().unwrap(),
        [7],
        "at once, as the result is there"
    );
    drop(result);
    assert!(heard.recv().is_err());
    Ok(())
}

#[test]
fn an_error_callback_is_called_with_the_error() -> Result<(), PoolError> {
    let pool = pool(1);
    let (told, heard) = channel();
    let late = told.clone();
    let result = pool
        .chunks(1)?
        .map_async(panic_if_odd, [2, 3, 5])?
        .callback(|_| panic!("there is an error"))
        .error_callback(move |error| told.send(error.clone()).unwrap());
    assert_panicked(result.get(), "3 is odd");
    assert_panicked(Err::<(), _>(heard.try_recv().unwrap()), "3 is odd");
    assert!(heard.try_recv().is_err());
    let result = result.error_callback(move |error| late.send(error.clone()).unwrap());
    assert_panicked(Err::<(), _>(heard.try_recv().unwrap()), "3 is odd");
    drop(result.callback(|_| panic!("there is an error")));
    Ok(())
}

#[test]
fn callbacks_are_called_by_a_join_too() -> Result<(), PoolError> {
    let pool = pool(2);
    let (told, heard) = channel();
    for number in 0..10 {
        let told = told.clone();
        pool.apply_async(square, (number,))?
            .callback(move |square| told.send(*square).unwrap());
    }
    pool.close()?;
    pool.join()?;
    drop(told);
    let mut squares: Vec<u64> = heard.iter().collect();
    squares.sort_unstable();
    assert_eq!(squares, (0..10).map(square).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn a_callback_may_use_the_pool() -> Result<(), forkproof::Error> {
    let pool = Arc::new(pool(1));
    let (begun, gate) = (Queue::new()?, Event::new()?);
    let (told, heard) = channel();
    let behind = Arc::new(Mutex::new(None::<AsyncResult<u64>>));
    let (within, awaited) = (pool.clone(), behind.clone());
    let held = pool.apply_async(pass, (begun.clone(), gate.clone(), 2))?;
    let first = held.callback(move |number| {
        let squared = within.apply(square, (*number,)).unwrap();
        let next = awaited.lock().unwrap().take().unwrap().get().unwrap();
        told.send((squared, next)).unwrap();
    });
    *behind.lock().unwrap() = Some(pool.apply_async(square, (3,))?);
    let last = pool.apply_async(pass, (begun.clone(), gate.clone(), 4))?;
    gate.set();
    // When the worker is at its third task, the results of both others are there, to be taken up at once.
    assert_eq!((begun.get()?, begun.get()?), (2, 4));
    assert_eq!(first.get()?, 2);
    assert_eq!(heard.try_recv().unwrap(), (4, 9));
    assert_eq!(last.get()?, 4);
    Ok(())
}

#[test]
fn a_callback_does_not_wait_for_itself() -> Result<(), forkproof::Error> {
    let pool = pool(1);
    let (begun, gate) = (Queue::new()?, Event::new()?);
    let own = Arc::new(Mutex::new(None::<AsyncResult<u64>>));
    let (told, heard) = channel();
    let within = own.clone();
    let held = pool.apply_async(pass, (begun, gate.clone(), 2))?;
    let result = held.callback(move |_| {
        let own = within.lock().unwrap().take().unwrap();
        told.send(own.get()).unwrap();
    });
    *own.lock().unwrap() = Some(result);
    gate.set();
    assert_eq!(pool.apply(square, (3,))?, 9);
    let got = heard.recv().unwrap();
    assert!(matches!(got, Err(PoolError::NotReady)), "{got:?}");
    Ok(())
}

#[test]
fn a_callbacks_panic_leaves_the_pool_as_it_was() -> Result<(), forkproof::Error> {
    let pool = pool(1);
    let (begun, gate) = (Queue::new()?, Event::new()?);
    let held = pool.apply_async(pass, (begun, gate.clone(), 4))?;
    let result = held.callback(|_| std::panic::resume_unwind(Box::new("on purpose")));
    gate.set();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| result.get()));
    let payload = panicked.unwrap_err().downcast::<&str>().unwrap();
    assert_eq!(*payload, "on purpose");
    assert_eq!(result.get()?, 4, "the result is there");
    std::thread::scope(|scope| {
        let another = scope.spawn(|| pool.apply(square, (3,)));
        assert_eq!(another.join().unwrap().unwrap(), 9);
    });
    Ok(())
}
