//! The lost append: a list in shared memory, an array and its length, to which lanes append without a lock, and its
//! twin with one, for the [hunt].
//!
//! Without the lock two lanes read the same length, write to the same place, and one item is lost.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::hunt::{self, Discipline, Hunted, Quarry, claim_an_order, parse_lanes, write_lanes};
use super::shared_list::{SharedList, item};
use crate::Array;
use crate::check::chain::Chain;
use crate::check::list::{Call, List, Return};
use crate::check::{Event, History};
use crate::explore::{ExploreError, Replay, Run, Stage};

/// Who does what. Its string, as in `/a,n/a`: each lane's calls (`a` append, `n` how many are there).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    pub discipline: Discipline,
    pub lanes: Vec<Vec<Step>>,
}

/// A call. Which item is appended follows from where it stands, so that each is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    Append,
    Len,
}

/// Looks for a lost append in at most `cases` generated scenarios and orders; then shrinks it.
///
/// # Errors
/// There was no run; or none was found, and then `Ok(Err(runs))`.
pub fn find(
    discipline: Discipline,
    cases: u32,
    seed: u64,
) -> Result<Hunted<Scenario>, ExploreError> {
    let step = prop_oneof![3 => Just(Step::Append), 1 => Just(Step::Len)];
    let lanes = vec(vec(step, 1..=3), 2..=3);
    let scenarios = lanes.prop_map(move |lanes| Scenario { discipline, lanes });
    hunt::find(scenarios, cases, seed)
}

/// Runs a replay of this module's scenarios: `None` if it is of another.
///
/// # Errors
/// Text for a person: arguments that are none, or no run.
pub fn replay(replay: &Replay) -> Option<Result<Run, String>> {
    let discipline = Discipline::of(&replay.scenario, name)?;
    Some(
        Scenario::parse(discipline, &replay.arguments).and_then(|scenario| {
            hunt::run_again(&scenario, replay).map_err(|error| error.to_string())
        }),
    )
}

fn name(discipline: Discipline) -> &'static str {
    match discipline {
        Discipline::Locked => "append-locked",
        Discipline::Unlocked => "append-unlocked",
    }
}

impl Quarry for Scenario {
    type Call = Step;

    fn scenario(&self) -> &'static str {
        name(self.discipline)
    }

    fn lanes(&mut self) -> &mut Vec<Vec<Step>> {
        &mut self.lanes
    }

    fn set_up(self, stage: &mut Stage) {
        let Scenario { discipline, lanes } = self;
        let list = SharedList::new(&[]).expect("memory for a list");
        stage.name("items", list.items());
        stage.name("length", list.length());
        let mut returns = Vec::new();
        for (number, steps) in lanes.iter().enumerate() {
            let calls = calls(number, steps);
            let lane = Array::from_slice(&vec![NOT_YET; calls.len()]).expect("memory for returns");
            stage.name(&format!("return {number}"), &lane);
            returns.push(lane.clone());
            let list = list.clone();
            stage.lane(&format!("lane {number}"), move |_| {
                for (index, &call) in calls.iter().enumerate() {
                    let returned = match discipline {
                        Discipline::Locked => list.perform(call, &|| ()),
                        Discipline::Unlocked => list.perform_unlocked(call, &|| ()),
                    };
                    let word = match returned.expect("no one dies in this scenario") {
                        Return::At(index) => index as i64,
                        Return::Len(len) => len as i64,
                    };
                    lane.set_unlocked(index, word)
                        .expect("a place for each return");
                }
            });
        }
        stage.finally(move |_| {
            let lanes = lanes.iter().enumerate().zip(&returns);
            let lanes = lanes.map(|((number, steps), returns)| {
                let events = calls(number, steps)
                    .into_iter()
                    .zip(returns.to_vec_unlocked());
                events
                    .map(|(call, word)| Event::<List>::new(call, returned(call, word)))
                    .collect()
            });
            let end = list.to_vec().into_iter().collect();
            claim_an_order(&History::of_lanes(Chain::new(), lanes.collect(), Some(end)));
        });
    }
}

const NOT_YET: i64 = -1;

fn returned(call: Call, word: i64) -> Option<Return> {
    let number = usize::try_from(word).ok()?; // NOT_YET
    Some(match call {
        Call::Append { .. } => Return::At(number),
        Call::Len => Return::Len(number),
    })
}

fn calls(lane: usize, steps: &[Step]) -> Vec<Call> {
    let steps = steps.iter().enumerate();
    steps
        .map(|(number, step)| match step {
            Step::Append => Call::Append {
                item: item(lane, number),
            },
            Step::Len => Call::Len,
        })
        .collect()
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_lanes(f, &self.lanes, |step| {
            match step {
                Step::Append => "a",
                Step::Len => "n",
            }
            .to_owned()
        })
    }
}

impl Scenario {
    /// Reads what `Display` writes.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(discipline: Discipline, text: &str) -> Result<Scenario, String> {
        let lanes = text.strip_prefix('/').ok_or("lanes stand behind slashes")?;
        let lanes = parse_lanes(lanes.split('/'), |call| match call {
            "a" => Ok(Step::Append),
            "n" => Ok(Step::Len),
            other => Err(format!("{other:?} is no call of a list")),
        })?;
        Ok(Scenario { discipline, lanes })
    }
}
