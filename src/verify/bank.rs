//! Generated scenarios of deposits, withdrawals and transfers, in real processes at full speed.
//!
//! Each lane is a process. It performs its calls on accounts in shared memory and writes down what they
//! returned; the sequential bank ([`check::bank`](crate::check::bank)) must explain it all. A scenario is run
//! several times, each time on new accounts: the processes meet before each, so that they set off together.
//!
//! # What is not covered
//! Full speed judges correct code only: a rare interleaving may not come up. The same calls without locks are
//! refused for certain under a schedule (see [`explore`](crate::explore)).

use std::cell::{Cell, RefCell};
use std::fmt;
use std::time::{Duration, Instant};

use bytemuck::{Pod, Zeroable};
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestError, TestRunner};
use serde::{Deserialize, Serialize};

use super::accounts::{Accounts, Guarding};
use super::{Budget, Fallible, Progress, Report, stuck};
use crate::check::bank::{Bank, Call, Return};
use crate::check::{Event, History, Verdict, judge};
use crate::explore::dice::Dice;
use crate::{Array, Process, Result, Value};

/// How often a scenario is run.
const ROUNDS: usize = 8;
/// A scenario that hangs is not shrunk for long: each try costs [`stuck::PATIENCE`].
const SHRINK_MS: u32 = 20_000;
/// More than enough: returns determine the state, so there are at most 13^4 to look at.
const JUDGE_BUDGET: usize = 1_000_000;
/// From the root of the project, where `cargo run` and `cargo test` say it is.
const REGRESSIONS: &str = "fixtures/regressions/bank.txt";

/// Accounts, and lanes of calls on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    pub opening: Vec<i64>,
    pub lanes: Vec<Vec<Call>>,
}

/// One run of a scenario, as its lanes share it.
#[derive(Clone, Serialize, Deserialize)]
struct Round {
    accounts: Accounts,
    /// How many lanes have come to the start.
    arrived: Value<u32>,
    /// For each call of a lane what it returned; the lane's own, and read when it has ended.
    returned: Array<Returned>,
}

/// A [`Return`] as it lies in shared memory.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Returned {
    kind: i64,
    balance: i64,
}

pub fn values(budget: Budget, progress: &Progress) -> Report {
    check(Guarding::Values, budget, progress)
}

pub fn array(budget: Budget, progress: &Progress) -> Report {
    check(Guarding::Array, budget, progress)
}

pub fn lock(budget: Budget, progress: &Progress) -> Report {
    check(Guarding::Lock, budget, progress)
}

pub fn rlock(budget: Budget, progress: &Progress) -> Report {
    check(Guarding::RLock, budget, progress)
}

fn check(guarding: Guarding, budget: Budget, progress: &Progress) -> Report {
    let cases = budget.of(32, 256, 4_096);
    progress.expect(cases.into());
    let persistence = std::env::var("CARGO_MANIFEST_DIR").ok().map(|root| {
        let path = format!("{root}/{REGRESSIONS}").leak(); // proptest wants it so; once a run
        Box::new(FileFailurePersistence::Direct(path)) as _
    });
    let mut runner = TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(budget.seed),
        failure_persistence: persistence,
        max_shrink_iters: 400,
        max_shrink_time: SHRINK_MS,
        ..Config::default()
    });
    let tried = Cell::new(0);
    let outcome = runner.run(&scenarios(), |scenario| {
        tried.set(tried.get() + 1);
        progress.advance(1);
        run(guarding, &scenario, ROUNDS).map_err(|why| TestCaseError::fail(why.to_string()))
    });
    let report = Report::holds(tried.get(), tried.get() * ROUNDS as u64, 0);
    match outcome {
        Ok(()) => report,
        Err(TestError::Fail(why, scenario)) => report.fails(format!(
            "with {guarding}, this scenario:\n{scenario}\n{why}"
        )),
        Err(TestError::Abort(why)) => report.fails(why.to_string()),
    }
}

/// Scenarios of one to four accounts, and two to four lanes of up to twelve calls.
pub fn scenarios() -> impl Strategy<Value = Scenario> {
    (1..=4usize).prop_flat_map(|accounts| {
        let opening = prop::collection::vec(0..=20i64, accounts);
        let lane = prop::collection::vec(calls(accounts), 0..=12);
        let lanes = prop::collection::vec(lane, 2..=4);
        (opening, lanes).prop_map(|(opening, lanes)| Scenario { opening, lanes })
    })
}

fn calls(accounts: usize) -> impl Strategy<Value = Call> {
    let (account, amount) = (0..accounts, 0..=9u32);
    let pair = (account.clone(), account.clone(), amount.clone());
    let one = (account.clone(), amount);
    prop_oneof![
        3 => one.clone().prop_map(|(account, amount)| Call::Deposit { account, amount }),
        3 => one.prop_map(|(account, amount)| Call::Withdraw { account, amount }),
        2 => pair.prop_map(|(from, to, amount)| Call::Transfer { from, to, amount }),
        1 => account.prop_map(|account| Call::Balance { account }),
    ]
}

/// Runs a scenario so many times.
///
/// # Errors
/// What went wrong, in words.
pub fn run(guarding: Guarding, scenario: &Scenario, rounds: usize) -> Fallible {
    let rounds = perform(guarding, scenario, rounds)?;
    for (number, round) in rounds.iter().enumerate() {
        match judge(round, JUDGE_BUDGET) {
            Verdict::Ok(_) => (),
            Verdict::Illegal(dilemma) => {
                return Err(format!("run {number}: {}", dilemma.explain(round)).into());
            }
            Verdict::Unknown { searched } => {
                return Err(format!("run {number}: no verdict after {searched} states").into());
            }
        }
    }
    Ok(())
}

