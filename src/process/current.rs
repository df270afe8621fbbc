//! Who the calling process is, and who started it.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::authkey;
use super::error::ProcessError;
use super::start_method::StartMethod;
use crate::net::{Key, KeyHash};
use crate::sys::life::{self, Origin};
use crate::sys::per_process::PerProcess;

/// What a child is told about its place among the processes, beside its arguments.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Ticket {
    /// The numbers that its default name has: its parent's and its own.
    pub identity: Vec<u32>,
    pub parent_name: String,
    /// What it starts its own children with, unless told otherwise.
    pub default_method: StartMethod,
    pub authkey: KeyHash,
}

static TICKET: RwLock<Option<Ticket>> = RwLock::new(None);

/// How many processes this one has made.
static MADE: PerProcess<AtomicU32> = PerProcess::new(|| AtomicU32::new(0));

/// The calling process.
#[derive(Clone, Copy, Debug)]
pub struct CurrentProcess {
    origin: Option<&'static Origin>,
}

/// The process that started the calling one.
#[derive(Clone, Debug)]
pub struct ParentProcess {
    name: String,
    origin: &'static Origin,
}

/// The calling process: the program itself, or one that it started.
///
/// ```
/// assert_eq!(forkproof::current_process().name(), "MainProcess");
/// ```
pub fn current_process() -> CurrentProcess {
    CurrentProcess {
        origin: life::origin(),
    }
}

/// The process that started this one: `None` in the program itself.
///
/// ```
/// assert!(forkproof::parent_process().is_none());
/// ```
pub fn parent_process() -> Option<ParentProcess> {
    let origin = life::origin()?;
    let ticket = TICKET.read().unwrap_or_else(PoisonError::into_inner);
    let name = ticket
        .as_ref()
        .map_or_else(String::new, |ticket| ticket.parent_name.clone());
    Some(ParentProcess { name, origin })
}

impl CurrentProcess {
    /// "MainProcess", or what the process was named before its start.
    pub fn name(&self) -> &'static str {
        self.origin.map_or("MainProcess", |origin| &origin.name)
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        std::process::id()
    }

    /// Whether it is killed when its parent ends.
    pub fn is_daemon(&self) -> bool {
        self.origin.is_some_and(|origin| origin.daemon)
    }

    /// The key with which this process opens a manager to others, or goes to another's, where none is given. It is
    /// random unless [set](CurrentProcess::set_authkey); a child starts with its parent's.
    ///
    /// # Errors
    /// The kernel has no random numbers: getrandom(2).
    pub fn authkey(&self) -> io::Result<Key> {
        authkey::get()
    }

    /// Sets the key: for this process, and the children that it starts from now on.
    pub fn set_authkey(&self, key: Key) {
        authkey::set(key);
    }
}

impl ParentProcess {
    /// What it was called when it started this process.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number; once it has ended, another process may come to bear it.
    pub fn pid(&self) -> u32 {
        self.origin.parent.pid
    }

    /// Whether it runs. Never answers for another process that came to bear its number.
    pub fn is_alive(&self) -> bool {
        // An error would be the kernel's lack of memory for the question: nothing says that it ended.
        self.origin.parent.is_alive().unwrap_or(true)
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// [`ProcessError::Io`] if the kernel has no memory for it.
    pub fn join(&self) -> Result<(), ProcessError> {
        self.origin
            .parent
            .wait(None)
            .map(|_| ())
            .map_err(ProcessError::io("join"))
    }

    /// Waits until it has ended, at most so long. Whether it has.
    ///
    /// # Errors
    /// As [`join`](ParentProcess::join).
    pub fn join_timeout(&self, timeout: Duration) -> Result<bool, ProcessError> {
        self.origin
            .parent
            .wait(Some(timeout))
            .map_err(ProcessError::io("join"))
    }
}

/// In a child, before its target runs.
pub(super) fn admit(ticket: Ticket) {
    super::start_method::set_start_method(ticket.default_method);
    authkey::set(Key::from(ticket.authkey.clone()));
    *TICKET.write().unwrap_or_else(PoisonError::into_inner) = Some(ticket);
}

/// The identity of the next process that this one makes.
pub(super) fn next_identity() -> Vec<u32> {
    let ticket = TICKET.read().unwrap_or_else(PoisonError::into_inner);
    let mut identity = ticket
        .as_ref()
        .map_or_else(Vec::new, |ticket| ticket.identity.clone());
    // Relaxed: the numbers differ, nothing else hangs on them.
    identity.push(MADE.get().fetch_add(1, Ordering::Relaxed) + 1);
    identity
}
