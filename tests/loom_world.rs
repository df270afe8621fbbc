//! The world of the models is itself on trial: a futex that sleeps, wakes, compares and ends early as the
//! kernel's does; deaths that leave what the kernel leaves; a search that finds what is there.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use forkproof::explore::loom::{
    Kernel, Loom, LoomWord, Nth, Outcome, Program, Search, Setting, WakeOrder, explore, me, step,
};
use forkproof::world::{Deadline, Node, OWNER_DIED, Update, WAITERS, Woken, Word, World};

type Words = [LoomWord; 3];
type Lane = fn(&Words);

const FIRST_SLEEP_OF_1: Nth = Nth { lane: 1, nth: 1 };

fn words() -> Words {
    std::array::from_fn(|_| LoomWord::new(0))
}

fn search(setting: Setting, lanes: &[Lane], end: Lane) -> Search {
    explore(&Program::new(words, lanes, end), &setting)
}

fn holds(setting: Setting, lanes: &[Lane], end: Lane) -> Search {
    let search = search(setting, lanes, end);
    assert_eq!(search.outcome, Outcome::Holds);
    search
}

fn fails(setting: Setting, lanes: &[Lane], end: Lane, with: &str) {
    match search(setting, lanes, end).outcome {
        Outcome::Fails(message) if message.contains(with) => {}
        other => panic!("fails with {with:?}: {other:?}"),
    }
}

fn anything(_: &Words) {}

fn sleep_while_0(words: &Words) {
    while words[0].load(Acquire) == 0 {
        Loom::wait(&words[0], 0, None);
    }
}

// Sleeping and waking.

#[test]
fn a_wake_after_the_store_is_never_lost() {
    let wake: Lane = |words| {
        words[0].store(1, Release);
        Loom::wake(&words[0], 1);
    };
    let search = holds(Setting::default(), &[wake, sleep_while_0], anything);
    assert!(search.tally.sleeps > 0 && search.tally.woken > 0);
}

#[test]
fn a_missing_wake_is_a_deadlock() {
    let store: Lane = |words| words[0].store(1, Release);
    fails(
        Setting::default(),
        &[store, sleep_while_0],
        anything,
        "deadlock",
    );
}

#[test]
fn a_wake_before_the_store_is_lost() {
    let wake: Lane = |words| {
        Loom::wake(&words[0], 1);
        words[0].store(1, Release);
    };
    fails(
        Setting::default(),
        &[wake, sleep_while_0],
        anything,
        "deadlock",
    );
}

#[test]
fn two_sleepers_need_two_wakes_or_one_for_all() {
    let wake: Lane = |words| {
        words[0].store(1, Release);
        Loom::wake(&words[0], 1);
    };
    let lanes = [wake, sleep_while_0, sleep_while_0];
    fails(Setting::default(), &lanes, anything, "deadlock");
    let wake: Lane = |words| {
        Loom::update_and_wake_all(&words[0], Update::Set(1));
    };
    holds(
        Setting::default(),
        &[wake, sleep_while_0, sleep_while_0],
        anything,
    );
}

#[test]
fn a_wait_compares_before_it_sleeps() {
    let lane: Lane = |words| assert_eq!(Loom::wait(&words[0], 7, None), Woken::Changed);
    let search = holds(Setting::default(), &[lane], anything);
    assert_eq!(search.tally.sleeps, 0);
}

