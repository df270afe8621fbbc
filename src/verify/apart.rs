//! Work in a process of its own: its children, descriptors and mappings are then its own too, and can be counted.
//!
//! In a test they could not: other tests run beside it, in the same process.

use std::panic::catch_unwind;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::barrier_kills::Meetings;
use super::bounded_semaphore_kills::Seats;
use super::condition_kills::Store;
use super::crew::{self, Tally};
use super::event_kills::Items;
use super::giving_up::{self, Campaign};
use super::joinable_queue_kills::Tasks;
use super::kills::Moves;
use super::maker_kills::Objects;
use super::manager_kills::Clients;
use super::pair::Guard;
use super::pipe_kills::Parcels;
use super::queue_kills::Flow;
use super::run::panic_text;
use super::semaphore_kills::Turns;
use super::shareable_list_kills::Slots;
use super::shared_memory_kills::Names;
use super::{Fallible, pool_kills, server_kills, starts, stuck, tree_kills};
use crate::{Array, Process, Value, parent_process};

/// Work that can be done apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Errand {
    Kills {
        subject: Subject,
        kills: u64,
        seed: u64,
    },
    GivingUp(Campaign),
    Starts {
        cases: u32,
        seed: u64,
    },
}

/// What the lanes work on that are killed at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    Pair(Guard),
    Semaphore,
    BoundedSemaphore,
    ShareableList,
    SharedMemory,
    JoinableQueue,
    /// Makers of objects.
    Makers,
    Event,
    Condition,
    Barrier,
    Pipe,
    /// A queue, through which so many messages pass at least.
    Queue {
        messages: u64,
    },
    /// A queue of bytes, written and read in their place or not.
    ByteQueue,
    /// A manager's clients.
    Clients,
    /// A manager's server.
    Server,
    /// Processes, their children, and theirs.
    Tree,
    /// The workers of a pool.
    Pool,
}

impl Subject {
    /// How many deaths of lanes that share memory take about as long as one of these.
    pub fn cost(self) -> u64 {
        match self {
            Subject::Tree | Subject::Server => 4,
            Subject::Clients | Subject::Pool | Subject::Pipe => 2,
            Subject::ShareableList | Subject::SharedMemory => 2,
            _ => 1,
        }
    }

    fn campaign(self, kills: u64, seed: u64, killed: impl Fn(u64)) -> Tally {
        match self {
            Subject::Pair(guard) => crew::campaign(|| Moves::new(guard), kills, seed, killed),
            Subject::Semaphore => crew::campaign(Turns::new, kills, seed, killed),
            Subject::BoundedSemaphore => crew::campaign(Seats::new, kills, seed, killed),
            Subject::ShareableList => crew::campaign(Slots::new, kills, seed, killed),
            Subject::SharedMemory => crew::campaign(Names::new, kills, seed, killed),
            Subject::JoinableQueue => crew::campaign(Tasks::new, kills, seed, killed),
            Subject::Makers => crew::campaign(Objects::new, kills, seed, killed),
            Subject::Event => crew::campaign(Items::new, kills, seed, killed),
            Subject::Condition => crew::campaign(Store::new, kills, seed, killed),
            Subject::Barrier => crew::campaign(Meetings::new, kills, seed, killed),
            Subject::Pipe => crew::campaign(Parcels::new, kills, seed, killed),
            Subject::Queue { messages } => {
                crew::campaign(|| Flow::of_values(messages, kills), kills, seed, killed)
            }
            Subject::ByteQueue => crew::campaign(Flow::of_bytes, kills, seed, killed),
            Subject::Clients => crew::campaign(Clients::new, kills, seed, killed),
            Subject::Server => server_kills::campaign(kills, seed, killed),
            Subject::Tree => tree_kills::campaign(kills, seed, killed),
            Subject::Pool => pool_kills::campaign(kills, seed, killed),
        }
    }
}

/// In a step of the work up to four things are awaited, and each gives up by itself first.
const LONGEST_STEP: Duration = stuck::PATIENCE.saturating_mul(5);

/// Room for a tally with a long story of what went wrong.
const ANSWER_BYTES: usize = 256 << 10;

/// Does some work in a process of its own; `progress` is told how far it has got.
///
/// # Errors
/// The process could not be started, or ended without an answer.
pub fn apart(errand: Errand, progress: impl Fn(u64)) -> Fallible<Tally> {
    let (done, answer) = (Value::new(0)?, Array::new(ANSWER_BYTES)?);
    let process = Process::new(run, (errand, done.clone(), answer.clone())).named("apart");
    process.start()?;
    let mut last = (0, Instant::now());
    let code = loop {
        // To show how far it has got, and to notice if it gets no further; the work does not wait for this.
        if let Some(code) = process.join_timeout(Duration::from_millis(100))? {
            break code;
        }
        let now = done.get_unlocked();
        progress(now);
        if now > last.0 {
            last = (now, Instant::now());
        } else if last.1.elapsed() > LONGEST_STEP {
            let family = process.pid().map(|pid| stuck::family(&process.name(), pid));
            let text = stuck::describe("any progress", &family.unwrap_or_default());
            process.kill()?; // and its daemons die with it
            process.join()?;
            return Err(text.into());
        }
    };
    if code != 0 {
        return Err(format!(
            "the process that did the work ended with {code}: see what it said above"
        )
        .into());
    }
    let bytes = answer.to_vec_unlocked();
    let end = bytes
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(bytes.len());
    Ok(serde_json::from_slice(&bytes[..end])?)
}

fn run(errand: Errand, done: Value<u64>, answer: Array<u8>) -> Fallible {
    std::thread::spawn(|| {
        // A daemon would end with its parent, but may not have children.
        if parent_process().is_some_and(|parent| parent.join().is_ok()) {
            std::process::exit(1);
        }
    });
    let tell = |number| done.set_unlocked(number);
    let outcome = catch_unwind(|| match errand {
        Errand::Kills {
            subject,
            kills,
            seed,
        } => subject.campaign(kills, seed, tell),
        Errand::GivingUp(campaign) => giving_up::campaign(campaign, tell),
        Errand::Starts { cases, seed } => starts::campaign(cases, seed, tell),
    });
    let tally = outcome.unwrap_or_else(|panic| Tally {
        why: Some(format!("panicked: {}", panic_text(&*panic))),
        ..Tally::default()
    });
    let json = serde_json::to_vec(&tally)?;
    Ok(answer
        .set_slice(..json.len(), &json)
        .map_err(crate::Error::from)?)
}
