//! What is right is not accused.

use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::time::Duration;

use forkproof::explore::{Exploration, Model, ModelReport, exhaustive, portfolio, random};
use forkproof::raw::{Acquired, Patience, RawMutex};
use forkproof::world::{Wide, Woken, Word, World};

use super::counting::{Counting, Lock};

fn holds<M: Model>(exploration: Exploration) -> ModelReport {
    let report = exploration.check_model::<M>();
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    assert!(!report.fails(), "{report}");
    report
}

fn holds_in_all<M: Model>(exploration: Exploration) {
    let report = holds::<M>(exploration);
    assert!(report.controller.tally.is_all(), "{report}");
    assert!(
        report.loom.as_ref().is_some_and(|loom| loom.is_all),
        "{report}"
    );
}

/// Swaps until it finds it free.
struct Spin;

impl Lock for Spin {
    fn lock<W: World>(words: &[W::Word; 3], _: usize) {
        while words[0].swap(1, Acquire) != 0 {}
    }
    fn unlock<W: World>(words: &[W::Word; 3], _: usize) {
        words[0].store(0, Release);
    }
}

/// Looks until it is free, and then tries.
struct LookThenSwap;

impl Lock for LookThenSwap {
    fn lock<W: World>(words: &[W::Word; 3], _: usize) {
        loop {
            while words[0].load(Relaxed) != 0 {
                std::hint::spin_loop();
            }
            if words[0].compare_exchange(0, 1, Acquire, Relaxed).is_ok() {
                return;
            }
        }
    }
    fn unlock<W: World>(words: &[W::Word; 3], _: usize) {
        words[0].store(0, Release);
    }
}

/// A ticket each, and a sign that shows whose turn it is.
struct Tickets;

impl Lock for Tickets {
    fn lock<W: World>(words: &[W::Word; 3], _: usize) {
        let mine = words[0].fetch_add(1, Relaxed);
        while words[1].load(Acquire) != mine {}
    }
    fn unlock<W: World>(words: &[W::Word; 3], _: usize) {
        words[1].store(words[1].load(Relaxed) + 1, Release);
    }
}

/// Peterson's lock of two, every access SeqCst.
struct Peterson;

impl Lock for Peterson {
    fn lock<W: World>(words: &[W::Word; 3], me: usize) {
        let other = 1 - me;
        words[me].store(1, SeqCst);
        words[2].store(other as u32, SeqCst);
        while words[other].load(SeqCst) == 1 && words[2].load(SeqCst) == other as u32 {}
    }
    fn unlock<W: World>(words: &[W::Word; 3], me: usize) {
        words[me].store(0, SeqCst);
    }
}

/// Peterson's lock with one fence.
struct FencedPeterson;

impl Lock for FencedPeterson {
    fn lock<W: World>(words: &[W::Word; 3], me: usize) {
        let other = 1 - me;
        words[me].store(1, Relaxed);
        words[2].swap(other as u32, AcqRel);
        W::fence(SeqCst);
        while words[other].load(Acquire) == 1 && words[2].load(Acquire) == other as u32 {}
    }
    fn unlock<W: World>(words: &[W::Word; 3], me: usize) {
        words[me].store(0, Release);
    }
}

/// Looks a few times, then sleeps.
struct SpinsThenSleeps;

impl Lock for SpinsThenSleeps {
    fn lock<W: World>(words: &[W::Word; 3], _: usize) {
        for _ in 0..10 {
            if words[0].compare_exchange(0, 1, Acquire, Relaxed).is_ok() {
                return;
            }
        }
        while words[0].swap(2, Acquire) != 0 {
            W::wait(&words[0], 2, None);
        }
    }
    fn unlock<W: World>(words: &[W::Word; 3], _: usize) {
        if words[0].swap(0, Release) == 2 {
            W::wake(&words[0], 1);
        }
    }
}

#[test]
fn locks_that_spin_are_not_accused() {
    holds_in_all::<Counting<Spin, 2>>(exhaustive());
    holds_in_all::<Counting<LookThenSwap, 2>>(exhaustive());
    holds_in_all::<Counting<Tickets, 2>>(exhaustive());
    holds::<Counting<Spin, 3>>(exhaustive().most_runs(20_000));
    holds_in_all::<Counting<SpinsThenSleeps, 2>>(exhaustive());
    holds::<Counting<SpinsThenSleeps, 2>>(exhaustive().early_returns(1));
}

