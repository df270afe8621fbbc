//! The process that traces: it has one thread, so that it may fork, and no other test beside it.

use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use forkproof::{Lock, LockError, Pipe, Process, Sender};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::stuck;
use super::tracee::Tracee;

/// What a boss tells.
#[derive(Debug, Serialize, Deserialize)]
pub enum News<T> {
    /// What it is at.
    At(String),
    Found(T),
    /// ptrace(2) is not to be had: why.
    Refused(String),
    Failed(String),
    Done,
}

/// What came of a boss's work.
#[derive(Debug, Serialize, Deserialize)]
pub enum Outcome<T> {
    Found(Vec<T>),
    /// Nothing was tried: ptrace(2) is refused here, and why.
    Refused(String),
}

impl<T> Outcome<T> {
    /// `None` if nothing was tried, which is said where a passing test's reader sees it.
    pub fn or_say(self, what: &str) -> Option<Vec<T>> {
        match self {
            Outcome::Found(all) => Some(all),
            Outcome::Refused(why) => {
                let text = format!("{what}: nothing was tried: ptrace: {why}\n");
                // Past the capture of a passing test: whoever reads must know.
                let told = std::io::stderr().write_all(text.as_bytes());
                told.expect("a standard error to say so");
                None
            }
        }
    }
}

/// Starts a boss, and hears what it finds to its end.
///
/// # Errors
/// What went wrong, or who hung where.
pub fn hear<T: Serialize + DeserializeOwned>(
    name: &str,
    boss: impl FnOnce(Sender<News<T>>) -> Process,
) -> Result<Outcome<T>, String> {
    let fail = |error: &dyn Display| format!("{name}: {error}");
    let (news, teller) = Pipe::one_way::<News<T>>().map_err(|error| fail(&error))?;
    let process = boss(teller).named(name);
    process.start().map_err(|error| fail(&error))?;
    let (mut found, mut at) = (Vec::new(), String::from("its start"));
    let outcome = loop {
        match news.poll(stuck::PATIENCE) {
            Ok(true) => {}
            Ok(false) => {
                let family = process.pid().map(|pid| stuck::family(name, pid));
                let text = stuck::describe(&at, &family.unwrap_or_default());
                process.kill().map_err(|error| fail(&error))?;
                break Err(text);
            }
            Err(error) => break Err(fail(&error)),
        }
        match news.recv() {
            Ok(News::At(place)) => at = place,
            Ok(News::Found(one)) => found.push(one),
            Ok(News::Refused(why)) => break Ok(Outcome::Refused(why)),
            Ok(News::Failed(why)) => break Err(why),
            Ok(News::Done) => break Ok(Outcome::Found(found)),
            Err(error) => break Err(format!("{name}: {error}, after {at}")),
        }
    };
    match process.join_timeout(Duration::MAX) {
        Ok(_) => outcome,
        Err(error) => Err(fail(&error)),
    }
}

/// The boss's side: works, on one core, if there is leave to trace.
pub fn work<T: Serialize + DeserializeOwned>(
    teller: &Sender<News<T>>,
    work: impl FnOnce(&dyn Fn(News<T>)) -> Result<(), String>,
) {
    let tell = |news| teller.send(&news).expect("someone listens");
    if let Err(refused) = Tracee::start(|| ()).and_then(Tracee::kill) {
        return tell(News::Refused(refused.to_string()));
    }
    spin_as_on_all_cores();
    forkproof::sys::fork::stay_on_this_core().expect("a core to stay on");
    match work(&tell) {
        Ok(()) => tell(News::Done),
        Err(why) => tell(News::Failed(why)),
    }
}

/// How long a lock spins is decided once, by the cores that there are: decided here, before this process and its
/// children stay on one.
fn spin_as_on_all_cores() {
    let lock = Lock::new().expect("memory for a lock");
    let _held = lock.lock();
    assert!(matches!(lock.lock(), Err(LockError::AlreadyHeld)));
}
