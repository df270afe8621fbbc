//! Two clients that meet at a barrier, round after round.

use super::{Facts, Objects};
use crate::manager::Kind;
use crate::verify::Fallible;
use crate::verify::crew::{Line, Tally};

pub fn meet(own: usize, objects: &Objects, facts: &Facts, line: &mut Line) -> Fallible {
    let barrier = &objects.meeting;
    while !line.is_stopped() {
        line.about_to("barrier.wait");
        match barrier.wait() {
            Ok(_) => {
                let passed = facts.passed.get_unlocked(own)?;
                facts.passed.set_unlocked(own, passed + 1)?;
            }
            Err(error) if error.kind() == Some(Kind::BrokenBarrierError) => {
                line.met_a_death();
                line.about_to("barrier.reset");
                // Only one that is still broken: the other may have reset it, and come again.
                if !line.is_stopped() && barrier.is_broken()? {
                    barrier.reset()?;
                }
            }
            Err(error) => return Err(error.into()),
        }
        line.moved();
    }
    // The other may have reset it after it was aborted for the end, and not know yet that it is to end.
    Ok(barrier.abort()?)
}

/// In the end.
pub fn judge(objects: &Objects, facts: &Facts, tally: &Tally) -> Fallible {
    if objects.meeting.count_waiting()? != 0 {
        return Err(format!("all have ended: {}", objects.meeting).into());
    }
    let passed = facts.passed.to_vec_unlocked();
    // Who is killed may have passed and not said so.
    if passed[0].abs_diff(passed[1]) > tally.kills + 1 {
        return Err(format!("{passed:?} rounds were passed, with {} deaths", tally.kills).into());
    }
    Ok(())
}
