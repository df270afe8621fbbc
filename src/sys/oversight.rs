//! What a process does with other processes, with memory that it maps, and what it prints: reported to an overseer, if
//! one is installed. That is how a controlled program starts lanes of its own.
//!
//! As [`step`](super::step), of which this is the other half: without the feature `harness` nothing of it is in the
//! binary.

use std::io::{self, Write};

use super::child::Signal;
use super::memory::Identity;
use crate::world::Deadline;

/// Where a started process will stand among those under control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat(pub usize);

/// An object in shared memory, for who wants to call its parts by name.
#[derive(Clone, Copy)]
pub struct Made {
    pub kind: &'static str,
    pub address: usize,
    pub bytes: usize,
    /// Its calls take a lock of its own, and give it back.
    pub is_whole: bool,
    /// The part at an offset.
    pub part: fn(usize) -> String,
}

impl Made {
    /// Where in it an address lies.
    pub fn offset_of(&self, address: usize) -> Option<usize> {
        let offset = address.checked_sub(self.address)?;
        (offset < self.bytes).then_some(offset)
    }
}

/// Who is told. The functions run on the thread that acts.
#[cfg(feature = "harness")]
pub struct Overseer {
    /// Whether the calling thread is under control.
    pub is_overseen: fn() -> bool,
    /// A process of this name is about to be forked; it is killed when its parent is gone, or not. `None` if it is not
    /// to be under control.
    pub start: fn(name: &str, ends_with_parent: bool) -> io::Result<Option<Seat>>,
    /// It was forked, and has this number; or was not.
    pub started: fn(Seat, Option<u32>),
    /// In the child, at once.
    pub forked: fn(),
    /// In the child, before its entry: returns when it is to run.
    pub born: fn(Seat),
    /// Takes the place of waiting for the end of the process of this number: whether it has ended. `None` if that is not
    /// under control.
    pub await_end: fn(u32, Option<Deadline>) -> Option<bool>,
    /// Takes the place of sending a signal to the process of this number, if that is under control. Whether it is.
    pub signal: fn(u32, Signal) -> bool,
    /// Takes the place of standard output. Whether it did.
    pub print: fn(&str) -> bool,
    /// Memory of this identity was mapped: from, so many bytes.
    pub mapped: fn(usize, usize, Identity),
    /// An object was made.
    pub made: fn(&Made),
    /// The calling process does from here on what others ask of it, and nothing else.
    pub serves: fn(),
    /// It asks such a process (true), or has its answer (false).
    pub asks: fn(bool),
}

#[cfg(feature = "harness")]
mod observed {
    use super::*;
    use std::sync::OnceLock;

    static OVERSEER: OnceLock<&'static Overseer> = OnceLock::new();

    /// Installs an overseer for the whole process, and those that it forks, for good.
    ///
    /// # Panics
    /// If there is one already.
    pub fn oversee(overseer: &'static Overseer) {
        let first = OVERSEER.set(overseer);
        assert!(first.is_ok(), "a process has one overseer");
    }

    fn overseer() -> Option<&'static Overseer> {
        OVERSEER.get().copied()
    }

    pub(crate) fn is_overseen() -> bool {
        overseer().is_some_and(|overseer| (overseer.is_overseen)())
    }

    pub(crate) fn start(name: &str, ends_with_parent: bool) -> io::Result<Option<Seat>> {
        overseer().map_or(Ok(None), |overseer| {
            (overseer.start)(name, ends_with_parent)
        })
    }

    pub(crate) fn started(seat: Seat, pid: Option<u32>) {
        if let Some(overseer) = overseer() {
            (overseer.started)(seat, pid);
        }
    }

    pub(crate) fn forked() {
        if let Some(overseer) = overseer() {
            (overseer.forked)();
        }
    }

    pub(crate) fn born(seat: Seat) {
        if let Some(overseer) = overseer() {
            (overseer.born)(seat);
        }
    }

    pub(crate) fn await_end(pid: u32, until: Option<Deadline>) -> Option<bool> {
        overseer().and_then(|overseer| (overseer.await_end)(pid, until))
    }

    pub(crate) fn signal(pid: u32, signal: Signal) -> bool {
        overseer().is_some_and(|overseer| (overseer.signal)(pid, signal))
    }

    pub(super) fn print(text: &str) -> bool {
        overseer().is_some_and(|overseer| (overseer.print)(text))
    }

    pub(crate) fn mapped(from: usize, bytes: usize, of: impl FnOnce() -> io::Result<Identity>) {
        if let Some(overseer) = overseer()
            && let Ok(identity) = of()
        {
            (overseer.mapped)(from, bytes, identity);
        }
    }

    pub(crate) fn made(object: &Made) {
        if let Some(overseer) = overseer() {
            (overseer.made)(object);
        }
    }

    pub(crate) fn serves() {
        if let Some(overseer) = overseer() {
            (overseer.serves)();
        }
    }

    pub(crate) fn asking<R>(act: impl FnOnce() -> R) -> R {
        let Some(overseer) = overseer() else {
            return act();
        };
        (overseer.asks)(true);
        let answer = act();
        (overseer.asks)(false);
        answer
    }
}

#[cfg(not(feature = "harness"))]
mod observed {
    use super::*;

    #[inline(always)]
    pub(crate) fn is_overseen() -> bool {
        false
    }
    #[inline(always)]
    pub(crate) fn start(_: &str, _: bool) -> io::Result<Option<Seat>> {
        Ok(None)
    }
    #[inline(always)]
    pub(crate) fn started(_: Seat, _: Option<u32>) {}
    #[inline(always)]
    pub(crate) fn forked() {}
    #[inline(always)]
    pub(crate) fn born(_: Seat) {}
    #[inline(always)]
    pub(crate) fn await_end(_: u32, _: Option<Deadline>) -> Option<bool> {
        None
    }
    #[inline(always)]
    pub(crate) fn signal(_: u32, _: Signal) -> bool {
        false
    }
    #[inline(always)]
    pub(super) fn print(_: &str) -> bool {
        false
    }
    #[inline(always)]
    pub(crate) fn mapped(_: usize, _: usize, _: impl FnOnce() -> io::Result<Identity>) {}
    #[inline(always)]
    pub(crate) fn made(_: &Made) {}
    #[inline(always)]
    pub(crate) fn serves() {}
    #[inline(always)]
    pub(crate) fn asking<R>(act: impl FnOnce() -> R) -> R {
        act()
    }
}

#[cfg(feature = "harness")]
pub use observed::oversee;
pub(crate) use observed::{
    asking, await_end, born, forked, is_overseen, made, mapped, serves, signal, start, started,
};

/// Prints to standard output; under control, to what is kept of the run, and as a step.
///
/// # Panics
/// As `print!`: if standard output cannot be written.
pub fn print(text: &str) {
    if !observed::print(text) {
        let printed = io::stdout().lock().write_all(text.as_bytes());
        printed.expect("standard output can be written");
    }
}
