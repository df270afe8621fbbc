//! Single runs of a program under control, by a plan.
//!
//! # What a pass proves
//! That this schedule leads to no failure. Every access is in the order in which it was granted (sequential
//! consistency): memory orderings are for the loom models.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::apart::{self, ExploreError, Task};
use super::engine::{Course, Explorer, Trouble};
use super::run::Run;
use super::schedule::Plan;
use super::stage::Stage;

/// Runs a scenario once.
///
/// ```
/// use forkproof::Value;
/// use forkproof::explore::{Ended, Plan, Stage, run};
///
/// fn two_deposits(stage: &mut Stage, opening: i32) {
///     let balance = Value::new(opening).unwrap();
///     stage.name("balance", &balance);
///     for name in ["first", "second"] {
///         let balance = balance.clone();
///         stage.lane(name, move |_| {
///             let seen = balance.get_unlocked();
///             balance.set_unlocked(seen + 1);
///         });
///     }
///     stage.finally(move |_| assert_eq!(balance.get_unlocked(), opening + 2));
/// }
///
/// // One after the other:
/// assert!(run(two_deposits, &200, Plan::Picks(vec![])).unwrap().is_well());
/// // The second reads before the first has written:
/// let lost = run(two_deposits, &200, Plan::About("ab2a2b".parse().unwrap())).unwrap();
/// assert!(matches!(lost.ended, Ended::Panicked { .. }));
/// print!("{}", lost.trace);
/// // The same again:
/// let again = run(two_deposits, &200, Plan::Exactly(lost.schedule.clone())).unwrap();
/// assert_eq!(again, lost);
/// ```
///
/// # Errors
/// [`ExploreError`]: there was no run. What a run finds is in [`Run::ended`].
pub fn run<A, F>(set_up: F, arguments: &A, plan: Plan) -> Result<Run, ExploreError>
where
    A: Serialize + DeserializeOwned + 'static,
    F: Fn(&mut Stage, A) + Copy + 'static,
{
    let runs = followed(set_up, arguments, &[plan], true)?;
    runs.into_iter()
        .next()
        .ok_or_else(|| ExploreError::Explorer("it made no run".to_owned()))
}

/// Runs a scenario once for each plan, each time as its set-up left it. Runs that go well are told without events,
/// unless the plan is a replay ([`Plan::Exactly`]).
///
/// # Errors
/// As [`run`].
pub fn run_all<A, F>(set_up: F, arguments: &A, plans: &[Plan]) -> Result<Vec<Run>, ExploreError>
where
    A: Serialize + DeserializeOwned + 'static,
    F: Fn(&mut Stage, A) + Copy + 'static,
{
    followed(set_up, arguments, plans, false)
}

fn followed<A, F>(
    set_up: F,
    arguments: &A,
    plans: &[Plan],
    in_full: bool,
) -> Result<Vec<Run>, ExploreError>
where
    A: Serialize + DeserializeOwned + 'static,
    F: Fn(&mut Stage, A) + Copy + 'static,
{
    let plans = plans.to_vec();
    apart::explore(set_up, arguments, Plans { plans, in_full })
}

/// A run for each plan.
#[derive(Serialize, Deserialize)]
struct Plans {
    plans: Vec<Plan>,
    /// Also the events of those that go well.
    in_full: bool,
}

impl Task for Plans {
    type Answer = Vec<Run>;

    fn run(&self, explorer: &mut Explorer) -> Result<Vec<Run>, Trouble> {
        let follow = |plan: &Plan| {
            let in_full = self.in_full || matches!(plan, Plan::Exactly(_));
            let told = explorer.run(&|course: &mut Course| course.follow(plan), in_full)?;
            Ok(told.run)
        };
        self.plans.iter().map(follow).collect()
    }
}
