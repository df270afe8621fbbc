//! Bugs of locks of a user's own.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use forkproof::explore::{Ended, Exploration, Report, Stage, exhaustive, pct, portfolio, random};
use forkproof::sys::{Os, SharedWord};
use forkproof::world::{Word, World};

use super::words::{CheckThenSet, Lock, NoWake, Spin, ThreeStates, WokenOwns, count_under};

fn of<L: Lock>(exploration: Exploration, lanes: usize) -> Report {
    let report = exploration.check(lanes, count_under::<L>);
    report.unwrap_or_else(|error| panic!("{error}"))
}

/// Fails, by this, within so many runs, and is told in so many lines.
pub fn caught(report: &Report, runs: usize, lines: usize, by: impl Fn(&Ended) -> bool) {
    let run = report.failure().unwrap_or_else(|| panic!("{report}"));
    assert!(by(&run.ended), "{report}");
    assert!(report.runs_until_found().unwrap() <= runs, "{report}");
    assert!(
        run.trace.to_string().lines().count() <= lines + 1,
        "{report}"
    );
}

pub fn holds_in_all(report: &Report) {
    assert!(!report.fails(), "{report}");
    assert!(report.tally.is_all(), "{report}");
}

fn is_lost(ended: &Ended) -> bool {
    matches!(ended, Ended::Panicked { lane, text } if lane == "finally" && text.contains("a count was lost"))
}

fn is_lost_or_deadlock(ended: &Ended) -> bool {
    is_lost(ended) || is_deadlock(ended)
}

pub fn is_deadlock(ended: &Ended) -> bool {
    matches!(ended, Ended::Deadlock { .. })
}

#[test]
fn a_correct_lock_is_not_accused() {
    holds_in_all(&of::<ThreeStates>(exhaustive(), 2));
    holds_in_all(&of::<ThreeStates>(exhaustive(), 3));
    holds_in_all(&of::<ThreeStates>(exhaustive().early_returns(1), 2));
    holds_in_all(&of::<Spin>(exhaustive(), 2));
    for seed in 0..3 {
        for exploration in [random(seed), pct(seed, 3), portfolio(seed)] {
            let report = of::<ThreeStates>(exploration.most_runs(2_000), 3);
            assert!(!report.fails(), "{report}");
        }
    }
}

#[test]
fn two_that_see_a_lock_free_are_found() {
    caught(&of::<CheckThenSet>(exhaustive(), 2), 50, 12, is_lost);
    caught(&of::<CheckThenSet>(random(1), 2), 200, 12, is_lost);
    caught(&of::<CheckThenSet>(pct(1, 3), 2), 500, 12, is_lost);
    caught(&of::<CheckThenSet>(portfolio(1), 2), 50, 12, is_lost);
}

#[test]
fn a_sleeper_that_no_one_wakes_is_found() {
    let report = of::<NoWake>(exhaustive(), 2);
    caught(&report, 50, 12, is_deadlock);
    let Some(Ended::Deadlock { asleep }) = report.failure().map(|run| &run.ended) else {
        unreachable!("looked at above")
    };
    assert_eq!(asleep.len(), 1);
    assert_eq!(asleep[0].1, "lock", "it says what the lane sleeps on");
}

#[test]
fn a_woken_lane_that_takes_itself_for_the_owner_is_found_with_a_third_or_an_early_return() {
    caught(
        &of::<WokenOwns>(exhaustive().early_returns(1), 2),
        500,
        16,
        is_lost_or_deadlock,
    );
    caught(
        &of::<WokenOwns>(exhaustive(), 3),
        5_000,
        24,
        is_lost_or_deadlock,
    );
}

#[test]
fn an_owner_that_dies_leaves_the_others_asleep() {
    let report = of::<ThreeStates>(exhaustive().kills(1), 2);
    caught(&report, 200, 8, is_lost_or_deadlock);
}

