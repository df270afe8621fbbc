//! Results one after another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use forkproof::{Event, PoolError, Queue};

use super::{LONG, NOW, assert_panicked, exit_with, panic_if_odd, pass, pool, square};

#[test]
fn in_order_and_then_the_end() -> Result<(), PoolError> {
    let pool = pool(2);
    let mut squares = pool.imap(square, 0..3)?;
    assert_eq!(squares.next_timeout(LONG)?, Some(0));
    assert_eq!(squares.next().unwrap()?, 1);
    assert_eq!(squares.next_timeout(LONG)?, Some(4));
    assert_eq!(squares.next_timeout(LONG)?, None);
    assert!(squares.next().is_none());
    assert!(pool.imap(square, Vec::new())?.next().is_none());
    for size in [1, 3, 100] {
        let squares = pool.chunks(size)?.imap(square, 0..500)?;
        let squares: Vec<u64> = squares.collect::<Result<_, _>>()?;
        assert!((0..500).map(square).eq(squares), "chunks of {size}");
    }
    Ok(())
}

#[test]
fn as_they_come() -> Result<(), forkproof::Error> {
    fn pass_if_zero(begun: Queue<u64>, gate: Event, number: u64) -> u64 {
        if number == 0 {
            pass(begun, gate, 0)
        } else {
            number
        }
    }
    let pool = pool(2);
    let (begun, gate) = (Queue::new()?, Event::new()?);
    let call = |(begun, gate, number)| pass_if_zero(begun, gate, number);
    let items = |gate: &Event| {
        let (begun, gate) = (begun.clone(), gate.clone());
        (0..9).map(move |number| (begun.clone(), gate.clone(), number))
    };
    let mut unordered = pool.imap_unordered(call, items(&gate))?;
    let mut first: Vec<u64> = unordered.by_ref().take(8).collect::<Result<_, _>>()?;
    first.sort_unstable();
    assert_eq!(
        first,
        [1, 2, 3, 4, 5, 6, 7, 8],
        "all but the one that waits"
    );
    assert!(matches!(
        unordered.next_timeout(NOW),
        Err(PoolError::TimedOut)
    ));
    gate.set();
    assert_eq!(unordered.next().unwrap()?, 0);
    assert!(unordered.next().is_none());

    let gate = Event::new()?;
    let mut ordered = pool.imap(call, items(&gate))?;
    assert_eq!(begun.get()?, 0);
    assert_eq!(begun.get()?, 0);
    assert!(
        matches!(ordered.next_timeout(NOW), Err(PoolError::TimedOut)),
        "0 comes first"
    );
    gate.set();
    assert_eq!(ordered.next_timeout(LONG)?, Some(0));
    assert_eq!(
        ordered.collect::<Result<Vec<_>, _>>()?,
        [1, 2, 3, 4, 5, 6, 7, 8]
    );
    Ok(())
}

#[test]
fn an_error_is_the_result_of_its_task_alone() -> Result<(), PoolError> {
    let pool = pool(1);
    for size in [1, 2, 3] {
        let mut each = pool.chunks(size)?.imap(panic_if_odd, 0..3)?;
        assert_eq!(each.next().unwrap()?, 0);
        assert_panicked(each.next().unwrap(), "1 is odd");
        assert_eq!(each.next().unwrap()?, 2);
        assert!(each.next().is_none());
    }
    let mut each = pool.chunks(2)?.imap(exit_with, [4, 5])?;
    super::assert_died(each.next().unwrap(), 4);
    super::assert_died(each.next().unwrap(), 4);
    assert!(each.next().is_none(), "one for each of the lost chunk");
    Ok(())
}

#[test]
fn an_endless_iterator_is_read_as_results_are_taken() -> Result<(), PoolError> {
    let pool = pool(2);
    let made = Arc::new(AtomicU64::new(0));
    let counted = made.clone();
    let numbers = (0..).inspect(move |_| {
        counted.fetch_add(1, SeqCst);
    });
    let mut squares = pool.imap(square, numbers)?;
    for number in 0..2_000 {
        assert_eq!(squares.next().unwrap()?, square(number));
        let ahead = made.load(SeqCst) - number;
        assert!(ahead <= 2 * 64 + 1, "{ahead} are ahead");
    }
    drop(squares);
    assert_eq!(pool.apply(square, (5,))?, 25);
    Ok(())
}

#[test]
fn one_feeds_another() -> Result<(), PoolError> {
    let pool = pool(2);
    let squares = pool.imap(square, 0..300)?.map(Result::unwrap);
    let fourths = pool.imap(square, squares)?;
    let fourths: Vec<u64> = fourths.collect::<Result<_, _>>()?;
    assert!((0..300).map(|n| square(square(n))).eq(fourths));
    Ok(())
}

#[test]
fn an_iterator_that_panics_is_at_its_end() -> Result<(), PoolError> {
    let pool = pool(1);
    let numbers = (0..).inspect(|number: &u64| {
        if *number == 2 {
            std::panic::resume_unwind(Box::new("no more"));
        }
    });
    let mut each = pool.imap(square, numbers)?;
    assert_eq!(each.next().unwrap()?, 0);
    assert_eq!(each.next().unwrap()?, 1);
    assert_panicked(each.next().unwrap(), "no more");
    assert!(each.next().is_none());
    Ok(())
}

#[test]
fn after_close_the_rest_is_made() -> Result<(), PoolError> {
    let pool = pool(2);
    let squares = pool.imap(square, 0..3_000)?;
    pool.close()?;
    pool.join()?;
    let squares: Vec<u64> = squares.collect::<Result<_, _>>()?;
    assert!((0..3_000).map(square).eq(squares));
    Ok(())
}

#[test]
fn when_the_pool_is_terminated_there_is_one_error_and_the_end() -> Result<(), forkproof::Error> {
    let pool = pool(1);
    let (begun, gate) = (Queue::new()?, Event::new()?);
    let pass = |(begun, gate, number)| pass(begun, gate, number);
    let items = vec![(begun.clone(), gate.clone(), 1), (begun.clone(), gate, 2)];
    let mut each = pool.imap(pass, items)?;
    assert_eq!(begun.get()?, 1);
    pool.terminate();
    assert!(matches!(each.next(), Some(Err(PoolError::Terminated))));
    assert!(each.next().is_none());
    assert_eq!(each.next_timeout(NOW)?, None);
    Ok(())
}
