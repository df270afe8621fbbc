//! Several threads of the parent with one pool.

use std::sync::mpsc::channel;
use std::thread;

use forkproof::{Event, PoolError, Queue};

use super::{pass, pool, square};

#[test]
fn many_threads_map_at_once() -> Result<(), PoolError> {
    let pool = pool(2);
    thread::scope(|scope| {
        for from in 0..8 {
            let pool = &pool;
            scope.spawn(move || {
                for round in 0..20 {
                    let numbers = from * 1_000 + round..from * 1_000 + round + 30;
                    let squares = pool.chunks(2).unwrap().map(square, numbers.clone());
                    assert!(numbers.map(square).eq(squares.unwrap()));
                }
            });
        }
    });
    Ok(())
}

#[test]
fn one_that_waits_long_holds_up_no_other() -> Result<(), forkproof::Error> {
    let pool = pool(2);
    let (begun, gate) = (Queue::new()?, Event::new()?);
    let long = pool.apply_async(pass, (begun.clone(), gate.clone(), 1))?;
    assert_eq!(begun.get()?, 1);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| long.get());
        for number in 0..200 {
            assert_eq!(pool.apply(square, (number,)).unwrap(), square(number));
        }
        gate.set();
        assert_eq!(waiter.join().unwrap().unwrap(), 1);
    });
    Ok(())
}

#[test]
fn a_result_reaches_the_thread_that_waits_for_it() -> Result<(), PoolError> {
    let pool = pool(1);
    thread::scope(|scope| {
        for number in 0..300 {
            let result = pool.apply_async(square, (number,)).unwrap();
            let waiter = scope.spawn(move || result.get());
            // Takes up whatever is there, perhaps the other's.
            assert_eq!(pool.apply(square, (7,)).unwrap(), 49);
            assert_eq!(waiter.join().unwrap().unwrap(), square(number));
        }
    });
    Ok(())
}

#[test]
fn terminate_reaches_the_threads_that_wait() -> Result<(), forkproof::Error> {
    let pool = pool(1);
    let (begun, gate) = (Queue::new()?, Event::new()?);
    let results: Vec<_> = (0..3)
        .map(|number| pool.apply_async(pass, (begun.clone(), gate.clone(), number)))
        .collect::<Result<_, _>>()?;
    assert_eq!(begun.get()?, 0);
    thread::scope(|scope| {
        let waiters: Vec<_> = results
            .iter()
            .map(|result| scope.spawn(|| result.get()))
            .collect();
        pool.terminate();
        for waiter in waiters {
            assert!(matches!(waiter.join().unwrap(), Err(PoolError::Terminated)));
        }
    });
    Ok(())
}

#[test]
fn a_callback_that_blocks_blocks_no_submission() -> Result<(), forkproof::Error> {
    let pool = pool(1);
    let (begun, held) = (Queue::new()?, Event::new()?);
    let (open, gate) = channel::<()>();
    let (entered, within) = channel();
    let result = pool.apply_async(pass, (begun, held.clone(), 4))?;
    let blocked = result.callback(move |_| {
        entered.send(()).unwrap();
        gate.recv().unwrap();
    });
    held.set();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| blocked.get());
        within.recv().unwrap();
        let result = pool.apply_async(square, (3,)).unwrap();
        assert!(!result.ready(), "who is in the callback would take it up");
        open.send(()).unwrap();
        assert_eq!(waiter.join().unwrap().unwrap(), 4);
        assert_eq!(result.get().unwrap(), 9);
    });
    Ok(())
}
