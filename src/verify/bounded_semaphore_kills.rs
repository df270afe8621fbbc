//! Random kills of lanes that share seats: permits of a bounded semaphore, of which they now and then give one away and
//! release another.
//!
//! # What is judged
//! Whoever waits for a seat gets it, whoever died with it, or renewing one. In the end all are at home; and one more
//! cannot be released.

use serde::{Deserialize, Serialize};

use super::crew::{Board, Tally, Work};
use super::{Fallible, pace};
use crate::explore::dice::Dice;
use crate::{BoundedSemaphore, Lock, LockError, LockGuard, Process, SemaphoreError, Value};

const LANES: usize = 4;
const SEATS: u32 = 2;

/// Fewer seats than lanes.
#[derive(Clone, Serialize, Deserialize)]
pub struct Seats {
    seats: BoundedSemaphore,
    /// One at a time renews: what is released is what was given away.
    renewal: Lock,
    /// 1: someone is about to give a seat away, or has, and has not released another.
    renewing: Value<u8>,
}

impl Seats {
    /// # Errors
    /// No memory.
    pub fn new() -> Fallible<Seats> {
        Ok(Seats {
            seats: BoundedSemaphore::new(SEATS)?,
            renewal: Lock::new()?,
            renewing: Value::new(0)?,
        })
    }

    fn sit(&self, dawdle: impl Fn()) -> Fallible {
        match self.seats.try_acquire() {
            Ok(_seat) => dawdle(),
            Err(SemaphoreError::WouldBlock) => drop(self.seats.acquire()?),
            Err(other) => return Err(other.into()),
        }
        Ok(())
    }

    /// Gives one seat away, and makes another, dawdling in between. Whether someone died doing so.
    fn renew(&self, dawdle: impl Fn()) -> Fallible<bool> {
        let seat = self.seats.acquire()?;
        let (_alone, died) = self.alone()?;
        self.renewing.set_unlocked(1);
        seat.forget();
        dawdle();
        self.seats.release(1)?;
        self.renewing.set_unlocked(0);
        Ok(died)
    }

    /// Finishes what the last one has left undone, if it died so: its seat came home, or was given away, or was given
    /// away and released. Before anyone else renews, or no seat might be left.
    fn alone(&self) -> Fallible<(LockGuard<'_>, bool)> {
        let held = match self.renewal.lock() {
            Ok(held) => return Ok((held, false)),
            Err(LockError::OwnerDied(held)) => held,
            Err(other) => return Err(other.failure().into()),
        };
        if self.renewing.get_unlocked() != 0 {
            match self.seats.release(1) {
                Ok(()) | Err(SemaphoreError::OverRelease { over: 1 }) => {}
                Err(other) => return Err(other.into()),
            }
            self.renewing.set_unlocked(0);
        }
        held.mark_consistent();
        Ok((held, true))
    }
}

impl Work for Seats {
    fn lanes(&self) -> usize {
        LANES
    }

    fn lane(&self, number: usize, board: Board) -> Process {
        Process::new(lane, (number, self.clone(), board))
    }

    fn judge(&self, _tally: &Tally) -> Fallible {
        let (seats, renewing) = (self.seats.value(), self.renewing.get_unlocked());
        if seats != SEATS || renewing != 0 {
            return Err(format!("{seats} of {SEATS} seats are at home ({renewing})").into());
        }
        match self.seats.release(1) {
            Err(SemaphoreError::OverRelease { over: 1 }) => Ok(()),
            other => Err(format!("one seat more than there are: {other:?}").into()),
        }
    }
}

fn lane(number: usize, seats: Seats, board: Board) -> Fallible {
    let mut line = board.line(number)?;
    let mut dice = Dice::new(line.moves() ^ (number as u64) << 32);
    if seats.alone()?.1 {
        line.met_a_death();
    }
    while !line.is_stopped() {
        if dice.below(3) > 0 {
            seats.sit(pace::dawdle(&mut dice, 200))?;
        } else if seats.renew(pace::dawdle(&mut dice, 200))? {
            line.met_a_death();
        }
        line.moved();
    }
    Ok(())
}
