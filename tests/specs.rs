//! Each spec: histories that are legal, that are not, and with calls that never returned.

#![cfg(feature = "harness")]

use forkproof::check::chain::Chain;
use forkproof::check::{Log, Spec, Verdict, judge};
use forkproof::check::{
    array, barrier, dict, event, independent, joinable_queue, list, lock, namespace, queue,
    register, rlock, semaphore, sequence, store, text::Text, value,
};

/// Who calls what, from when, and what it returned, and when; `None`: it never did.
type Calls<S> = Vec<(
    usize,
    u64,
    <S as Spec>::Call,
    Option<(<S as Spec>::Return, u64)>,
)>;

fn check<S: Spec>(start: S::State, calls: Calls<S>, legal: bool) {
    let mut log = Log::<S>::new(start);
    for (lane, begun, call, returned) in calls {
        log.begin(lane, call, begun);
        match returned {
            Some((returned, at)) => log.returned(lane, returned, at),
            None => log.killed(lane),
        }
    }
    let history = log.history();
    match judge(&history, 100_000) {
        Verdict::Ok(_) => assert!(legal, "found legal: {history}"),
        Verdict::Illegal(dilemma) => assert!(!legal, "{}", dilemma.explain(&history)),
        Verdict::Unknown { searched } => panic!("no verdict after {searched} calls tried"),
    }
}

fn legal<S: Spec>(start: S::State, calls: Calls<S>) {
    check::<S>(start, calls, true);
}

fn illegal<S: Spec>(start: S::State, calls: Calls<S>) {
    check::<S>(start, calls, false);
}

#[test]
fn a_register_is_swapped_by_one() {
    use register::{Call, Register, Return};
    let cas = |new| Call::Cas {
        expected: Some(1),
        new: Some(new),
    };
    let swaps = |first, second| {
        vec![
            (0, 1, cas(2), Some((first, 3))),
            (1, 2, cas(3), Some((second, 4))),
        ]
    };
    legal::<Register>(Some(1), swaps(Return::Written, Return::Differs));
    legal::<Register>(Some(1), swaps(Return::Differs, Return::Written));
    illegal::<Register>(Some(1), swaps(Return::Written, Return::Written));
    illegal::<Register>(Some(1), swaps(Return::Differs, Return::Differs));
    illegal::<Register>(None, swaps(Return::Written, Return::Differs));
    // The swap of one that was killed.
    let seen = |value| {
        vec![
            (0, 1, cas(2), None),
            (1, 2, Call::Read, Some((Return::Value(value), 3))),
        ]
    };
    legal::<Register>(Some(1), seen(Some(1)));
    legal::<Register>(Some(1), seen(Some(2)));
    illegal::<Register>(Some(1), seen(None));
}

#[test]
fn a_store_keeps_what_is_appended() {
    use store::{Call, Return, Store};
    let under = |key: &str, call| independent::Call {
        key: key.into(),
        call,
    };
    let append = |text| Call::Append {
        text: Text::from(text),
    };
    let got = |text| Some((Return::Got(Text::from(text)), 9));
    let start = || independent::State::all(Text::default()).with("x", Text::from("a"));
    let both = |seen| {
        vec![
            (0, 1, under("x", append("b")), Some((Return::Done, 3))),
            (1, 2, under("x", append("c")), Some((Return::Done, 4))),
            (
                2,
                1,
                under(
                    "y",
                    Call::Put {
                        text: Text::from("z"),
                    },
                ),
                Some((Return::Done, 2)),
            ),
            (0, 8, under("x", Call::Get), got(seen)),
        ]
    };
    legal::<Store>(start(), both("abc"));
    legal::<Store>(start(), both("acb"));
    illegal::<Store>(start(), both("ab"));
    illegal::<Store>(start(), both("abcz"));
    let killed = |seen| {
        vec![
            (0, 1, under("y", append("b")), None),
            (1, 2, under("y", Call::Get), got(seen)),
        ]
    };
    legal::<Store>(start(), killed(""));
    legal::<Store>(start(), killed("b"));
    illegal::<Store>(start(), killed("bb"));
}

