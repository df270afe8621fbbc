//! A list in shared memory: an array and a length, guarded by one lock, to which lanes append.

use serde::{Deserialize, Serialize};

use super::scenario::{Dawdle, Subject};
use crate::check::chain::Chain;
use crate::check::list::{Call, List, Return};
use crate::{Array, Lock, Result, Value};

/// The most items.
pub const ROOM: usize = 64;

/// Handles, which travel.
#[derive(Clone, Serialize, Deserialize)]
pub struct SharedList {
    lock: Lock,
    items: Array<u32>,
    length: Value<u32>,
}

/// The item of a lane's call: each another.
pub fn item(lane: usize, call: usize) -> u32 {
    (lane * 100 + call + 1) as u32
}

impl SharedList {
    /// # Errors
    /// No memory; more than [`ROOM`] items.
    pub fn new(items: &[u32]) -> Result<SharedList> {
        let list = SharedList {
            lock: Lock::new()?,
            items: Array::new(ROOM)?,
            length: Value::new(items.len() as u32)?,
        };
        list.items.set_slice(..items.len(), items)?;
        Ok(list)
    }

    pub fn items(&self) -> &Array<u32> {
        &self.items
    }

    pub fn length(&self) -> &Value<u32> {
        &self.length
    }

    /// Under the lock, from the first read to the last write.
    ///
    /// # Errors
    /// Those of the lock; more than [`ROOM`] items.
    pub fn perform(&self, call: Call, dawdle: Dawdle) -> Result<Return> {
        let _held = self.lock.lock()?;
        self.perform_unlocked(call, dawdle)
    }

    /// Without it.
    ///
    /// # Errors
    /// More than [`ROOM`] items.
    pub fn perform_unlocked(&self, call: Call, dawdle: Dawdle) -> Result<Return> {
        let length = self.length.get_unlocked() as usize;
        Ok(match call {
            Call::Append { item } => {
                self.items.set_unlocked(length, item)?;
                dawdle();
                self.length.set_unlocked(length as u32 + 1);
                Return::At(length)
            }
            Call::Len => Return::Len(length),
        })
    }

    /// When no one works on it any more.
    pub fn to_vec(&self) -> Vec<u32> {
        let mut items = self.items.to_vec_unlocked();
        items.truncate(self.length.get_unlocked() as usize);
        items
    }
}

impl Subject for SharedList {
    type Spec = List;

    fn perform(&self, call: Call, dawdle: Dawdle) -> Result<Return> {
        SharedList::perform(self, call, dawdle)
    }

    fn end(&self) -> Chain<u32> {
        self.to_vec().into_iter().collect()
    }
}