#[test]
fn locks_of_ordinary_accesses_in_one_order_are_not_accused() {
    holds_in_all::<Counting<Peterson, 2>>(exhaustive());
    holds_in_all::<Counting<FencedPeterson, 2>>(exhaustive());
}

#[test]
fn drawn_schedules_go_with_a_bounded_search_of_loom() {
    for exploration in [random(1), portfolio(1)] {
        let report = holds::<Counting<Tickets, 3>>(exploration.most_runs(500));
        let loom = report.loom.unwrap();
        assert!(!loom.is_all && loom.executions < 2_000, "{loom}");
    }
}

/// A lock that outlives its owner: the next one is told.
struct Robust;

impl Model for Robust {
    type Shared<W: World> = (RawMutex<W>, W::Word);

    fn set_up<W: World>() -> Self::Shared<W> {
        (RawMutex::new(), W::Word::new(0))
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&Self::Shared<W>))> {
        vec![("one", enter::<W>), ("other", enter::<W>)]
    }

    fn finally<W: World>(shared: &Self::Shared<W>) {
        enter::<W>(shared);
    }
}

fn enter<W: World>((lock, inside): &(RawMutex<W>, W::Word)) {
    match lock.lock(Patience::Endless).unwrap() {
        Acquired::Clean => assert_eq!(inside.load(Relaxed), 0, "someone is inside"),
        Acquired::OwnerDied => lock.mark_consistent().unwrap(),
    }
    inside.store(1, Relaxed);
    inside.store(0, Relaxed);
    lock.unlock().unwrap();
}

#[test]
fn a_robust_lock_survives_deaths_in_both_worlds() {
    let report = holds::<Robust>(exhaustive().kills(1));
    assert!(report.controller.kills > 50, "{report}");
    assert!(report.loom.is_some_and(|loom| loom.deaths > 50));
}

/// Waits for what no one does, until its time has passed.
struct GivesUp;

impl Model for GivesUp {
    type Shared<W: World> = [W::Word; 2];

    fn set_up<W: World>() -> [W::Word; 2] {
        [W::Word::new(0), W::Word::new(0)]
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&[W::Word; 2]))> {
        vec![
            ("patient", |words| {
                let until = W::deadline(Duration::from_secs(1));
                while words[0].load(Relaxed) == 0 {
                    if W::wait(&words[0], 0, until) == Woken::TimedOut {
                        words[1].store(1, Relaxed);
                        return;
                    }
                }
            }),
            ("other", |words| words[1].store(0, Relaxed)),
        ]
    }
}

#[test]
fn who_has_a_deadline_does_not_sleep_for_ever() {
    let report = holds::<GivesUp>(exhaustive().early_returns(1));
    assert!(report.controller.tally.is_all(), "{report}");
    let loom = report.loom.unwrap();
    assert!(!loom.is_all && loom.left_out.len() == 2, "{loom}");
}

/// A sequence, a pair, and readers that look whether the pair is whole.
struct SeqLock;

impl Model for SeqLock {
    type Shared<W: World> = (W::Word, [W::Wide; 2]);

    fn set_up<W: World>() -> Self::Shared<W> {
        (W::Word::new(0), [W::Wide::new(0), W::Wide::new(0)])
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&Self::Shared<W>))> {
        vec![
            ("writer", |(sequence, pair)| {
                sequence.store(1, Relaxed);
                W::fence(Release);
                pair[0].store(7, Relaxed);
                pair[1].store(7, Relaxed);
                sequence.store(2, Release);
            }),
            ("reader", |(sequence, pair)| {
                loop {
                    let before = sequence.load(Acquire);
                    let seen = (pair[0].load(Relaxed), pair[1].load(Relaxed));
                    W::fence(Ordering::Acquire);
                    if before % 2 == 0 && sequence.load(Relaxed) == before {
                        assert_eq!(seen.0, seen.1, "torn");
                        return;
                    }
                }
            }),
        ]
    }
}

#[test]
fn a_sequence_lock_is_not_accused() {
    holds::<SeqLock>(exhaustive().most_runs(20_000));
}