#[test]
fn a_lock_has_one_holder() {
    use lock::{Call, Lock, Return, State};
    let acquire = |who: usize, from, returned, at| {
        (
            who,
            from,
            Call::Acquire { who: who as u32 },
            Some((returned, at)),
        )
    };
    let release = |who: usize, from, at| {
        (
            who,
            from,
            Call::Release { who: who as u32 },
            Some((Return::Done, at)),
        )
    };
    let free = State::default;
    legal::<Lock>(
        free(),
        vec![
            acquire(0, 1, Return::Acquired, 2),
            acquire(1, 3, Return::Acquired, 6),
            release(0, 4, 5),
        ],
    );
    illegal::<Lock>(
        free(),
        vec![
            acquire(0, 1, Return::Acquired, 2),
            acquire(1, 3, Return::Acquired, 4),
            release(0, 5, 6),
        ],
    );
    let try_it = |returned| (1, 3, Call::TryAcquire { who: 1 }, Some((returned, 4)));
    legal::<Lock>(
        free(),
        vec![
            acquire(0, 1, Return::Acquired, 2),
            try_it(Return::WouldBlock),
        ],
    );
    illegal::<Lock>(free(), vec![try_it(Return::WouldBlock)]);
    legal::<Lock>(
        free(),
        vec![
            acquire(0, 1, Return::Acquired, 2),
            acquire(0, 3, Return::AlreadyHeld, 4),
        ],
    );
    illegal::<Lock>(free(), vec![release(0, 1, 2)]);
    legal::<Lock>(
        free(),
        vec![(0, 1, Call::Release { who: 0 }, Some((Return::NotHeld, 2)))],
    );
    // Of a pending acquire no one knows; who has acquired it and is not dead keeps others out.
    legal::<Lock>(
        free(),
        vec![
            (0, 1, Call::Acquire { who: 0 }, None),
            acquire(1, 2, Return::Acquired, 3),
        ],
    );
    legal::<Lock>(
        free(),
        vec![
            (0, 1, Call::Acquire { who: 0 }, None),
            try_it(Return::WouldBlock),
        ],
    );
}

#[test]
fn the_next_holder_is_told_of_a_death() {
    use lock::{Call, Lock, Return, State};
    let after_death = |second, marks: bool, third| {
        let mut calls = vec![
            (0, 1, Call::Acquire { who: 0 }, Some((Return::Acquired, 2))),
            (9, 3, Call::Die { who: 0 }, Some((Return::Done, 4))),
            (1, 5, Call::Acquire { who: 1 }, Some((second, 6))),
        ];
        if marks {
            calls.push((
                1,
                7,
                Call::MarkConsistent { who: 1 },
                Some((Return::Done, 8)),
            ));
        }
        calls.push((1, 9, Call::Release { who: 1 }, Some((Return::Done, 10))));
        calls.push((2, 11, Call::Acquire { who: 2 }, Some((third, 12))));
        calls
    };
    legal::<Lock>(
        State::default(),
        after_death(Return::OwnerDied, true, Return::Acquired),
    );
    legal::<Lock>(
        State::default(),
        after_death(Return::OwnerDied, false, Return::OwnerDied),
    );
    illegal::<Lock>(
        State::default(),
        after_death(Return::OwnerDied, false, Return::Acquired),
    );
    illegal::<Lock>(
        State::default(),
        after_death(Return::OwnerDied, true, Return::OwnerDied),
    );
    illegal::<Lock>(
        State::default(),
        after_death(Return::Acquired, true, Return::Acquired),
    );
}

