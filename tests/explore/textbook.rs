//! Algorithms of the literature, over words: correct ones are not accused, in all of their schedules; and what each of
//! them rests on is missed as soon as it is left out.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};

use forkproof::explore::{Part, Shared, Stage, exhaustive};
use forkproof::sys::{Os, SharedWide, SharedWord};
use forkproof::world::{Wide, Word, World};

use super::bugs::{caught, holds_in_all, is_deadlock};
use super::misused::{of, panics};

fn words<const N: usize>(values: [u32; N]) -> [SharedWord; N] {
    values.map(SharedWord::new)
}

/// What locks of a queue, a flag a lane, or tickets are made of.
struct LockWords {
    tail: SharedWord,
    flags: [SharedWord; 4],
    next: [SharedWord; 4],
    visits: SharedWord,
}

/// Each of so many lanes makes a visit, in two steps.
fn visitors(
    stage: &mut Stage,
    lanes: usize,
    tail: u32,
    visit: impl Fn(&LockWords, usize, &dyn Fn()) + Copy + 'static,
) {
    let lock = stage.shared(LockWords {
        tail: SharedWord::new(tail),
        flags: words([0; 4]),
        next: words([0; 4]),
        visits: SharedWord::new(0),
    });
    stage.name_parts([
        Part::new("tail", &lock.tail),
        Part::new("flags", &lock.flags),
        Part::new("next", &lock.next),
        Part::new("visits", &lock.visits),
    ]);
    for lane in 0..lanes {
        stage.lane(&format!("lane {lane}"), move |_| {
            let inside = || lock.visits.store(lock.visits.load(Relaxed) + 1, Relaxed);
            visit(&lock, lane, &inside);
        });
    }
    stage.finally(move |_| {
        assert_eq!(lock.visits.load(Relaxed), lanes as u32, "a visit was lost");
    });
}

/// Mellor-Crummey and Scott, "Algorithms for Scalable Synchronization on Shared-Memory Multiprocessors", 1991. A lane's
/// node is its number and one; who waits sleeps.
fn mcs(lock: &LockWords, lane: usize, inside: &dyn Fn()) {
    let me = lane as u32 + 1;
    lock.flags[lane].store(1, Relaxed);
    let before = lock.tail.swap(me, AcqRel);
    if before != 0 {
        lock.next[before as usize - 1].store(me, Release);
        while lock.flags[lane].load(Acquire) == 1 {
            Os::wait(&lock.flags[lane], 1, None);
        }
    }
    inside();
    if lock.next[lane].load(Acquire) == 0
        && lock.tail.compare_exchange(me, 0, Release, Relaxed).is_ok()
    {
        return;
    }
    while lock.next[lane].load(Acquire) == 0 {}
    let next = &lock.flags[lock.next[lane].load(Relaxed) as usize - 1];
    next.store(0, Release);
    Os::wake(next, 1);
}

/// Craig, 1993; Landin and Hagersten, 1994. The last node is free at first.
fn clh(lock: &LockWords, lane: usize, inside: &dyn Fn()) {
    lock.flags[lane].store(1, Relaxed);
    let before = lock.tail.swap(lane as u32, AcqRel);
    while lock.flags[before as usize].load(Acquire) == 1 {}
    inside();
    lock.flags[lane].store(0, Release);
}

/// Dekker's, as Dijkstra tells it in "Cooperating sequential processes", 1965.
fn dekker(lock: &LockWords, lane: usize, inside: &dyn Fn()) {
    let (mine, other) = (&lock.flags[lane], &lock.flags[1 - lane]);
    mine.store(1, SeqCst);
    while other.load(SeqCst) == 1 {
        if lock.tail.load(SeqCst) != lane as u32 {
            mine.store(0, SeqCst);
            while lock.tail.load(SeqCst) != lane as u32 {}
            mine.store(1, SeqCst);
        }
    }
    inside();
    lock.tail.store(1 - lane as u32, SeqCst);
    mine.store(0, SeqCst);
}

/// Lamport, "A New Solution of Dijkstra's Concurrent Programming Problem", 1974: of two. `says`: that it chooses.
fn bakery(lock: &LockWords, lane: usize, says: bool, inside: &dyn Fn()) {
    let most = || (0..2).map(|other| lock.next[other].load(SeqCst)).max();
    lock.flags[lane].store(says.into(), SeqCst);
    let mine = most().unwrap_or(0) + 1;
    lock.next[lane].store(mine, SeqCst);
    lock.flags[lane].store(0, SeqCst);
    let other = 1 - lane;
    while lock.flags[other].load(SeqCst) == 1 {}
    loop {
        let number = lock.next[other].load(SeqCst);
        if number == 0 || (number, other) > (mine, lane) {
            break;
        }
    }
    inside();
    lock.next[lane].store(0, SeqCst);
}

