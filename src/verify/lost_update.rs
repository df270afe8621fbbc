//! The lost update: a bank without a lock, run in a generated order, until an update is lost; shrunk to the
//! fewest operations and steps; and replayed from a string.
//!
//! The correct bank runs in the same generated orders and must not be accused.

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use serde::{Deserialize, Serialize};

use super::accounts::Accounts;
use crate::check::bank::{Bank, Call, Return};
use crate::check::{Event, History, Verdict, judge};
use crate::explore::{Ended, Plan, Replay, Run, Stage, TurnError, run, run_all};
use crate::{Array, Value};

/// Who does what. Its string, as in `200/d0.1/w0.5,b0`: the opening balances, then each lane's operations
/// (`d` deposit, `w` withdraw, `t` transfer, `b` balance; accounts and amounts between points).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    pub discipline: Discipline,
    pub opening: Vec<i64>,
    pub lanes: Vec<Vec<Call>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Discipline {
    /// The lock is held from the read to the write.
    Locked,
    /// Read, then write, without the lock: the bug.
    Unlocked,
}

/// An update that was lost.
#[derive(Clone, Debug)]
pub struct Found {
    pub scenario: Scenario,
    pub run: Run,
    pub replay: Replay,
    /// Runs until it was found, and runs in all, with the shrinking.
    pub runs_until: usize,
    pub runs: usize,
}

/// Looks for a lost update in at most `cases` generated scenarios and orders; then shrinks it.
///
/// # Errors
/// The turn itself failed; or none was found, and then `Ok(Err(runs))`.
pub fn find(
    discipline: Discipline,
    cases: u32,
    seed: u64,
) -> Result<Result<Found, usize>, TurnError> {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 4_000,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let (runs, runs_until) = (std::cell::Cell::new(0), std::cell::Cell::new(None));
    let trouble = std::cell::Cell::new(None);
    let outcome = runner.run(
        &(scenarios(discipline), vec(0..4u8, 0..60)),
        |(scenario, picks)| {
            runs.set(runs.get() + 1);
            match run(set_up, &scenario, Plan::Picks(picks)) {
                Ok(run) if run.is_well() => Ok(()),
                Ok(run) => {
                    runs_until.set(runs_until.get().or(Some(runs.get())));
                    Err(TestCaseError::fail(run.ended.to_string()))
                }
                Err(error) => {
                    trouble.set(Some(error));
                    Err(TestCaseError::fail("no run"))
                }
            }
        },
    );
    if let Some(error) = trouble.take() {
        return Err(error);
    }
    match outcome {
        Err(TestError::Fail(_, (mut scenario, picks))) => {
            let mut found = run(set_up, &scenario, Plan::Picks(picks))?;
            let mut runs = runs.get() + 1;
            while let Some((smaller, run)) = shrink(&scenario, &found, &mut runs)? {
                (scenario, found) = (smaller, run);
            }
            let replay = Replay::new(discipline.scenario(), &scenario.to_string(), &found);
            let runs_until = runs_until.get().unwrap_or(0);
            Ok(Ok(Found {
                scenario,
                run: found,
                replay,
                runs_until,
                runs,
            }))
        }
        _ => Ok(Err(runs.get())),
    }
}

/// Something smaller that loses an update too: an operation less, in whatever order that takes; else the same
/// operations with fewer changes of lane. (proptest removes an operation or changes an order, one at a time;
/// but without the operation it takes another order.)
fn shrink(
    scenario: &Scenario,
    found: &Run,
    runs: &mut usize,
) -> Result<Option<(Scenario, Run)>, TurnError> {
    let (steps, lanes) = (found.steps(), scenario.lanes.len());
    let same = std::iter::once((scenario.clone(), found.schedule.preemptions()));
    for (smaller, fewer_than) in scenario.smaller().map(|smaller| (smaller, 3)).chain(same) {
        let plans: Vec<_> = (0..fewer_than)
            .flat_map(|count| Plan::with_preemptions(steps, lanes, count))
            .collect();
        *runs += plans.len();
        let bad = run_all(set_up, &smaller, &plans)?
            .into_iter()
            .find(is_lost_update);
        if let Some(bad) = bad {
            return Ok(Some((smaller, bad)));
        }
    }
    Ok(None)
}

/// Runs a replay of this module's scenarios: `None` if it is of another.
///
/// # Errors
/// Text for a person: arguments that are none, or no run.
pub fn replay(replay: &Replay) -> Option<Result<Run, String>> {
    let discipline = Discipline::of(&replay.scenario)?;
    Some(
        Scenario::parse(discipline, &replay.arguments).and_then(|scenario| {
            run(set_up, &scenario, Plan::Exactly(replay.schedule.clone()))
                .map_err(|error| error.to_string())
        }),
    )
}

