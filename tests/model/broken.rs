//! What is broken is found, in the worlds that can see it, and the report says in which.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use forkproof::explore::{Model, ModelReport, Part, exhaustive};
use forkproof::world::{Word, World};

use super::counting::{Counting, Lock};

fn check<M: Model>(exploration: forkproof::explore::Exploration) -> ModelReport {
    exploration
        .check_model::<M>()
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Only loom finds it, and its text says so and why.
fn only_loom_fails(report: &ModelReport, why: &str) {
    assert!(!report.controller.fails(), "{report}");
    let loom = report.loom.as_ref().unwrap();
    let failure = loom.failure.as_ref().unwrap_or_else(|| panic!("{report}"));
    assert!(failure.text.contains(why), "{report}");
    assert!((2..30).contains(&failure.steps), "{report}");
    assert!(report.fails());
}

fn both_fail(report: &ModelReport, why: &str) {
    let run = report
        .controller
        .failure()
        .unwrap_or_else(|| panic!("{report}"));
    assert!(run.ended.to_string().contains(why), "{report}");
    let failure = report.loom.as_ref().and_then(|loom| loom.failure.as_ref());
    let failure = failure.unwrap_or_else(|| panic!("{report}"));
    assert!(failure.text.contains(why), "{report}");
}

/// Gives it back without a Release.
struct UnlocksRelaxed;

impl Lock for UnlocksRelaxed {
    fn lock<W: World>(words: &[W::Word; 3], _: usize) {
        while words[0].swap(1, Acquire) != 0 {}
    }
    fn unlock<W: World>(words: &[W::Word; 3], _: usize) {
        words[0].store(0, Relaxed);
    }
}

/// Peterson's, whose last look may see what was there before its own store.
struct LooksTooSoon;

impl Lock for LooksTooSoon {
    fn lock<W: World>(words: &[W::Word; 3], me: usize) {
        let other = 1 - me;
        words[me].store(1, SeqCst);
        words[2].store(other as u32, SeqCst);
        while words[other].load(Acquire) == 1 && words[2].load(Acquire) == other as u32 {}
    }
    fn unlock<W: World>(words: &[W::Word; 3], me: usize) {
        words[me].store(0, Release);
    }
}

/// Forgets who sleeps.
struct WakesNoOne;

impl Lock for WakesNoOne {
    fn lock<W: World>(words: &[W::Word; 3], _: usize) {
        while words[0].swap(1, Acquire) != 0 {
            W::wait(&words[0], 1, None);
        }
    }
    fn unlock<W: World>(words: &[W::Word; 3], _: usize) {
        words[0].store(0, Release);
    }
}

/// Is right, while no one dies.
struct Mortal;

impl Lock for Mortal {
    fn lock<W: World>(words: &[W::Word; 3], _: usize) {
        while words[0].swap(1, Acquire) != 0 {
            W::wait(&words[0], 1, None);
        }
    }
    fn unlock<W: World>(words: &[W::Word; 3], _: usize) {
        words[0].store(0, Release);
        W::wake(&words[0], u32::MAX);
    }
}

/// Waits for its own other hand.
struct NeverEnds;

impl Lock for NeverEnds {
    fn lock<W: World>(words: &[W::Word; 3], _: usize) {
        while words[0].load(Acquire) == 0 {}
    }
    fn unlock<W: World>(_: &[W::Word; 3], _: usize) {}
}

/// Tries some times, then sleeps; and marks nothing for who gives it back.
struct SleepsUnseen;

impl Lock for SleepsUnseen {
    fn lock<W: World>(words: &[W::Word; 3], _: usize) {
        let take = || words[0].compare_exchange(0, 1, Acquire, Relaxed).is_ok();
        if !(0..6).any(|_| take()) {
            while words[0].swap(1, Acquire) != 0 {
                W::wait(&words[0], 1, None);
            }
        }
    }
    fn unlock<W: World>(words: &[W::Word; 3], _: usize) {
        if words[0].swap(0, Release) == 2 {
            W::wake(&words[0], 1);
        }
    }
}

/// Looks ten times, and goes in all the same.
struct LosesPatience;

impl Lock for LosesPatience {
    fn lock<W: World>(words: &[W::Word; 3], _: usize) {
        let _came = (0..10).any(|_| words[0].load(Relaxed) == 0);
        words[0].swap(1, Acquire);
    }
    fn unlock<W: World>(words: &[W::Word; 3], _: usize) {
        words[0].store(0, Release);
    }
}

#[test]
fn who_spins_for_a_while_is_found_doing_what_it_does_then() {
    both_fail(
        &check::<Counting<SleepsUnseen, 2>>(exhaustive()),
        "sleeps on lock",
    );
    both_fail(
        &check::<Counting<LosesPatience, 2>>(exhaustive()),
        "a count was lost",
    );
}

#[test]
fn orderings_that_are_too_weak_are_found_by_loom_alone() {
    only_loom_fails(
        &check::<Counting<UnlocksRelaxed, 2>>(exhaustive()),
        "a count was lost",
    );
    only_loom_fails(
        &check::<Counting<LooksTooSoon, 2>>(exhaustive()),
        "a count was lost",
    );
}

#[test]
fn a_lost_wake_is_a_deadlock_in_both_that_says_who_sleeps() {
    let report = check::<Counting<WakesNoOne, 2>>(exhaustive());
    both_fail(&report, "sleeps on lock");
}

/// The guest looks at the gate, and reads only then how often it was opened, which it sleeps on.
struct ReadsTooLate;

impl Model for ReadsTooLate {
    /// The gate, and how often it was opened.
    type Shared<W: World> = [W::Word; 2];

    fn set_up<W: World>() -> [W::Word; 2] {
        [0, 0].map(W::Word::new)
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&[W::Word; 2]))> {
        vec![("guest", guest::<W>), ("host", host::<W>)]
    }

    fn parts<W: World>([gate, openings]: &[W::Word; 2]) -> Vec<Part> {
        vec![Part::new("gate", gate), Part::new("openings", openings)]
    }
}