#[test]
fn lanes_that_wait_for_ever_without_sleeping_are_found() {
    let report = exhaustive()
        .most_moves(500)
        .check((), |stage: &mut Stage, ()| {
            let flag = stage.shared_as("flag", SharedWord::new(0));
            stage.lane("waiter", move |_| while flag.load(SeqCst) == 0 {});
            stage.lane("other", move |_| {
                flag.load(SeqCst);
            });
        });
    caught(&report.unwrap(), 1, 8, |ended| {
        matches!(ended, Ended::Endless { .. })
    });
}

#[test]
fn a_deadline_passes_when_nothing_else_can_happen_and_also_before() {
    // Gives up although the other would have woken it: in some order.
    let report = exhaustive().check((), |stage: &mut Stage, ()| {
        let word = stage.shared_as("word", SharedWord::new(0));
        let gave_up = stage.shared_as("gave up", SharedWord::new(0));
        stage.lane("waiter", move |_| {
            let until = Os::deadline(std::time::Duration::from_secs(3_600));
            while word.load(SeqCst) == 0 {
                if Os::wait(&word, 0, until) == forkproof::world::Woken::TimedOut {
                    gave_up.store(1, SeqCst);
                    return;
                }
            }
        });
        stage.lane("waker", move |_| {
            word.store(1, SeqCst);
            Os::wake(&word, 1);
        });
        stage.finally(move |_| assert_eq!(gave_up.load(SeqCst), 0, "an hour has passed"));
    });
    caught(&report.unwrap(), 50, 8, |ended| {
        matches!(ended, Ended::Panicked { .. })
    });
}

#[test]
fn what_makes_no_step_is_no_pass() {
    let report = exhaustive().check((), |stage: &mut Stage, ()| {
        stage.lane("one", |_| ());
        stage.lane("other", |_| ());
    });
    let report = report.unwrap();
    assert!(report.fails() && report.is_blind(), "{report}");
}

#[test]
fn a_lane_that_exits_is_told() {
    let report = exhaustive().check((), |stage: &mut Stage, ()| {
        let word = stage.shared_as("word", SharedWord::new(0));
        stage.lane("one", move |_| {
            if word.load(Relaxed) == 1 {
                std::process::exit(7);
            }
        });
        stage.lane("other", move |_| word.store(1, Relaxed));
    });
    caught(&report.unwrap(), 10, 8, |ended| {
        *ended
            == Ended::LaneEnded {
                lane: "one".to_owned(),
                status: 7,
            }
    });
}

#[test]
fn a_second_thread_in_a_lane_is_refused() {
    let report = exhaustive().check((), |stage: &mut Stage, ()| {
        let word = stage.shared_as("word", SharedWord::new(0));
        stage.lane("one", move |_| {
            word.load(Relaxed);
            let other = std::thread::spawn(move || word.load(Relaxed));
            assert!(other.join().is_ok(), "the thread panicked");
        });
    });
    caught(&report.unwrap(), 1, 8, |ended| {
        matches!(ended, Ended::Panicked { .. })
    });
}

#[test]
fn shards_do_together_what_one_does() {
    let whole = of::<ThreeStates>(exhaustive().unreduced(), 2);
    holds_in_all(&whole);
    let mut sum = 0;
    for index in 1..=3 {
        let shard = format!("{index}/3").parse().unwrap();
        let part = of::<ThreeStates>(exhaustive().unreduced().shard(shard), 2);
        assert!(!part.fails(), "{part}");
        sum += part.tally.schedules();
    }
    assert_eq!(sum, whole.tally.schedules());
}

#[test]
fn a_lane_that_counts_its_rounds_is_not_taken_for_one_that_spins_for_ever() {
    let report = exhaustive()
        .early_returns(1)
        .check((), |stage: &mut Stage, ()| {
            let word = stage.shared_as("word", SharedWord::new(0));
            stage.lane("sleeper", move |_| {
                while word.load(SeqCst) == 0 {
                    Os::wait(&word, 0, None);
                }
            });
            stage.lane("waker", move |_| {
                for _ in 0..20 {
                    word.load(SeqCst);
                }
                word.store(1, SeqCst);
                Os::wake(&word, 1);
            });
        });
    holds_in_all(&report.unwrap());
}
