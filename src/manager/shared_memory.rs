//! `SharedMemoryManager`: memory with a name that is unlinked in the end, whoever is killed.

use std::fmt;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::data::{Connection, Pipe, PipeError, ShareableItem, ShareableList, SharedMemory};
use crate::shm::passage;
use crate::sys::child::{Child, Request};
use crate::sys::per_process::Mark;
use crate::sys::{life, zygote};

/// Makes [`SharedMemory`] and [`ShareableList`]s, and unlinks them all in the end.
///
/// ```
/// use forkproof::{SharedMemory, SharedMemoryManager};
///
/// let manager = SharedMemoryManager::start()?;
/// let memory = manager.shared_memory(16)?;
/// let list = manager.shareable_list([1.into(), "two".into()])?;
/// assert_eq!(list.to_string(), "[1, 'two']");
/// manager.shutdown()?;
/// assert!(SharedMemory::attach(memory.name()).is_err());
/// # Ok::<(), forkproof::Error>(())
/// ```
///
/// # When a process dies
/// It is a process of its own, the *keeper*, that makes the memory and unlinks it: when the manager is shut down or
/// dropped, and when the process that started it has ended, however it ended. So no kill of that process leaves a name
/// behind. If the keeper itself is killed, the names stay, and the manager's calls are errors. It ignores SIGINT and
/// SIGTERM, which a terminal or a shutdown sends to all.
/// A forked child's copy of the manager makes nothing and ends nothing.
pub struct SharedMemoryManager {
    keeper: Mutex<Option<Keeper>>,
    maker: Mark,
}

struct Keeper {
    requests: Connection<Wish, Answer>,
    child: Child,
}

#[derive(Serialize, Deserialize)]
enum Wish {
    Memory { size: usize },
    List { items: Vec<ShareableItem> },
    End,
}

#[derive(Serialize, Deserialize)]
enum Answer {
    Memory(SharedMemory),
    List(ShareableList),
    /// The kernel's number for the error, if it has one, and its text.
    Refused(Option<i32>, String),
}

impl SharedMemoryManager {
    /// Starts its keeper.
    ///
    /// # Errors
    /// No processes or descriptors left.
    pub fn start() -> io::Result<SharedMemoryManager> {
        let (requests, theirs) = Pipe::duplex::<Wish, Answer>()?;
        let parcel = passage::pack(&theirs).map_err(io::Error::other)?;
        let child = zygote::start(&Request {
            entry: keep,
            payload: &parcel.bytes,
            fds: &parcel.fds(),
            daemon: false,
            ends_with_parent: false, // it has something to do then
            name: "SharedMemoryManager",
        })?;
        parcel.delivered();
        Ok(SharedMemoryManager {
            keeper: Mutex::new(Some(Keeper { requests, child })),
            maker: Mark::here(),
        })
    }

    /// As [`SharedMemory::create`].
    ///
    /// # Errors
    /// Those of `create`; `NotConnected` after [`shutdown`](SharedMemoryManager::shutdown), and in a forked child;
    /// `BrokenPipe` if the keeper was killed.
    pub fn shared_memory(&self, size: usize) -> io::Result<SharedMemory> {
        match self.ask(&Wish::Memory { size })? {
            Answer::Memory(memory) => Ok(memory),
            other => Err(other.refusal()),
        }
    }

    /// As [`ShareableList::new`].
    ///
    /// # Errors
    /// Those of `new`; as [`shared_memory`](SharedMemoryManager::shared_memory).
    pub fn shareable_list(
        &self,
        items: impl IntoIterator<Item = ShareableItem>,
    ) -> io::Result<ShareableList> {
        let items = items.into_iter().collect();
        match self.ask(&Wish::List { items })? {
            Answer::List(list) => Ok(list),
            other => Err(other.refusal()),
        }
    }

    /// Unlinks all that it made, and returns when that is done. Who has it keeps it. Nothing the second time.
    ///
    /// # Errors
    /// `BrokenPipe` if the keeper was killed before: then nothing is unlinked.
    pub fn shutdown(&self) -> io::Result<()> {
        let Some(keeper) = self.keeper().as_mut().and_then(|keeper| keeper.take()) else {
            return Ok(());
        };
        let sent = keeper.requests.send(&Wish::End);
        match keeper.child.wait()?.code() {
            0 => Ok(()),
            _ => Err(sent.err().map_or_else(gone, broken)),
        }
    }

    fn ask(&self, wish: &Wish) -> io::Result<Answer> {
        let not_connected = |text: &str| io::Error::new(io::ErrorKind::NotConnected, text);
        let keeper = self.keeper();
        let keeper = keeper.ok_or_else(|| not_connected("the manager is another process's"))?;
        let keeper = keeper.as_ref();
        let keeper = keeper.ok_or_else(|| not_connected("the manager has been shut down"))?;
        keeper.requests.send(wish).map_err(broken)?;
        keeper.requests.recv().map_err(broken)
    }

    /// `None` in a forked child.
    fn keeper(&self) -> Option<MutexGuard<'_, Option<Keeper>>> {
        let lock = || self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        (self.maker == Mark::here()).then(lock)
    }
}

/// The keeper's main.
fn keep(payload: &[u8], files: Vec<std::os::fd::OwnedFd>) -> i32 {
    life::ignore_interruptions();
    let requests: Connection<Answer, Wish> = match passage::unpack(payload, files) {
        Ok(requests) => requests,
        Err(error) => {
            life::say(&format!("the keeper of shared memory: {error}\n"));
            return 1;
        }
    };
    let mut kept: Vec<SharedMemory> = Vec::new();
    // Until the manager says so, or no living process has its end.
    while let Ok(wish) = requests.recv() {
        let answer = match wish {
            Wish::Memory { size } => SharedMemory::create(size).map(Answer::Memory),
            Wish::List { items } => ShareableList::new(items).map(Answer::List),
            Wish::End => break,
        };
        match &answer {
            Ok(Answer::Memory(memory)) => kept.push(memory.clone()),
            Ok(Answer::List(list)) => kept.push(list.shm().clone()),
            _ => {}
        }
        let answer =
            answer.unwrap_or_else(|error| Answer::Refused(error.raw_os_error(), error.to_string()));
        let _ = requests.send(&answer); // if it is gone, the next recv says so
    }
    for memory in kept {
        let _ = memory.unlink(); // unless someone else has
    }
    0
}

impl Answer {
    fn refusal(self) -> io::Error {
        match self {
            Answer::Refused(Some(number), _) => io::Error::from_raw_os_error(number),
            Answer::Refused(None, text) => io::Error::new(io::ErrorKind::InvalidInput, text),
            _ => io::Error::new(
                io::ErrorKind::InvalidData,
                "the keeper answered at cross purposes",
            ),
        }
    }
}

fn broken(error: PipeError) -> io::Error {
    match error {
        PipeError::Disconnected => gone(),
        PipeError::Io(error) => error,
        other => io::Error::other(other),
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the manager's process is gone")
}

impl Drop for SharedMemoryManager {
    /// As [`shutdown`](SharedMemoryManager::shutdown).
    fn drop(&mut self) {
        let _ = self.shutdown(); // a killed keeper has unlinked nothing, and nobody is left to be told
    }
}

impl fmt::Debug for SharedMemoryManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.keeper() {
            None => "of another process",
            Some(keeper) if keeper.is_some() => "started",
            Some(_) => "shut down",
        };
        write!(f, "<SharedMemoryManager {state}>")
    }
}
