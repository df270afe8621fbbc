//! The checks, and the table that tells which rests on what.
//!
//! [`CHECKS`] are the rows: a primitive, a technique, and a function that does the work within a [`Budget`] and
//! tells how far it has got. `cargo test` calls the same functions with smaller budgets.

mod accounts;
mod apart;
mod appends;
mod bank;
mod barrier_kills;
mod bounded_semaphore_kills;
mod bugs;
mod census;
mod condition_kills;
mod crew;
mod deaths;
mod event_kills;
mod every_step;
mod giving_up;
mod hostile;
pub mod hunt;
mod joinable_queue_kills;
mod kills;
mod ledger;
mod leftovers;
pub mod lost_append;
pub mod lost_update;
mod maker_kills;
mod manager_kills;
mod merge;
mod models;
mod pace;
mod pair;
mod pipe_kills;
mod pool_kills;
mod programs;
mod progress;
mod queue_kills;
mod report;
mod rows;
mod run;
mod scenario;
pub mod scenes;
mod schedules;
mod semaphore_kills;
mod server_kills;
mod shareable_list_kills;
mod shared_list;
mod shared_memory_kills;
mod side_by_side;
mod starts;
pub mod stuck;
mod table;
mod tree_kills;
mod turn;
mod tutorials;
mod waiter;

pub use merge::{NotShards, merge};
pub use progress::{Progress, Screen};
pub use report::{Budget, Check, Fallible, Report, Size, Technique, Verdict};
pub use rows::CHECKS;
pub use run::{report, run};
pub use table::{Row, Table};

pub use crate::explore::search::Shard;
use crate::explore::{Replay, Run};
use crate::tutorial::outcomes;

/// Replays a run of one of the scenarios here.
///
/// # Errors
/// Text for a person: no replay string, no such scenario, or a program that has changed since.
pub fn replay(text: &str) -> Result<Run, String> {
    let replay: Replay = text.parse().map_err(|error| format!("{error}"))?;
    let run = lost_update::replay(&replay)
        .or_else(|| lost_append::replay(&replay))
        .or_else(|| every_step::replay(&replay))
        .or_else(|| scenes::replay(&replay))
        .or_else(|| outcomes::replay(&replay).map(|run| run.map_err(|error| error.to_string())))
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
