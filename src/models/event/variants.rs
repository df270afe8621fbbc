//! The broken variants, and the models that must catch them.

// The orderings here are the bugs, or stand for the algorithm's own: raw/event.rs names each one's partner.
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release};

use super::all;
use crate::explore::loom::LoomWord;
use crate::models::betrayals::*;
use crate::models::broken::{Broken, Sabotage};
use crate::models::variant::{Variant, variants};
use crate::world::{Deadline, Update, Woken, Word};

type Exchanged = Result<u32, u32>;

/// Every broken variant of the event.
pub const VARIANTS: &[Variant] = variants![
    in all::<Broken>;
    "set relaxed", SetRelaxed: "setting it does not release" => "told", "looked at";
    "wait relaxed", LoadsRelaxed: "neither looking nor waiting acquires" => "told", "looked at";
    "set without a wake", SetsUnheard: "who sets it wakes no one" => "told";
    "wakes, then sets", WakesThenSets: "who sets it wakes before it has set it" => "told";
    "sets, then wakes", SetsThenWakes: "to set it and to wake are two steps" => "one of two tellers killed";
    "wakes one", WakesOne: "who sets it wakes one of those who sleep" => "told";
    "clears uncounted", ClearsUncounted: "a clear leaves the count as it was" => "told and cleared";
    "set looks only", SetLooksOnly: "to set what is set already is no more than a look" => "produced and consumed";
    "clear relaxed", ClearRelaxed: "who clears it does not acquire" => "produced and consumed";
    "sleeps unmarked", SleepsUnmarked: "a waiter sleeps without the mark" => "told";
    "expected read again", ReadsExpectedAgain: "a waiter reads what it expects just before it sleeps" => "told";
    "sleep trusted", TrustsSleep: "to be woken is taken for the event" => "told";
];

const SET: u32 = 1;
const SLEEPERS: u32 = 2;

/// Setting does not release.
struct SetRelaxed;
impl Sabotage for SetRelaxed {
    fn compare_exchange(
        &self,
        word: &LoomWord,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Exchanged {
        let sets = new & SET != 0 && success == AcqRel;
        word.compare_exchange(current, new, if sets { Acquire } else { success }, failure)
    }
}

/// The update comes without the wake.
struct SetsUnheard;
impl Sabotage for SetsUnheard {
    fn update_and_wake_all(&self, word: &LoomWord, update: Update) -> u32 {
        set_bits(word, update);
        0
    }
}

/// The wake, and then the update.
struct WakesThenSets;
impl Sabotage for WakesThenSets {
    fn update_and_wake_all(&self, word: &LoomWord, update: Update) -> u32 {
        let woken = word.wake(u32::MAX);
        set_bits(word, update);
        woken
    }
}

/// The update, and then the wake.
struct SetsThenWakes;
impl Sabotage for SetsThenWakes {
    fn update_and_wake_all(&self, word: &LoomWord, update: Update) -> u32 {
        set_bits(word, update);
        word.wake(u32::MAX)
    }
}

/// The update, and a wake for one.
struct WakesOne;
impl Sabotage for WakesOne {
    fn update_and_wake_all(&self, word: &LoomWord, update: Update) -> u32 {
        set_bits(word, update);
        word.wake(1)
    }
}

fn set_bits(word: &LoomWord, update: Update) {
    let mut seen = word.load(Relaxed);
    while let Err(now) = word.compare_exchange(seen, seen | update.operand(), Release, Relaxed) {
        seen = now;
    }
}

/// A clear does not count.
struct ClearsUncounted;
impl Sabotage for ClearsUncounted {
    fn compare_exchange(
        &self,
        word: &LoomWord,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Exchanged {
        let new = if new & SET == 0 && current & SET != 0 {
            current & !(SET | SLEEPERS)
        } else {
            new
        };
        word.compare_exchange(current, new, success, failure)
    }
}

/// An exchange that changes nothing is a look.
struct SetLooksOnly;
impl Sabotage for SetLooksOnly {
    fn compare_exchange(
        &self,
        word: &LoomWord,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Exchanged {
        if current == new {
            return Ok(current); // it was seen just before
        }
        word.compare_exchange(current, new, success, failure)
    }
}

/// A clear does not acquire.
struct ClearRelaxed;
impl Sabotage for ClearRelaxed {
    fn compare_exchange(
        &self,
        word: &LoomWord,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Exchanged {
        let clears = new & SET == 0 && success == AcqRel;
        word.compare_exchange(
            current,
            new,
            if clears { Release } else { success },
            failure,
        )
    }
}

/// No mark is set, and none expected.
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
    fn wait(&self, word: &LoomWord, expected: u32, until: Option<Deadline>) -> Woken {
        word.wait(expected & !SLEEPERS, until)
    }
}

/// Whoever returns from its sleep sets the event itself.
struct TrustsSleep;
impl Sabotage for TrustsSleep {
    fn wait(&self, word: &LoomWord, expected: u32, until: Option<Deadline>) -> Woken {
        let woken = word.wait(expected, until);
        set_bits(word, Update::Or(SET));
        woken
    }
}
