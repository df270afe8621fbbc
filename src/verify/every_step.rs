//! A kill at every step: each lane of each base schedule is killed, by SIGKILL, before each of its steps,
//! while it sleeps, and after it was woken; and so is whoever repairs after it.
//!
//! What is judged: no lane is left asleep, none fails, what the lock guards can be repaired, and the lock is
//! free, or rightly given up, in the end.

use crate::explore::{Choice, Plan, Replay, Run, Schedule, Stage, TurnError, run, run_all};
use crate::{Array, ArrayError, Lock, LockError, RLock, Value};

use std::time::Duration;

/// How much was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Base schedules.
    pub cases: usize,
    pub runs: usize,
    pub kills: usize,
}

/// A program whose lanes may be killed anywhere: what the set-up is told.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Shape {
    program: Program,
    lanes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Program {
    Lock,
    /// As `Lock`, but whoever takes it over from the dead gives it up.
    GivenUp,
    /// With deadlines, and with lanes that only try.
    Impatient,
    RLock,
    Value,
    Array,
}

impl Program {
    const fn with(self, lanes: usize) -> Shape {
        Shape {
            program: self,
            lanes,
        }
    }
}

/// Every subject: the primitive it is about, and its name.
const SUBJECTS: [(&str, &str, Shape); 7] = [
    ("Lock", "lock-3", Program::Lock.with(3)),
    ("Lock", "lock-given-up-3", Program::GivenUp.with(3)),
    ("Lock", "lock-impatient-4", Program::Impatient.with(4)),
    ("Lock", "lock-4", Program::Lock.with(4)),
    ("RLock", "rlock-3", Program::RLock.with(3)),
    ("Value", "value-3", Program::Value.with(3)),
    ("Array", "array-3", Program::Array.with(3)),
];

/// The subjects that are about a primitive.
pub fn subjects(primitive: &str) -> impl Iterator<Item = (&'static str, Shape)> {
    let about = SUBJECTS
        .into_iter()
        .filter(move |(about, ..)| *about == primitive);
    about.map(|(_, name, shape)| (name, shape))
}

/// What replay strings call this.
const SCENARIO: &str = "every-step";

/// Runs a replay of this module's scenarios: `None` if it is of another.
///
/// # Errors
/// Text for a person: no such subject, or no run.
pub fn replay(replay: &Replay) -> Option<Result<Run, String>> {
    if replay.scenario != SCENARIO {
        return None;
    }
    let subject = SUBJECTS
        .into_iter()
        .find(|(_, name, _)| *name == replay.arguments);
    Some(match subject {
        Some((.., shape)) => run(set_up, &shape, Plan::Exactly(replay.schedule.clone()))
            .map_err(|error| error.to_string()),
        None => Err(format!("there is no subject {:?}", replay.arguments)),
    })
}

/// Tries a kill at every step of `bases` base schedules of a subject, and again during each recovery of the
/// first `twice` of them.
///
/// # Errors
/// What went wrong, with the trace and the schedule.
pub fn sweep(name: &str, shape: Shape, bases: u64, twice: u64) -> Result<Tally, String> {
    let mut tally = Tally::default();
    for base in 0..bases {
        let plan = if base == 0 {
            crowd(shape.lanes)
        } else {
            Plan::random(base, 400)
        };
        let calm = judge(name, &mut tally, run_all(set_up, &shape, &[plan]))?;
        let killed = judge(
            name,
            &mut tally,
            run_all(set_up, &shape, &kills(&calm[0], shape.lanes)),
        )?;
        tally.cases += 1;
        if base < twice {
            // Every seventh: a seventh of the kills, each followed by a kill at every later step.
            for once in killed.iter().step_by(7) {
                judge(
                    name,
                    &mut tally,
                    run_all(set_up, &shape, &kills(once, shape.lanes)),
                )?;
            }
        }
    }
    if tally.kills == 0 {
        Err(format!("{name}: no lane was killed"))
    } else {
        Ok(tally)
    }
}

