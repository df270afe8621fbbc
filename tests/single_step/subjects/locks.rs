//! Locks: whoever is killed, the next one gets the lock, and is told if what it guards may be half done.

use forkproof::{Array, Lock, LockError, LockGuard};

use super::{Case, busy, quiet};
use crate::stage::{Stage, forever};

pub(super) static CASES: &[Case] = &[
    quiet("Lock", "lock, nobody there", |stage| lock(stage, 0)),
    quiet("Lock", "lock, the first of its process", |stage| {
        let guarded = Guarded::new(stage);
        let mine = forever(&guarded);
        stage.newcomer(|| (), |()| mine.hold());
        guarded.finish(stage);
    }),
    quiet("Lock", "lock, held, its holder gives it back", |stage| {
        lock_held(stage, 0)
    }),
    quiet("Lock", "lock, held, one asleep", |stage| {
        lock_held(stage, 1)
    }),
    busy("Lock", "lock, one awake", |stage| {
        let guarded = Guarded::new(stage);
        guarded.clone().come_and_go(stage);
        lock_victim(stage, &guarded);
    }),
    quiet("Lock", "unlock, nobody there", |stage| unlock(stage, 0)),
    quiet("Lock", "unlock, one asleep", |stage| unlock(stage, 1)),
    quiet("Lock", "unlock, two asleep", |stage| unlock(stage, 2)),
    busy("Lock", "lock and unlock, one awake", |stage| {
        let guarded = Guarded::new(stage);
        guarded.clone().come_and_go(stage);
        let mine = guarded.clone();
        stage.victim(|| (), move |()| mine.add());
        guarded.finish(stage);
    }),
    quiet("Lock", "try_lock, nobody there", |stage| {
        let guarded = Guarded::new(stage);
        let mine = forever(&guarded);
        stage.victim(|| (), |()| mine.lock.try_lock().expect("a free lock"));
        guarded.finish(stage);
    }),
    quiet("Lock", "lock and mend, after a death", |stage| {
        inherit(stage, 0, true)
    }),
    quiet(
        "Lock",
        "lock and mend, after a death, two asleep",
        |stage| inherit(stage, 2, true),
    ),
    quiet("Lock", "lock and give up, after a death", |stage| {
        inherit(stage, 0, false)
    }),
    quiet(
        "Lock",
        "lock and give up, after a death, two asleep",
        |stage| inherit(stage, 2, false),
    ),
];

/// A lock, and two numbers that are equal whenever it is free.
#[derive(Clone)]
struct Guarded {
    lock: Lock,
    pair: Array<u64>,
}

impl Guarded {
    fn new(stage: &mut Stage) -> Guarded {
        let guarded = Guarded {
            lock: Lock::new().expect("memory for a lock"),
            pair: Array::new(2).expect("memory for a pair"),
        };
        stage.watch(&guarded.lock);
        stage.watch(&guarded.pair);
        guarded
    }

    /// Takes the lock, and mends what a death left.
    fn hold(&self) -> LockGuard<'_> {
        match self.lock.lock() {
            Ok(guard) => guard,
            Err(LockError::OwnerDied(guard)) => {
                self.mend();
                guard.mark_consistent();
                guard
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn add(&self) {
        let guard = self.hold();
        self.assert_equal();
        self.add_to_both();
        drop(guard);
    }

    /// Takes the lock from the dead, mends what they left or not, and gives it back.
    fn inherit(&self, is_mended: bool) {
        match self.lock.lock() {
            Ok(guard) => {
                assert!(is_mended, "a lock that was given up is taken again");
                self.assert_equal();
                drop(guard);
            }
            Err(LockError::OwnerDied(guard)) => {
                self.mend();
                if is_mended {
                    guard.mark_consistent();
                }
            }
            Err(LockError::NotRecoverable) => assert!(!is_mended, "given up, though it was mended"),
            Err(other) => panic!("{other}"),
        }
    }

    fn add_to_both(&self) {
        for index in 0..2 {
            let seen = self.pair.get_unlocked(index).expect("a pair has two");
            self.pair
                .set_unlocked(index, seen + 1)
                .expect("a pair has two");
        }
    }

    fn mend(&self) {
        let first = self.pair.get_unlocked(0).expect("a pair has two");
        self.pair.set_unlocked(1, first).expect("a pair has two");
    }

    fn assert_equal(&self) {
        let seen = self.pair.to_vec_unlocked();
        assert_eq!(seen[0], seen[1], "half an addition, and no death was told");
    }

    fn come_and_go(self, stage: &mut Stage) {
        stage.awake("who comes and goes", move || self.add());
    }

    fn fall_asleep(&self, stage: &mut Stage, sleepers: usize) {
        for _ in 0..sleepers {
            let guarded = self.clone();
            stage.asleep("who sleeps for the lock", move || guarded.add());
        }
    }

    /// One more comes when the victim is dead; in the end the lock is free.
    fn finish(self, stage: &mut Stage) {
        let guarded = self.clone();
        stage.survivor("who comes after", move |_| guarded.add());
        stage.judge(move |_| {
            drop(self.lock.try_lock().expect("a free lock in the end"));
            self.assert_equal();
        });
    }
}

fn lock(stage: &mut Stage, sleepers: usize) {
    let guarded = Guarded::new(stage);
    guarded.fall_asleep(stage, sleepers);
    lock_victim(stage, &guarded);
}

fn lock_victim(stage: &mut Stage, guarded: &Guarded) {
    let mine = forever(guarded);
    stage.victim(|| (), |()| mine.hold());
    guarded.clone().finish(stage);
}

/// The holder gives the lock back when the victim sleeps for it, too.
fn lock_held(stage: &mut Stage, sleepers: usize) {
    let guarded = Guarded::new(stage);
    let holder = forever(&guarded);
    stage.poised(
        "the holder",
        || holder.hold(),
        |guard| {
            holder.add_to_both();
            drop(guard);
        },
    );
    guarded.fall_asleep(stage, sleepers);
    lock_victim(stage, &guarded);
}

/// The victim gives the lock back, half way through an addition for all that the others know.
fn unlock(stage: &mut Stage, sleepers: usize) {
    let guarded = Guarded::new(stage);
    let mine = forever(&guarded);
    stage.victim(|| mine.hold(), drop);
    guarded.fall_asleep(stage, sleepers);
    guarded.finish(stage);
}

/// An owner has died half way through an addition. Whoever comes first is told, and may give the lock up.
fn inherit(stage: &mut Stage, sleepers: usize, is_mended: bool) {
    let guarded = Guarded::new(stage);
    let (owner, heir) = (forever(&guarded), forever(&guarded));
    stage.dead("the owner", || {
        let guard = owner.hold();
        owner.pair.set_unlocked(0, 1).expect("a pair has two");
        guard
    });
    for _ in 0..sleepers {
        let guarded = guarded.clone();
        stage.asleep("who sleeps for the lock", move || {
            guarded.inherit(is_mended);
        });
    }
    stage.victim(|| (), move |()| heir.inherit(is_mended));
    let next = guarded.clone();
    stage.survivor("who comes after", move |_| next.inherit(is_mended));
    stage.judge(move |_| match guarded.lock.try_lock() {
        Ok(_) => {
            assert!(is_mended, "a lock that was given up is taken again");
            guarded.assert_equal();
        }
        Err(LockError::NotRecoverable) => assert!(!is_mended),
        Err(other) => panic!("in the end: {other}"),
    });
}