#[test]
fn a_reentrant_lock_is_free_when_all_is_released() {
    use rlock::{Call, RLock, Return, State};
    let twice = |releases: u64, other| {
        let mut calls = vec![
            (0, 1, Call::Acquire { who: 0 }, Some((Return::Acquired, 2))),
            (
                0,
                3,
                Call::TryAcquire { who: 0 },
                Some((Return::Acquired, 4)),
            ),
        ];
        for number in 0..releases {
            let at = 5 + 2 * number;
            calls.push((
                0,
                at,
                Call::Release { who: 0 },
                Some((Return::Done, at + 1)),
            ));
        }
        calls.push((1, 20, Call::TryAcquire { who: 1 }, Some((other, 21))));
        calls
    };
    legal::<RLock>(State::default(), twice(2, Return::Acquired));
    legal::<RLock>(State::default(), twice(1, Return::WouldBlock));
    illegal::<RLock>(State::default(), twice(1, Return::Acquired));
    illegal::<RLock>(State::default(), twice(2, Return::WouldBlock));
    illegal::<RLock>(State::default(), twice(3, Return::Acquired));
    let dies = |other| {
        vec![
            (0, 1, Call::Acquire { who: 0 }, Some((Return::Acquired, 2))),
            (0, 3, Call::Acquire { who: 0 }, None),
            (9, 4, Call::Die { who: 0 }, Some((Return::Done, 5))),
            (1, 6, Call::Acquire { who: 1 }, Some((other, 7))),
        ]
    };
    legal::<RLock>(State::default(), dies(Return::OwnerDied));
    illegal::<RLock>(State::default(), dies(Return::Acquired));
}

#[test]
fn a_semaphore_counts_its_permits() {
    use semaphore::{Call, Return, Semaphore, State};
    let acquire = |who: u32, returned| {
        (
            who as usize,
            1,
            Call::TryAcquire { who },
            Some((returned, 2)),
        )
    };
    let three = |third| {
        vec![
            acquire(0, Return::Acquired),
            acquire(1, Return::Acquired),
            acquire(2, third),
        ]
    };
    legal::<Semaphore>(State::new(2), three(Return::WouldBlock));
    illegal::<Semaphore>(State::new(2), three(Return::Acquired));
    legal::<Semaphore>(State::new(3), three(Return::Acquired));
    illegal::<Semaphore>(State::new(3), three(Return::WouldBlock));
    let release = |returned| vec![(0, 1, Call::Release { permits: 1 }, Some((returned, 2)))];
    legal::<Semaphore>(State::new(2), release(Return::Done));
    illegal::<Semaphore>(State::new(2), release(Return::TooMany));
    legal::<Semaphore>(State::bounded(2), release(Return::TooMany));
    illegal::<Semaphore>(State::bounded(2), release(Return::Done));
    // Permits come home: given back, or when their holder dies; but for those it has forgotten.
    let gone = |how, value| {
        vec![
            (0, 1, Call::Acquire { who: 0 }, Some((Return::Acquired, 2))),
            (0, 3, how, Some((Return::Done, 4))),
            (9, 5, Call::Die { who: 0 }, Some((Return::Done, 6))),
            (1, 7, Call::Value, Some((Return::Value(value), 8))),
        ]
    };
    legal::<Semaphore>(State::new(2), gone(Call::GiveBack { who: 0 }, 2));
    legal::<Semaphore>(State::new(2), gone(Call::Die { who: 0 }, 2));
    legal::<Semaphore>(State::new(2), gone(Call::Forget { who: 0 }, 1));
    illegal::<Semaphore>(State::new(2), gone(Call::Forget { who: 0 }, 2));
    illegal::<Semaphore>(State::new(2), gone(Call::Die { who: 0 }, 1));
    let killed = |value| {
        vec![
            (0, 1, Call::Release { permits: 2 }, None),
            (1, 2, Call::Value, Some((Return::Value(value), 3))),
        ]
    };
    legal::<Semaphore>(State::new(1), killed(1));
    legal::<Semaphore>(State::new(1), killed(3));
    illegal::<Semaphore>(State::new(1), killed(2));
}

