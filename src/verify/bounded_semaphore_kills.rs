//! Random kills of lanes that share seats: permits of a bounded semaphore, of which they now and then give one away and
//! release another.
//!
//! # What is judged
//! Whoever waits for a seat gets it, whoever died with it. In the end all are at home, but for those that were being
//! renewed at a death; and one more cannot be released.

use serde::{Deserialize, Serialize};

use super::crew::{Board, Tally, Work};
use super::{Fallible, pace};
use crate::explore::dice::Dice;
use crate::{Array, BoundedSemaphore, Lock, LockError, Process, SemaphoreError};

const LANES: usize = 4;
const SEATS: u32 = 2;

/// Fewer seats than lanes.
#[derive(Clone, Serialize, Deserialize)]
pub struct Seats {
    seats: BoundedSemaphore,
    /// One at a time renews: what is released is what was given away.
    renewal: Lock,
    /// A lane that is about to give a seat away, or has, and has not released another; written by the lane only.
    renewing: Array<u8>,
}

impl Seats {
    /// # Errors
    /// No memory.
    pub fn new() -> Fallible<Seats> {
        Ok(Seats {
            seats: BoundedSemaphore::new(SEATS)?,
            renewal: Lock::new()?,
            renewing: Array::new(LANES)?,
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

    /// Gives one seat away, and makes another. Whether someone died doing so.
    fn renew(&self, lane: usize) -> Fallible<bool> {
        let seat = self.seats.acquire()?;
        self.alone(|| {
            self.renewing.set_unlocked(lane, 1)?;
            seat.forget();
            self.seats.release(1)?;
            Ok(self.renewing.set_unlocked(lane, 0)?)
        })
    }

    /// What a killed predecessor may have left undone: its seat came home, or was given away, or was given away and
    /// released.
    fn finish_renewing(&self, lane: usize) -> Fallible {
        if self.renewing.get_unlocked(lane)? == 0 {
            return Ok(());
        }
        self.alone(|| match self.seats.release(1) {
            Ok(()) | Err(SemaphoreError::OverRelease { over: 1 }) => {
                Ok(self.renewing.set_unlocked(lane, 0)?)
            }
            Err(other) => Err(other.into()),
        })?;
        Ok(())
    }

    /// Whether the last one who was alone died so.
    fn alone(&self, work: impl FnOnce() -> Fallible) -> Fallible<bool> {
        let (_held, died) = match self.renewal.lock() {
            Ok(held) => (held, false),
            Err(LockError::OwnerDied(held)) => {
                held.mark_consistent(); // whoever takes the dead one's place finishes its renewal
                (held, true)
            }
            Err(other) => return Err(other.failure().into()),
        };
        work()?;
        Ok(died)
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
        let (seats, renewing) = (self.seats.value(), self.renewing.to_vec_unlocked());
        if seats != SEATS || renewing.contains(&1) {
            return Err(format!("{seats} of {SEATS} seats are at home ({renewing:?})").into());
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
    seats.finish_renewing(number)?;
    while !line.is_stopped() {
        if dice.below(3) > 0 {
            seats.sit(pace::dawdle(&mut dice, 200))?;
        } else if seats.renew(number)? {
            line.met_a_death();
        }
        line.moved();
    }
    Ok(())
}
