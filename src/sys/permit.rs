//! What a child has of its parent from the first moment on: the permit to run, and the life line.
//!
//! # The permit
//! An eventfd(2), in which the child finds the word of its parent: it runs its entry, or it ends without a trace, as it
//! does if its parent is gone before it has said anything. So an order whose maker died half-way can be given to another
//! maker: what the first may have brought into the world finds no permit, and no entry ever runs twice.
//!
//! # The life line
//! The read end of a pipe into which nothing is ever written: see [`LifeLine`].
//!
//! Sources: eventfd(2), pidfd_open(2), fcntl(2) for `F_SETSIG` and `O_ASYNC`.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::sys::eventfd::{EfdFlags, EventFd};

use super::child::{Signal, raise};
use super::poll::{For, readable, ready};

/// What a parent says to a child that has its permit: to run.
const RUN: u64 = 1;
/// To end.
const END: u64 = 2;

/// fcntl(2): which signal tells of a file with `O_ASYNC`.
const F_SETSIG: libc::c_int = 10;

/// The parent's side of the permit: dropped, it forbids.
pub(super) struct Grant {
    /// `None` once the word is given.
    word: Option<EventFd>,
    line: Option<(io::PipeReader, LifeLine)>,
}

impl Grant {
    /// For a child that ends with its parent, or does not.
    ///
    /// # Errors
    /// No descriptors left.
    pub fn new(ends_with_parent: bool) -> io::Result<Grant> {
        let word = EventFd::from_flags(EfdFlags::EFD_CLOEXEC)?;
        let line = ends_with_parent.then(io::pipe).transpose()?;
        Ok(Grant {
            word: Some(word),
            line: line.map(|(read, write)| (read, LifeLine(write))),
        })
    }

    /// What the child is to have: the permit, and the life line.
    pub fn files(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let word = self.word.iter().map(AsFd::as_fd);
        word.chain(self.line.iter().map(|(read, _)| read.as_fd()))
    }

    /// Lets the child run. The life line is to be kept.
    ///
    /// # Errors
    /// None that is known of: the kernel's.
    pub fn give(mut self) -> io::Result<Option<LifeLine>> {
        self.say(RUN)?;
        Ok(self.line.take().map(|(_, line)| line))
    }

    /// In a child that has all of it by inheritance.
    pub fn into_permit(mut self) -> Permit {
        Permit {
            word: self.word.take().expect("a word that is not given").into(),
            line: self.line.take().map(|(read, _)| read.into()),
        }
    }

    fn say(&mut self, word: u64) -> io::Result<()> {
        if let Some(file) = self.word.take() {
            file.write(word)?;
        }
        Ok(())
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        let _ = self.say(END); // a child that cannot be told ends with this process at the latest
    }
}

/// The child's side of a [`Grant`].
pub(super) struct Permit {
    word: OwnedFd,
    /// Of one that ends with its parent.
    line: Option<OwnedFd>,
}

impl Permit {
    pub fn new(word: OwnedFd, line: Option<OwnedFd>) -> Permit {
        Permit { word, line }
    }

    /// Waits for the word of the parent: whether it has said that the child may run.
    ///
    /// # Errors
    /// None that is known of: the kernel's.
    pub fn wait(&self, parent: BorrowedFd<'_>) -> io::Result<bool> {
        let files = [self.word.as_fd(), parent].map(|file| (file, For::Input));
        let has_word = ready(&files, None)?[0];
        // A parent that has ended may have given its word before.
        if !has_word && !readable(self.word.as_fd(), Some(Duration::ZERO))? {
            return Ok(false);
        }
        let mut word = [0; size_of::<u64>()];
        nix::unistd::read(&self.word, &mut word)?;
        Ok(u64::from_ne_bytes(word) == RUN)
    }

    /// From now on the end of the life line, if there is one, is SIGKILL.
    ///
    /// # Errors
    /// None that is known of: the kernel's.
    pub fn hang_on(self) -> io::Result<()> {
        let Some(line) = self.line else {
            return Ok(());
        };
        let file = line.as_raw_fd();
        // SAFETY: fcntl takes numbers. The kernel's signal is to go to this process: one that no handler and no mask
        // can keep.
        let armed = unsafe {
            libc::fcntl(file, libc::F_SETOWN, libc::getpid()) == 0
                && libc::fcntl(file, F_SETSIG, libc::SIGKILL) == 0
                && libc::fcntl(file, libc::F_SETFL, libc::O_ASYNC) == 0
        };
        if !armed {
            return Err(io::Error::last_os_error());
        }
        if readable(line.as_fd(), Some(Duration::ZERO))? {
            raise(Signal::KILL)?; // it came before
        }
        std::mem::forget(line); // open as long as the process
        Ok(())
    }
}

/// The parent's end of the life line: when the kernel closes it, as at the parent's death, however sudden, and though
/// the zygote be dead as well, the kernel kills the child. (Not as long as another process has it, one that the parent
/// has forked by itself; but then there is the zygote.)
#[derive(Debug)]
pub(super) struct LifeLine(io::PipeWriter);

impl LifeLine {
    /// It stays open as long as this process.
    pub fn leave(self) {
        std::mem::forget(self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::super::child::pidfd_of;
    use super::*;

    /// By a parent that lives, and by one that is gone: what it has said counts, and if it has said nothing it forbids.
    #[test]
    fn a_permit_is_given_or_refused_or_never_comes() {
        let permit = |grant: &Grant| Permit {
            word: grant.files().next().unwrap().try_clone_to_owned().unwrap(),
            line: None,
        };
        let mut ended = Command::new("/proc/self/exe");
        let mut ended = ended.arg("--help").stdout(Stdio::null()).spawn().unwrap();
        let gone = pidfd_of(ended.id()).unwrap();
        assert!(ended.wait().unwrap().success());
        let alive = pidfd_of(std::process::id()).unwrap();
        for parent in [&alive, &gone] {
            let grant = Grant::new(false).unwrap();
            let given = permit(&grant);
            grant.give().unwrap();
            assert!(given.wait(parent.as_fd()).unwrap());

            let grant = Grant::new(false).unwrap();
            let refused = permit(&grant);
            drop(grant);
            assert!(!refused.wait(parent.as_fd()).unwrap());
        }
        let silent = Grant::new(false).unwrap();
        assert!(!permit(&silent).wait(gone.as_fd()).unwrap());
    }

    /// Not the permit either: a child that is armed already would take it for the end, and die.
    #[test]
    fn nothing_comes_through_the_life_line_but_its_end() {
        let grant = Grant::new(true).unwrap();
        let line = grant.files().nth(1).unwrap().try_clone_to_owned().unwrap();
        let has_come = || readable(line.as_fd(), Some(Duration::ZERO)).unwrap();
        let kept = grant.give().unwrap();
        assert!(!has_come());
        drop(kept);
        assert!(has_come());
    }
}
