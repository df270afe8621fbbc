//! Random kills of lanes that work on a [pair](super::pair).
//!
//! A lane may be killed while it holds the lock, while it sleeps for it, and between any two of the instructions
//! that take it or give it back.
//!
//! # What is judged
//! Whoever takes the lock finds the pair whole, or is told that its owner died. In the end there were as many moves
//! as the lanes count, or, for each death, one more.

use super::crew::{Board, Tally, Work};
use super::pair::{Found, Guard, SharedPair, Then};
use super::{Fallible, pace};
use crate::Process;
use crate::explore::dice::Dice;

const LANES: usize = 3;

/// Moves between two numbers under a lock.
pub struct Moves {
    pair: SharedPair,
}

impl Moves {
    pub fn new(guard: Guard) -> Fallible<Moves> {
        Ok(Moves {
            pair: SharedPair::new(guard)?,
        })
    }
}

impl Work for Moves {
    fn lanes(&self) -> usize {
        LANES
    }

    fn lane(&self, number: usize, board: Board) -> Process {
        Process::new(lane, (number, self.pair.clone(), board))
    }

    fn judge(&self, tally: &Tally) -> Fallible {
        let (pair, _) = self.pair.look()?;
        let least = tally.moves;
        let most = least + tally.kills;
        let moves = pair.moves as u64;
        if !(least..=most).contains(&moves) {
            return Err(format!(
                "the lanes made {least} moves and were killed {} times, so there should be {least} to {most} in \
                 the pair: {pair:?}",
                tally.kills
            ).into());
        }
        Ok(())
    }
}

/// A lane's process: moves until it is stopped, or killed.
fn lane(number: usize, pair: SharedPair, board: Board) -> Fallible {
    let mut line = board.line(number)?;
    let mut dice = Dice::new(line.moves() ^ (number as u64) << 32);
    while !line.is_stopped() {
        let amount = dice.below(9) as i64;
        let found = pair.shift(amount, pace::dawdle(&mut dice, 200), Then::Mend);
        if found? == Found::OwnerDied {
            line.met_a_death();
        }
        line.moved();
        pace::dawdle(&mut dice, 100)();
    }
    Ok(())
}
