//! Waiting for open files: poll(2), for any number of them at once.
//!
//! Sources: poll(2), ppoll(2).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

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
