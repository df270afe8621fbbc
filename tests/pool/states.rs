//! Open, closed, terminated; and workers that have done their share.

use std::collections::HashSet;

use forkproof::{Event, Pipe, PipeError, Pool, PoolError, Queue};

use super::{LONG, in_child, pass, pid_for, pool, square};

#[test]
fn a_closed_pool_ends_when_all_is_done() -> Result<(), forkproof::Error> {
    let pool = pool(2);
    assert!(matches!(pool.join(), Err(PoolError::StillOpen)));
    let (begun, gate) = (Queue::new()?, Event::new()?);
    let result = pool.apply_async(pass, (begun.clone(), gate.clone(), 3))?;
    let map = pool.chunks(1)?.map_async(square, 0..40_000)?;
    assert_eq!(begun.get()?, 3);
    pool.close()?;
    assert!(matches!(pool.apply(square, (2,)), Err(PoolError::Closed)));
    assert!(matches!(
        pool.map_async(square, [1]),
        Err(PoolError::Closed)
    ));
    assert!(matches!(pool.map(square, []), Err(PoolError::Closed)));
    assert!(matches!(pool.imap(square, [1]), Err(PoolError::Closed)));
    assert_eq!(format!("{pool:?}"), "<Pool state=CLOSE pool_size=2>");
    pool.close()?;
    gate.set();
    pool.join()?;
    assert_eq!(result.get_timeout(super::NOW)?, 3);
    assert!((0..40_000).map(square).eq(map.get_timeout(super::NOW)?));
    pool.join()?;
    pool.terminate();
    pool.close()?;
    assert!(matches!(
        pool.apply(square, (2,)),
        Err(PoolError::Terminated)
    ));
    Ok(())
}

fn hold(life: forkproof::Connection<u8, u8>, begun: Queue<u64>, gate: Event) {
    begun.put(1).unwrap();
    gate.wait();
    drop(life);
}

#[test]
fn a_terminated_pool_forgets_its_tasks() -> Result<(), forkproof::Error> {
    let pool = pool(1);
    let (begun, gate) = (Queue::new()?, Event::new()?);
    let (ours, theirs) = Pipe::duplex::<u8, u8>()?;
    let done = pool.apply_async(square, (4,))?;
    done.wait()?;
    let result = pool
        .apply_async(hold, (theirs, begun.clone(), gate.clone()))?
        .callback(|()| panic!("it was not done"))
        .error_callback(|_| panic!("it did not fail"));
    let behind = pool.chunks(1)?.map_async(square, 0..100_000)?;
    assert_eq!(begun.get()?, 1);
    pool.terminate();
    assert!(
        matches!(ours.recv(), Err(PipeError::PeerDied)),
        "its worker is gone"
    );
    assert!(!result.ready());
    assert!(matches!(result.successful(), Err(PoolError::NotReady)));
    assert!(matches!(
        result.get_timeout(LONG),
        Err(PoolError::Terminated)
    ));
    assert!(matches!(behind.get(), Err(PoolError::Terminated)));
    assert_eq!(done.get()?, 16, "what was there is there");
    assert_eq!(format!("{pool:?}"), "<Pool state=TERMINATE pool_size=1>");
    pool.join()?;
    assert!(matches!(
        pool.apply(square, (1,)),
        Err(PoolError::Terminated)
    ));
    pool.terminate();
    Ok(())
}

#[test]
fn dropping_it_terminates_it() -> Result<(), forkproof::Error> {
    let pool = pool(1);
    let (begun, gate) = (Queue::new()?, Event::new()?);
    let (ours, theirs) = Pipe::duplex::<u8, u8>()?;
    let result = pool.apply_async(hold, (theirs, begun.clone(), gate))?;
    assert_eq!(begun.get()?, 1);
    drop(pool);
    assert!(matches!(ours.recv(), Err(PipeError::PeerDied)));
    assert!(matches!(result.get(), Err(PoolError::Terminated)));
    Ok(())
}

#[test]
fn nothing_is_left_of_fifty_pools() {
    in_child(
        || {
            let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
            let mut before = 0;
            for round in 0..50 {
                let pool = pool(2);
                assert_eq!(pool.map(square, [2, 3]).unwrap(), [4, 9]);
                if round % 2 == 0 {
                    pool.close().unwrap();
                    pool.join().unwrap();
                }
                drop(pool);
                assert!(forkproof::active_children().is_empty());
                if round == 0 {
                    before = open(); // with the zygote's socket, and the first arenas
                }
            }
            assert!(
                open() <= before + 4,
                "{} files, and {before} before",
                open()
            );
        },
        (),
    );
}

#[test]
fn a_worker_that_has_done_its_share_is_replaced() -> Result<(), PoolError> {
    let pool = Pool::builder()
        .processes(1)
        .max_tasks_per_child(3)
        .build()?;
    let pids = pool.chunks(1)?.map(pid_for, 0..12)?;
    let distinct: HashSet<u32> = pids.iter().copied().collect();
    assert_eq!(distinct.len(), 4, "{pids:?}");
    assert!(
        pids.chunks(3)
            .all(|share| share.iter().all(|pid| *pid == share[0]))
    );
    let others = pool.chunks(5)?.map(pid_for, 0..15)?;
    assert_eq!(others.iter().collect::<HashSet<_>>().len(), 1, "3 chunks");
    Ok(())
}

#[test]
fn workers_without_a_limit_stay() -> Result<(), PoolError> {
    let pool = pool(1);
    let pids: HashSet<u32> = pool.chunks(1)?.map(pid_for, 0..500)?.into_iter().collect();
    assert_eq!(pids.len(), 1);
    Ok(())
}
