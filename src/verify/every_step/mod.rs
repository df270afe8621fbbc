//! A kill at every step: each lane of each base schedule is killed, by SIGKILL, before each of its steps,
//! while it sleeps, and after it was woken; and so is whoever repairs after it.
//!
//! What is judged: no lane is left asleep, none fails, and what each [`Subject`] claims of the end.

mod barrier;
mod byte_queue;
mod condition;
mod event;
mod guards;
mod pipe;
mod pool;
mod queue;
mod semaphore;
mod shareable_list;

use super::side_by_side::side_by_side;
use crate::explore::{Choice, ExploreError, Plan, Replay, Run, Schedule};

/// How much was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Base schedules.
    pub cases: usize,
    pub runs: usize,
    pub kills: usize,
}

/// A program whose lanes may be killed anywhere.
pub struct Subject {
    /// What it is about.
    pub primitive: &'static str,
    pub name: &'static str,
    lanes: usize,
    /// Runs it once for each plan.
    run: fn(&[Plan]) -> Result<Vec<Run>, ExploreError>,
}

/// Every subject.
fn all() -> impl Iterator<Item = &'static Subject> {
    [
        guards::SUBJECTS,
        semaphore::SUBJECTS,
        event::SUBJECTS,
        condition::SUBJECTS,
        barrier::SUBJECTS,
        pipe::SUBJECTS,
        pool::SUBJECTS,
        queue::SUBJECTS,
        byte_queue::SUBJECTS,
        shareable_list::SUBJECTS,
    ]
    .into_iter()
    .flatten()
}

/// The subjects that are about a primitive.
pub fn subjects(primitive: &str) -> impl Iterator<Item = &'static Subject> {
    all().filter(move |subject| subject.primitive == primitive)
}

/// What replay strings call this.
const SCENARIO: &str = "every-step";
/// So many runs share their processes.
const TOGETHER: usize = 500;

/// Runs a replay of this module's scenarios: `None` if it is of another.
///
/// # Errors
/// Text for a person: no such subject, or no run.
pub fn replay(replay: &Replay) -> Option<Result<Run, String>> {
    if replay.scenario != SCENARIO {
        return None;
    }
    let Some(subject) = all().find(|subject| subject.name == replay.arguments) else {
        return Some(Err(format!("there is no subject {:?}", replay.arguments)));
    };
    let runs = (subject.run)(&[Plan::Exactly(replay.schedule.clone())]);
    let run = runs.map(|mut runs| runs.swap_remove(0));
    Some(run.map_err(|error| error.to_string()))
}

/// Tries a kill at every step of one base schedule of a subject; and of those with a second kill, at any later step,
/// about so many, evenly chosen.
///
/// # Errors
/// What went wrong, with the trace and the schedule.
pub fn sweep(subject: &Subject, base: u64, twice: usize) -> Result<Tally, String> {
    let (name, lanes) = (subject.name, subject.lanes);
    let mut tally = Tally {
        cases: 1,
        ..Tally::default()
    };
    let plan = if base == 0 {
        crowd(lanes)
    } else {
        Plan::random(base, 400)
    };
    let calm = judge(name, &mut tally, (subject.run)(&[plan]))?;
    let killed = (subject.run)(&kills(&calm[0], lanes));
    let killed = judge(name, &mut tally, killed)?;
    if twice > 0 {
        // A second kill comes later: half of the pairs.
        let every = (killed.len() * killed.len() / 2).div_ceil(twice).max(1);
        let again = killed.iter().flat_map(|once| kills(once, lanes));
        let again: Vec<Plan> = again.step_by(every).collect();
        let portions = again.chunks(TOGETHER).collect();
        for runs in side_by_side(portions, |plans| (subject.run)(plans)) {
            judge(name, &mut tally, runs)?;
        }
    }
    if tally.kills == 0 {
        Err(format!("{name}: no lane was killed"))
    } else {
        Ok(tally)
    }
}

fn judge(
    name: &str,
    tally: &mut Tally,
    runs: Result<Vec<Run>, ExploreError>,
) -> Result<Vec<Run>, String> {
    let runs = runs.map_err(|error| format!("{name}: {error}"))?;
    tally.runs += runs.len();
    tally.kills += runs.iter().map(|run| run.kills).sum::<usize>();
    match runs.iter().find(|run| !run.is_well()) {
        Some(bad) => {
            let replay = Replay::new(SCENARIO, name, bad);
            Err(format!(
                "{name}: {}
{}forkproof replay {replay}",
                bad.ended, bad.trace
            ))
        }
        None => Ok(runs),
    }
}

/// Without the plans by which more than one is killed, for subjects whose living would rightly wait for two dead.
fn killed_once(plans: &[Plan]) -> Vec<Plan> {
    let kills = |plan: &&Plan| match plan {
        Plan::About(schedule) | Plan::Exactly(schedule) => {
            let choices = schedule.0.iter();
            choices
                .filter(|choice| matches!(choice, Choice::Kill(_)))
                .count()
        }
        Plan::Picks(_) => 0,
    };
    plans
        .iter()
        .filter(|plan| kills(plan) <= 1)
        .cloned()
        .collect()
}

/// The first lane goes until it holds the lock, the others until they sleep; then whoever can.
fn crowd(lanes: usize) -> Plan {
    let others = (1..lanes).flat_map(|lane| std::iter::repeat_n(Choice::Go(lane), 120));
    let first = std::iter::repeat_n(Choice::Go(0), 7);
    Plan::About(Schedule(first.chain(others).collect()))
}

/// The same run with one kill more: of each lane, before each choice behind the last kill.
fn kills(run: &Run, lanes: usize) -> Vec<Plan> {
    let choices = &run.schedule.0;
    let last = choices
        .iter()
        .rposition(|choice| matches!(choice, Choice::Kill(_)));
    let first = last.map_or(0, |last| last + 1);
    let mut plans = Vec::new();
    for at in first..choices.len() {
        for lane in 0..lanes {
            // A kill of a lane that moves later is the same kill wherever it stands before that move, but
            // for what the others see; so it is tried where the others have moved in between.
            let is_over = !choices[at..].iter().any(|choice| choice.lane() == lane);
            if !is_over {
                let mut choices = choices.clone();
                choices.insert(at, Choice::Kill(lane));
                plans.push(Plan::About(Schedule(choices)));
            }
        }
    }
    plans
}
