//! Steps: the moments at which a process may be paused or killed.
//!
//! A step is the moment before one access to shared memory, or to memory that the kernel reads at a death
//! (the robust list, the announcement), or before a sleep or a wake. [`Os`](super::Os) and
//! [`memory`](super::memory) report every step to an observer, if one is installed; that is how the turn
//! runs the shipped types unchanged. Without the feature `harness` nothing of this is in the binary.
//!
//! Memory after a SIGKILL is what the machine's program order had written, so a kill between two steps
//! leaves what a kill at the second one leaves: trying the steps is trying all there is. (`tests/single_step` kills
//! after every instruction of the build without the feature, and finds nothing that a step does not leave.)

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::AtomicU32;

use serde::{Deserialize, Serialize};

use super::poll::For;
use crate::world::{Deadline, Update, Woken};

/// What is about to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    Load,
    Store {
        value: u32,
    },
    Swap {
        value: u32,
    },
    CompareExchange {
        current: u32,
        new: u32,
    },
    Add {
        value: u32,
    },
    Sub {
        value: u32,
    },
    /// Reads a piece of shared memory, at most 8 bytes.
    Read {
        bytes: u8,
    },
    /// Writes a piece of shared memory, at most 8 bytes.
    Write {
        bytes: u8,
        value: u64,
    },
    /// Tells the kernel which node is being worked on.
    Announce,
    Withdraw,
    /// Prepares a node for the robust list: not in it yet.
    PrepareLink,
    /// Puts it in.
    Link,
    /// Takes a node out of the robust list.
    Unlink,
    Wait {
        expected: u32,
        timed: bool,
    },
    Wake {
        count: u32,
    },
    UpdateAndWakeAll {
        update: Update,
    },
    /// Sleeps on so many words.
    WaitAny {
        words: u8,
        timed: bool,
    },
    /// Sends a packet.
    Send,
    /// Receives a packet, if there is one.
    Receive,
    /// Waits for open files.
    Poll {
        timed: bool,
    },
    /// Closes the last descriptor of one end.
    HangUp,
    LoadWide,
    StoreWide {
        value: u64,
    },
    SwapWide {
        value: u64,
    },
    CompareExchangeWide {
        current: u64,
        new: u64,
    },
    AddWide {
        value: u64,
    },
    /// Asks whether a thread of this id lives.
    LookUp {
        id: u32,
    },
    /// Adds one to a count of those who hold something.
    Hold,
    /// Takes one from it.
    LetGo,
    /// Starts a process.
    Start,
    /// Waits for the end of a process.
    Join {
        timed: bool,
    },
    /// Sends a process a signal.
    Signal {
        number: i32,
    },
    /// Asks a process that serves others, and waits for its answer.
    Ask,
    /// Ends its own process.
    Exit,
    /// Prints so many bytes, behind so many that were printed before.
    Print {
        from: u32,
        bytes: u32,
    },
}

/// An access and where it goes, as an address of this process (0 where there is none).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub access: Access,
    pub address: usize,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Nothing to tell.
    Done,
    /// What was read: by a load, a read, or as the old value of an exchange that took place.
    Saw(u64),
    /// A compare-exchange that did not take place, and what it saw.
    Refused(u64),
    Woke(u32),
    Waited(Woken),
}

/// A word, and what it must hold for a sleep to begin.
pub type Expected<'a> = (&'a AtomicU32, u32);

/// An open file, and what to wait for.
pub type Watched<'a> = (BorrowedFd<'a>, For);

/// Who is told. The functions run on the thread that takes the step and must not use `Os` themselves.
#[cfg(feature = "harness")]
pub struct Observer {
    /// Before the access: may block, or never return.
    pub before: fn(&Step),
    pub after: fn(&Step, Outcome),
    /// Takes the place of the futex's wait.
    pub wait: fn(&AtomicU32, u32, Option<Deadline>) -> Woken,
    /// Takes the place of the wait on several futexes.
    pub wait_any: fn(&[Expected], Option<Deadline>) -> Woken,
    /// Takes the place of the futex's wake.
    pub wake: fn(&AtomicU32, u32) -> u32,
    /// Takes the place of the change that wakes all.
    pub update_and_wake_all: fn(&AtomicU32, Update) -> u32,
    /// Takes the place of the wait for open files.
    pub poll: fn(&[Watched], Option<Deadline>) -> io::Result<Vec<bool>>,
    /// Takes the place of the question whether a thread lives.
    pub is_nobody: fn(u32) -> bool,
    /// Something has changed that no step tells of: the process's own memory, its open files, or a piece of shared
    /// memory that has a new use.
    pub beyond: fn(),
}

#[cfg(feature = "harness")]
mod observed {
    use super::*;
    use crate::sys::{futex, poll, robust};
    use std::sync::atomic::{AtomicPtr, Ordering};

