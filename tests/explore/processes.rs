//! A lane's own processes: started, joined and signalled as in any program, and lanes themselves.

use forkproof::explore::{Ended, Stage, exhaustive};
use forkproof::{Lock, Process, Result, Value};

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
    println!("{report}");
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
    println!("{report}");
}