impl Found {
    /// Operations of all lanes.
    pub fn operations(&self) -> usize {
        self.scenario.lanes.iter().map(Vec::len).sum()
    }
}

impl Discipline {
    fn scenario(self) -> &'static str {
        match self {
            Discipline::Locked => "bank-locked",
            Discipline::Unlocked => "bank-unlocked",
        }
    }

    fn of(scenario: &str) -> Option<Discipline> {
        [Discipline::Locked, Discipline::Unlocked]
            .into_iter()
            .find(|it| it.scenario() == scenario)
    }
}

fn scenarios(discipline: Discipline) -> impl Strategy<Value = Scenario> {
    (1..=2usize).prop_flat_map(move |accounts| {
        let opening = vec(0..=200i64, accounts);
        let lanes = vec(vec(calls(accounts), 1..=3), 2..=3);
        (opening, lanes).prop_map(move |(opening, lanes)| Scenario {
            discipline,
            opening,
            lanes,
        })
    })
}

fn calls(accounts: usize) -> impl Strategy<Value = Call> {
    let (account, amount) = (0..accounts, 1..=50u32);
    prop_oneof![
        (account.clone(), amount.clone())
            .prop_map(|(account, amount)| Call::Deposit { account, amount }),
        (account.clone(), amount.clone())
            .prop_map(|(account, amount)| Call::Withdraw { account, amount }),
        account
            .clone()
            .prop_map(|account| Call::Balance { account }),
        (account.clone(), account, amount).prop_map(|(from, to, amount)| Call::Transfer {
            from,
            to,
            amount
        }),
    ]
}

/// How a return is written into the shared array, where balances are never negative.
const INSUFFICIENT: i64 = -1;
const TRANSFERRED: i64 = -2;
const NOT_YET: i64 = -3;

fn set_up(stage: &mut Stage, scenario: Scenario) {
    let Scenario {
        discipline,
        opening,
        lanes,
    } = scenario;
    let accounts: Vec<_> = opening
        .iter()
        .map(|&balance| Value::new(balance).expect("memory for an account"))
        .collect();
    for (number, account) in accounts.iter().enumerate() {
        stage.name(&format!("account {number}"), account);
    }
    let mut returns = Vec::new();
    for (number, calls) in lanes.iter().cloned().enumerate() {
        let lane = Array::from_slice(&vec![NOT_YET; calls.len()]).expect("memory for returns");
        stage.name(&format!("return {number}"), &lane);
        returns.push(lane.clone());
        let accounts = accounts.clone();
        let bank = Accounts::Values(accounts.clone());
        stage.lane(&format!("lane {number}"), move || {
            for (index, call) in calls.iter().enumerate() {
                let returned = match discipline {
                    Discipline::Locked => bank
                        .perform(*call, &|| ())
                        .expect("no one dies in this scenario"),
                    Discipline::Unlocked => unlocked(&accounts, call),
                };
                let word = match returned {
                    Return::Balance(balance) => balance,
                    Return::Transferred => TRANSFERRED,
                    Return::Insufficient => INSUFFICIENT,
                };
                lane.set_unlocked(index, word)
                    .expect("a place for each return");
            }
        });
    }
    stage.finally(move || {
        let lanes = lanes.into_iter().zip(&returns).map(|(calls, returns)| {
            let events = calls.into_iter().zip(returns.to_vec_unlocked());
            events
                .map(|(call, word)| Event::<Bank> {
                    call,
                    returned: returned(word),
                })
                .collect()
        });
        let end = accounts.iter().map(Value::get_unlocked).collect();
        let history = History {
            start: opening,
            lanes: lanes.collect(),
            end: Some(end),
        };
        match judge(&history, 1_000_000) {
            Verdict::Ok(_) => {}
            Verdict::Illegal(_) => panic!("no order of the calls explains this:\n{history}"),
            Verdict::Unknown { searched } => panic!("no verdict after {searched} states"),
        }
    });
}

fn returned(word: i64) -> Option<Return> {
    match word {
        NOT_YET => None,
        INSUFFICIENT => Some(Return::Insufficient),
        TRANSFERRED => Some(Return::Transferred),
        balance => Some(Return::Balance(balance)),
    }
}