    static OBSERVER: AtomicPtr<Observer> = AtomicPtr::new(std::ptr::null_mut());

    /// Installs an observer for the whole process, for good.
    ///
    /// # Panics
    /// If there is one already.
    pub fn observe(observer: &'static Observer) {
        let new = std::ptr::from_ref(observer).cast_mut();
        // Release: pairs with the Acquire in observer(). Relaxed on failure: it panics.
        OBSERVER
            .compare_exchange(
                std::ptr::null_mut(),
                new,
                Ordering::Release,
                Ordering::Relaxed,
            )
            .expect("a process has one observer of its steps");
    }

    #[inline]
    fn observer() -> Option<&'static Observer> {
        // Acquire: pairs with the Release in observe().
        let observer = OBSERVER.load(Ordering::Acquire);
        // SAFETY: null, or made from a `&'static` in observe().
        unsafe { observer.as_ref() }
    }

    #[inline]
    pub(crate) fn is_observed() -> bool {
        observer().is_some()
    }

    #[inline]
    pub(crate) fn before(access: Access, address: usize) {
        if let Some(observer) = observer() {
            (observer.before)(&Step { access, address });
        }
    }

    #[inline]
    pub(crate) fn after(access: Access, address: usize, outcome: Outcome) {
        if let Some(observer) = observer() {
            (observer.after)(&Step { access, address }, outcome);
        }
    }

    #[inline]
    pub(crate) fn wait(word: &AtomicU32, expected: u32, until: Option<Deadline>) -> Woken {
        match observer() {
            Some(observer) => (observer.wait)(word, expected, until),
            None => futex::wait(word, expected, futex::ANYONE, until),
        }
    }

    pub(crate) fn wait_any(words: &[Expected], until: Option<Deadline>) -> Woken {
        match observer() {
            Some(observer) => (observer.wait_any)(words, until),
            None => futex::wait_any(words.iter().copied(), until),
        }
    }

    pub(crate) fn wake(word: &AtomicU32, count: u32) -> u32 {
        match observer() {
            Some(observer) => (observer.wake)(word, count),
            None => futex::wake(word, count, futex::ANYONE),
        }
    }

    pub(crate) fn update_and_wake_all(word: &AtomicU32, update: Update) -> u32 {
        match observer() {
            Some(observer) => (observer.update_and_wake_all)(word, update),
            None => futex::update_and_wake_all(word, update),
        }
    }

    pub(crate) fn poll(files: &[Watched], until: Option<Deadline>) -> io::Result<Vec<bool>> {
        match observer() {
            Some(observer) => (observer.poll)(files, until),
            None => poll::ready(files, until),
        }
    }

    pub(crate) fn is_nobody(id: u32) -> bool {
        match observer() {
            Some(observer) => (observer.is_nobody)(id),
            None => robust::is_nobody(id),
        }
    }

    /// To be called where something is changed that no step tells of: see [`Observer::beyond`].
    #[inline]
    pub(crate) fn beyond() {
        if let Some(observer) = observer() {
            (observer.beyond)();
        }
    }
}

#[cfg(not(feature = "harness"))]
mod observed {
    use super::*;
    use crate::sys::{futex, poll, robust};

    #[inline(always)]
    pub(crate) fn is_observed() -> bool {
        false
    }
    #[inline(always)]
    pub(crate) fn before(_: Access, _: usize) {}
    #[inline(always)]
    pub(crate) fn after(_: Access, _: usize, _: Outcome) {}
    #[inline(always)]
    pub(crate) fn wait(word: &AtomicU32, expected: u32, until: Option<Deadline>) -> Woken {
        futex::wait(word, expected, futex::ANYONE, until)
    }
    #[inline(always)]
    pub(crate) fn wait_any(words: &[Expected], until: Option<Deadline>) -> Woken {
        futex::wait_any(words.iter().copied(), until)
    }
    #[inline(always)]
    pub(crate) fn wake(word: &AtomicU32, count: u32) -> u32 {
        futex::wake(word, count, futex::ANYONE)
    }
    #[inline(always)]
    pub(crate) fn update_and_wake_all(word: &AtomicU32, update: Update) -> u32 {
        futex::update_and_wake_all(word, update)
    }
    #[inline(always)]
    pub(crate) fn poll(files: &[Watched], until: Option<Deadline>) -> io::Result<Vec<bool>> {
        poll::ready(files, until)
    }
    #[inline(always)]
    pub(crate) fn is_nobody(id: u32) -> bool {
        robust::is_nobody(id)
    }
    #[inline(always)]
    pub(crate) fn beyond() {}
}

#[cfg(feature = "harness")]
pub use observed::observe;
pub(crate) use observed::{
    after, before, beyond, is_nobody, is_observed, poll, update_and_wake_all, wait, wait_any, wake,
};
