//! What brings a lock along: whoever is killed, the next one is told, and finds what it can mend.

use forkproof::{
    Array, ArrayError, LockError, RLock, RLockGuard, ShareableItem, ShareableList, Value,
};

use super::{Case, busy, quiet};
use crate::stage::{Stage, forever};

pub(super) static CASES: &[Case] = &[
    quiet("RLock", "lock, nobody there", |stage| {
        let nested = Nested::on(stage);
        let mine = forever(&nested);
        stage.victim(|| (), |()| mine.hold());
        nested.finish(stage);
    }),
    quiet("RLock", "lock again, nobody there", |stage| {
        let nested = Nested::on(stage);
        let mine = forever(&nested);
        stage.victim(|| mine.hold(), |outer| (outer, mine.hold()));
        nested.finish(stage);
    }),
    quiet("RLock", "unlock one of two, one asleep", |stage| {
        let nested = Nested::on(stage);
        let mine = forever(&nested);
        stage.victim(
            || (mine.hold(), mine.hold()),
            |(outer, inner)| {
                drop(outer);
                inner
            },
        );
        nested.fall_asleep(stage, 1);
        nested.finish(stage);
    }),
    quiet("RLock", "unlock, one asleep", |stage| {
        let nested = Nested::on(stage);
        let mine = forever(&nested);
        stage.victim(|| mine.hold(), drop);
        nested.fall_asleep(stage, 1);
        nested.finish(stage);
    }),
    busy("RLock", "lock twice and unlock twice, one awake", |stage| {
        let nested = Nested::on(stage);
        let (mine, awake) = (nested.clone(), nested.clone());
        stage.awake("who comes and goes", move || awake.add());
        stage.victim(|| (), move |()| mine.add());
        nested.finish(stage);
    }),
    quiet("Value", "update, nobody there", |stage| value(stage, 0)),
    quiet("Value", "update, held, one asleep", |stage| value(stage, 1)),
    busy("Value", "update, one awake", |stage| {
        let pair = Pair::on(stage);
        let (mine, awake) = (pair.clone(), pair.clone());
        stage.awake("who updates", move || awake.add());
        stage.victim(|| (), move |()| mine.add());
        pair.finish(stage);
    }),
    quiet("Value", "get, nobody there", |stage| {
        let pair = Pair::on(stage);
        let mine = pair.clone();
        stage.victim(|| (), move |()| assert_eq!(mine.0.get().ok(), Some([0, 0])));
        pair.finish(stage);
    }),
    quiet("Array", "update, nobody there", |stage| {
        let numbers = numbers(stage);
        let (mine, after) = (numbers.clone(), numbers.clone());
        stage.victim(|| (), move |()| add_one(&mine));
        stage.survivor("who comes after", move |_| add_one(&after));
        stage.judge(move |end| {
            let seen = numbers.try_lock().expect("a free lock in the end")[1];
            assert!(
                (1 + u64::from(end.returned)..=2).contains(&seen),
                "{seen}, {end:?}"
            );
        });
    }),
    quiet("Array", "set_slice, nobody there", |stage| array(stage, 0)),
    quiet("Array", "set_slice, held, one asleep", |stage| {
        array(stage, 1)
    }),
    busy("Array", "set_slice, one awake", |stage| {
        let numbers = numbers(stage);
        let (mine, awake) = (numbers.clone(), numbers.clone());
        stage.awake("who sets", move || set_all(&awake));
        stage.victim(|| (), move |()| set_all(&mine));
        finish(stage, numbers);
    }),
    quiet("ShareableList", "set, nobody there", |stage| {
        let list = list();
        let (mine, after) = (list.clone(), list.clone());
        stage.victim(|| (), move |()| set_text(&mine, 2));
        stage.survivor("who comes after", move |_| set_text(&after, 3));
        stage.judge(move |_| assert_eq!(text_of(&list), TEXTS[3].into()));
    }),
    busy("ShareableList", "set, one awake", |stage| {
        let list = list();
        let (mine, awake) = (list.clone(), list.clone());
        stage.awake("who sets", move || set_text(&awake, 1));
        stage.victim(|| (), move |()| set_text(&mine, 2));
        stage.judge(move |_| drop(text_of(&list)));
    }),
];

/// A lock that may be taken twice, and two numbers that are equal whenever it is free.
#[derive(Clone)]
struct Nested {
    lock: RLock,
    pair: Array<u64>,
}

impl Nested {
    fn on(stage: &mut Stage) -> Nested {
        let nested = Nested {
            lock: RLock::new().expect("memory for a lock"),
            pair: Array::new(2).expect("memory for a pair"),
        };
        stage.watch(&nested.lock);
        stage.watch(&nested.pair);
        nested
    }