#[test]
fn a_wait_returns_when_the_event_is_set() {
    use event::{Call, Event, Return};
    let wait = (0, 1, Call::Wait, Some((Return::Happened, 5)));
    let is = |is_set, from| {
        (
            1,
            from,
            Call::IsSet,
            Some((Return::IsSet(is_set), from + 1)),
        )
    };
    illegal::<Event>(false, vec![wait]);
    legal::<Event>(true, vec![wait]);
    legal::<Event>(false, vec![wait, (2, 2, Call::Set, None)]);
    legal::<Event>(
        false,
        vec![
            wait,
            (2, 2, Call::Set, Some((Return::Done, 3))),
            is(true, 4),
        ],
    );
    illegal::<Event>(
        false,
        vec![(2, 2, Call::Set, Some((Return::Done, 3))), is(false, 4)],
    );
    legal::<Event>(
        true,
        vec![(2, 2, Call::Clear, Some((Return::Done, 3))), is(false, 4)],
    );
}

#[test]
fn no_one_leaves_a_barrier_early() {
    use barrier::{Barrier, Call, Return, State};
    // The two lanes of a party's wait.
    let wait = |who: u32, from, index, to| {
        let lane = 2 * who as usize;
        [
            (
                lane,
                from,
                Call::Arrive { who },
                Some((Return::Arrived(index), to)),
            ),
            (
                lane + 1,
                from,
                Call::Leave { who },
                Some((Return::Left, to)),
            ),
        ]
    };
    let two = |one: [_; 2], other: [_; 2]| one.into_iter().chain(other).collect::<Vec<_>>();
    legal::<Barrier>(State::new(2), two(wait(0, 1, 0, 4), wait(1, 2, 1, 3)));
    legal::<Barrier>(State::new(2), two(wait(0, 1, 1, 4), wait(1, 2, 0, 3)));
    illegal::<Barrier>(State::new(2), two(wait(0, 1, 0, 4), wait(1, 2, 0, 3)));
    illegal::<Barrier>(State::new(2), two(wait(0, 1, 0, 2), wait(1, 3, 1, 4)));
    illegal::<Barrier>(State::new(3), two(wait(0, 1, 0, 4), wait(1, 2, 1, 3)));
    // The other was killed in its wait: it had arrived, or the first could not have left.
    let killed = vec![(2, 2, Call::Arrive { who: 1 }, None)];
    legal::<Barrier>(
        State::new(2),
        wait(0, 1, 0, 4).into_iter().chain(killed.clone()).collect(),
    );
    illegal::<Barrier>(
        State::new(3),
        wait(0, 1, 0, 4).into_iter().chain(killed).collect(),
    );
}

#[test]
fn a_queue_is_first_in_first_out() {
    use queue::{Call, Queue, Return, State};
    let empty = |capacity| State {
        capacity,
        items: Vec::new(),
    };
    let put = |lane, from, item, at| (lane, from, Call::Put { item }, Some((Return::Put, at)));
    let got = |from, returned| (5, from, Call::TryGet, Some((returned, from + 1)));
    let gets = |first, second| {
        vec![
            put(0, 1, 1, 2),
            put(0, 3, 2, 4),
            got(5, first),
            got(7, second),
        ]
    };
    legal::<Queue>(empty(None), gets(Return::Got(1), Return::Got(2)));
    illegal::<Queue>(empty(None), gets(Return::Got(2), Return::Got(1)));
    illegal::<Queue>(empty(None), gets(Return::Got(1), Return::Got(1)));
    illegal::<Queue>(empty(None), gets(Return::Got(1), Return::Empty));
    illegal::<Queue>(empty(Some(1)), gets(Return::Got(1), Return::Got(2)));
    legal::<Queue>(
        empty(Some(1)),
        vec![
            put(0, 1, 1, 2),
            put(1, 3, 2, 7),
            (5, 4, Call::Get, Some((Return::Got(1), 6))),
        ],
    );
    let full = |returned| {
        vec![
            put(0, 1, 1, 2),
            (1, 3, Call::TryPut { item: 2 }, Some((returned, 4))),
        ]
    };
    legal::<Queue>(empty(Some(1)), full(Return::Full));
    illegal::<Queue>(empty(None), full(Return::Full));
    // A getter that was killed may have taken the item with it.
    let killed = |seen| vec![put(0, 1, 1, 2), (1, 3, Call::Get, None), got(5, seen)];
    legal::<Queue>(empty(None), killed(Return::Got(1)));
    legal::<Queue>(empty(None), killed(Return::Empty));
    illegal::<Queue>(empty(None), killed(Return::Got(2)));
}

