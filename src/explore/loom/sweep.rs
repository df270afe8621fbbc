//! A search for each way in which lanes can be killed.

use super::stage::{Nth, Setting, Tally};

/// A lane that takes more steps in an execution is taken for one without an end.
pub const STEPS_MAX: u32 = 500;

/// What came of the searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swept {
    /// All were made.
    Whole(Tally),
    /// The caller had seen enough.
    Stopped,
    /// A lane takes more than [`STEPS_MAX`] steps.
    Endless { lane: u32 },
}

/// Has `search` search the setting with each victim killed before each of its steps, two victims in all pairs, and so
/// on; once, if there are no victims. `None` from it ends the sweep.
pub fn with_each_killed(
    setting: Setting,
    victims: &[u32],
    search: &mut impl FnMut(&Setting) -> Option<Tally>,
) -> Swept {
    let Some((&lane, others)) = victims.split_first() else {
        return search(&setting).map_or(Swept::Stopped, Swept::Whole);
    };
    let mut all = Tally::default();
    for nth in 1..=STEPS_MAX {
        let mut doomed = setting.clone();
        doomed.kills.push(Nth { lane, nth });
        let tally = match with_each_killed(doomed, others, search) {
            Swept::Whole(tally) => tally,
            ended => return ended,
        };
        all += tally;
        if tally.deaths_of[lane as usize] == 0 {
            return Swept::Whole(all); // no execution is that long
        }
    }
    Swept::Endless { lane }
}