/// What was seen of each round.
fn perform(guarding: Guarding, scenario: &Scenario, rounds: usize) -> Fallible<Vec<History<Bank>>> {
    let mut shared = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let accounts = Accounts::open(guarding, &scenario.opening)?;
        let arrived = Value::new(0)?;
        let lanes = scenario.lanes.iter().map(|calls| {
            let (accounts, arrived) = (accounts.clone(), arrived.clone());
            let returned = Array::new(calls.len())?;
            Ok(Round {
                accounts,
                arrived,
                returned,
            })
        });
        let lanes: std::io::Result<Vec<Round>> = lanes.collect();
        shared.push(lanes?);
    }
    let processes: Vec<Process> = (0..scenario.lanes.len())
        .map(|number| {
            let rounds: Vec<Round> = shared.iter().map(|lanes| lanes[number].clone()).collect();
            let calls = scenario.lanes[number].clone();
            Process::new(lane, (number, scenario.lanes.len() as u32, calls, rounds))
                .named(format!("lane {number}"))
                .daemon(true)
        })
        .collect();
    start_and_finish(&processes)?;
    let seen = shared.iter().map(|lanes| history(scenario, lanes));
    Ok(seen.collect())
}

/// A lane's process.
fn lane(number: usize, lanes: u32, calls: Vec<Call>, rounds: Vec<Round>) -> Result<()> {
    let dice = RefCell::new(Dice::new(number as u64));
    for round in rounds {
        round.arrived.update(|arrived| *arrived += 1)?;
        // The others are on their way here. To sleep would be to start 25 µs after them, when they are done.
        while round.arrived.get_unlocked() < lanes {
            std::thread::yield_now();
        }
        for (number, &call) in calls.iter().enumerate() {
            let returned = round.accounts.perform(call, &|| dawdle(&dice))?;
            round.returned.set_unlocked(number, returned.into())?;
        }
    }
    Ok(())
}

/// A while that differs; now and then so long that others fall asleep.
fn dawdle(dice: &RefCell<Dice>) {
    match dice.borrow_mut().below(64) {
        0 => std::thread::yield_now(),
        turns => (0..turns).for_each(|_| std::hint::spin_loop()),
    }
}

/// From the lanes' start to their end. Those that are left when one fails are killed.
fn start_and_finish(processes: &[Process]) -> Fallible {
    let started = processes.iter().try_for_each(Process::start);
    let outcome = started
        .map_err(Into::into)
        .and_then(|()| await_all(processes));
    if outcome.is_err() {
        for process in processes.iter().filter(|process| process.is_alive()) {
            process.kill()?;
            process.join()?;
        }
    }
    outcome
}

/// One that fails is noticed at once, though others wait for it at the start.
fn await_all(processes: &[Process]) -> Fallible {
    let deadline = Instant::now() + stuck::PATIENCE;
    let mut left: Vec<&Process> = processes.iter().collect();
    while let Some(process) = left.pop() {
        match process.join_timeout(Duration::from_millis(10))? {
            Some(0) => (),
            Some(code) => return Err(format!("{} ended with {code}", process.name()).into()),
            None if Instant::now() < deadline => left.insert(0, process),
            None => {
                let who = processes
                    .iter()
                    .map(|process| (process.name(), process.pid()));
                let who: Vec<_> = who.collect();
                return Err(stuck::describe("the end of all lanes", &who).into());
            }
        }
    }
    Ok(())
}

fn history(scenario: &Scenario, lanes: &[Round]) -> History<Bank> {
    let lanes_seen = scenario.lanes.iter().zip(lanes).map(|(calls, round)| {
        let returned = round.returned.to_vec_unlocked();
        let events = calls.iter().zip(returned);
        let event = |(&call, returned): (_, Returned)| Event::returned(call, returned.into());
        events.map(event).collect()
    });
    History {
        start: scenario.opening.clone(),
        lanes: lanes_seen.collect(),
        end: Some(lanes[0].accounts.balances()),
    }
}

const NOTHING: i64 = 0; // as a new array holds
const BALANCE: i64 = 1;
const TRANSFERRED: i64 = 2;
const INSUFFICIENT: i64 = 3;

impl From<Return> for Returned {
    fn from(returned: Return) -> Returned {
        let (kind, balance) = match returned {
            Return::Balance(balance) => (BALANCE, balance),
            Return::Transferred => (TRANSFERRED, 0),
            Return::Insufficient => (INSUFFICIENT, 0),
        };
        Returned { kind, balance }
    }
}

impl From<Returned> for Return {
    fn from(returned: Returned) -> Return {
        match returned.kind {
            BALANCE => Return::Balance(returned.balance),
            TRANSFERRED => Return::Transferred,
            INSUFFICIENT => Return::Insufficient,
            NOTHING => panic!("a lane ended well, but did not write down all returns"),
            other => panic!("a lane wrote down a return of kind {other}"),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  accounts open with {:?}", self.opening)?;
        for (number, calls) in self.lanes.iter().enumerate() {
            write!(f, "\n  lane {number}:")?;
            for call in calls {
                write!(f, "\n    {call:?}")?;
            }
        }
        Ok(())
    }
}
