//! Random kills of lanes that acquire and release permits.
//!
//! A lane takes turns with the others (a semaphore of one), and sends and hears signals (a semaphore of none, which
//! comes to hold more than it has places for). It may be killed with a permit in its hands, asleep for one, and between
//! any two of the instructions that take it, give it back, give it away or release it.
//!
//! # What is judged
//! One at a time has the turn; whoever gets it after a death goes on at once. In the end the turn is at
//! home, and no more signals are left than deaths could leave.

use serde::{Deserialize, Serialize};

use super::crew::{Board, Tally, Work};
use super::{Fallible, pace};
use crate::explore::dice::Dice;
use crate::{Process, Semaphore, Value};

const LANES: usize = 4;
/// Whose turn it is: no one's.
const NO_ONE: usize = usize::MAX;

/// Permits of two kinds.
#[derive(Clone, Serialize, Deserialize)]
pub struct Turns {
    turn: Semaphore,
    /// Who has it; written by that one only.
    whose: Value<usize>,
    signals: Semaphore,
}

impl Turns {
    pub fn new() -> Fallible<Turns> {
        Ok(Turns {
            turn: Semaphore::new(1)?,
            whose: Value::new(NO_ONE)?,
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
    while !line.is_stopped() {
        let dawdle = pace::dawdle(&mut dice, 200);
        match dice.below(4) {
            0 => turns.signal()?,
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