#[test]
fn locks_of_the_literature_are_not_accused() {
    holds_in_all(&of(exhaustive(), |stage| visitors(stage, 3, 0, mcs)));
    holds_in_all(&of(exhaustive().early_returns(1), |stage| {
        visitors(stage, 2, 0, mcs);
    }));
    holds_in_all(&of(exhaustive(), |stage| visitors(stage, 3, 3, clh)));
    holds_in_all(&of(exhaustive(), |stage| visitors(stage, 2, 0, dekker)));
    holds_in_all(&of(exhaustive(), |stage| {
        visitors(stage, 2, 0, |lock, lane, inside| {
            bakery(lock, lane, true, inside);
        });
    }));
}

#[test]
fn a_customer_of_the_bakery_who_does_not_say_that_he_chooses_is_caught() {
    let report = of(exhaustive(), |stage| {
        visitors(stage, 2, 0, |lock, lane, inside| {
            bakery(lock, lane, false, inside);
        });
    });
    caught(&report, 100, 20, panics("a visit was lost"));
}

#[test]
fn a_ticket_is_lost_with_who_drew_it() {
    let report = of(exhaustive().kills(1), |stage| {
        visitors(stage, 2, 0, |lock, _, inside| {
            let (next, serving) = (&lock.next[0], &lock.flags[0]);
            let mine = next.fetch_add(1, Relaxed);
            loop {
                let now = serving.load(Acquire);
                if now == mine {
                    break;
                }
                Os::wait(serving, now, None);
            }
            inside();
            serving.store(mine + 1, Release);
            Os::wake(serving, u32::MAX);
        });
    });
    let run = report.failure().unwrap_or_else(|| panic!("{report}"));
    assert_eq!(run.kills, 1, "{report}");
}

/// A stack of two nodes, 1 upon 2, and who has which.
struct Stacked {
    /// The top, and above it how often it was changed.
    top: SharedWide,
    below: [SharedWord; 3],
    held: [SharedWord; 3],
}

/// Treiber, "Systems Programming: Coping with Parallelism", 1986; each lane takes a node and puts it back, twice.
fn treiber(stage: &mut Stage, is_counted: bool) {
    let stack = stage.shared(Stacked {
        top: SharedWide::new(1),
        below: words([0, 2, 0]),
        held: words([0; 3]),
    });
    stage.name_parts([
        Part::new("top", &stack.top),
        Part::new("below", &stack.below),
        Part::new("held", &stack.held),
    ]);
    let put = move |seen: u64, node: u32| {
        let changes = (seen >> 32) + u64::from(is_counted);
        let new = changes << 32 | u64::from(node);
        stack
            .top
            .compare_exchange(seen, new, AcqRel, Relaxed)
            .is_ok()
    };
    for lane in 0..2 {
        stage.lane(&format!("lane {lane}"), move |_| {
            // Both nodes, if they are there; and the upper one is put back first.
            let taken: Vec<_> = (0..2).filter_map(|_| pop(stack, put)).collect();
            for &node in &taken {
                stack.held[node as usize].fetch_sub(1, Relaxed);
                loop {
                    let seen = stack.top.load(Acquire);
                    stack.below[node as usize].store(seen as u32, Relaxed);
                    if put(seen, node) {
                        break;
                    }
                }
            }
        });
    }
}

fn pop(stack: Shared<Stacked>, put: impl Fn(u64, u32) -> bool) -> Option<u32> {
    loop {
        let seen = stack.top.load(Acquire);
        let node = seen as u32;
        if node == 0 {
            return None;
        }
        let next = stack.below[node as usize].load(Relaxed);
        if put(seen, next) {
            let holders = stack.held[node as usize].fetch_add(1, Relaxed);
            assert_eq!(holders, 0, "two have the node");
            return Some(node);
        }
    }
}

#[test]
fn a_stack_whose_changes_are_counted_is_not_accused_whoever_is_killed() {
    holds_in_all(&of(exhaustive().kills(1), |stage| treiber(stage, true)));
    let report = of(exhaustive(), |stage| treiber(stage, false));
    caught(&report, 1_000, 24, panics("two have the node"));
}

