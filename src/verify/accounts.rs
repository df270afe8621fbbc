//! Accounts in shared memory, guarded in four ways: what the scenarios of [`bank`](super::bank) put to work.

use serde::{Deserialize, Serialize};

use super::scenario::Dawdle;
use crate::check::bank::{Call, Return};
use crate::{Array, ArrayGuard, BoundsError, Lock, RLock, Result, Value};

/// How accounts are guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarding {
    /// Each account is a value, with the lock that it brings.
    Values,
    /// All are one array, with the lock that it brings.
    Array,
    /// All are one array, read and written without its lock, under one lock beside it.
    Lock,
    /// The same under a lock that each part of an operation takes once more.
    RLock,
}

/// The accounts themselves: handles, which travel.
#[derive(Clone, Serialize, Deserialize)]
pub enum Accounts {
    Values(Vec<Value<i64>>),
    Array(Array<i64>),
    Lock(Lock, Array<i64>),
    RLock(RLock, Array<i64>),
}

impl Accounts {
    /// # Errors
    /// No memory.
    pub fn open(guarding: Guarding, balances: &[i64]) -> Result<Accounts> {
        Ok(match guarding {
            Guarding::Values => {
                let values = balances.iter().map(|&balance| Value::new(balance));
                Accounts::Values(values.collect::<std::io::Result<_>>()?)
            }
            Guarding::Array => Accounts::Array(Array::from_slice(balances)?),
            Guarding::Lock => Accounts::Lock(Lock::new()?, Array::from_slice(balances)?),
            Guarding::RLock => Accounts::RLock(RLock::new()?, Array::from_slice(balances)?),
        })
    }

    /// When no one works on them any more: read without the locks, of which a broken one could be held for ever.
    pub fn balances(&self) -> Vec<i64> {
        match self {
            Accounts::Values(values) => values.iter().map(Value::get_unlocked).collect(),
            Accounts::Array(array) | Accounts::Lock(_, array) | Accounts::RLock(_, array) => {
                array.to_vec_unlocked()
            }
        }
    }

    /// Performs a call, dawdling between its reads and its writes: there others would come in if they could.
    ///
    /// # Errors
    /// Those of the locks.
    pub fn perform(&self, call: Call, dawdle: Dawdle) -> Result<Return> {
        match self {
            Accounts::Values(values) => on_values(values, call, dawdle),
            Accounts::Array(array) => array.lock()?.perform(call, dawdle),
            Accounts::Lock(lock, array) => {
                let _held = lock.lock()?;
                Unguarded(array).perform(call, dawdle)
            }
            Accounts::RLock(lock, array) => {
                let _held = lock.lock()?;
                Again(lock, array).perform(call, dawdle)
            }
        }
    }
}

/// Balances that someone guards from the first read to the last write.
trait Books {
    fn read(&self, account: usize) -> Result<i64>;
    fn write(&mut self, account: usize, balance: i64) -> Result<()>;

    fn perform(&mut self, call: Call, dawdle: Dawdle) -> Result<Return> {
        Ok(match call {
            Call::Deposit { account, amount } => {
                Return::Balance(self.add(account, amount, dawdle)?)
            }
            Call::Withdraw { account, amount } => {
                let balance = self.take(account, amount, dawdle)?;
                balance.map_or(Return::Insufficient, Return::Balance)
            }
            Call::Transfer { from, to, amount } => {
                if self.take(from, amount, dawdle)?.is_some() {
                    self.add(to, amount, dawdle)?;
                    Return::Transferred
                } else {
                    Return::Insufficient
                }
            }
            Call::Balance { account } => Return::Balance(self.read(account)?),
        })
    }

    fn add(&mut self, account: usize, amount: u32, dawdle: Dawdle) -> Result<i64> {
        let balance = self.read(account)? + i64::from(amount);
        dawdle();
        self.write(account, balance)?;
        Ok(balance)
    }

    fn take(&mut self, account: usize, amount: u32, dawdle: Dawdle) -> Result<Option<i64>> {
        let balance = self.read(account)? - i64::from(amount);
        dawdle();
        if balance < 0 {
            return Ok(None);
        }
        self.write(account, balance)?;
        Ok(Some(balance))
    }
}

/// Under the array's own lock.
impl Books for ArrayGuard<'_, i64> {
    fn read(&self, account: usize) -> Result<i64> {
        Ok(self.get(account)?)
    }

    fn write(&mut self, account: usize, balance: i64) -> Result<()> {
        Ok(self.set(account, balance)?)
    }
}

/// Under a lock that the caller holds.
struct Unguarded<'a>(&'a Array<i64>);

impl Books for Unguarded<'_> {
    fn read(&self, account: usize) -> Result<i64> {
        Ok(self.0.get_unlocked(account)?)
    }

    fn write(&mut self, account: usize, balance: i64) -> Result<()> {
        Ok(self.0.set_unlocked(account, balance)?)
    }
}

/// Under a lock that the caller holds, and that each access takes once more.
struct Again<'a>(&'a RLock, &'a Array<i64>);

impl Books for Again<'_> {
    fn read(&self, account: usize) -> Result<i64> {
        let _again = self.0.lock()?;
        Ok(self.1.get_unlocked(account)?)
    }

    fn write(&mut self, account: usize, balance: i64) -> Result<()> {
        let _again = self.0.lock()?;
        Ok(self.1.set_unlocked(account, balance)?)
    }
}

fn on_values(values: &[Value<i64>], call: Call, dawdle: Dawdle) -> Result<Return> {
    let value = |account: usize| {
        let len = values.len();
        values.get(account).ok_or(BoundsError::Index {
            index: account,
            len,
        })
    };
    Ok(match call {
        Call::Deposit { account, amount } => {
            Return::Balance(value(account)?.update(|balance| {
                *balance += i64::from(amount);
                *balance
            })?)
        }
        Call::Withdraw { account, amount } => value(account)?.update(|balance| {
            dawdle(); // the value is read, and written when this returns
            if take(balance, amount) {
                Return::Balance(*balance)
            } else {
                Return::Insufficient
            }
        })?,
        Call::Transfer { from, to, amount } if from == to => {
            let balance = value(from)?.get()?;
            if balance < i64::from(amount) {
                Return::Insufficient
            } else {
                Return::Transferred
            }
        }
        Call::Transfer { from, to, amount } => {
            // Both locks, always the lower account's first: else two transfers could wait for each other.
            let mut lower = value(from.min(to))?.lock()?;
            let mut upper = value(from.max(to))?.lock()?;
            let (payer, payee) = if from < to {
                (&mut lower, &mut upper)
            } else {
                (&mut upper, &mut lower)
            };
            if take(payer, amount) {
                dawdle();
                **payee += i64::from(amount);
                Return::Transferred
            } else {
                Return::Insufficient
            }
        }
        Call::Balance { account } => Return::Balance(value(account)?.get()?),
    })
}

fn take(balance: &mut i64, amount: u32) -> bool {
    let enough = *balance >= i64::from(amount);
    if enough {
        *balance -= i64::from(amount);
    }
    enough
}
