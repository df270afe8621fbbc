//! One who is known to wait when it is killed. Of those who are killed at random no one can say whether they did.

use std::time::Instant;

use super::{Fallible, stuck};
use crate::Process;

/// Starts it, and kills it as soon as it waits.
///
/// # Errors
/// Those of `waits`; it does not come to wait, or ends by itself.
pub fn killed_in_its_wait(waiter: Process, waits: impl Fn() -> Fallible<bool>) -> Fallible {
    let waiter = waiter.daemon(true);
    waiter.start()?;
    let deadline = Instant::now() + stuck::PATIENCE;
    let waited = loop {
        match waits() {
            Ok(false) if Instant::now() < deadline => std::thread::yield_now(),
            waited => break waited,
        }
    };
    let code = waiter.kill().and_then(|()| waiter.join())?;
    match (waited?, code) {
        (true, -9) => Ok(()),
        (false, _) => Err("one who is to be killed does not come to wait".into()),
        (true, code) => Err(format!("it ended with {code}, and did not wait").into()),
    }
}
