//! A direct fork(2), where it is sound: in a process with one thread. Locks that other threads hold would
//! stay held in the child for ever, as those threads are not there to give them back.
//!
//! The child is a copy: it may run a closure, and finds all of its parent's memory. It waits for its permit
//! (`permit`) until its parent has its pidfd and, of one that ends with it, someone who watches it.
//!
//! # After a crash
//! The parent is killed before the permit: the child ends without having run.

use std::io::{self, Write};

use super::child::{Child, pidfd_of, wait_for_number};
use super::life::{self, Origin, Parent};

use super::oversight;
use super::permit::Grant;
use super::zygote;

/// Why there was no fork.
#[derive(Debug)]
pub enum Refusal {
    /// The process has that many threads.
    Threads(usize),
    Io(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal::Io(error)
    }
}

/// Forks. What standard output and C's streams hold is written out before, so that the child does not
/// write it again. Under control the child stands under control, too, where it is called by its title.
///
/// # Errors
/// [`Refusal::Threads`] unless the process has exactly one thread; those of fork(2), and of starting a
/// zygote for one that ends with its parent.
pub fn start(
    name: &str,
    title: &str,
    daemon: bool,
    ends_with_parent: bool,
    entry: impl FnOnce() -> i32,
) -> Result<Child, Refusal> {
    let threads = super::fork::threads()?;
    if threads != 1 {
        return Err(Refusal::Threads(threads));
    }
    let Some(seat) = oversight::start(title, ends_with_parent)? else {
        return fork(name, daemon, ends_with_parent, entry);
    };
    // What ends it is a choice: it is neither the zygote's nor the kernel's.
    let child = fork(name, daemon, false, || {
        oversight::born(seat);
        entry()
    });
    oversight::started(seat, child.as_ref().ok().map(Child::pid));
    child
}

fn fork(
    name: &str,
    daemon: bool,
    is_watched: bool,
    entry: impl FnOnce() -> i32,
) -> Result<Child, Refusal> {
    io::stdout().flush()?;
    // SAFETY: null stands for all of C's output streams.
    unsafe { libc::fflush(std::ptr::null_mut()) };
    let parent = Parent {
        pid: std::process::id(),
        pidfd: pidfd_of(std::process::id())?,
    };
    let grant = Grant::new(is_watched)?;
    // SAFETY: the process has one thread, so the child finds no lock held by another.
    match unsafe { libc::fork() } {
        ..0 => Err(io::Error::last_os_error().into()),
        0 => {
            oversight::forked();
            zygote::disown();
            let origin = Origin {
                name: name.to_owned(),
                daemon,
                parent,
            };
            life::begin(origin, grant.into_permit(), entry)
        }
        pid => commission(pid, is_watched, grant).map_err(Refusal::Io),
    }
}

fn commission(pid: i32, is_watched: bool, grant: Grant) -> io::Result<Child> {
    let adopt = || {
        // The child waits, so its number is its own.
        let child = Child::new(pid as u32, pidfd_of(pid as u32)?);
        if is_watched {
            zygote::watch(&child)?;
        }
        Ok(child)
    };
    let mut child = match adopt() {
        Ok(child) => child,
        Err(error) => {
            drop(grant); // without its permit the child ends
            let _ = wait_for_number(pid); // the first error is the one to tell
            return Err(error);
        }
    };
    child.hold(grant.give()?);
    Ok(child)
}
