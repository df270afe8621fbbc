//! The lost update: a bank without a lock, and its twin with one, for the [hunt].

use proptest::collection::vec;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::accounts::Accounts;
use super::hunt::{self, Discipline, Hunted, Quarry, claim_an_order, parse_lanes, write_lanes};
use crate::check::bank::{Bank, Call, Return};
use crate::check::{Event, History};
use crate::explore::{ExploreError, Replay, Run, Stage};
use crate::{Array, Value};

/// Who does what. Its string, as in `200/d0.1/w0.5,b0`: the opening balances, then each lane's operations
/// (`d` deposit, `w` withdraw, `t` transfer, `b` balance; accounts and amounts between points).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    pub discipline: Discipline,
    pub opening: Vec<i64>,
    pub lanes: Vec<Vec<Call>>,
}

/// Looks for a lost update in at most `cases` generated scenarios and orders; then shrinks it.
///
/// # Errors
/// There was no run; or none was found, and then `Ok(Err(runs))`.
pub fn find(
    discipline: Discipline,
    cases: u32,
    seed: u64,
) -> Result<Hunted<Scenario>, ExploreError> {
    hunt::find(scenarios(discipline), cases, seed)
}

/// Runs a replay of this module's scenarios: `None` if it is of another.
///
/// # Errors
/// Text for a person: arguments that are none, or no run.
pub fn replay(replay: &Replay) -> Option<Result<Run, String>> {
    let discipline = Discipline::of(&replay.scenario, name)?;
    Some(
        Scenario::parse(discipline, &replay.arguments).and_then(|scenario| {
            hunt::run_again(&scenario, replay).map_err(|error| error.to_string())
        }),
    )
}

fn name(discipline: Discipline) -> &'static str {
    match discipline {
        Discipline::Locked => "bank-locked",
        Discipline::Unlocked => "bank-unlocked",
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

impl Quarry for Scenario {
    type Call = Call;

    fn scenario(&self) -> &'static str {
        name(self.discipline)
    }

    fn lanes(&mut self) -> &mut Vec<Vec<Call>> {
        &mut self.lanes
    }

    fn set_up(self, stage: &mut Stage) {
        set_up(stage, self);
    }
}

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
        stage.lane(&format!("lane {number}"), move |_| {
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
    stage.finally(move |_| {
        let lanes = lanes.into_iter().zip(&returns).map(|(calls, returns)| {
            let events = calls.into_iter().zip(returns.to_vec_unlocked());
            events
                .map(|(call, word)| Event::<Bank>::new(call, returned(word)))
                .collect()
        });
        let end = accounts.iter().map(Value::get_unlocked).collect();
        claim_an_order(&History::of_lanes(opening, lanes.collect(), Some(end)));
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
        write_lanes(f, &self.lanes, |call| match call {
            Call::Deposit { account, amount } => format!("d{account}.{amount}"),
            Call::Withdraw { account, amount } => format!("w{account}.{amount}"),
            Call::Transfer { from, to, amount } => format!("t{from}.{to}.{amount}"),
            Call::Balance { account } => format!("b{account}"),
        })
    }
}

impl Scenario {
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
        let lanes = parse_lanes(parts, call)?;
        Ok(Scenario {
            discipline,
            opening,
            lanes,
        })
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
