//! Locks written against the words of [`Os`], as a user would write them.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use forkproof::explore::{Shared, Stage};
use forkproof::sys::{Os, SharedWord};
use forkproof::world::{Word, World};

/// A lock that a program under control tries out.
pub trait Lock: Sync + 'static {
    fn new() -> Self;
    fn lock(&self);
    fn unlock(&self);
}

const FREE: u32 = 0;
const LOCKED: u32 = 1;
/// Locked, others asleep.
const CONTENDED: u32 = 2;

/// The third mutex of Drepper's "Futexes are tricky".
pub struct ThreeStates(SharedWord);

/// Looks first, then locks: two may see it free.
pub struct CheckThenSet(SharedWord);

/// Forgets who sleeps.
pub struct NoWake(SharedWord);

/// Takes being woken for owning.
pub struct WokenOwns(SharedWord);

/// Sleeps on nothing.
pub struct Spin(SharedWord);

impl Lock for ThreeStates {
    fn new() -> Self {
        ThreeStates(SharedWord::new(FREE))
    }

    fn lock(&self) {
        lock_or_sleep(&self.0);
    }

    fn unlock(&self) {
        unlock_and_wake(&self.0);
    }
}

fn lock_or_sleep(word: &SharedWord) {
    if word
        .compare_exchange(FREE, LOCKED, Acquire, Relaxed)
        .is_err()
    {
        while word.swap(CONTENDED, Acquire) != FREE {
            Os::wait(word, CONTENDED, None);
        }
    }
}

fn unlock_and_wake(word: &SharedWord) {
    if word.swap(FREE, Release) == CONTENDED {
        Os::wake(word, 1);
    }
}

impl Lock for CheckThenSet {
    fn new() -> Self {
        CheckThenSet(SharedWord::new(FREE))
    }

    fn lock(&self) {
        while self.0.load(Acquire) != FREE {
            Os::wait(&self.0, LOCKED, None);
        }
        self.0.store(LOCKED, Relaxed);
    }

    fn unlock(&self) {
        self.0.store(FREE, Release);
        Os::wake(&self.0, 1);
    }
}

impl Lock for NoWake {
    fn new() -> Self {
        NoWake(SharedWord::new(FREE))
    }

    fn lock(&self) {
        lock_or_sleep(&self.0);
    }

    fn unlock(&self) {
        self.0.store(FREE, Release);
    }
}

impl Lock for WokenOwns {
    fn new() -> Self {
        WokenOwns(SharedWord::new(FREE))
    }

    fn lock(&self) {
        if self
            .0
            .compare_exchange(FREE, LOCKED, Acquire, Relaxed)
            .is_err()
            && self.0.swap(CONTENDED, Acquire) != FREE
        {
            Os::wait(&self.0, CONTENDED, None);
        }
    }

    fn unlock(&self) {
        unlock_and_wake(&self.0);
    }
}

impl Lock for Spin {
    fn new() -> Self {
        Spin(SharedWord::new(FREE))
    }

    fn lock(&self) {
        while self.0.swap(LOCKED, Acquire) != FREE {}
    }

    fn unlock(&self) {
        self.0.store(FREE, Release);
    }
}

/// Each lane adds one to a count, in two steps, under the lock.
pub fn count_under<L: Lock>(stage: &mut Stage, lanes: usize) {
    let lock = stage.shared_as("lock", L::new());
    let count = stage.shared_as("count", SharedWord::new(0));
    for lane in 0..lanes {
        stage.lane(&format!("lane {lane}"), move |_| add_one(lock, count));
    }
    stage.finally(move |_| assert_eq!(count.load(Relaxed), lanes as u32, "a count was lost"));
}

fn add_one<L: Lock>(lock: Shared<L>, count: Shared<SharedWord>) {
    lock.lock();
    let seen = count.load(Relaxed);
    count.store(seen + 1, Relaxed);
    lock.unlock();
}
