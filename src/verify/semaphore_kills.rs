//! Random kills of lanes that acquire and release permits.
//!
//! A lane takes turns with the others (a semaphore of one), shares seats with them (a bounded one of two, of which it
//! now and then gives one away and releases another), and sends and hears signals (a semaphore of none, which comes to
//! hold more than it has places for). It may be killed with a permit in its hands, asleep for one, and between any
//! two of the instructions that take it, give it back, give it away or release it.
//!
//! # What is judged
//! One at a time has the turn; whoever gets it after a death goes on at once. In the end the turn and the seats are at
//! home, but for seats that were being renewed at a death; and no more signals are left than deaths could leave.

use serde::{Deserialize, Serialize};

use super::crew::{Board, Tally, Work};
use super::{Fallible, pace};
use crate::explore::dice::Dice;
use crate::{Array, BoundedSemaphore, Process, Semaphore, SemaphoreError, Value};

const LANES: usize = 4;
const SEATS: u32 = 2;
/// Whose turn it is: no one's.
const NO_ONE: usize = usize::MAX;

/// Permits of three kinds.
#[derive(Clone, Serialize, Deserialize)]
pub struct Turns {
    turn: Semaphore,
    /// Who has it; written by that one only.
    whose: Value<usize>,
    seats: BoundedSemaphore,
    /// A lane that is about to give a seat away, or has, and has not released another; written by the lane only.
    renewing: Array<u8>,
    signals: Semaphore,
}

impl Turns {
    pub fn new() -> Fallible<Turns> {
        Ok(Turns {
            turn: Semaphore::new(1)?,
            whose: Value::new(NO_ONE)?,
            seats: BoundedSemaphore::new(SEATS)?,
            renewing: Array::new(LANES)?,
            signals: Semaphore::new(0)?,
        })
    }

    /// True if the last one died during its turn.
    fn take_turn(&self, lane: usize, dawdle: impl Fn()) -> Fallible<bool> {
        let _turn = self.turn.acquire()?;
        let last = self.whose.get_unlocked();
        self.whose.set_unlocked(lane);
        dawdle();
        let now = self.whose.get_unlocked();
        if now != lane {
            return Err(format!("lane {now} took its turn during lane {lane}'s").into());
        }
        self.whose.set_unlocked(NO_ONE);
        Ok(last != NO_ONE)
    }

    fn sit(&self, dawdle: impl Fn()) -> Fallible {
        match self.seats.try_acquire() {
            Ok(_seat) => dawdle(),
            Err(SemaphoreError::WouldBlock) => drop(self.seats.acquire()?),
            Err(other) => return Err(other.into()),
        }
        Ok(())
    }

    /// Gives one seat away, and makes another.
    fn renew_seat(&self, lane: usize) -> Fallible {
        let seat = self.seats.acquire()?;
        let _turn = self.turn.acquire()?; // one at a time: what is released is what was given away
        self.renewing.set_unlocked(lane, 1)?;
        seat.forget();
        self.seats.release(1)?;
        Ok(self.renewing.set_unlocked(lane, 0)?)
    }

    /// What a killed predecessor may have left undone: its seat came home, or was given away, or was given away and
    /// released.
    fn finish_renewing(&self, lane: usize) -> Fallible {
        if self.renewing.get_unlocked(lane)? == 0 {
            return Ok(());
        }
        let _turn = self.turn.acquire()?;
        match self.seats.release(1) {
            Ok(()) | Err(SemaphoreError::OverRelease { over: 1 }) => {
                Ok(self.renewing.set_unlocked(lane, 0)?)
            }
            Err(other) => Err(other.into()),
        }
    }

    fn signal(&self) -> Fallible {
        self.signals.release(1)?;
        // There is one for each who comes here: others hear mine, and I theirs.
        self.signals.acquire()?.forget();
        Ok(())
    }
}

impl Work for Turns {
    fn lanes(&self) -> usize {
        LANES
    }

    fn lane(&self, number: usize, board: Board) -> Process {
        Process::new(lane, (number, self.clone(), board))
    }

    fn judge(&self, tally: &Tally) -> Fallible {
        let turns = self.turn.value();
        if turns != 1 || self.turn.try_acquire().is_err() {
            return Err(format!("one turn, and {turns} of it at home").into());
        }
        let (seats, renewing) = (self.seats.value(), self.renewing.to_vec_unlocked());
        if seats != SEATS || renewing.contains(&1) {
            return Err(format!("{seats} of {SEATS} seats are at home ({renewing:?})").into());
        }
        let (left, most) = (u64::from(self.signals.value()), tally.kills);
        if left > most {
            return Err(format!("{left} signals were sent and not heard, in {most} deaths").into());
        }
        Ok(())
    }
}

/// A lane's process: moves until it is stopped, or killed.
fn lane(number: usize, turns: Turns, board: Board) -> Fallible {
    let mut line = board.line(number)?;
    let mut dice = Dice::new(line.moves() ^ (number as u64) << 32);
    turns.finish_renewing(number)?;
    while !line.is_stopped() {
        let dawdle = pace::dawdle(&mut dice, 200);
        match dice.below(6) {
            0 => turns.sit(dawdle)?,
            1 => turns.renew_seat(number)?,
            2 => turns.signal()?,
            _ => {
                if turns.take_turn(number, dawdle)? {
                    line.met_a_death();
                }
            }
        }
        line.moved();
    }
    Ok(())
}
