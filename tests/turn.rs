//! The turn over the shipped types: real processes, one at a time.

use forkproof::explore::{Choice, Ended, Plan, Schedule, Stage, run, run_all};
use forkproof::{Array, Lock, LockError, Value};

fn two_updates(stage: &mut Stage, _: ()) {
    let balance = Value::new(200).unwrap();
    stage.name("balance", &balance);
    for name in ["deposit", "withdraw"] {
        let balance = balance.clone();
        stage.lane(name, move || match balance.update(|b| *b += 1) {
            Ok(()) => {}
            Err(LockError::OwnerDied(mut guard)) => {
                *guard += 1;
                guard.mark_consistent();
            }
            Err(other) => panic!("{other}"),
        });
    }
    stage.finally(move || {
        assert!(balance.get().is_ok());
    });
}

#[test]
fn show() {
    let base = run(two_updates, &(), Plan::About("a8b20".parse().unwrap())).unwrap();
    println!(
        "{:?} {} {}\n{}\n{:#}",
        base.ended,
        base.steps(),
        base.schedule,
        base.trace,
        base.trace
    );
    let t = std::time::Instant::now();
    let plans: Vec<_> = (0..500)
        .map(|_| Plan::Picks(vec![0, 1, 0, 0, 1, 0, 1]))
        .collect();
    let runs = run_all(two_updates, &(), &plans).unwrap();
    println!("{:?} a run", t.elapsed() / 500);
    assert!(runs.iter().all(|run| *run == runs[0]));
    println!("{}", runs[0].trace);
    let t = std::time::Instant::now();
    let mut plans = vec![];
    for at in 0..base.schedule.0.len() {
        for lane in 0..2 {
            let mut s = base.schedule.0.clone();
            s.insert(at, Choice::Kill(lane));
            plans.push(Plan::About(Schedule(s)));
        }
    }
    let runs = run_all(two_updates, &(), &plans).unwrap();
    println!("{:?} a kill", t.elapsed() / plans.len() as u32);
    for r in &runs {
        if !r.is_well() {
            println!("{:?} {}\n{:#}", r.ended, r.schedule, r.trace);
        }
    }
    println!(
        "{} of {}",
        runs.iter().filter(|r| r.is_well()).count(),
        runs.len()
    );
}