fn guest<W: World>([gate, openings]: &[W::Word; 2]) {
    while gate.load(SeqCst) == 0 {
        let seen = openings.load(SeqCst);
        W::wait(openings, seen, None);
    }
}

fn host<W: World>([gate, openings]: &[W::Word; 2]) {
    gate.store(1, SeqCst);
    openings.fetch_add(1, SeqCst);
    W::wake(openings, u32::MAX);
}

/// Loom's own panic comes in the lane that is the last to fall asleep.
#[test]
fn who_sleeps_is_said_also_of_the_lane_in_which_loom_gives_up() {
    let report = check::<ReadsTooLate>(exhaustive());
    both_fail(&report, "deadlock: guest sleeps on openings");
}

#[test]
fn a_dead_owner_is_found_in_both() {
    let report = check::<Counting<Mortal, 2>>(exhaustive());
    assert!(!report.fails(), "{report}");
    let report = check::<Counting<Mortal, 2>>(exhaustive().kills(1));
    assert!(report.controller.failure().is_some(), "{report}");
    let loom = report.loom.as_ref().unwrap().failure.as_ref().unwrap();
    assert!(loom.setting.contains("is killed before step"), "{report}");
    assert!(loom.trace.to_string().contains("SIGKILL"), "{report}");
}

#[test]
fn who_waits_for_ever_without_sleeping_is_told_so_in_both() {
    let report = check::<Counting<NeverEnds, 2>>(exhaustive().most_moves(300));
    both_fail(&report, "no end");
}

/// Does nothing that anyone could see.
struct Idle;

impl Model for Idle {
    type Shared<W: World> = W::Word;

    fn set_up<W: World>() -> W::Word {
        W::Word::new(0)
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&W::Word))> {
        vec![("one", |_| ()), ("other", |_| ())]
    }
}

#[test]
fn what_makes_no_step_is_no_pass_in_either() {
    let report = check::<Idle>(exhaustive());
    assert!(report.controller.is_blind() && report.loom.as_ref().unwrap().is_blind());
    assert!(report.fails());
}

#[test]
#[should_panic(expected = "a count was lost")]
fn the_call_panics_with_the_report() {
    exhaustive().model::<Counting<UnlocksRelaxed, 2>>();
}

#[test]
fn a_read_of_what_is_no_longer_there_is_marked_in_the_timeline() {
    let report = check::<Counting<UnlocksRelaxed, 2>>(exhaustive());
    let failure = report.loom.unwrap().failure.unwrap();
    let timeline = format!("{:#}", failure.trace);
    assert!(timeline.contains("loads count: 0 (old)"), "{timeline}");
    assert!(
        timeline.contains("first") && timeline.contains("stores count = 1"),
        "{timeline}"
    );
}
