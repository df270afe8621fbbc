//! Two clients that meet at a barrier, round after round.

use super::{Facts, Objects};
use crate::Process;
use crate::manager::{BarrierProxy, Kind};
use crate::verify::Fallible;
use crate::verify::crew::{Line, Tally};
use crate::verify::waiter::killed_in_its_wait;

pub fn meet(own: usize, objects: &Objects, facts: &Facts, line: &mut Line) -> Fallible {
    let barrier = &objects.meeting;
    while !line.is_stopped() {
        facts
            .came
            .set_unlocked(own, facts.came.get_unlocked(own)? + 1)?;
        line.about_to("barrier.wait");
        match barrier.wait() {
            Ok(_) => {
                let passed = facts.passed.get_unlocked(own)? + 1;
                facts.passed.set_unlocked(own, passed)?;
                // Each time with the other one, and with one that is dead only if that came for it.
                let came = facts.came.get_unlocked(1 - own)?;
                if passed > came {
                    return Err(
                        format!("{own} passed {passed} times, the other came {came}").into(),
                    );
                }
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
    judge_a_death(&objects.meeting)
}

/// A waiter's death breaks it.
fn judge_a_death(barrier: &BarrierProxy) -> Fallible {
    barrier.reset()?;
    let waiter = Process::new(wait, (barrier.clone(),));
    killed_in_its_wait(waiter, || Ok(barrier.count_waiting()? == 1))?;
    // Who has seen it end, and asks then, finds its end dealt with.
    match (barrier.is_broken()?, barrier.count_waiting()?) {
        (true, 0) => Ok(()),
        _ => Err(format!("a waiter was killed: {barrier}").into()),
    }
}

fn wait(barrier: BarrierProxy) -> Fallible {
    barrier.wait()?;
    Ok(())
}