/// Without the lock: between the read and the write, another lane may write.
fn unlocked(accounts: &[Value<i64>], call: &Call) -> Return {
    let read = |account: usize| accounts[account].get_unlocked();
    let write = |account: usize, balance: i64| accounts[account].set_unlocked(balance);
    match *call {
        Call::Deposit { account, amount } => {
            let balance = read(account) + i64::from(amount);
            write(account, balance);
            Return::Balance(balance)
        }
        Call::Withdraw { account, amount } => {
            let balance = read(account) - i64::from(amount);
            if balance < 0 {
                return Return::Insufficient;
            }
            write(account, balance);
            Return::Balance(balance)
        }
        Call::Balance { account } => Return::Balance(read(account)),
        Call::Transfer { from, to, amount } => {
            let rest = read(from) - i64::from(amount);
            if rest < 0 {
                return Return::Insufficient;
            }
            write(from, rest);
            write(to, read(to) + i64::from(amount));
            Return::Transferred
        }
    }
}

impl std::fmt::Display for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let opening: Vec<_> = self.opening.iter().map(i64::to_string).collect();
        f.write_str(&opening.join(","))?;
        for lane in &self.lanes {
            for (number, call) in lane.iter().enumerate() {
                f.write_char(if number == 0 { '/' } else { ',' })?;
                match call {
                    Call::Deposit { account, amount } => write!(f, "d{account}.{amount}")?,
                    Call::Withdraw { account, amount } => write!(f, "w{account}.{amount}")?,
                    Call::Transfer { from, to, amount } => write!(f, "t{from}.{to}.{amount}")?,
                    Call::Balance { account } => write!(f, "b{account}")?,
                }
            }
        }
        Ok(())
    }
}

impl Scenario {
    /// Each scenario that has one call less; a lane without calls is left out.
    fn smaller(&self) -> impl Iterator<Item = Scenario> {
        let places = self.lanes.iter().enumerate();
        let places =
            places.flat_map(|(lane, calls)| (0..calls.len()).map(move |call| (lane, call)));
        places.map(|(lane, call)| {
            let mut smaller = self.clone();
            smaller.lanes[lane].remove(call);
            smaller.lanes.retain(|lane| !lane.is_empty());
            smaller
        })
    }

    /// Reads what `Display` writes.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(discipline: Discipline, text: &str) -> Result<Scenario, String> {
        let mut parts = text.split('/');
        let opening = parts.next().unwrap_or_default().split(',');
        let opening: Vec<i64> = opening
            .map(|balance| {
                balance
                    .parse()
                    .ok()
                    .filter(|balance| (0..=1 << 40).contains(balance))
            })
            .collect::<Option<_>>()
            .ok_or("the opening balances are numbers from 0 to 2^40")?;
        let call = |text: &str| Scenario::parse_call(text, opening.len());
        let lanes: Vec<Vec<_>> = parts
            .map(|lane| lane.split(',').map(call).collect())
            .collect::<Result<_, _>>()?;
        match lanes.len() {
            1..=crate::explore::MAX_LANES => Ok(Scenario {
                discipline,
                opening,
                lanes,
            }),
            lanes => Err(format!(
                "{lanes} lanes: one to {}",
                crate::explore::MAX_LANES
            )),
        }
    }

    fn parse_call(text: &str, accounts: usize) -> Result<Call, String> {
        let wrong = || format!("{text:?} is no operation on one of {accounts} accounts");
        let kind = text.get(..1).ok_or_else(wrong)?;
        let numbers: Vec<u32> = text[1..]
            .split('.')
            .map(|number| number.parse().ok().filter(|&number| number <= 1 << 30))
            .collect::<Option<_>>()
            .ok_or_else(wrong)?;
        let account = |number: u32| {
            Some(number as usize)
                .filter(|&it| it < accounts)
                .ok_or_else(wrong)
        };
        match (kind, &numbers[..]) {
            ("d", &[at, amount]) => Ok(Call::Deposit {
                account: account(at)?,
                amount,
            }),
            ("w", &[at, amount]) => Ok(Call::Withdraw {
                account: account(at)?,
                amount,
            }),
            ("t", &[from, to, amount]) => Ok(Call::Transfer {
                from: account(from)?,
                to: account(to)?,
                amount,
            }),
            ("b", &[at]) => Ok(Call::Balance {
                account: account(at)?,
            }),
            _ => Err(wrong()),
        }
    }
}

/// Whether a run found a lost update, and nothing else.
pub fn is_lost_update(run: &Run) -> bool {
    matches!(&run.ended, Ended::Panicked { lane, text }
        if lane == "finally" && text.starts_with("no order of the calls explains this"))
}
