//! Generated scenarios of deposits, withdrawals and transfers between accounts in shared memory.

use proptest::prelude::*;

use super::accounts::{Accounts, Guarding};
use super::scenario::{Dawdle, Scenario, Subject, check};
use super::{Budget, Progress, Report};
use crate::Result;
use crate::check::bank::{Bank, Call, Return};

/// What once failed, for proptest.
const REGRESSIONS: &str = "bank.txt";

/// Under this guard, what is seen of accounts is what the sequential bank does.
pub fn accounts(guarding: Guarding, budget: Budget, progress: &Progress) -> Report {
    let open = |balances: &Vec<i64>| Accounts::open(guarding, balances);
    check(open, scenarios(), REGRESSIONS, budget, progress)
}

impl Subject for Accounts {
    type Spec = Bank;

    fn perform(&self, call: Call, dawdle: Dawdle) -> Result<Return> {
        Accounts::perform(self, call, dawdle)
    }

    fn end(&self) -> Vec<i64> {
        self.balances()
    }
}

/// Scenarios of one to four accounts, and two to four lanes of up to twelve calls.
fn scenarios() -> impl Strategy<Value = Scenario<Bank>> {
    (1..=4usize).prop_flat_map(|accounts| {
        let opening = prop::collection::vec(0..=20i64, accounts);
        let lane = prop::collection::vec(calls(accounts), 0..=12);
        let lanes = prop::collection::vec(lane, 2..=4);
        (opening, lanes).prop_map(|(start, lanes)| Scenario { start, lanes })
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