fn judge(
    name: &str,
    tally: &mut Tally,
    runs: Result<Vec<Run>, TurnError>,
) -> Result<Vec<Run>, String> {
    let runs = runs.map_err(|error| format!("{name}: {error}"))?;
    tally.runs += runs.len();
    tally.kills += runs.iter().map(|run| run.kills).sum::<usize>();
    match runs.iter().find(|run| !run.is_well()) {
        Some(bad) => {
            let replay = Replay::new(SCENARIO, name, bad);
            Err(format!(
                "{name}: {}
{}forkproof replay {replay}",
                bad.ended, bad.trace
            ))
        }
        None => Ok(runs),
    }
}

/// The first lane goes until it holds the lock, the others until they sleep; then whoever can.
fn crowd(lanes: usize) -> Plan {
    let others = (1..lanes).flat_map(|lane| std::iter::repeat_n(Choice::Go(lane), 40));
    let first = std::iter::repeat_n(Choice::Go(0), 7);
    Plan::About(Schedule(first.chain(others).collect()))
}

/// The same run with one kill more: of each lane, before each choice behind the last kill.
fn kills(run: &Run, lanes: usize) -> Vec<Plan> {
    let choices = &run.schedule.0;
    let last = choices
        .iter()
        .rposition(|choice| matches!(choice, Choice::Kill(_)));
    let first = last.map_or(0, |last| last + 1);
    let mut plans = Vec::new();
    for at in first..choices.len() {
        for lane in 0..lanes {
            // A kill of a lane that moves later is the same kill wherever it stands before that move, but
            // for what the others see; so it is tried where the others have moved in between.
            let is_over = !choices[at..].iter().any(|choice| choice.lane() == lane);
            if !is_over {
                let mut choices = choices.clone();
                choices.insert(at, Choice::Kill(lane));
                plans.push(Plan::About(Schedule(choices)));
            }
        }
    }
    plans
}

fn set_up(stage: &mut Stage, shape: Shape) {
    match shape.program {
        Program::Lock | Program::GivenUp | Program::Impatient => locked_pair(stage, shape),
        Program::RLock => nested_pair(stage, shape),
        Program::Value => counted_value(stage, shape),
        Program::Array => array_pair(stage, shape),
    }
}

/// Under the lock the two numbers are equal: whoever takes it over makes them so again.
fn locked_pair(stage: &mut Stage, Shape { program, lanes }: Shape) {
    let lock = Lock::new().expect("memory for a lock");
    let pair = Array::<i64>::new(2).expect("memory for a pair");
    let given_up = Value::new(false).expect("memory for a mark");
    stage.name("lock", &lock);
    stage.name("pair", &pair);
    stage.name("given up", &given_up);
    for lane in 0..lanes {
        let (lock, pair, given_up) = (lock.clone(), pair.clone(), given_up.clone());
        stage.lane(&format!("lane {lane}"), move || {
            let taken = match (program, lane) {
                (Program::Impatient, 1) => lock.lock_timeout(Duration::from_secs(1)),
                (Program::Impatient, 2) => lock.try_lock(),
                _ => lock.lock(),
            };
            let guard = match taken {
                Ok(guard) => {
                    assert!(
                        !given_up.get_unlocked(),
                        "a lock that was given up is taken again"
                    );
                    guard
                }
                Err(LockError::OwnerDied(guard)) => {
                    if program == Program::GivenUp {
                        given_up.set_unlocked(true);
                        return; // without mark_consistent()
                    }
                    mend(&pair);
                    guard.mark_consistent();
                    guard
                }
                Err(LockError::NotRecoverable) if program == Program::GivenUp => return,
                Err(LockError::TimedOut | LockError::WouldBlock)
                    if program == Program::Impatient =>
                {
                    return;
                }
                Err(other) => panic!("{other}"),
            };
            add_to_both(&pair);
            drop(guard);
        });
    }
    stage.finally(move || {
        let guard = match lock.try_lock() {
            Ok(guard) => guard,
            Err(LockError::OwnerDied(guard)) => {
                mend(&pair);
                guard
            }
            Err(LockError::NotRecoverable) if program == Program::GivenUp => return,
            Err(other) => panic!("in the end: {other}"),
        };
        assert_equal(&pair, lanes);
        drop(guard);
    });
}

