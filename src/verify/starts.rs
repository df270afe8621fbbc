//! Generated families of processes: started in every way, from two threads, with baggage; ending by
//! themselves, by a signal while they wait, or by one that comes before they have begun.
//!
//! # What is judged
//! Every exit code; that who waits is alive, has no exit code and cannot be joined in no time; that baggage
//! arrives whole; that pids differ; and that nothing is left behind.
//!
//! # What is not covered
//! What a panic says, what a child inherits, the end of a parent: tests/process looks at each.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};
use serde::{Deserialize, Serialize};

use super::crew::Tally;
use super::leftovers::leaving_nothing;
use super::{Fallible, stuck};
use crate::{Array, ExitCode, Lock, Process, StartMethod, Value, active_children};

crate::spawnable!(child, grandchild);

const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

/// How a child comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum End {
    Returns,
    ReturnsCode(u8),
    Exits(u8),
    /// Starts a child of its own and ends as that does.
    Follows(u8),
    /// By SIGKILL, while it waits for a lock.
    Killed,
    /// By SIGTERM, while it waits for a lock.
    Terminated,
    /// By SIGKILL, whatever it has come to.
    KilledAtOnce,
}

#[derive(Clone, Debug)]
struct Child {
    method: StartMethod,
    daemon: bool,
    end: End,
    baggage: Vec<u8>,
}

/// What all children share.
#[derive(Clone, Serialize, Deserialize)]
struct Family {
    /// Held by the parent for as long as there are children.
    held: Lock,
    /// How many have come to wait for it.
    waiting: Value<u32>,
    /// For each child what its baggage added up to.
    weighed: Array<u64>,
}

/// What a family takes of shared memory, at most: three objects.
const FAMILY_BYTES: u64 = 3 * 128;

/// Runs so many families. To be called in a process of its own; `done` is told of each.
pub fn campaign(cases: u32, seed: u64, done: impl Fn(u64)) -> Tally {
    let (families, children, signals) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 200,
        max_shrink_time: 20_000, // ms: one that hangs is not shrunk for long
        ..Config::default()
    });
    let family = prop::collection::vec(child_to_be(), 1..8);
    let run_all = || {
        let outcome = runner.run(&family, |family| {
            families.set(families.get() + 1);
            children.set(children.get() + family.len() as u64);
            let signalled = family
                .iter()
                .filter(|child| child.end.signal().is_some())
                .count();
            signals.set(signals.get() + signalled as u64);
            done(families.get());
            run(&family).map_err(|why| TestCaseError::fail(why.to_string()))
        });
        match outcome {
            Ok(()) => Ok(signals.get() * FAMILY_BYTES),
            Err(TestError::Fail(why, family)) => Err(format!("{why}\n{family:#?}").into()),
            Err(TestError::Abort(why)) => Err(why.to_string().into()),
        }
    };
    let warm_up = || {
        let child = |method| Child {
            method,
            daemon: false,
            end: End::Returns,
            baggage: vec![],
        };
        run(&[child(StartMethod::Zygote), child(StartMethod::Spawn)])
    };
    let why = leaving_nothing(warm_up, run_all).err();
    Tally {
        kills: signals.get(),
        met: 0,
        moves: children.get(),
        why: why.map(|why| why.to_string()),
    }
}

fn child_to_be() -> impl Strategy<Value = Child> {
    let end = prop_oneof![
        2 => Just(End::Returns),
        2 => any::<u8>().prop_map(End::ReturnsCode),
        2 => any::<u8>().prop_map(End::Exits),
        1 => any::<u8>().prop_map(End::Follows),
        2 => Just(End::Killed),
        1 => Just(End::Terminated),
        2 => Just(End::KilledAtOnce),
    ];
    let method = prop_oneof![3 => Just(StartMethod::Zygote), 1 => Just(StartMethod::Spawn)];
    let baggage = prop::collection::vec(any::<u8>(), 0..2_000);
    (method, any::<bool>(), end, baggage).prop_map(|(method, daemon, end, baggage)| Child {
        // A daemon may not have children.
        daemon: daemon && !matches!(end, End::Follows(_)),
        method,
        end,
        baggage,
    })
}

/// Starts a family and sees it to its end.
fn run(children: &[Child]) -> Fallible {
    let family = Family {
        held: Lock::new()?,
        waiting: Value::new(0)?,
        weighed: Array::new(children.len())?,
    };
    let held = family.held.lock().map_err(crate::Error::from)?;
    let processes: Vec<Process> = children
        .iter()
        .enumerate()
        .map(|(number, to_be)| {
            let arguments = (number, to_be.end, family.clone(), to_be.baggage.clone());
            Process::new(child, arguments)
                .named(format!("child {number}"))
                .daemon(to_be.daemon)
                .start_method(to_be.method)
        })
        .collect();
    let outcome = start_all(&processes).and_then(|()| see_off(children, &processes, &family));
    if outcome.is_err() {
        for process in processes.iter().filter(|process| process.is_alive()) {
            process.kill()?;
            process.join()?;
        }
    }
    drop(held);
    outcome
}