#[test]
fn a_join_waits_for_all_tasks() {
    use joinable_queue::{Call, JoinableQueue, Return, State};
    let put = || Call::Queue(queue::Call::Put { item: 1 });
    let start = || State {
        queue: queue::State {
            capacity: None,
            items: Vec::new(),
        },
        unfinished: 0,
    };
    let joins = |done: Option<(Return, u64)>, joined| {
        vec![
            (0, 1, put(), Some((Return::Queue(queue::Return::Put), 2))),
            (1, 3, Call::TaskDone, done),
            (0, 5, Call::Join, Some((Return::Joined, joined))),
        ]
    };
    legal::<JoinableQueue>(start(), joins(Some((Return::Done, 4)), 6));
    legal::<JoinableQueue>(start(), joins(None, 6));
    illegal::<JoinableQueue>(start(), joins(Some((Return::TooMany, 4)), 6));
    let unfinished = |count| {
        vec![
            (0, 1, put(), Some((Return::Queue(queue::Return::Put), 2))),
            (0, 3, Call::Unfinished, Some((Return::Unfinished(count), 4))),
        ]
    };
    legal::<JoinableQueue>(start(), unfinished(1));
    illegal::<JoinableQueue>(start(), unfinished(0));
    let early = vec![
        (0, 1, put(), Some((Return::Queue(queue::Return::Put), 2))),
        (0, 3, Call::Join, Some((Return::Joined, 4))),
    ];
    illegal::<JoinableQueue>(start(), early);
}

#[test]
fn lists_keep_their_order() {
    use list::{Call, List, Return};
    let append = |lane, item, index| (lane, 1, Call::Append { item }, Some((Return::At(index), 2)));
    legal::<List>(Chain::new(), vec![append(0, 7, 1), append(1, 8, 0)]);
    illegal::<List>(Chain::new(), vec![append(0, 7, 0), append(1, 8, 0)]);
    let after_a_killed_one = |len| {
        vec![
            (0, 1, Call::Append { item: 7 }, None),
            (1, 2, Call::Len, Some((Return::Len(len), 3))),
        ]
    };
    legal::<List>(Chain::new(), after_a_killed_one(0));
    legal::<List>(Chain::new(), after_a_killed_one(1));
    illegal::<List>(Chain::new(), after_a_killed_one(2));

    use sequence::{Call as Do, Return as Gives, Sequence};
    let pops = |first, second| {
        vec![
            (
                0,
                1,
                Do::Extend { items: [1, 2] },
                Some((Gives::Nothing, 2)),
            ),
            (1, 3, Do::Pop, Some((Gives::Item(first), 4))),
            (1, 5, Do::Get { index: 0 }, Some((Gives::Item(second), 6))),
        ]
    };
    legal::<Sequence>(Chain::new(), pops(Some(2), Some(1)));
    illegal::<Sequence>(Chain::new(), pops(Some(1), Some(1)));
    illegal::<Sequence>(Chain::new(), pops(Some(2), None));
    let killed = vec![
        (0, 1, Do::Append { item: 1 }, None),
        (1, 2, Do::Pop, Some((Gives::Item(None), 3))),
        (1, 4, Do::Pop, Some((Gives::Item(Some(1)), 5))),
    ];
    legal::<Sequence>(Chain::new(), killed);
}

