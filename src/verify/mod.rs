//! The table: which check rests on what.

pub mod every_step;
pub mod lost_update;

use crate::explore::{Replay, Run};

/// Replays a run of one of the scenarios here.
///
/// # Errors
/// Text for a person: no replay string, no such scenario, or a program that has changed since.
pub fn replay(text: &str) -> Result<Run, String> {
    let replay: Replay = text.parse().map_err(|error| format!("{error}"))?;
    let run = lost_update::replay(&replay)
        .or_else(|| every_step::replay(&replay))
        .unwrap_or_else(|| Err(format!("there is no scenario {:?}", replay.scenario)))?;
    if replay.is_of(&run) {
        Ok(run)
    } else {
        Err(format!(
            "the program has changed since this string was made; now the run is\n{}",
            run.trace
        ))
    }
}