fn nested_pair(stage: &mut Stage, Shape { lanes, .. }: Shape) {
    let lock = RLock::new().expect("memory for a lock");
    let pair = Array::<i64>::new(2).expect("memory for a pair");
    stage.name("lock", &lock);
    stage.name("pair", &pair);
    for lane in 0..lanes {
        let (lock, pair) = (lock.clone(), pair.clone());
        stage.lane(&format!("lane {lane}"), move || {
            let outer = match lock.lock() {
                Ok(guard) => guard,
                Err(LockError::OwnerDied(guard)) => {
                    mend(&pair);
                    guard.mark_consistent();
                    guard
                }
                Err(other) => panic!("{other}"),
            };
            let inner = lock.lock().expect("the holder may take it again");
            add_to_both(&pair);
            drop(outer);
            assert!(lock.is_mine(), "one of two holds was given back");
            drop(inner);
            assert!(!lock.is_mine(), "both holds were given back");
        });
    }
    stage.finally(move || {
        let guard = match lock.try_lock() {
            Ok(guard) => guard,
            Err(LockError::OwnerDied(guard)) => {
                mend(&pair);
                guard
            }
            Err(other) => panic!("in the end: {other}"),
        };
        assert_equal(&pair, lanes);
        drop(guard);
    });
}

/// A value of 8 bytes is never half written: it needs no repair, only someone who vouches for it.
fn counted_value(stage: &mut Stage, Shape { lanes, .. }: Shape) {
    let value = Value::new(0i64).expect("memory for a value");
    stage.name("value", &value);
    for lane in 0..lanes {
        let value = value.clone();
        stage.lane(&format!("lane {lane}"), move || {
            match value.update(|value| *value += 1) {
                Ok(()) => {}
                Err(LockError::OwnerDied(mut guard)) => {
                    *guard += 1;
                    guard.mark_consistent();
                }
                Err(other) => panic!("{other}"),
            }
        });
    }
    stage.finally(move || {
        let seen = match value.try_lock() {
            Ok(guard) | Err(LockError::OwnerDied(guard)) => *guard,
            Err(other) => panic!("in the end: {other}"),
        };
        assert!(
            (0..=lanes as i64).contains(&seen),
            "{seen} of at most {lanes} additions"
        );
    });
}

/// Two elements, written back one after the other when the guard is dropped.
fn array_pair(stage: &mut Stage, Shape { lanes, .. }: Shape) {
    let pair = Array::<i64>::new(2).expect("memory for a pair");
    stage.name("pair", &pair);
    for lane in 0..lanes {
        let pair = pair.clone();
        stage.lane(&format!("lane {lane}"), move || {
            let mut guard = match pair.lock() {
                Ok(guard) => guard,
                Err(LockError::OwnerDied(mut guard)) => {
                    let most = guard[0].max(guard[1]);
                    guard.fill(most);
                    guard.mark_consistent();
                    guard
                }
                Err(other) => panic!("{other}"),
            };
            guard.iter_mut().for_each(|number| *number += 1);
        });
    }
    stage.finally(move || {
        match pair.to_vec() {
            Ok(_) => {}
            Err(ArrayError::Lock(LockError::OwnerDied(mut guard))) => {
                let most = guard[0].max(guard[1]);
                guard.fill(most);
                guard.mark_consistent();
            }
            Err(other) => panic!("in the end: {other}"),
        }
        assert_equal(&pair, lanes);
    });
}

fn add_to_both(pair: &Array<i64>) {
    for index in 0..2 {
        let seen = pair.get_unlocked(index).expect("a pair has two");
        pair.set_unlocked(index, seen + 1).expect("a pair has two");
    }
}

/// An addition that was cut short is completed.
fn mend(pair: &Array<i64>) {
    let most = pair
        .to_vec_unlocked()
        .into_iter()
        .max()
        .expect("a pair has two");
    for index in 0..2 {
        pair.set_unlocked(index, most).expect("a pair has two");
    }
}

fn assert_equal(pair: &Array<i64>, lanes: usize) {
    let seen = pair.to_vec_unlocked();
    assert!(seen[0] == seen[1], "half an addition: {seen:?}");
    assert!(
        (0..=lanes as i64).contains(&seen[0]),
        "{seen:?} of at most {lanes} additions"
    );
}
