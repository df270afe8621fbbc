//! A lane's own processes: started, joined and signalled as in any program, and lanes themselves.

use forkproof::explore::{Ended, Stage, exhaustive};
use forkproof::{Event, Lock, LockError, Process, Result, Value};

fn deposit(balance: Value<i32>, lock: Lock) -> Result<()> {
    let _held = lock.lock()?;
    balance.set_unlocked(balance.get_unlocked() + 1);
    Ok(())
}

fn deposit_carelessly(balance: Value<i32>) {
    balance.set_unlocked(balance.get_unlocked() + 1);
}

fn two_careless() -> Result<()> {
    let balance = Value::new(200)?;
    let first = Process::new(deposit_carelessly, (balance.clone(),));
    let second = Process::new(deposit_carelessly, (balance.clone(),));
    first.start()?;
    second.start()?;
    first.join()?;
    second.join()?;
    assert_eq!(balance.get_unlocked(), 202);
    Ok(())
}

#[test]
fn what_is_lost_between_processes_that_a_lane_starts_is_found() {
    let program = |stage: &mut Stage, ()| stage.lane("main", |_| two_careless().unwrap());
    let report = exhaustive().check((), program).unwrap();
    let failure = report.failure().unwrap_or_else(|| panic!("{report}"));
    assert!(matches!(failure.ended, Ended::Panicked { .. }), "{report}");
    assert_eq!(
        failure.trace.lanes,
        ["main", "deposit_carelessly", "deposit_carelessly-2"]
    );
}

fn two_careful() -> Result<()> {
    let balance = Value::new(200)?;
    let lock = Lock::new()?;
    let deposits = [(); 2].map(|()| Process::new(deposit, (balance.clone(), lock.clone())));
    for deposit in &deposits {
        deposit.start()?;
    }
    for deposit in &deposits {
        assert_eq!(deposit.join()?, 0);
    }
    assert_eq!(balance.get_unlocked(), 202);
    Ok(())
}

#[test]
fn with_a_lock_nothing_is_lost_in_any_schedule() {
    let program = |stage: &mut Stage, ()| stage.lane("main", |_| two_careful().unwrap());
    let report = exhaustive().check((), program).unwrap();
    assert!(!report.fails(), "{report}");
    assert!(report.tally.is_all(), "{report}");
}

fn hold_for_ever(lock: Lock, never: Event) -> Result<()> {
    let _held = lock.lock()?;
    never.wait();
    Ok(())
}

/// The parent makes the lock, under control, ends its holder, and takes it over: whatever the holder was at.
fn end_the_holder() -> Result<()> {
    let (lock, never) = (Lock::new()?, Event::new()?);
    let holder = Process::new(hold_for_ever, (lock.clone(), never)).daemon(true);
    holder.start()?;
    holder.terminate()?;
    match lock.lock() {
        Ok(_held) => {}
        Err(LockError::OwnerDied(guard)) => guard.mark_consistent(),
        Err(other) => panic!("{other}"),
    }
    assert_eq!(holder.join()?, -15, "by SIGTERM");
    Ok(())
}

#[test]
fn a_signal_is_a_death_at_any_step_and_leaves_no_one_asleep() {
    let program = |stage: &mut Stage, ()| stage.lane("main", |_| end_the_holder().unwrap());
    let report = exhaustive().check((), program).unwrap();
    assert!(!report.fails(), "{report}");
    assert!(report.tally.is_all(), "{report}");
}

fn lock_and_die(lock: Lock) {
    std::mem::forget(lock.lock());
    // At exit(3) it still holds it.
}

fn outlive_the_holder() -> Result<()> {
    let lock = Lock::new()?;
    let holder = Process::new(lock_and_die, (lock.clone(),));
    holder.start()?;
    match lock.lock() {
        Ok(_held) => {}
        Err(LockError::OwnerDied(guard)) => guard.mark_consistent(),
        Err(other) => panic!("{other}"),
    }
    holder.join()?;
    Ok(())
}

#[test]
fn who_sleeps_on_a_lock_is_woken_by_its_holders_exit() {
    let program = |stage: &mut Stage, ()| stage.lane("main", |_| outlive_the_holder().unwrap());
    let report = exhaustive().check((), program).unwrap();
    assert!(!report.fails(), "{report}");
    assert!(report.tally.is_all(), "{report}");
}

fn abort() {
    std::process::abort();
}

#[test]
fn a_process_that_aborts_is_told_and_not_waited_for() {
    let program = |stage: &mut Stage, ()| {
        stage.lane("main", |_| {
            let child = Process::new(abort, ());
            child.start().unwrap();
            child.join().unwrap();
        });
    };
    let report = exhaustive().check((), program).unwrap();
    let failure = report.failure().unwrap_or_else(|| panic!("{report}"));
    let told = Ended::LaneEnded {
        lane: "abort".to_owned(),
        status: -6,
    };
    assert_eq!(failure.ended, told, "{report}");
}

fn start_as_many(processes: usize) -> Result<()> {
    let children: Vec<Process> = (0..processes).map(|_| Process::new(|| (), ())).collect();
    for child in &children {
        child.start()?;
        child.join()?;
    }
    Ok(())
}

#[test]
fn more_processes_than_there_are_lanes_for_are_an_error_that_says_so() {
    let seven = |stage: &mut Stage, ()| stage.lane("main", |_| start_as_many(7).unwrap());
    let report = exhaustive().check((), seven).unwrap();
    assert!(!report.fails(), "{report}");
    let eight = |stage: &mut Stage, ()| stage.lane("main", |_| start_as_many(8).unwrap());
    let report = exhaustive().check((), eight).unwrap();
    assert!(report.fails(), "{report}");
    assert!(
        report.to_string().contains("at most 8 processes"),
        "{report}"
    );
}

#[test]
fn each_of_them_may_be_killed() {
    let program = |stage: &mut Stage, ()| {
        stage.lane("main", |_| {
            let balance = Value::new(0).unwrap();
            let child = Process::new(
                |balance: Value<i32>| drop(balance.update(|b| *b += 1)),
                (balance.clone(),),
            );
            child.start().unwrap();
            let code = child.join().unwrap();
            assert!(code == 0 || code == -9, "{code}");
            match balance.lock() {
                Ok(balance) => assert!(i32::from(code == 0) <= *balance && *balance <= 1),
                Err(LockError::OwnerDied(balance)) => assert!((0..=1).contains(&*balance)),
                Err(other) => panic!("{other}"),
            }
        });
    };
    let report = exhaustive().kills(1).check((), program).unwrap();
    assert!(!report.fails(), "{report}");
    assert!(report.kills > 20, "{report}");
}
