//! A case from its first moment to its last: the victim is killed at each of them.
//!
//! The first run leads the victim to the end of its operation and looks at what would remain at every moment. Then
//! each moment has a run of its own, in which the victim is killed there.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::remains::Remains;
use crate::run::{Pace, run};
use crate::stage::{Bell, Stage};
use crate::subjects::Case;

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
    pub is_quiet: bool,
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

/// Kills the victim of a case at each moment. `killed` is told before each.
///
/// # Errors
/// What went wrong, and at which moment.
pub fn sweep(
    case: &Case,
    bell: &Bell,
    by: By,
    mut killed: impl FnMut(usize),
) -> Result<Swept, String> {
    let name = format!("{}: {}", case.primitive, case.name);
    let mut once = |pace, kill_at, seen: &mut dyn FnMut(usize, Remains, Option<u64>)| {
        killed(kill_at);
        run(case.set_up, Stage::new(bell.clone()), pace, kill_at, seen)
            .map_err(|why| format!("{name}, killed at moment {kill_at}: {why}"))
    };
    let (mut remains, mut route, mut last) = (BTreeSet::new(), Vec::new(), None);
    let mut first = |_, seen: Remains, next| {
        route.push(next);
        if last.as_ref() != Some(&seen) {
            remains.insert(seen.clone());
            last = Some(seen);
        }
    };
    let walk = match by {
        By::Instruction => Pace::Instruction,
        #[cfg(feature = "harness")]
        By::Step => Pace::Step,
    };
    let whole = once(walk, usize::MAX, &mut first)?;
    let (mut kills, mut asleep) = (1, usize::from(whole.asleep));
    let pace = match by {
        By::Instruction => Pace::Leap(&route),
        #[cfg(feature = "harness")]
        By::Step => Pace::Step,
    };
    for moment in 0..whole.moments {
        let ran = once(pace, moment, &mut |at, seen, _| {
            if at == moment {
                remains.insert(seen);
            }
        })?;
        kills += 1;
        asleep += usize::from(ran.asleep);
    }
    Ok(Swept {
        case: name,
        is_quiet: case.is_quiet,
        moments: whole.moments,
        kills,
        asleep,
        remains,
    })
}