/// Every other one from another thread.
fn start_all(processes: &[Process]) -> Fallible {
    let start = |offset| {
        let mut mine = processes.iter().skip(offset).step_by(2);
        mine.try_for_each(Process::start)
    };
    let (here, there) = std::thread::scope(|scope| {
        let there = scope.spawn(|| start(1));
        (start(0), there.join())
    });
    here?;
    Ok(there.map_err(|_| "the thread that starts children panicked")??)
}

fn see_off(children: &[Child], processes: &[Process], family: &Family) -> Fallible {
    let pids: BTreeSet<_> = processes.iter().map(Process::pid).collect();
    ensure(pids.len() == processes.len(), || {
        format!("pids are not distinct: {pids:?}")
    })?;
    let each = || children.iter().zip(processes);
    for (_, process) in each().filter(|(child, _)| child.end == End::KilledAtOnce) {
        process.kill()?;
    }
    await_waiters(children, processes, family)?;
    for (child, process) in each().filter(|(child, _)| child.end.waits()) {
        let state = (
            process.is_alive(),
            process.exit_code(),
            process.join_timeout(Duration::ZERO)?,
        );
        ensure(state == (true, None, None), || {
            format!("{process:?}, who waits, is {state:?}")
        })?;
        match child.end {
            End::Killed => process.kill()?,
            _ => process.terminate()?,
        }
    }
    for (child, process) in each() {
        let code = process.join_timeout(stuck::PATIENCE)?;
        let code = code.ok_or_else(|| hung("a child's end", processes))?;
        let allowed = child.end.codes();
        ensure(allowed.contains(&code), || {
            format!("{process:?}: one of {allowed:?} was due")
        })?;
        let again = (process.is_alive(), process.exit_code(), process.join()?);
        ensure(again == (false, Some(code), code), || {
            format!("{process:?} is {again:?} again")
        })?;
        process.kill()?; // nothing to do
    }
    for (number, child) in children.iter().enumerate() {
        let weighed = family.weighed.get_unlocked(number)?;
        let arrived = weighed == weigh(&child.baggage);
        ensure(arrived || child.end == End::KilledAtOnce, || {
            format!("child {number}'s baggage came to {weighed}")
        })?;
    }
    let active = active_children();
    ensure(active.is_empty(), || format!("still active: {active:?}"))
}

/// Until all that will wait for the lock have come to it.
fn await_waiters(children: &[Child], processes: &[Process], family: &Family) -> Fallible {
    let wait = children.iter().filter(|child| child.end.waits()).count() as u32;
    let deadline = Instant::now() + stuck::PATIENCE;
    while family.waiting.get_unlocked() < wait {
        std::thread::yield_now();
        if Instant::now() > deadline {
            return Err(hung("the children that should wait", processes).into());
        }
    }
    Ok(())
}

fn hung(what: &str, processes: &[Process]) -> String {
    let who: Vec<_> = processes
        .iter()
        .map(|process| (process.name(), process.pid()))
        .collect();
    stuck::describe(what, &who)
}

fn ensure(holds: bool, complaint: impl FnOnce() -> String) -> Fallible {
    if holds {
        Ok(())
    } else {
        Err(complaint().into())
    }
}

fn child(
    number: usize,
    end: End,
    family: Family,
    baggage: Vec<u8>,
) -> Result<ExitCode, crate::Error> {
    family.weighed.set_unlocked(number, weigh(&baggage))?;
    match end {
        End::Returns | End::KilledAtOnce => Ok(ExitCode(0)),
        End::ReturnsCode(code) => Ok(ExitCode(code)),
        End::Exits(code) => std::process::exit(code.into()),
        End::Follows(code) => {
            let process = Process::new(grandchild, (code,));
            let code = process.start().and_then(|()| process.join());
            // A code that no grandchild was told to end with would be a surprise; a panic is one.
            Ok(ExitCode(
                u8::try_from(code.expect("a child may have children")).expect("it was not killed"),
            ))
        }
        End::Killed | End::Terminated => {
            family.waiting.update(|waiting| *waiting += 1)?;
            let _held = family.held.lock()?;
            unreachable!("the parent holds the lock until no one waits")
        }
    }
}

fn grandchild(code: u8) -> ExitCode {
    ExitCode(code)
}

/// A number that other baggage would hardly come to: FNV-1a, and never that of nothing received.
fn weigh(baggage: &[u8]) -> u64 {
    baggage.iter().fold(0xcbf2_9ce4_8422_2325, |weight, &byte| {
        (weight ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

impl End {
    fn waits(self) -> bool {
        matches!(self, End::Killed | End::Terminated)
    }

    fn signal(self) -> Option<i32> {
        match self {
            End::Killed | End::KilledAtOnce => Some(SIGKILL),
            End::Terminated => Some(SIGTERM),
            _ => None,
        }
    }

    /// The exit codes it may have.
    fn codes(self) -> Vec<i32> {
        match self {
            End::Returns => vec![0],
            End::ReturnsCode(code) | End::Exits(code) | End::Follows(code) => vec![code.into()],
            End::Killed => vec![-SIGKILL],
            End::Terminated => vec![-SIGTERM],
            End::KilledAtOnce => vec![-SIGKILL, 0], // it may have been quicker
        }
    }
}