#[test]
fn sleepers_are_woken_in_the_order_of_the_setting() {
    // Lane 3 falls asleep after lane 2, or not at all; whoever is woken first says so.
    let say: Lane = |words| {
        Loom::wait(&words[0], 0, None);
        let said = words[1].compare_exchange(0, me(), Relaxed, Relaxed);
        if said.is_ok() {
            Loom::wake(&words[1], 1);
        }
    };
    let say_second: Lane = |words| {
        Loom::wake(&words[0], 0); // the search sees it as an access
        if words[0].sleepers_count() == 1 {
            Loom::wait(&words[0], 0, None);
            if words[1].compare_exchange(0, me(), Relaxed, Relaxed).is_ok() {
                Loom::wake(&words[1], 1);
            }
        }
    };
    fn wake(words: &Words) -> u32 {
        Loom::wake(&words[0], 0); // the search sees it as an access
        let first = if words[0].sleepers_count() == 2 {
            assert_eq!(Loom::wake(&words[0], 1), 1);
            while words[1].load(Relaxed) == 0 {
                Loom::wait(&words[1], 0, None);
            }
            words[1].load(Relaxed)
        } else {
            0
        };
        Loom::update_and_wake_all(&words[0], Update::Set(1));
        first
    }
    for (wake_order, is_two_first) in [(WakeOrder::FirstIn, true), (WakeOrder::LastIn, false)] {
        let setting = Setting {
            wake_order,
            ..Setting::default()
        };
        let not_two: Lane = |words| assert_ne!(wake(words), 2, "two");
        let not_three: Lane = |words| assert_ne!(wake(words), 3, "three");
        let (never, met, message) = match is_two_first {
            true => (not_three, not_two, "two"),
            false => (not_two, not_three, "three"),
        };
        holds(setting.clone(), &[never, say, say_second], anything);
        fails(setting, &[met, say, say_second], anything, message);
    }
}

#[test]
fn a_sleep_ends_early_where_the_setting_says() {
    let lane: Lane = |words| assert_eq!(Loom::wait(&words[0], 0, None), Woken::Perhaps);
    fails(Setting::default(), &[lane], anything, "deadlock");
    let early_returns = vec![FIRST_SLEEP_OF_1];
    let setting = Setting {
        early_returns,
        ..Setting::default()
    };
    let search = holds(setting, &[lane], anything);
    assert_eq!(search.tally.early_returns, 1);
}

#[test]
fn a_deadline_passes_where_the_setting_says() {
    let lane: Lane = |words| {
        let deadline = Some(Deadline { monotonic_ns: 1 });
        assert_eq!(Loom::wait(&words[0], 0, deadline), Woken::TimedOut);
    };
    fails(Setting::default(), &[lane], anything, "deadlock");
    let time_outs = vec![FIRST_SLEEP_OF_1];
    let setting = Setting {
        time_outs,
        ..Setting::default()
    };
    let search = holds(setting, &[lane], anything);
    assert_eq!(search.tally.time_outs, 1);
}

#[test]
fn a_sleep_without_a_deadline_never_times_out() {
    let lane: Lane = |words| {
        Loom::wait(&words[0], 0, None);
    };
    let time_outs = vec![FIRST_SLEEP_OF_1];
    let setting = Setting {
        time_outs,
        ..Setting::default()
    };
    fails(setting, &[lane], anything, "deadlock");
}

// Memory.

#[test]
fn a_message_needs_release_and_acquire() {
    let send: Lane = |words| {
        words[1].store(7, Relaxed);
        words[0].store(1, Release);
    };
    let receive: Lane = |words| {
        if words[0].load(Acquire) == 1 {
            assert_eq!(words[1].load(Relaxed), 7, "stale");
        }
    };
    holds(Setting::default(), &[send, receive], anything);
    let send: Lane = |words| {
        words[1].store(7, Relaxed);
        words[0].store(1, Relaxed);
    };
    fails(Setting::default(), &[send, receive], anything, "stale");
}

#[test]
fn a_search_that_is_too_long_is_unfinished() {
    let add: Lane = |words| {
        for _ in 0..3 {
            words[0].fetch_add(1, Relaxed);
        }
    };
    let setting = Setting {
        executions_max: 1_000,
        ..Setting::default()
    };
    let search = search(setting, &[add, add, add], anything);
    assert_eq!(search.outcome, Outcome::Unfinished);
    assert_eq!(search.tally.executions, 999);
}

// Death.

/// Lane 1 is killed before its step `nth`.
fn killed(kernel: Kernel, nth: u32) -> Setting {
    Setting {
        kernel,
        kills: vec![Nth { lane: 1, nth }],
        ..Setting::default()
    }
}

type Owned = Node<Loom>;

fn search_node(setting: Setting, lanes: &[fn(&Owned)], end: fn(&Owned)) -> Search {
    explore(&Program::new(Owned::new, lanes, end), &setting)
}

