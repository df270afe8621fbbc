//! Two clients that take turns, and wait at a condition for the other's.

use super::{Facts, Objects};
use crate::manager::{Acquired, ConditionProxy};
use crate::verify::crew::{Line, Tally};
use crate::verify::{Fallible, stuck};

pub fn take(own: usize, objects: &Objects, facts: &Facts, line: &mut Line) -> Fallible {
    let turn = &objects.turn;
    while !line.is_stopped() {
        line.about_to("condition.acquire");
        mend(turn, turn.acquire()?, line)?;
        while facts.turns.get_unlocked() % 2 != own as u64 && !line.is_stopped() {
            line.about_to("condition.wait");
            mend(turn, turn.wait()?.acquired, line)?;
        }
        facts.turns.set_unlocked(facts.turns.get_unlocked() + 1);
        line.about_to("condition.notify");
        turn.notify(1)?;
        line.about_to("condition.release");
        turn.release()?;
        line.moved();
    }
    Ok(())
}

/// With the lock: one that died with it may not have said that it had its turn.
fn mend(turn: &ConditionProxy, acquired: Acquired, line: &mut Line) -> Fallible {
    if acquired == Acquired::OwnerDied {
        line.met_a_death();
        turn.notify_all()?;
    }
    Ok(())
}

/// Those who wait see that they are to end.
pub fn wake(turn: &ConditionProxy) -> Fallible {
    if turn.acquire_timeout(stuck::PATIENCE)?.is_none() {
        return Err("the condition's lock does not come".into());
    }
    turn.notify_all()?;
    Ok(turn.release()?)
}

/// In the end.
pub fn judge(objects: &Objects, facts: &Facts, tally: &Tally) -> Fallible {
    if objects.turn.try_acquire()?.is_none() {
        return Err("the condition's lock is held, though all have ended".into());
    }
    // As text it says how many wait.
    let text = objects.turn.to_string();
    if !text.ends_with(", 0)>") {
        return Err(format!("all have ended, and {text} is waited at").into());
    }
    let turns = facts.turns.get_unlocked();
    if turns > tally.moves + tally.kills {
        let (moves, kills) = (tally.moves, tally.kills);
        return Err(format!("{turns} turns in {moves} moves and {kills} deaths").into());
    }
    Ok(())
}