#[test]
fn a_value_loses_no_sum() {
    use value::{Call, Return, Value};
    let add = |lane, sum| {
        (
            lane,
            1,
            Call::Add { amount: 1 },
            Some((Return::Sum(sum), 2)),
        )
    };
    legal::<Value>(0, vec![add(0, 1), add(1, 2)]);
    illegal::<Value>(0, vec![add(0, 1), add(1, 1)]);
    let killed = |seen| {
        vec![
            (0, 1, Call::Set { value: 7 }, None),
            (1, 2, Call::Get, Some((Return::Got(seen), 3))),
        ]
    };
    legal::<Value>(0, killed(7));
    legal::<Value>(0, killed(0));
    illegal::<Value>(0, killed(6));
}

#[test]
fn an_array_is_seen_whole() {
    use array::{Array, Call, Return};
    let both = |seen: [i64; 2]| {
        vec![
            (
                0,
                1,
                Call::Set { index: 0, value: 1 },
                Some((Return::Set, 2)),
            ),
            (0, 3, Call::Set { index: 1, value: 1 }, None),
            (1, 1, Call::ToVec, Some((Return::All(seen.to_vec()), 9))),
        ]
    };
    legal::<Array>(vec![0, 0], both([1, 1]));
    legal::<Array>(vec![0, 0], both([1, 0]));
    illegal::<Array>(vec![0, 0], both([0, 1]));
    let get = |index, returned| vec![(0, 1, Call::Get { index }, Some((returned, 2)))];
    legal::<Array>(vec![0, 5], get(1, Return::Got(5)));
    legal::<Array>(vec![0, 5], get(2, Return::OutOfBounds));
    illegal::<Array>(vec![0, 5], get(0, Return::Got(5)));
}

#[test]
fn a_dict_has_one_value_a_key() {
    use dict::{Call, Dict, Return};
    let set = |lane, value, returned| {
        (
            lane,
            1,
            Call::SetDefault { key: 1, value },
            Some((Return::Value(Some(returned)), 2)),
        )
    };
    legal::<Dict>(Default::default(), vec![set(0, 7, 7), set(1, 8, 7)]);
    illegal::<Dict>(Default::default(), vec![set(0, 7, 7), set(1, 8, 8)]);
    let len = |len| {
        vec![
            (0, 1, Call::Set { key: 1, value: 7 }, None),
            (1, 2, Call::Len, Some((Return::Len(len), 3))),
        ]
    };
    legal::<Dict>(Default::default(), len(1));
    illegal::<Dict>(Default::default(), len(2));
    let popped = |value| vec![(0, 1, Call::Pop { key: 1 }, Some((Return::Value(value), 2)))];
    legal::<Dict>([(1, 7)].into(), popped(Some(7)));
    illegal::<Dict>([(1, 7)].into(), popped(None));
}

#[test]
fn an_attribute_is_missing_until_it_is_set() {
    use namespace::{Call, Namespace, Return};
    let name = || "x".to_owned();
    let seen = |returned| {
        vec![
            (
                0,
                1,
                Call::Set {
                    name: name(),
                    value: 7,
                },
                Some((Return::Done, 2)),
            ),
            (0, 3, Call::Delete { name: name() }, None),
            (1, 3, Call::Get { name: name() }, Some((returned, 4))),
        ]
    };
    legal::<Namespace>(Default::default(), seen(Return::Got(7)));
    legal::<Namespace>(Default::default(), seen(Return::Missing));
    illegal::<Namespace>(Default::default(), seen(Return::Got(8)));
    illegal::<Namespace>(
        Default::default(),
        vec![(0, 1, Call::Delete { name: name() }, Some((Return::Done, 2)))],
    );
}
