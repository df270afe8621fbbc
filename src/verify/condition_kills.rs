//! Random kills of lanes that wait for each other's goods: two produce, two consume, in a store with little room.
//!
//! A lane may be killed with the lock in its hands, asleep, notified and on its way to the lock, notifying, or passing
//! on what a dead one was told.
//!
//! # What is judged
//! There are never fewer goods than none, nor more than there is room for. After each death the others go on: a
//! notification that a dead lane took along would leave a producer and a consumer asleep. In the end as much was
//! produced and consumed as the lanes count, or, for each death, one more.

use serde::{Deserialize, Serialize};

use super::crew::{Board, Line, Tally, Work};
use super::{Fallible, pace};
use crate::explore::dice::Dice;
use crate::{Condition, ConditionError, ConditionGuard, LockError, Process, RLock, Value};

const LANES: usize = 4;
const ROOM: u64 = 2;

/// A store, and who waits at it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Store {
    not_full: Condition,
    not_empty: Condition,
    /// Both counts only grow, under the lock, by one store each.
    produced: Value<u64>,
    consumed: Value<u64>,
}

impl Store {
    pub fn new() -> Fallible<Store> {
        let lock = RLock::new()?;
        Ok(Store {
            not_full: Condition::with_rlock(lock.clone())?,
            not_empty: Condition::with_rlock(lock)?,
            produced: Value::new(0)?,
            consumed: Value::new(0)?,
        })
    }

    /// Under the lock.
    fn goods(&self) -> Fallible<u64> {
        let (produced, consumed) = (self.produced.get_unlocked(), self.consumed.get_unlocked());
        match produced.checked_sub(consumed) {
            Some(goods) if goods <= ROOM => Ok(goods),
            _ => Err(
                format!("{produced} produced and {consumed} consumed, with room for {ROOM}").into(),
            ),
        }
    }

    /// An owner died: whole as the counts are, it may not have said what it did.
    fn mend(&self, held: &ConditionGuard<'_>) -> Fallible {
        held.mark_consistent();
        tell(&self.not_full, usize::MAX)?;
        tell(&self.not_empty, usize::MAX)
    }

    /// Takes the lock by way of one of the conditions.
    fn enter<'a>(&self, condition: &'a Condition, line: &mut Line) -> Fallible<ConditionGuard<'a>> {
        match condition.lock() {
            Ok(held) => Ok(held),
            Err(LockError::OwnerDied(held)) => {
                line.met_a_death();
                self.mend(&held)?;
                Ok(held)
            }
            Err(other) => Err(other.failure().into()),
        }
    }

    fn wait<'a>(&self, held: ConditionGuard<'a>, line: &mut Line) -> Fallible<ConditionGuard<'a>> {
        match held.wait() {
            Ok(held) => Ok(held),
            Err(ConditionError::OwnerDied(held)) => {
                line.met_a_death();
                self.mend(&held)?;
                Ok(held)
            }
            Err(other) => Err(other.failure().into()),
        }
    }
}

impl Work for Store {
    fn lanes(&self) -> usize {
        LANES
    }

    fn lane(&self, number: usize, board: Board) -> Process {
        Process::new(lane, (number, self.clone(), board))
    }

    /// Someone must produce for those who consume, and the other way round.
    fn goes_on_without(&self, lane: usize, dead: &[usize]) -> bool {
        (0..LANES).any(|other| other % 2 != lane % 2 && !dead.contains(&other))
    }

    fn wind_up(&self) -> Fallible {
        let held = match self.not_full.lock() {
            Ok(held) => held,
            Err(LockError::OwnerDied(held)) => {
                held.mark_consistent();
                held
            }
            Err(other) => return Err(other.failure().into()),
        };
        held.notify_all();
        tell(&self.not_empty, usize::MAX)
    }

    fn judge(&self, tally: &Tally) -> Fallible {
        let held = self.not_full.lock().map_err(|error| error.failure())?;
        let waiters = (self.not_full.waiters(), self.not_empty.waiters());
        if waiters != (0, 0) {
            return Err(format!("{waiters:?} wait, though all have ended").into());
        }
        self.goods()?;
        drop(held);
        let moved = self.produced.get_unlocked() + self.consumed.get_unlocked();
        let (least, most) = (tally.moves, tally.moves + tally.kills);
        if (least..=most).contains(&moved) {
            Ok(())
        } else {
            Err(format!("{moved} goods were moved, and the lanes count {least} to {most}").into())
        }
    }
}

/// With the lock held already.
fn tell(condition: &Condition, count: usize) -> Fallible {
    let held = condition.lock().map_err(|error| error.failure())?;
    held.notify(count);
    Ok(())
}

fn lane(number: usize, store: Store, board: Board) -> Fallible {
    let mut line = board.line(number)?;
    let mut dice = Dice::new(line.moves() ^ (number as u64) << 32);
    let produces = number.is_multiple_of(2);
    let (own, other, count, unfit) = if produces {
        (&store.not_full, &store.not_empty, &store.produced, ROOM)
    } else {
        (&store.not_empty, &store.not_full, &store.consumed, 0)
    };
    while !line.is_stopped() {
        let mut held = store.enter(own, &mut line)?;
        while store.goods()? == unfit && !line.is_stopped() {
            held = store.wait(held, &mut line)?;
        }
        if line.is_stopped() {
            break;
        }
        count.set_unlocked(count.get_unlocked() + 1);
        tell(other, 1)?;
        drop(held);
        line.moved();
        pace::spin(dice.below(100));
    }
    Ok(())
}
