//! The process in which a primitive's cases run: it has one thread, so that it may fork, and no other test beside it.

use std::time::Duration;

use forkproof::{Lock, LockError, Pipe, Process, Sender};
use serde::{Deserialize, Serialize};

use crate::stage::Bell;
use crate::stuck;
use crate::subjects;
use crate::sweep::{By, Swept, sweep};
use crate::tracee::Tracee;

/// What a boss tells.
#[derive(Debug, Serialize, Deserialize)]
enum News {
    /// The case that it is at, how often it has killed in it, and when it kills next.
    At(String, usize, String),
    Swept(Box<Swept>),
    /// ptrace(2) is not to be had: why.
    Refused(String),
    Failed(String),
    Done,
}

/// What came of a primitive's cases.
#[derive(Debug, Serialize, Deserialize)]
pub enum Outcome {
    Swept(Vec<Swept>),
    /// Nothing was tried: ptrace(2) is refused here, and why.
    Refused(String),
}

/// Runs the cases of a primitive in a process of their own.
///
/// # Errors
/// What went wrong, or who hung where.
pub fn all(primitive: &str, by: By) -> Result<Outcome, String> {
    let fail = |error: &dyn std::fmt::Display| format!("{primitive}: {error}");
    let (news, teller) = Pipe::one_way::<News>().map_err(|error| fail(&error))?;
    let process = Process::new(boss, (primitive.to_owned(), by, teller)).named(primitive);
    process.start().map_err(|error| fail(&error))?;
    let (mut swept, mut at) = (Vec::new(), String::from("its start"));
    let outcome = loop {
        match news.poll(stuck::PATIENCE) {
            Ok(true) => {}
            Ok(false) => {
                let family = process.pid().map(|pid| stuck::family(primitive, pid));
                let text = stuck::describe(&at, &family.unwrap_or_default());
                process.kill().map_err(|error| fail(&error))?;
                break Err(text);
            }
            Err(error) => break Err(fail(&error)),
        }
        match news.recv() {
            Ok(News::At(case, kills, when)) => {
                at = format!("{case}: the run with a kill {when}, after {kills} kills,");
            }
            Ok(News::Swept(one)) => swept.push(*one),
            Ok(News::Refused(why)) => break Ok(Outcome::Refused(why)),
            Ok(News::Failed(why)) => break Err(why),
            Ok(News::Done) => break Ok(Outcome::Swept(swept)),
            Err(error) => break Err(format!("{primitive}: {error}, after {at}")),
        }
    };
    match process.join_timeout(Duration::MAX) {
        Ok(_) => outcome,
        Err(error) => Err(fail(&error)),
    }
}

fn boss(primitive: String, by: By, teller: Sender<News>) {
    let tell = |news| teller.send(&news).expect("someone listens");
    if let Err(refused) = Tracee::start(|| ()).and_then(Tracee::kill) {
        return tell(News::Refused(refused.to_string()));
    }
    let bell = Bell::new().expect("memory for a bell");
    spin_as_on_all_cores();
    forkproof::sys::fork::stay_on_this_core().expect("a core to stay on");
    for case in subjects::of(&primitive) {
        let swept = sweep(case, &bell, by, |kills, when| {
            tell(News::At(case.name.to_owned(), kills, when.to_owned()));
        });
        match swept {
            Ok(swept) => tell(News::Swept(Box::new(swept))),
            Err(why) => return tell(News::Failed(why)),
        }
    }
    tell(News::Done);
}

/// How long a lock spins is decided once, by the cores that there are: decided here, before this process and its
/// children stay on one.
fn spin_as_on_all_cores() {
    let lock = Lock::new().expect("memory for a lock");
    let _held = lock.lock();
    assert!(matches!(lock.lock(), Err(LockError::AlreadyHeld)));
}
