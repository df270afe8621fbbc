//! The ways to start workers; and who may use a pool.

use forkproof::{Pool, PoolError, Process, ProcessError, StartMethod, Value};

use super::{assert_died, assert_panicked, exit_with, in_child, panic_if_odd, pool, square};

fn by(method: StartMethod) -> Result<(), forkproof::Error> {
    fn introduce(workers: Value<u32>) -> forkproof::Result<()> {
        Ok(workers.update(|workers| *workers += 1)?)
    }
    let workers = Value::new(0)?;
    let pool = Pool::builder()
        .processes(2)
        .start_method(method)
        .initializer(introduce, (workers.clone(),))?
        .build()?;
    assert_eq!(
        pool.chunks(1)?.map(square, 0..10)?,
        [0, 1, 4, 9, 16, 25, 36, 49, 64, 81]
    );
    assert_panicked(pool.apply(panic_if_odd, (3,)), "3 is odd");
    assert_died(pool.apply(exit_with, (2,)), 2);
    assert_eq!(pool.apply(square, (3,))?, 9);
    pool.close()?;
    pool.join()?;
    assert!((2..=3).contains(&workers.get()?));
    Ok(())
}

#[test]
fn from_the_zygote() -> Result<(), forkproof::Error> {
    by(StartMethod::Zygote)
}

#[test]
fn spawned_without_being_registered() -> Result<(), forkproof::Error> {
    by(StartMethod::Spawn)
}

#[test]
fn forked_where_there_is_one_thread() {
    in_child(|| by(StartMethod::Fork), ());
    let refused = Pool::builder().start_method(StartMethod::Fork).build();
    match refused {
        Err(PoolError::Start(error)) => {
            assert!(matches!(*error, ProcessError::Threads { .. }), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_forked_child_cannot_use_it_and_does_it_no_harm() {
    fn program() -> Result<(), forkproof::Error> {
        let pool = pool(1);
        let result = pool.apply_async(square, (2,))?;
        let within = (pool, result);
        let within = std::sync::Arc::new(within);
        let inherited = within.clone();
        let child = Process::from_closure(move || {
            let (pool, result) = &*inherited;
            let refused = |it: Result<(), PoolError>| {
                assert!(matches!(it, Err(PoolError::NotTheParent)), "{it:?}");
            };
            refused(pool.apply(square, (2,)).map(drop));
            refused(pool.map(square, []).map(drop));
            refused(pool.close());
            refused(pool.join());
            refused(result.get().map(drop));
            pool.terminate();
            drop(inherited);
        });
        child.start()?;
        assert_eq!(child.join()?, 0);
        assert_eq!(within.1.get()?, 4);
        assert_eq!(within.0.apply(square, (3,))?, 9);
        Ok(())
    }
    in_child(program, ());
}