/// A double-ended queue of 1 and 2, and what was taken.
struct Deque {
    top: SharedWord,
    bottom: SharedWord,
    taken: [SharedWord; 3],
}

/// Chase and Lev, "Dynamic circular work-stealing deque", 2005: the owner takes at the bottom, a thief at the top.
fn steal_work(stage: &mut Stage, owner_competes: bool) {
    let deque = stage.shared(Deque {
        top: SharedWord::new(1),
        bottom: SharedWord::new(3),
        taken: words([0; 3]),
    });
    stage.name_parts([
        Part::new("top", &deque.top),
        Part::new("bottom", &deque.bottom),
        Part::new("taken", &deque.taken),
    ]);
    let take = move |item: u32| {
        let before = deque.taken[item as usize].fetch_add(1, Relaxed);
        assert_eq!(before, 0, "an item was taken twice");
    };
    let advance = move |top| {
        let advanced = deque.top.compare_exchange(top, top + 1, SeqCst, SeqCst);
        advanced.is_ok()
    };
    stage.lane("owner", move |_| {
        for _ in 0..2 {
            let bottom = deque.bottom.load(Relaxed) - 1;
            deque.bottom.store(bottom, SeqCst);
            let top = deque.top.load(SeqCst);
            if top < bottom || (top == bottom && !owner_competes) {
                take(bottom);
                continue;
            }
            if top == bottom && advance(top) {
                take(bottom);
            }
            deque.bottom.store(bottom + 1, SeqCst);
        }
    });
    for name in ["thief", "other thief"] {
        stage.lane(name, move |_| {
            let top = deque.top.load(SeqCst);
            if top < deque.bottom.load(SeqCst) && advance(top) {
                take(top);
            }
        });
    }
}

#[test]
fn stolen_work_is_done_once() {
    holds_in_all(&of(exhaustive(), |stage| steal_work(stage, true)));
    let report = of(exhaustive(), |stage| steal_work(stage, false));
    caught(&report, 100, 16, panics("an item was taken twice"));
}

/// Vyukov's queue of many producers: between the two steps of a push all that is pushed later is out of reach.
#[test]
fn a_push_is_cut_off_by_the_death_of_the_one_before() {
    let report = of(exhaustive().kills(1), |stage| {
        let tail = stage.shared_as("tail", SharedWord::new(0));
        let next = stage.shared_as("next", words([0; 3]));
        let whole = stage.shared_as("whole pushes", SharedWord::new(0));
        for node in [1, 2] {
            stage.lane(&format!("push {node}"), move |_| {
                let before = tail.swap(node, AcqRel);
                next[before as usize].store(node, Release);
                whole.fetch_add(1, Relaxed);
            });
        }
        stage.finally(move |_| {
            let follow =
                |node: &u32| Some(next[*node as usize].load(Relaxed)).filter(|&it| it != 0);
            let in_reach = std::iter::successors(Some(0), follow).count() as u32 - 1;
            assert!(in_reach >= whole.load(Relaxed), "a push is out of reach");
        });
    });
    caught(&report, 100, 6, panics("a push is out of reach"));
    assert_eq!(report.failure().unwrap().kills, 1, "{report}");
}

/// A gate with a count of who waits. `first`: the opener looks at the count before it opens.
fn open_gate(stage: &mut Stage, first: bool) {
    let waiters = stage.shared_as("waiters", SharedWord::new(0));
    let gate = stage.shared_as("gate", SharedWord::new(0));
    stage.lane("guest", move |_| {
        waiters.fetch_add(1, SeqCst);
        while gate.load(SeqCst) == 0 {
            Os::wait(&gate, 0, None);
        }
        waiters.fetch_sub(1, SeqCst);
    });
    stage.lane("host", move |_| {
        let seen = first.then(|| waiters.load(SeqCst));
        gate.store(1, SeqCst);
        if seen.unwrap_or_else(|| waiters.load(SeqCst)) > 0 {
            Os::wake(&gate, u32::MAX);
        }
    });
}

#[test]
fn who_counts_sleepers_before_the_gate_is_open_misses_one() {
    holds_in_all(&of(exhaustive().early_returns(1), |stage| {
        open_gate(stage, false);
    }));
    caught(
        &of(exhaustive(), |stage| open_gate(stage, true)),
        20,
        6,
        is_deadlock,
    );
}
