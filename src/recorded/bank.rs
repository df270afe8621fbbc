//! `--spec bank`: `deposit`, `withdraw`, `transfer`, `balance`, and `read` of many accounts.

use std::collections::BTreeMap;

use super::datum::Datum;
use super::language::Language;
use super::malformed::Malformed;
use super::operation::Operation;
use super::pairing::Paired;
use crate::check::Spec;
use crate::check::bank::{self, Bank};

/// The accounts, numbered as they are met.
#[derive(Default)]
pub struct Accounts(BTreeMap<Datum, usize>);

/// A [`Bank`] of which several balances can be read at once, and whose deposits need not say the balance.
pub enum Ledger {}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    what: What,
    /// For a person, who knows the accounts by their names.
    told: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    One {
        call: bank::Call,
        /// It returns a balance.
        tells: bool,
    },
    /// Of these accounts. A read that never returned is of none.
    Read { accounts: Vec<usize> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Return {
    Done,
    Insufficient,
    Balance(i64),
    Balances(Vec<i64>),
}

/// The most that accounts may open with, so that no sum of amounts is beyond an `i64`.
const MOST_AT_START: i64 = 1 << 61;
const REFUSED: &str = "insufficient";

impl Spec for Ledger {
    type State = Vec<i64>;
    type Call = Call;
    type Return = Return;

    fn apply(balances: &Vec<i64>, call: &Call) -> (Vec<i64>, Return) {
        match &call.what {
            What::One { call, tells } => {
                let (after, returned) = Bank::apply(balances, call);
                let returned = match returned {
                    bank::Return::Insufficient => Return::Insufficient,
                    bank::Return::Balance(balance) if *tells => Return::Balance(balance),
                    bank::Return::Balance(_) | bank::Return::Transferred => Return::Done,
                };
                (after, returned)
            }
            What::Read { accounts } => {
                let seen = accounts.iter().map(|&account| balances[account]).collect();
                (balances.clone(), Return::Balances(seen))
            }
        }
    }

    fn key(call: &Call) -> Option<String> {
        match &call.what {
            What::One { call, .. } => Bank::key(call),
            What::Read { .. } => None,
        }
    }

    fn only_reads(call: &Call) -> bool {
        match &call.what {
            What::One { call, .. } => Bank::only_reads(call),
            What::Read { .. } => true,
        }
    }

    fn tell_call(call: &Call) -> String {
        call.told.clone()
    }

    fn tell_return(returned: &Return) -> String {
        match returned {
            Return::Done => "done".to_owned(),
            Return::Insufficient => REFUSED.to_owned(),
            Return::Balance(balance) => balance.to_string(),
            Return::Balances(balances) => format!("{balances:?}"),
        }
    }
}

impl Accounts {
    /// An account that was not met before opens with nothing.
    fn number(&mut self, account: &Datum) -> usize {
        let next = self.0.len();
        *self.0.entry(by_name(account)).or_insert(next)
    }

    /// A deposit or a withdrawal: the account and the amount.
    fn account_and_amount(
        &mut self,
        operation: &Operation,
    ) -> Result<(usize, u32, String), Malformed> {
        const FORMS: &str = "[account amount] or {:account .. :amount ..}";
        let value = &operation.value.datum;
        let (account, amount) = match (&operation.key.datum, value.list()) {
            (Datum::Nil, Some([account, amount])) => (account, Some(amount)),
            (Datum::Nil, _) => {
                let account = value
                    .field("account")
                    .ok_or_else(|| operation.expected(FORMS))?;
                (account, value.field("amount"))
            }
            (account, _) => (account, Some(value)),
        };
        let amount = amount_of(amount, operation, FORMS)?;
        let told = format!("{} {amount}, account {account}", operation.function.name);
        Ok((self.number(account), amount, told))
    }

    fn transfer(&mut self, operation: &Operation) -> Result<(bank::Call, String), Malformed> {
        const FORMS: &str = "{:from .. :to .. :amount ..} or [from to amount]";
        let value = &operation.value.datum;
        let parts = match value.list() {
            Some([from, to, amount]) => Some((from, to, amount)),
            Some(_) => None,
            None => value
                .field("from")
                .zip(value.field("to"))
                .zip(value.field("amount"))
                .map(|((from, to), amount)| (from, to, amount)),
        };
        let (from, to, amount) = parts.ok_or_else(|| operation.expected(FORMS))?;
        let amount = amount_of(Some(amount), operation, FORMS)?;
        let told = format!("transfer {amount}, {from} to {to}");
        let (from, to) = (self.number(from), self.number(to));
        Ok((bank::Call::Transfer { from, to, amount }, told))
    }

    /// Of a balance: its account.
    fn account(&mut self, operation: &Operation) -> Result<(usize, String), Malformed> {
        let value = &operation.value.datum;
        let account = match (&operation.key.datum, value) {
            (Datum::Nil, Datum::Nil) => return Err(operation.expected("an account")),
            (Datum::Nil, Datum::List(pair)) => match &**pair {
                [account, Datum::Nil] => account,
                _ => return Err(operation.expected("an account, or [account nil]")),
            },
            (Datum::Nil, Datum::Map(_)) => value
                .field("account")
                .ok_or_else(|| operation.expected("an account"))?,
            (Datum::Nil, account) => account,
            (account, _) => account,
        };
        Ok((self.number(account), format!("balance of {account}")))
    }
}

/// The keys of JSON's maps are texts: the account "1" that a read tells of is the account 1 of a deposit.
fn by_name(account: &Datum) -> Datum {
    match account.word() {
        Some(word) => word
            .parse()
            .map_or_else(|_| Datum::Text(word.into()), Datum::Int),
        None => account.clone(),
    }
}

fn amount_of(amount: Option<&Datum>, operation: &Operation, forms: &str) -> Result<u32, Malformed> {
    let amount = amount
        .and_then(Datum::int)
        .and_then(|amount| u32::try_from(amount).ok());
    amount.ok_or_else(|| {
        operation.expected(&format!("{forms}, the amount a number from 0 to 2^32 - 1"))
    })
}

impl Language for Accounts {
    type Spec = Ledger;

    fn start(&mut self, start: Option<&Datum>) -> Result<Vec<i64>, &'static str> {
        const WANTED: &str = "a map of accounts, and of balances from 0 to 2^61";
        let mut balances = vec![0; self.0.len()];
        match start {
            None => (),
            Some(Datum::Map(entries)) => {
                for (account, balance) in entries.iter() {
                    let balance = balance.int().filter(|it| (0..=MOST_AT_START).contains(it));
                    let number = self.number(account);
                    balances.resize(self.0.len(), 0);
                    balances[number] = balance.ok_or(WANTED)?;
                }
            }
            Some(_) => return Err(WANTED),
        }
        Ok(balances)
    }

    fn call(&mut self, paired: &Paired) -> Result<Call, Malformed> {
        let operation = paired.call;
        // With the account as the key, a number may be the amount again.
        let tells = paired.returned.is_some_and(|returned| {
            returned.value.datum.int().is_some() && returned.value.datum != operation.value.datum
        });
        let one = |call, told| Call {
            what: What::One { call, tells },
            told,
        };
        Ok(match &*operation.function.name {
            "deposit" => {
                let (account, amount, told) = self.account_and_amount(operation)?;
                one(bank::Call::Deposit { account, amount }, told)
            }
            "withdraw" => {
                let (account, amount, told) = self.account_and_amount(operation)?;
                one(bank::Call::Withdraw { account, amount }, told)
            }
            "transfer" => {
                let (call, told) = self.transfer(operation)?;
                Call {
                    what: What::One { call, tells: false },
                    told,
                }
            }
            "balance" => {
                let (account, told) = self.account(operation)?;
                Call {
                    what: What::One {
                        call: bank::Call::Balance { account },
                        tells: true,
                    },
                    told,
                }
            }
            "read" => {
                let seen = paired
                    .returned
                    .map_or(&Datum::Nil, |returned| &returned.value.datum);
                let mut names = Vec::new();
                if let Datum::Map(entries) = seen {
                    names = entries.iter().map(|(account, _)| account.clone()).collect();
                }
                Call {
                    told: format!("read {}", Datum::List(names.clone().into())),
                    what: What::Read {
                        accounts: names.iter().map(|account| self.number(account)).collect(),
                    },
                }
            }
            _ => return Err(operation.unknown("deposit, withdraw, transfer, balance or read")),
        })
    }

    fn returned(
        &mut self,
        call: &Call,
        paired: &Paired,
        returned: &Operation,
    ) -> Result<Return, Malformed> {
        let value = &returned.value;
        match &call.what {
            What::Read { .. } => {
                let Datum::Map(entries) = &value.datum else {
                    return Err(returned.expected("a map of accounts and balances"));
                };
                let balances: Option<Vec<i64>> =
                    entries.iter().map(|(_, balance)| balance.int()).collect();
                balances
                    .map(Return::Balances)
                    .ok_or_else(|| returned.expected("balances that are numbers"))
            }
            What::One {
                call: bank::Call::Balance { account },
                ..
            } => {
                let seen = match value.datum.list() {
                    Some([of, seen]) if self.number(of) == *account => seen.int(),
                    _ => value.datum.int(),
                };
                let seen = seen.ok_or_else(|| returned.expected("a balance, or [account balance]"));
                Ok(Return::Balance(seen?))
            }
            What::One { .. } if value.datum.word() == Some(REFUSED) => Ok(Return::Insufficient),
            What::One { tells, .. } => match value.datum {
                Datum::Int(balance) if *tells => Ok(Return::Balance(balance)),
                _ => returned.echoes(paired.call).map(|()| Return::Done),
            },
        }
    }
}
