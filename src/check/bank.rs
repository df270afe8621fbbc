//! A bank: accounts with balances that never fall below zero.

use serde::{Deserialize, Serialize};

use super::Spec;

/// The sequential bank. Its state is the balances of its accounts.
///
/// # Panics
/// A call that names an account which does not exist, and a balance beyond [`i64::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bank {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call {
    Deposit { account: usize, amount: u32 },
    Withdraw { account: usize, amount: u32 },
    Transfer { from: usize, to: usize, amount: u32 },
    Balance { account: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Return {
    /// The account's balance, after what was done.
    Balance(i64),
    /// A transfer that took place.
    Transferred,
    /// More was asked for than was there: nothing was changed.
    Insufficient,
}

impl Spec for Bank {
    type State = Vec<i64>;
    type Call = Call;
    type Return = Return;

    fn apply(balances: &Vec<i64>, call: &Call) -> (Vec<i64>, Return) {
        let mut after = balances.clone();
        let returned = match *call {
            Call::Deposit { account, amount } => {
                pay_in(&mut after[account], amount);
                Return::Balance(after[account])
            }
            Call::Withdraw { account, amount } => {
                if take_out(&mut after[account], amount) {
                    Return::Balance(after[account])
                } else {
                    Return::Insufficient
                }
            }
            Call::Transfer { from, to, amount } => {
                if take_out(&mut after[from], amount) {
                    pay_in(&mut after[to], amount);
                    Return::Transferred
                } else {
                    Return::Insufficient
                }
            }
            Call::Balance { account } => Return::Balance(after[account]),
        };
        (after, returned)
    }

    fn only_reads(call: &Call) -> bool {
        matches!(call, Call::Balance { .. })
    }

    /// The account, where there is but one. With transfers, a bank can only be judged as a whole.
    fn key(call: &Call) -> Option<String> {
        match call {
            Call::Deposit { account, .. }
            | Call::Withdraw { account, .. }
            | Call::Balance { account } => Some(format!("account {account}")),
            Call::Transfer { .. } => None,
        }
    }
}

fn pay_in(balance: &mut i64, amount: u32) {
    let sum = balance.checked_add(i64::from(amount));
    *balance = sum.expect("a balance is at most i64::MAX");
}

fn take_out(balance: &mut i64, amount: u32) -> bool {
    let enough = *balance >= i64::from(amount);
    if enough {
        *balance -= i64::from(amount);
    }
    enough
}
