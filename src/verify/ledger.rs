//! Who has sent what, and what has come of it: numbered messages from some senders to one receiver, any of whom may be
//! killed. Each writes down its own, so that whoever takes its place goes on where it ended.
//!
//! A sender never begins a number twice. So a number that comes is new, and greater than the last of its sender, or
//! something came twice; and what was sent and has not come can only have gone with a receiver.

use serde::{Deserialize, Serialize};

use super::Fallible;
use crate::{Array, Value};

/// Each array is by sender.
#[derive(Clone, Serialize, Deserialize)]
pub struct Ledger {
    /// The last number that was begun.
    begun: Array<u64>,
    sent: Array<u64>,
    /// Numbers that were begun by a sender that was killed before it could say that they were sent.
    unknown: Array<u64>,
    /// The last number that was received.
    last: Array<u64>,
    received: Array<u64>,
    /// How many receivers there have been.
    receivers: Value<u64>,
}

impl Ledger {
    /// # Errors
    /// No memory.
    pub fn new(senders: usize) -> Fallible<Ledger> {
        Ok(Ledger {
            begun: Array::new(senders)?,
            sent: Array::new(senders)?,
            unknown: Array::new(senders)?,
            last: Array::new(senders)?,
            received: Array::new(senders)?,
            receivers: Value::new(0)?,
        })
    }

    /// A sender takes the place of the last one: whether that was killed between the two.
    ///
    /// # Errors
    /// There is no such sender; the same in all that follows.
    pub fn take_over(&self, sender: usize) -> Fallible<bool> {
        let begun = self.begun.get_unlocked(sender)?;
        let unknown = begun - self.sent.get_unlocked(sender)?;
        let was_cut_short = unknown > self.unknown.get_unlocked(sender)?;
        self.unknown.set_unlocked(sender, unknown)?;
        Ok(was_cut_short)
    }

    /// The number of the sender's next message.
    pub fn begin(&self, sender: usize) -> Fallible<u64> {
        let number = self.begun.get_unlocked(sender)? + 1;
        self.begun.set_unlocked(sender, number)?;
        Ok(number)
    }

    /// The last that was begun.
    pub fn last_begun(&self, sender: usize) -> Fallible<u64> {
        Ok(self.begun.get_unlocked(sender)?)
    }

    /// It was sent.
    pub fn has_sent(&self, sender: usize) -> Fallible {
        let sent = self.sent.get_unlocked(sender)? + 1;
        Ok(self.sent.set_unlocked(sender, sent)?)
    }

    /// A receiver takes the place of the last one.
    pub fn new_receiver(&self) {
        self.receivers
            .set_unlocked(self.receivers.get_unlocked() + 1);
    }

    /// A message has come: whether numbers are missing before it.
    ///
    /// # Errors
    /// It has come before, or one that was sent after it has.
    pub fn receive(&self, sender: usize, number: u64) -> Fallible<bool> {
        let last = self.last.get_unlocked(sender)?;
        if number <= last {
            return Err(format!("message {number} of sender {sender} comes after {last}").into());
        }
        let received = self.received.get_unlocked(sender)? + 1;
        self.last.set_unlocked(sender, number)?;
        self.received.set_unlocked(sender, received)?;
        Ok(number > last + 1)
    }

    /// Receivers that were killed.
    pub fn dead_receivers(&self) -> u64 {
        self.receivers.get_unlocked().saturating_sub(1)
    }

    /// In the end, when nothing is under way any more.
    ///
    /// # Errors
    /// More has come than was sent, or less by more than one with each receiver that was killed.
    pub fn judge(&self) -> Fallible {
        let sum = |array: &Array<u64>| array.to_vec_unlocked().iter().sum::<u64>();
        let (sent, received) = (sum(&self.sent), sum(&self.received));
        let dead = self.dead_receivers();
        let (least, most) = (sent.saturating_sub(dead), sent + sum(&self.unknown));
        if (least..=most).contains(&received) {
            return Ok(());
        }
        Err(format!(
            "{sent} messages were sent and {received} received, and {dead} receivers were killed: it should be {least} \
             to {most}"
        )
        .into())
    }
}
