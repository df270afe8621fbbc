//! What is run, and in which chunks.

use std::collections::HashSet;

use forkproof::{Pool, PoolError, Value};

use super::{add, panic_if_odd, pid, pid_for, pool, square};

#[test]
fn a_function_is_run_once_for_each_call() -> Result<(), PoolError> {
    let pool = pool(2);
    assert_eq!(pool.apply(square, (12,))?, 144);
    assert_ne!(pool.apply(pid, ())?, std::process::id());
    let many = |a: u8, b: u16, c: u32, d: u64, e: i8, f: i16, g: i32, h: String| {
        format!("{a} {b} {c} {d} {e} {f} {g} {h}")
    };
    let args = (1, 2, 3, 4, 5, 6, 7, "8".to_owned());
    assert_eq!(pool.apply(many, args)?, "1 2 3 4 5 6 7 8");
    Ok(())
}

#[test]
fn a_map_keeps_the_order_whatever_the_chunks() -> Result<(), PoolError> {
    let pool = pool(2);
    let expected: Vec<u64> = (0..50).map(square).collect();
    assert_eq!(pool.map(square, 0..50)?, expected);
    for size in [1, 2, 7, 50, 1_000] {
        assert_eq!(pool.chunks(size)?.map(square, 0..50)?, expected, "{size}");
        let result = pool.chunks(size)?.map_async(square, 0..50)?;
        assert_eq!(result.get()?, expected, "{size}");
    }
    assert!(pool.map(square, Vec::new())?.is_empty());
    assert!(pool.map_async(square, Vec::new())?.get()?.is_empty());
    Ok(())
}

#[test]
fn tuples_are_unpacked() -> Result<(), PoolError> {
    let pool = pool(2);
    assert_eq!(pool.starmap(add, [(1, 2), (3, 4)])?, [3, 7]);
    assert_eq!(pool.starmap_async(add, [(5, 6)])?.get()?, [11]);
    let one_by_one = pool.chunks(1)?;
    assert_eq!(one_by_one.starmap(add, (0..9).map(|n| (n, n)))?.len(), 9);
    assert_eq!(one_by_one.starmap_async(add, [(1, 1)])?.get()?, [2]);
    assert_eq!(pool.starmap(pid, [(), ()])?.len(), 2);
    Ok(())
}

/// How many chunks so many items travelled in: one worker does one.
fn chunks_of(items: u64, processes: usize, size: Option<usize>) -> Result<usize, PoolError> {
    let pool = Pool::builder()
        .processes(processes)
        .max_tasks_per_child(1)
        .build()?;
    let pids = match size {
        None => pool.map(pid_for, 0..items)?,
        Some(size) => pool.chunks(size)?.map(pid_for, 0..items)?,
    };
    assert_eq!(pids.len() as u64, items);
    Ok(pids.into_iter().collect::<HashSet<_>>().len())
}

#[test]
fn chunks_are_as_large_as_is_said() -> Result<(), PoolError> {
    assert_eq!(chunks_of(4, 1, Some(1))?, 4);
    assert_eq!(chunks_of(4, 1, Some(4))?, 1);
    assert_eq!(chunks_of(5, 2, Some(2))?, 3);
    assert_eq!(chunks_of(8, 1, None)?, 4, "a quarter of the worker's share");
    assert_eq!(chunks_of(9, 1, None)?, 3, "rounded up to 3");
    assert_eq!(chunks_of(10, 2, None)?, 5, "an eighth, rounded up to 2");
    Ok(())
}

#[test]
fn nothing_of_zero() {
    assert!(matches!(Pool::new(0), Err(PoolError::NoWorkers)));
    let pool = pool(1);
    assert!(matches!(pool.chunks(0), Err(PoolError::EmptyChunks)));
    let refused = std::panic::catch_unwind(|| Pool::builder().max_tasks_per_child(0));
    assert!(refused.is_err());
}

#[test]
fn without_a_number_there_is_a_worker_for_each_processor() -> Result<(), PoolError> {
    let pool = Pool::builder().build()?;
    let processors = std::thread::available_parallelism().unwrap();
    let expected = format!("<Pool state=RUN pool_size={processors}>");
    assert_eq!(format!("{pool:?}"), expected);
    Ok(())
}

#[test]
fn each_item_of_a_chunk_is_run_whatever_befalls_another() -> Result<(), PoolError> {
    fn count_and_panic(runs: Value<u64>, number: u64) -> u64 {
        runs.update(|runs| *runs += 1).unwrap();
        panic_if_odd(number)
    }
    let pool = pool(2);
    let runs = Value::new(0).unwrap();
    for size in [1, 3, 10] {
        let items = (0..10).map(|number| (runs.clone(), number));
        match pool.chunks(size)?.starmap(count_and_panic, items) {
            Err(PoolError::Panicked(panic)) => assert_eq!(panic.message, "1 is odd", "the first"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(runs.get_unlocked(), 30);
    Ok(())
}

mod library {
    pub fn triple(number: u64) -> u64 {
        3 * number
    }
}
forkproof::callable!(square, library::triple);

#[test]
fn a_registered_function_is_run_by_its_name() -> Result<(), PoolError> {
    let pool = pool(1);
    let name = std::any::type_name_of_val(&library::triple);
    let chunk = postcard::to_allocvec(&[(7_u64,)].as_slice()).unwrap();
    let returned = pool.run_named(name, chunk)?.get()?;
    let returned: Vec<Result<u64, forkproof::TaskPanic>> = postcard::from_bytes(&returned).unwrap();
    assert_eq!(returned, [Ok(21)]);
    match pool.run_named("nobody's", Vec::new()) {
        Err(PoolError::Unknown { name }) => assert_eq!(name, "nobody's"),
        other => panic!("{other:?}"),
    }
    let garbled = pool.run_named(name, vec![9])?.get();
    assert!(matches!(garbled, Err(PoolError::Unreadable(_))));
    let large = postcard::to_allocvec(&vec![(1_u64,); 100_000]).unwrap();
    assert!(large.len() > 64 << 10);
    assert!(pool.run_named(name, large)?.get()?.len() >= 100_000);
    Ok(())
}
