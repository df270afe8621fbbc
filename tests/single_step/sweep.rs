//! A case from its first moment to its last: the victim is killed at each of them.
//!
//! The first run leads the victim to the end of its operation and looks at what would remain at every moment. Then
//! each moment has a run of its own, in which the victim is killed there; where the company is awake, some of them.
//! A loop that changes nothing (a spin) is killed at each of its instructions in two rounds. With
//! `FORKPROOF_EVERY_INSTRUCTION` set to anything it is killed in all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::remains::Remains;
use crate::run::{Pace, run};
use crate::stage::{Bell, Stage};
use crate::subjects::Case;

/// No two runs are alike whose company is awake, so their moments are no particular places: so many are tried of them.
const AWAKE_KILLS: usize = 400;

/// Set, a loop that changes nothing is tried in all its rounds.
const EVERY: &str = "FORKPROOF_EVERY_INSTRUCTION";

/// Of a loop that changes nothing so many rounds are tried.
const ROUNDS: usize = 2;

/// A moment that never comes: the victim is killed when its operation has ended.
const END: usize = usize::MAX;

/// How often the victim has come by each instruction since something changed.
struct Passes {
    since_change: BTreeMap<Option<u64>, usize>,
    is_tried: Vec<bool>,
}

impl Passes {
    fn new() -> Passes {
        Passes {
            since_change: BTreeMap::new(),
            is_tried: Vec::new(),
        }
    }

    fn change(&mut self) {
        self.since_change.clear();
    }

    fn note(&mut self, next: Option<u64>) {
        let passes = self.since_change.entry(next).or_default();
        *passes += 1;
        self.is_tried.push(*passes <= ROUNDS);
    }

    fn is_tried(&self, moment: usize) -> bool {
        self.is_tried.get(moment).is_none_or(|tried| *tried)
    }
}

/// Where a victim may be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    /// After each instruction.
    Instruction,
    /// Before each step that the library reports.
    #[cfg(feature = "harness")]
    Step,
}

/// What came of a case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Swept {
    pub case: String,
    /// Whether what remains is the same in each run.
    pub is_compared: bool,
    /// Of the run that was not cut short.
    pub moments: usize,
    pub kills: usize,
    /// Kills in a sleep.
    pub asleep: usize,
    /// All that can remain of the victim.
    pub remains: BTreeSet<Remains>,
}

impl fmt::Display for Swept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (case, kills, asleep) = (&self.case, self.kills, self.asleep);
        let remains = self.remains.len();
        write!(
            f,
            "{case}: {kills} kills, {asleep} of them asleep; {remains} remains"
        )
    }
}

/// Kills the victim of a case at each moment. `told` hears before each how many kills there were, and
/// when the next is.
///
/// # Errors
/// What went wrong, and at which moment.
pub fn sweep(
    case: &Case,
    bell: &Bell,
    by: By,
    mut told: impl FnMut(usize, &str),
) -> Result<Swept, String> {
    let name = format!("{}: {}", case.primitive, case.name);
    let mut kills = 0;
    let mut once = |pace, kill_at, seen: &mut dyn FnMut(usize, Remains, Option<u64>)| {
        let when = match kill_at {
            END => "at its end".to_owned(),
            moment => format!("at moment {moment}"),
        };
        told(kills, &when);
        kills += 1;
        run(case.set_up, Stage::new(bell.clone()), pace, kill_at, seen)
            .map_err(|why| format!("{name}: kill {kills}, {when}: {why}"))
    };
    let (mut remains, mut last) = (BTreeSet::new(), None);
    let (mut route, mut passes) = (Vec::new(), Passes::new());
    let mut first = |_, seen: Remains, next| {
        route.push(next);
        if last.as_ref() != Some(&seen) {
            remains.insert(seen.clone());
            last = Some(seen);
            passes.change();
        }
        passes.note(next);
    };
    let walk = match by {
        By::Instruction => Pace::Instruction,
        #[cfg(feature = "harness")]
        By::Step => Pace::Step,
    };
    let whole = once(walk, END, &mut first)?;
    let mut asleep = usize::from(whole.asleep);
    let pace = match by {
        By::Instruction => Pace::Leap(&route),
        #[cfg(feature = "harness")]
        By::Step => Pace::Step,
    };
    let stride = if case.is_quiet {
        1
    } else {
        whole.moments.div_ceil(AWAKE_KILLS)
    };
    let tries_all = std::env::var_os(EVERY).is_some();
    let is_tried = |moment: &usize| tries_all || passes.is_tried(*moment);
    for moment in (0..whole.moments).filter(is_tried).step_by(stride) {
        let ran = once(pace, moment, &mut |at, seen, _| {
            if at == moment {
                remains.insert(seen);
            }
        })?;
        asleep += usize::from(ran.asleep);
    }
    Ok(Swept {
        case: name,
        is_compared: case.is_quiet && remains.iter().all(Remains::is_of_something),
        moments: whole.moments,
        kills,
        asleep,
        remains,
    })
}