    fn hold(&self) -> RLockGuard<'_> {
        match self.lock.lock() {
            Ok(guard) => guard,
            Err(LockError::OwnerDied(guard)) => {
                let first = self.pair.get_unlocked(0).expect("a pair has two");
                self.pair.set_unlocked(1, first).expect("a pair has two");
                guard.mark_consistent();
                guard
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn add(&self) {
        let outer = self.hold();
        self.assert_equal();
        for index in 0..2 {
            let inner = self.lock.lock().expect("the holder may take it again");
            let seen = self.pair.get_unlocked(index).expect("a pair has two");
            let set = self.pair.set_unlocked(index, seen + 1);
            set.expect("a pair has two");
            drop(inner);
            assert!(self.lock.is_mine(), "one of two holds was given back");
        }
        drop(outer);
    }

    fn assert_equal(&self) {
        let seen = self.pair.to_vec_unlocked();
        assert_eq!(seen[0], seen[1], "half an addition, and no death was told");
    }

    fn fall_asleep(&self, stage: &mut Stage, sleepers: usize) {
        for _ in 0..sleepers {
            let nested = self.clone();
            stage.asleep("who sleeps for the lock", move || nested.add());
        }
    }

    fn finish(self, stage: &mut Stage) {
        let nested = self.clone();
        stage.survivor("who comes after", move |_| nested.add());
        stage.judge(move |_| {
            drop(self.lock.try_lock().expect("a free lock in the end"));
            self.assert_equal();
        });
    }
}

/// Two numbers in one value, written back one after the other.
#[derive(Clone)]
struct Pair(Value<[u64; 2]>);

impl Pair {
    fn on(stage: &mut Stage) -> Pair {
        let pair = Pair(Value::new([0, 0]).expect("memory for a value"));
        stage.watch(&pair.0);
        pair
    }

    fn add(&self) {
        let more = |pair: &mut [u64; 2]| {
            assert_eq!(pair[0], pair[1], "half an update, and no death was told");
            *pair = pair.map(|number| number + 1);
        };
        match self.0.update(more) {
            Ok(()) => {}
            Err(LockError::OwnerDied(mut guard)) => {
                guard[1] = guard[0];
                guard.mark_consistent();
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn finish(self, stage: &mut Stage) {
        let pair = self.clone();
        stage.survivor("who comes after", move |_| pair.add());
        stage.judge(move |_| {
            let seen = self.0.try_lock().expect("a free lock in the end");
            assert_eq!(seen[0], seen[1], "half an update in the end");
        });
    }
}

fn value(stage: &mut Stage, sleepers: usize) {
    let pair = Pair::on(stage);
    if sleepers > 0 {
        let holder = forever(&pair);
        stage.poised("the holder", || holder.0.lock().expect("a free lock"), drop);
    }
    for _ in 0..sleepers {
        let pair = pair.clone();
        stage.asleep("who sleeps for the value", move || pair.add());
    }
    let mine = pair.clone();
    stage.victim(|| (), move |()| mine.add());
    pair.finish(stage);
}

const NUMBERS: usize = 3;

/// Numbers that are equal whenever the array's lock is free.
fn numbers(stage: &mut Stage) -> Array<u64> {
    let numbers = Array::new(NUMBERS).expect("memory for an array");
    stage.watch(&numbers);
    numbers
}

fn mend(error: ArrayError<'_, u64>) {
    match error {
        ArrayError::Lock(LockError::OwnerDied(mut guard)) => {
            let first = guard[0];
            guard.fill(first);
            guard.mark_consistent();
        }
        other => panic!("{other}"),
    }
}

fn set_all(numbers: &Array<u64>) {
    let next = 1 + numbers.get_unlocked(0).expect("there are some");
    numbers.set_slice(.., &[next; NUMBERS]).unwrap_or_else(mend);
}

/// A number of 8 bytes is never half written: there is nothing to mend.
fn add_one(numbers: &Array<u64>) {
    match numbers.update(1, |number| *number += 1) {
        Ok(()) => {}
        Err(ArrayError::Lock(LockError::OwnerDied(mut guard))) => {
            guard[1] += 1;
            guard.mark_consistent();
        }
        Err(other) => panic!("{other}"),
    }
}

fn array(stage: &mut Stage, sleepers: usize) {
    let numbers = numbers(stage);
    if sleepers > 0 {
        let holder = forever(&numbers);
        stage.poised("the holder", || holder.lock().expect("a free lock"), drop);
    }
    for _ in 0..sleepers {
        let numbers = numbers.clone();
        stage.asleep("who sleeps for the array", move || set_all(&numbers));
    }
    let mine = numbers.clone();
    stage.victim(|| (), move |()| set_all(&mine));
    finish(stage, numbers);
}

fn finish(stage: &mut Stage, numbers: Array<u64>) {
    let after = numbers.clone();
    stage.survivor("who comes after", move |_| {
        match after.to_vec() {
            Ok(seen) => assert_eq!(
                seen, [seen[0]; NUMBERS],
                "half a slice, and no death was told"
            ),
            Err(error) => mend(error),
        }
        set_all(&after);
    });
    stage.judge(move |_| {
        let seen = numbers.try_lock().expect("a free lock in the end");
        assert_eq!(*seen, [seen[0]; NUMBERS], "half a slice in the end");
    });
}

/// Of several pieces, so that a torn one would show.
const TEXTS: [&str; 4] = [
    "none none none none",
    "one one one one o",
    "two two two two two",
    "three three three",
];

fn list() -> ShareableList {
    let list = ShareableList::new([ShareableItem::from(TEXTS[0])]).expect("memory for a list");
    list.shm().unlink().expect("a name of its own"); // the others inherit the mapping
    list
}

fn set_text(list: &ShareableList, number: usize) {
    list.set(0, TEXTS[number]).expect("it fits");
    text_of(list);
}

fn text_of(list: &ShareableList) -> ShareableItem {
    let text = list.get(0).expect("no one is in the way");
    let is_whole = TEXTS.iter().any(|whole| text == (*whole).into());
    assert!(is_whole, "{text:?} was never set");
    text
}
