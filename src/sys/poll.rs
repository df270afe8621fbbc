//! Waiting for open files: poll(2), for any number of them at once, and epoll(7), for those that are looked at again and
//! again and of which hardly ever one is ready.
//!
//! Sources: poll(2), ppoll(2), epoll_ctl(2), epoll_wait(2).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::futex::monotonic_ns;
use super::os::Os;
use super::step::{self, Access, Outcome};
use crate::world::{Deadline, Woken, World};

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// Something to read, or the end: the other side is gone, however it went.
    Input,
    /// Room to write, or no one who would read.
    Room,
}

/// Sleeps until `fd` is readable or at its end: `false` if the time passed first. Without a timeout it
/// waits for ever.
pub(crate) fn readable(fd: BorrowedFd<'_>, timeout: Option<Duration>) -> io::Result<bool> {
    let until = timeout.and_then(Os::deadline);
    Ok(ready(&[(fd, For::Input)], until)?[0])
}

/// Sleeps until one of the files is ready, or the deadline on CLOCK_MONOTONIC. Returns which are; none if the time
/// passed first.
///
/// # Errors
/// More files than RLIMIT_NOFILE.
pub fn ready(files: &[(BorrowedFd<'_>, For)], until: Option<Deadline>) -> io::Result<Vec<bool>> {
    let mut polls: Vec<libc::pollfd> = files
        .iter()
        .map(|(file, what)| libc::pollfd {
            fd: file.as_raw_fd(),
            events: match what {
                For::Input => libc::POLLIN,
                For::Room => libc::POLLOUT,
            },
            revents: 0,
        })
        .collect();
    loop {
        let left = until.map(|until| {
            let left = until.monotonic_ns.saturating_sub(monotonic_ns());
            libc::timespec {
                tv_sec: (left / 1_000_000_000) as libc::time_t,
                tv_nsec: (left % 1_000_000_000) as libc::c_long,
            }
        });
        let left = left.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: as many pollfds as said, and a timespec that outlives the call, or none; the mask stays as it is.
        let found = unsafe {
            libc::ppoll(
                polls.as_mut_ptr(),
                polls.len() as libc::nfds_t,
                left,
                std::ptr::null(),
            )
        };
        if found >= 0 {
            // An error, or a hang-up, is told as readiness: the next call will say what it is.
            return Ok(polls.iter().map(|poll| poll.revents != 0).collect());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// As [`ready`], as a [step].
///
/// # Errors
/// As [`ready`].
pub fn ready_in_step(
    files: &[(BorrowedFd<'_>, For)],
    until: Option<Deadline>,
) -> io::Result<Vec<bool>> {
    let access = Access::Poll {
        timed: until.is_some(),
    };
    step::before(access, 0);
    let found = step::poll(files, until)?;
    let woken = if found.contains(&true) {
        Woken::Perhaps
    } else {
        Woken::TimedOut
    };
    step::after(access, 0, Outcome::Waited(woken));
    Ok(found)
}

/// Files of which one call tells whether any is ready to be read, however many they are.
pub struct Watch(Epoll);

impl Watch {
    /// Of no files yet.
    ///
    /// # Errors
    /// No memory, or no descriptors left.
    pub fn new() -> io::Result<Watch> {
        Ok(Watch(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?))
    }

    /// # Errors
    /// It is watched already, or cannot be: regular files cannot. No memory, or too many are watched.
    pub fn add(&self, file: BorrowedFd<'_>) -> io::Result<()> {
        Ok(self.0.add(file, EpollEvent::new(EpollFlags::EPOLLIN, 0))?)
    }

    /// To be called before the file is closed: it stays watched for as long as another descriptor keeps it open.
    ///
    /// # Errors
    /// It is not watched.
    pub fn remove(&self, file: BorrowedFd<'_>) -> io::Result<()> {
        Ok(self.0.delete(file)?)
    }

    /// Whether a file is ready, or at its end, now.
    ///
    /// # Errors
    /// None that is known: the descriptor is its own.
    pub fn is_any_ready(&self) -> io::Result<bool> {
        Ok(self
            .0
            .wait(&mut [EpollEvent::empty()], EpollTimeout::ZERO)?
            > 0)
    }
}
