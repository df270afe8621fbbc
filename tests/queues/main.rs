//! Queues between processes. Nothing here sleeps: children and tests meet in queues.

mod bytes;
mod deaths;
mod handles;
mod items;
mod limits;
mod tasks;
mod waits;

use std::time::Duration;

use forkproof::process::{Argument, Target};
use forkproof::{Process, Result};

const NOW: Duration = Duration::ZERO;
/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

fn start<F: Target<Args>, Args: Argument>(target: F, args: Args) -> Result<Process> {
    let child = Process::new(target, args);
    child.start()?;
    Ok(child)
}
