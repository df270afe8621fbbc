//! The victim's side of a run step by step: it stops before each step that the library reports.

use std::io;
use std::sync::atomic::AtomicU32;

use forkproof::sys::step::{Observer, Outcome, Step, Watched, observe};
use forkproof::sys::{futex, poll, robust};
use forkproof::world::{Deadline, Woken};

use crate::tracee::mark_step;

static OBSERVER: Observer = Observer {
    before: |_: &Step| mark_step(),
    after: |_: &Step, _: Outcome| (),
    wait,
    wait_any: |words: &[(&AtomicU32, u32)], until| futex::wait_any(words.iter().copied(), until),
    wake: |word, count| futex::wake(word, count, futex::ANYONE),
    update_and_wake_all: futex::update_and_wake_all,
    poll,
    is_nobody: robust::is_nobody,
    beyond: || (),
};

/// From here on. Once in a process.
pub fn report() {
    observe(&OBSERVER);
}

fn wait(word: &AtomicU32, expected: u32, until: Option<Deadline>) -> Woken {
    futex::wait(word, expected, futex::ANYONE, until)
}

fn poll(files: &[Watched], until: Option<Deadline>) -> io::Result<Vec<bool>> {
    poll::ready(files, until)
}