#[test]
fn a_lane_is_killed_before_the_step_that_is_named() {
    let counts: fn(&Owned) = |node| {
        node.beside[0].fetch_add(1, Relaxed);
        node.beside[0].fetch_add(1, Relaxed);
        step();
        node.beside[0].fetch_add(1, Relaxed);
    };
    for (nth, end) in [
        (
            1,
            (|node| assert_eq!(node.beside[0].load(Relaxed), 0)) as fn(&Owned),
        ),
        (2, |node| assert_eq!(node.beside[0].load(Relaxed), 1)),
        (3, |node| assert_eq!(node.beside[0].load(Relaxed), 2)),
        (4, |node| assert_eq!(node.beside[0].load(Relaxed), 2)),
        (5, |node| assert_eq!(node.beside[0].load(Relaxed), 3)),
    ] {
        let search = search_node(killed(Kernel::Linux6_2, nth), &[counts], end);
        assert_eq!(search.outcome, Outcome::Holds);
        assert_eq!(search.tally.deaths(), u64::from(nth < 5));
        assert_eq!(search.tally.owner_deaths, 0);
    }
}

#[test]
fn the_kernel_marks_what_a_dead_thread_owned() {
    // Held by the list, by the announcement, by both at once; and by neither.
    let takes: fn(&Owned) = |node| {
        Loom::announce(node); // 1
        node.word.store(me() | WAITERS, Relaxed); // 2
        Loom::link(node); // 3
        Loom::withdraw(); // 4
        step(); // 5
        Loom::announce(node); // 6
        Loom::unlink(node); // 7
        Loom::withdraw(); // 8
        step(); // 9
    };
    for nth in 3..=8 {
        let end: fn(&Owned) = |node| assert_eq!(node.word.load(Relaxed), WAITERS | OWNER_DIED);
        let search = search_node(killed(Kernel::Linux6_2, nth), &[takes], end);
        assert_eq!(search.outcome, Outcome::Holds, "step {nth}");
        assert_eq!(search.tally.owner_deaths, 1);
    }
    let end: fn(&Owned) = |node| assert_eq!(node.word.load(Relaxed), 1 | WAITERS);
    let search = search_node(killed(Kernel::Linux6_2, 9), &[takes], end);
    assert_eq!(
        search.outcome,
        Outcome::Holds,
        "neither in the list nor announced"
    );
    assert_eq!(search.tally.owner_deaths, 0);
}

#[test]
fn the_kernel_wakes_one_sleeper_of_a_dead_owner() {
    let takes: fn(&Owned) = |node| {
        Loom::announce(node);
        node.word.store(me() | WAITERS, Relaxed);
        step(); // killed here: the third
    };
    let waits: fn(&Owned) = |node| {
        while node.word.load(Relaxed) == 1 | WAITERS {
            Loom::wait(&node.word, 1 | WAITERS, None);
        }
    };
    let setting = || killed(Kernel::Linux6_2, 3);
    let one = search_node(setting(), &[takes, waits], |_| {});
    assert_eq!(one.outcome, Outcome::Holds);
    assert!(one.tally.woken > 0);
    let two = search_node(setting(), &[takes, waits, waits], |_| {}).outcome;
    assert!(matches!(two, Outcome::Fails(message) if message.contains("deadlock")));
}

