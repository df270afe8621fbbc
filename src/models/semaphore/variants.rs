//! The broken variants, and the models that must catch them.

// The orderings here are the bugs, or stand for the algorithm's own: raw/roster.rs names each one's partner, and so
// does raw/semaphore.rs.
use std::sync::atomic::Ordering::{self, Relaxed, Release};

use super::models;
use crate::explore::loom::{self, LoomWord};
use crate::models::betrayals::*;
use crate::models::broken::{Broken, Sabotage};
use crate::models::variant::{Variant, variants};
use crate::world::{Deadline, OWNER_DIED, Update, WAITERS, Woken, Word};

type Exchanged = Result<u32, u32>;
type Words<'a> = &'a [(&'a LoomWord, u32)];

/// Every broken variant of the semaphore.
pub const VARIANTS: &[Variant] = variants![
    in models::all::<Broken>;
    "acquire relaxed", AcquireRelaxed: "taking a permit does not acquire" => "two lanes", "signal";
    "release relaxed", ReleaseRelaxed: "giving a permit does not release" => "two lanes", "signal";
    "leaves without a wake", LeavesUnheard: "a marked place is left, or opened, and no one is woken" => "two lanes", "signal";
    "leaves, then wakes", StoreThenWakeAll: "to leave a marked place and to wake are two steps" => "killed while one barges";
    "no bell", AddsUnheard: "adding to the surplus rings no bell" => "signal";
    "sleeps without the bell", DeafToTheBell: "the first in line does not sleep on the bell" => "signal";
    "bell last", BellLast: "the first in line compares the surplus before it sleeps on the bell" => "signal";
    "sleeps on one place", DeafToTheLast: "the first in line sleeps on all places but the last" => "three lanes";
    "sleeps unmarked", SleepsUnmarked: "the first in line marks nothing" => "two lanes";
    "expected read again", ReadsAllAgain: "the first in line reads what it expects just before it sleeps" => "two lanes", "signal";
    "opens unmarked", DropsMark: "who opens a place takes its mark away" => "signal";
    "closes unmarked", ClosesUnmarked: "who gives a permit away takes the mark away" => "given away under a sleeper";
    "sleep trusted", TrustsSleep: "to be woken is taken for a permit" => "two lanes";
    "unannounced", Unannounced: "the kernel does not know what is taken, opened or added to" => "one of two killed", "teller killed";
    "unannounced leave", UnannouncedLeave: "the kernel does not know what is left" => "one of two killed";
    "not linked", NotLinked: "a holder's place is not in its robust list" => "one of two killed";
    "death overlooked", DeathOverlooked: "the place of a dead holder is not taken for free" => "one of two killed";
];

/// The update comes without the wake. (The line of one or two waiters clears its mark in the same way.)
struct LeavesUnheard;
impl Sabotage for LeavesUnheard {
    fn update_and_wake_all(&self, word: &LoomWord, update: Update) -> u32 {
        word.swap(update.operand(), Release);
        0
    }
}

/// No plain wake.
struct AddsUnheard;
impl Sabotage for AddsUnheard {
    fn wake(&self, _: &LoomWord, _: u32) -> u32 {
        1
    }
}

/// Not the first word.
struct DeafToTheBell;
impl Sabotage for DeafToTheBell {
    fn wait_any(&self, words: Words, until: Option<Deadline>) -> Woken {
        LoomWord::wait_any(&words[1..], until)
    }
}

/// The first word last.
struct BellLast;
impl Sabotage for BellLast {
    fn wait_any(&self, words: Words, until: Option<Deadline>) -> Woken {
        let mut words = words.to_vec();
        words.rotate_left(1);
        LoomWord::wait_any(&words, until)
    }
}

/// Not the last word.
struct DeafToTheLast;
impl Sabotage for DeafToTheLast {
    fn wait_any(&self, words: Words, until: Option<Deadline>) -> Woken {
        LoomWord::wait_any(&words[..words.len() - 1], until)
    }
}

/// Marks nothing, and expects no mark.
struct SleepsUnmarked;
impl Sabotage for SleepsUnmarked {
    fn compare_exchange(
        &self,
        word: &LoomWord,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Exchanged {
        if success == Relaxed {
            return Ok(current);
        }
        word.compare_exchange(current, new, success, failure)
    }
    fn wait_any(&self, words: Words, until: Option<Deadline>) -> Woken {
        let unmarked = words.iter().map(|(word, seen)| (*word, seen & !WAITERS));
        LoomWord::wait_any(&unmarked.collect::<Vec<_>>(), until)
    }
}

/// Whoever gives takes the mark away, and wakes no one for it.
struct ClosesUnmarked;
impl Sabotage for ClosesUnmarked {
    fn compare_exchange(
        &self,
        word: &LoomWord,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Exchanged {
        let new = if success == Release {
            new & !WAITERS
        } else {
            new
        };
        word.compare_exchange(current, new, success, failure)
    }
}

/// The first place of those slept on is taken, whoever has it.
struct TrustsSleep;
impl Sabotage for TrustsSleep {
    fn wait_any(&self, words: Words, until: Option<Deadline>) -> Woken {
        let woken = LoomWord::wait_any(words, until);
        let (place, _) = words[words.len() - 1];
        place.store(0, Relaxed); // what the next look then finds is a permit
        woken
    }
}

/// The kernel's mark is read as an owner that lives.
struct DeathOverlooked;
impl Sabotage for DeathOverlooked {
    fn load(&self, word: &LoomWord, order: Ordering) -> u32 {
        match word.load(order) {
            dead if dead & OWNER_DIED != 0 => dead & WAITERS | loom::JUDGE,
            seen => seen,
        }
    }
}
