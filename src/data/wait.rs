//! `wait`: the first of several things that happens.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use super::pipe::Connection;
use crate::sys::Os;
use crate::sys::poll::{self, For};
use crate::world::{Deadline, World};

/// What [`wait`] can wait for: an end of a pipe that has something to receive, or is at its end; a queue that has
/// something to get, or is closed; a process that has ended.
pub trait Waitable {
    /// Makes ready to wait: from now on the object's file becomes readable when the object becomes ready.
    ///
    /// # Errors
    /// Those of the object.
    #[doc(hidden)]
    fn arm(&self, until: Option<Deadline>) -> Result<Armed<'_>, Trouble>;

    /// Whether the object is ready, after its file was. If not, the file is readable no more.
    ///
    /// # Errors
    /// Those of the object.
    #[doc(hidden)]
    fn settle(&self, _until: Option<Deadline>) -> Result<bool, Trouble> {
        Ok(true)
    }

    /// No one waits any more: once for each [`arm`](Waitable::arm) that gave a file.
    #[doc(hidden)]
    fn disarm(&self) {}
}

/// Why an object cannot be waited for: each kind has its own reasons.
#[doc(hidden)]
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// Why there was no wait.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// More objects than RLIMIT_NOFILE, or no memory.
    #[error("cannot wait: {0}")]
    Io(#[from] io::Error),
    #[error("object {place} cannot be waited for: {why}")]
    Object {
        /// Its place among the objects.
        place: usize,
        why: Trouble,
    },
}

/// How an object stands before the wait.
#[doc(hidden)]
pub enum Armed<'a> {
    Ready,
    Not(Watch<'a>),
}

/// The file that tells of an object.
#[doc(hidden)]
pub enum Watch<'a> {
    Shared(BorrowedFd<'a>),
    Own(OwnedFd),
}

/// Waits until one of the objects is ready, for ever or no longer than `timeout`. Returns the places of all that are,
/// in order: none if the time passed first. With a timeout of zero it only looks.
///
/// Being ready is no promise: another process may be faster to receive, or to get. There may be any number of
/// objects, of all kinds.
///
/// ```
/// use forkproof::{Pipe, Process, wait};
/// use std::time::Duration;
///
/// let (receiver, sender) = Pipe::one_way::<String>()?;
/// let child = Process::new(|| (), ());
/// child.start()?;
/// assert_eq!(wait(&[&receiver, &child], None)?, [1], "the child has ended, and nothing was sent");
/// sender.send(&"hello".to_owned())?;
/// assert_eq!(wait(&[&receiver], Some(Duration::ZERO))?, [0]);
/// # child.join()?;
/// # Ok::<(), forkproof::Error>(())
/// ```
///
/// # When a process dies
/// The kernel tells: a pipe whose other end no living process has is ready, and so is a process that was killed.
///
/// # Errors
/// [`WaitError`]: no descriptors left; more objects than RLIMIT_NOFILE; a process that is not a child of the calling
/// one, was not started, or was closed.
///
/// Source: poll(2).
pub fn wait(objects: &[&dyn Waitable], timeout: Option<Duration>) -> Result<Vec<usize>, WaitError> {
    let until = timeout.and_then(Os::deadline);
    let mut armed = AllArmed {
        objects,
        watches: Vec::with_capacity(objects.len()),
        ready: Vec::new(),
    };
    for (place, object) in objects.iter().enumerate() {
        let outcome = object.arm(until);
        match outcome.map_err(|why| WaitError::Object { place, why })? {
            Armed::Ready => armed.ready.push(place),
            Armed::Not(watch) => armed.watches.push((place, watch)),
        }
    }
    while !armed.look(until)? {}
    armed.ready.sort_unstable();
    Ok(std::mem::take(&mut armed.ready))
}

/// Objects that are waited for, until this is dropped.
struct AllArmed<'a> {
    objects: &'a [&'a dyn Waitable],
    watches: Vec<(usize, Watch<'a>)>,
    ready: Vec<usize>,
}

impl AllArmed<'_> {
    /// Waits once. True if there is nothing more to wait for.
    fn look(&mut self, until: Option<Deadline>) -> Result<bool, WaitError> {
        let files: Vec<_> = self
            .watches
            .iter()
            .map(|(_, watch)| (watch.as_fd(), For::Input))
            .collect();
        // With something ready it only looks which others are.
        let now = Deadline { monotonic_ns: 0 };
        let any = !self.ready.is_empty();
        let found = poll::ready_in_step(&files, if any { Some(now) } else { until })?;
        for (&(place, _), _) in self.watches.iter().zip(&found).filter(|(_, found)| **found) {
            let settled = self.objects[place].settle(until);
            if settled.map_err(|why| WaitError::Object { place, why })? {
                self.ready.push(place);
            }
        }
        let timed_out = !found.contains(&true) && until.is_some();
        Ok(any || timed_out || !self.ready.is_empty())
    }
}

impl Drop for AllArmed<'_> {
    fn drop(&mut self) {
        for (place, _) in &self.watches {
            self.objects[*place].disarm();
        }
    }
}

impl AsFd for Watch<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Watch::Shared(file) => file.as_fd(),
            Watch::Own(file) => file.as_fd(),
        }
    }
}

impl<S, R> Waitable for Connection<S, R> {
    fn arm(&self, _: Option<Deadline>) -> Result<Armed<'_>, Trouble> {
        Ok(Armed::Not(Watch::Shared(self.as_fd())))
    }
}

/// A file of one's own: ready when it can be read, or is at its end.
impl Waitable for OwnedFd {
    fn arm(&self, _: Option<Deadline>) -> Result<Armed<'_>, Trouble> {
        Ok(Armed::Not(Watch::Shared(self.as_fd())))
    }
}
