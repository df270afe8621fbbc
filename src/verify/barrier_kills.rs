//! Random kills of lanes that meet at a barrier, round after round; whoever finds it broken resets it.
//!
//! A lane may be killed on its way to the barrier, asleep at it, in its action, letting the others pass, breaking or
//! resetting it, and leaving.
//!
//! # What is judged
//! The lanes go on when the dead one is back: no one sleeps on at a barrier that a death has broken. The action counts
//! the rounds; in the end each lane has passed as many, but for those that deaths, and resets after them, have broken. One more,
//! killed in its wait, breaks it for who comes next.

use serde::{Deserialize, Serialize};

use super::crew::{Board, Tally, Work};
use super::waiter::killed_in_its_wait;
use super::{Fallible, pace, stuck};
use crate::explore::dice::Dice;
use crate::{Array, Barrier, BarrierError, Process, Value};

const LANES: usize = 3;

/// A barrier, and how often it was passed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Meetings {
    barrier: Barrier,
    /// Counted by the barrier's action.
    rounds: Value<u64>,
    /// Rounds that each lane has passed; written by the lane only.
    passed: Array<u64>,
}

impl Meetings {
    pub fn new() -> Fallible<Meetings> {
        let rounds = Value::new(0)?;
        Ok(Meetings {
            barrier: Barrier::with_action(LANES, count, rounds.clone())?,
            rounds,
            passed: Array::new(LANES)?,
        })
    }
}

impl Meetings {
    /// A waiter's death breaks it, for the next who comes too.
    fn judge_a_death(&self) -> Fallible {
        let waiter = Process::new(wait, (self.barrier.clone(),));
        killed_in_its_wait(waiter, || Ok(self.barrier.n_waiting() == 1))?;
        match self.barrier.wait_timeout(stuck::PATIENCE) {
            Err(BarrierError::Broken) => Ok(()),
            other => Err(format!("a waiter was killed, and the next one got {other:?}").into()),
        }
    }
}

fn wait(barrier: Barrier) -> Fallible {
    barrier.wait()?;
    Ok(())
}

/// One at a time acts.
fn count(rounds: Value<u64>) {
    rounds.set_unlocked(rounds.get_unlocked() + 1);
}

impl Work for Meetings {
    fn lanes(&self) -> usize {
        LANES
    }

    fn lane(&self, number: usize, board: Board) -> Process {
        Process::new(lane, (number, self.clone(), board))
    }

    /// If it was killed before it came, the others wait for it, and rightly.
    fn goes_on_without(&self, _lane: usize, _dead: &[usize]) -> bool {
        false
    }

    fn wind_up(&self) -> Fallible {
        Ok(self.barrier.abort()?)
    }

    fn judge(&self, tally: &Tally) -> Fallible {
        let rounds = self.rounds.get_unlocked();
        let passed = self.passed.to_vec_unlocked();
        // A round that was acted for, and was broken before it passed, is one less: by a death, by those who reset what
        // they have found broken and others have reset since, or in the end.
        let least = rounds.saturating_sub(LANES as u64 * (tally.kills + 1));
        if !passed
            .iter()
            .all(|passed| (least..=rounds).contains(passed))
        {
            return Err(format!(
                "of {rounds} rounds the lanes passed {passed:?}, with {} deaths",
                tally.kills
            )
            .into());
        }
        self.barrier.reset()?;
        if self.barrier.n_waiting() != 0 || self.barrier.broken() {
            return Err(format!("{:?}, though all have ended", self.barrier).into());
        }
        self.judge_a_death()
    }
}

fn lane(number: usize, meetings: Meetings, board: Board) -> Fallible {
    let Meetings {
        barrier, passed, ..
    } = meetings;
    let mut line = board.line(number)?;
    let mut passes = passed.get_unlocked(number)?;
    let mut dice = Dice::new(line.moves() ^ (number as u64) << 32);
    while !line.is_stopped() {
        match barrier.wait() {
            Ok(_) => {
                passes += 1;
                passed.set_unlocked(number, passes)?;
            }
            Err(BarrierError::Broken) => {
                line.met_a_death();
                // Only one that is still broken: another may have reset it, and come again.
                if !line.is_stopped() && barrier.broken() {
                    barrier.reset()?;
                }
            }
            Err(other) => return Err(other.into()),
        }
        line.moved();
        pace::spin(dice.below(200));
    }
    // Another may have reset it after it was aborted for the end, and not know yet that it is to end.
    Ok(barrier.abort()?)
}