/// An unlock that leaves `left` behind and is killed before its wake: is its waiter woken?
fn passes_on(kernel: Kernel, left: fn(&Owned)) -> bool {
    const OTHER: u32 = 9 | WAITERS; // owned by no lane of the model
    let waits: fn(&Owned) = |node| {
        while node.word.load(Relaxed) == OTHER {
            Loom::wait(&node.word, OTHER, None);
        }
    };
    let start: fn() -> Owned = || {
        let node = Owned::new();
        node.word.store(OTHER, Relaxed);
        node
    };
    let search = explore(
        &Program::new(start, &[left, waits], |_| {}),
        &killed(kernel, 3),
    );
    match search.outcome {
        Outcome::Holds => true,
        Outcome::Fails(message) if message.contains("deadlock") => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_kernel_passes_on_the_wake_of_an_announced_word_without_owner() {
    let zero: fn(&Owned) = |node| {
        Loom::announce(node); // 1
        node.word.swap(0, Release); // 2
        Loom::wake(&node.word, 1); // 3: killed before it
    };
    let marked: fn(&Owned) = |node| {
        Loom::announce(node); // 1
        node.word.swap(WAITERS, Release); // 2
        Loom::wake(&node.word, 1); // 3: killed before it
    };
    let unannounced: fn(&Owned) = |node| {
        step(); // 1
        node.word.swap(0, Release); // 2
        Loom::wake(&node.word, 1); // 3: killed before it
    };
    assert!(passes_on(Kernel::Linux6_2, zero));
    assert!(passes_on(Kernel::Linux5_5, zero));
    assert!(passes_on(Kernel::Linux6_2, marked));
    assert!(!passes_on(Kernel::Linux5_5, marked));
    assert!(!passes_on(Kernel::Linux6_2, unannounced));
}

#[test]
fn a_death_publishes_what_the_dead_one_wrote() {
    let dies: fn(&Owned) = |node| {
        Loom::announce(node); // 1
        node.word.swap(me(), Relaxed); // 2
        node.beside[0].store(7, Relaxed); // 3
        step(); // 4: killed before it
    };
    let acquires: fn(&Owned) = |node| {
        if node.word.load(Acquire) == OWNER_DIED {
            assert_eq!(node.beside[0].load(Relaxed), 7, "stale");
        }
    };
    let relaxed: fn(&Owned) = |node| {
        if node.word.load(Relaxed) == OWNER_DIED {
            assert_eq!(node.beside[0].load(Relaxed), 7, "stale");
        }
    };
    let run = |reader| search_node(killed(Kernel::Linux6_2, 4), &[dies, reader], |_| {}).outcome;
    assert_eq!(run(acquires), Outcome::Holds);
    assert!(matches!(run(relaxed), Outcome::Fails(message) if message.contains("stale")));
}

#[test]
fn links_belong_to_the_owner_alone() {
    // The unlock that takes the node out of its list too late: the next owner's links are in it already.
    let late: fn(&Owned) = |node| {
        Loom::announce(node);
        if node
            .word
            .compare_exchange(0, me(), Acquire, Relaxed)
            .is_ok()
        {
            Loom::link(node);
            node.word.swap(0, Release);
            Loom::unlink(node);
        }
        Loom::withdraw();
    };
    let outcome = search_node(Setting::default(), &[late, late], |_| {}).outcome;
    assert!(matches!(outcome, Outcome::Fails(message) if message.contains("Causality violation")));
}

// Misuse of the world is a panic that names the rule.

fn breaks(lane: fn(&Owned), rule: &str) {
    match search_node(Setting::default(), &[lane], |_| {}).outcome {
        Outcome::Fails(message) if message.contains(rule) => {}
        other => panic!("{rule:?}: {other:?}"),
    }
}

#[test]
fn the_rules_of_announcing_and_linking_are_kept() {
    breaks(
        |node| {
            Loom::announce(node);
            Loom::announce(node);
        },
        "one node at a time",
    );
    breaks(|_| Loom::withdraw(), "withdraw() of nothing");
    breaks(Loom::announce, "ended with a node announced");
    breaks(Loom::link, "link() of a node not announced");
    breaks(Loom::unlink, "unlink() of a node not announced");
    breaks(
        |node| {
            Loom::announce(node);
            Loom::link(node);
            Loom::link(node);
        },
        "in a list",
    );
    breaks(
        |node| {
            Loom::announce(node);
            Loom::unlink(node);
        },
        "unlink() of a node not linked",
    );
    breaks(
        |node| {
            Loom::announce(node);
            Loom::link(node);
            Loom::withdraw();
        },
        "ended with a node in its robust list",
    );
}

#[test]
fn a_panic_of_a_search_is_an_answer_and_others_are_passed_on() {
    let lane: Lane = |_| panic!("an answer");
    fails(Setting::default(), &[lane], anything, "an answer");
    let panic = std::panic::catch_unwind(|| panic!("printed as ever"));
    assert!(panic.is_err());
}
