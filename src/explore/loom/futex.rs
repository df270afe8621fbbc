//! A futex in loom's memory model: the word, its queue of sleepers, wait and wake.
//!
//! # How a wait and a wake stay one step each
//! Loom switches threads *before* an operation of its own and nowhere else. So what follows such an
//! operation, up to the next one, is one step with it:
//! - *peek*: a compare-exchange that always fails, Relaxed. It reads the newest value, as the kernel does
//!   under the lock of its queue; the search sees it as an access to the word; and it lends no
//!   happens-before edge to anyone. (A plain Relaxed load may be stale, and gives false lost wake-ups.)
//! - *wait*: peek; if the word differs, return; enter the queue, which stands in a mutex that loom does
//!   not know of; park until woken.
//! - *wake*: peek, which makes it an access that the search moves about; take sleepers off the queue;
//!   unpark them.
//! - *update and wake all*: a read-modify-write, and everyone is taken off the queue.
//! - *wait any*: peek and enter the queue, word by word, as the kernel does; a wake may come in between.
//!
//! Loom's unpark hands the waker's view of memory to the sleeper, which the kernel does not promise. What
//! this hides (an acquire that is too weak after a sleep) an early return shows: it comes without a waker.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::loom::sync::atomic::AtomicU32;
use ::loom::thread::{self, Thread};

use super::death::Links;
use super::record::{self, Deed};
use super::stage::{self, Fate, PASSER_BY, WakeOrder};
use super::{access, orders, spin, step};
use crate::sys::step::{Access, Outcome};
use crate::world::{Deadline, Update, Woken, Word};

/// A word of a model: loom's atomic, and those who sleep on it. A clone is the same word.
#[derive(Clone)]
pub struct LoomWord(Arc<Inner>);

struct Inner {
    atomic: AtomicU32,
    links: Links,
    sleepers: Mutex<VecDeque<Arc<Sleeper>>>,
}

/// One who sleeps. `thread` is `None` for a passer-by of the prologue.
struct Sleeper {
    thread: Option<Thread>,
    woken: AtomicBool,
}

impl Sleeper {
    /// Until it is woken; `timed`: it has a deadline, which does not pass.
    fn sleep(&self, timed: bool) {
        stage::with(|stage| stage.timed_asleep += u32::from(timed));
        // Relaxed: one thread of the operating system runs the whole model.
        while !self.woken.load(Ordering::Relaxed) {
            thread::park();
        }
        stage::with(|stage| stage.timed_asleep -= u32::from(timed));
    }
}

// Orderings are the caller's: raw/ names each one's partner.
impl Word for LoomWord {
    fn new(value: u32) -> Self {
        LoomWord(Arc::new(Inner {
            atomic: AtomicU32::new(value),
            links: Links::new(),
            sleepers: Mutex::default(),
        }))
    }

    fn load(&self, order: Ordering) -> u32 {
        self.begin(order, |_| true);
        let seen = self.0.atomic.load(order);
        self.saw(Access::Load, seen);
        spin::read(self.place(), seen.into());
        seen
    }

    fn store(&self, value: u32, order: Ordering) {
        step();
        self.0.atomic.swap(value, orders::of_store(order));
        record::did(Access::Store { value }, self.address(), Outcome::Done);
        spin::moved();
    }

    fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.begin(order, |seen| seen == u64::from(value));
        let seen = self.0.atomic.swap(value, order);
        self.saw(Access::Swap { value }, seen);
        spin::exchanged(self.place(), seen.into(), value.into());
        seen
    }

    fn compare_exchange(
        &self,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        self.begin(success, |seen| seen != u64::from(current) || current == new);
        let result = self
            .0
            .atomic
            .compare_exchange(current, new, success, failure);
        let access = Access::CompareExchange { current, new };
        match result {
            Ok(seen) => {
                self.saw(access, seen);
                spin::exchanged(self.place(), seen.into(), new.into());
            }
            Err(seen) => {
                record::did(access, self.address(), Outcome::Refused(seen.into()));
                spin::read(self.place(), seen.into());
            }
        }
        result
    }

    fn fetch_add(&self, value: u32, order: Ordering) -> u32 {
        self.begin(order, |_| false);
        let seen = self.0.atomic.fetch_add(value, order);
        self.saw(Access::Add { value }, seen);
        spin::exchanged(self.place(), seen.into(), seen.wrapping_add(value).into());
        seen
    }

    fn fetch_sub(&self, value: u32, order: Ordering) -> u32 {
        self.begin(order, |_| false);
        let seen = self.0.atomic.fetch_sub(value, order);
        self.saw(Access::Sub { value }, seen);
        spin::exchanged(self.place(), seen.into(), seen.wrapping_sub(value).into());
        seen
    }
}

impl LoomWord {
    /// Comes before every read; as [`access`].
    fn begin(&self, order: Ordering, leaves: impl Fn(u64) -> bool) {
        access(self.place(), leaves);
        orders::before_read(order);
    }

    fn saw(&self, access: Access, seen: u32) {
        record::did(access, self.address(), Outcome::Saw(seen.into()));
    }

    /// Of the object that it is part of.
    pub(super) fn address(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }

    /// Which word it is.
    fn place(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// Whether both are the same word.
    pub fn is(&self, other: &LoomWord) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// As [`World::wait`](crate::world::World::wait).
    pub fn wait(&self, expected: u32, until: Option<Deadline>) -> Woken {
        step();
        stage::with(|stage| stage.futex_calls += 1);
        let access = Access::Wait {
            expected,
            timed: until.is_some(),
        };
        if self.peek() != expected {
            record::did(access, self.address(), Outcome::Waited(Woken::Changed));
            return Woken::Changed;
        }
        spin::moved();
        record::note(Deed::SleepsOn(self.address()));
        // No operation of loom's from the peek to the queue: comparing and falling asleep are one step.
        let thread = match stage::fate(until.is_some()) {
            Fate::ReturnsEarly => return Woken::Perhaps,
            Fate::TimesOut => return Woken::TimedOut,
            Fate::PassesBy => None,
            Fate::Sleeps => Some(thread::current()),
        };
        let sleeper = Arc::new(Sleeper {
            thread,
            woken: AtomicBool::new(false),
        });
        self.sleepers().push_back(sleeper.clone());
        if sleeper.thread.is_none() {
            return Woken::TimedOut; // a passer-by cannot stop the prologue; it stays in the queue
        }
        sleeper.sleep(until.is_some());
        record::did(access, self.address(), Outcome::Waited(Woken::Perhaps));
        Woken::Perhaps
    }

    /// As [`World::wake`](crate::world::World::wake).
    pub fn wake(&self, count: u32) -> u32 {
        step();
        stage::with(|stage| stage.futex_calls += 1);
        let woken = self.wake_by_kernel(count);
        record::did(Access::Wake { count }, self.address(), Outcome::Woke(woken));
        woken
    }

    /// As [`World::wait_any`](crate::world::World::wait_any): the words are compared, and slept on, one after the
    /// other, so a wake may come in between.
    pub fn wait_any(words: &[(&LoomWord, u32)], until: Option<Deadline>) -> Woken {
        step();
        stage::with(|stage| stage.futex_calls += 1);
        let sleeper = Arc::new(Sleeper {
            thread: (stage::me() != PASSER_BY).then(thread::current),
            woken: AtomicBool::new(false),
        });
        // No operation of loom's from a peek to its queue: as in wait().
        let unchanged = words.iter().all(|(word, expected)| {
            let unchanged = word.peek() == *expected;
            if unchanged {
                word.sleepers().push_back(sleeper.clone());
            }
            unchanged
        });
        let access = Access::WaitAny {
            words: words.len() as u8,
            timed: until.is_some(),
        };
        let address = words.first().map_or(0, |(word, _)| word.address());
        let woken = if unchanged {
            spin::moved();
            record::note(Deed::SleepsOn(address));
            match stage::fate(until.is_some()) {
                Fate::PassesBy => return Woken::TimedOut, // it stays in the queues
                Fate::ReturnsEarly => Woken::Perhaps,
                Fate::TimesOut => Woken::TimedOut,
                Fate::Sleeps => {
                    sleeper.sleep(until.is_some());
                    record::did(access, address, Outcome::Waited(Woken::Perhaps));
                    Woken::Perhaps
                }
            }
        } else {
            record::did(access, address, Outcome::Waited(Woken::Changed));
            Woken::Changed
        };
        // The kernel takes it off the other queues: until here a wake of another word was spent on it.
        for (word, _) in words {
            word.sleepers()
                .retain(|other| !Arc::ptr_eq(other, &sleeper));
        }
        // Relaxed: as above. A wake that came while it was still comparing, or before its deadline, is one.
        if sleeper.woken.load(Ordering::Relaxed) {
            return Woken::Perhaps;
        }
        woken
    }

    /// As [`World::update_and_wake_all`](crate::world::World::update_and_wake_all).
    pub fn update_and_wake_all(&self, update: Update) -> u32 {
        step();
        stage::with(|stage| stage.futex_calls += 1);
        // AcqRel: the kernel's full barrier.
        match update {
            Update::Set(value) => self.0.atomic.swap(value, Ordering::AcqRel),
            Update::Add(value) => self.0.atomic.fetch_add(value, Ordering::AcqRel),
            Update::Or(bits) => self.0.atomic.fetch_or(bits, Ordering::AcqRel),
        };
        spin::moved();
        let woken = self.take_off(u32::MAX);
        let access = Access::UpdateAndWakeAll { update };
        record::did(access, self.address(), Outcome::Woke(woken));
        woken
    }

    /// How many are asleep on this word.
    pub fn sleepers_count(&self) -> usize {
        self.sleepers().len()
    }

    /// Of the node to which the word belongs.
    pub(super) fn links(&self) -> &Links {
        &self.0.links
    }

    /// A wake that is no step of a lane.
    pub(super) fn wake_by_kernel(&self, count: u32) -> u32 {
        self.peek();
        self.take_off(count)
    }

    /// The kernel's plain read of a dead thread's word: it may be out of date.
    pub(super) fn read_by_kernel(&self) -> u32 {
        // Relaxed: get_user() orders nothing; what it decides, a compare-exchange confirms.
        self.0.atomic.load(Ordering::Relaxed)
    }

    /// The kernel's compare-exchange on a dead thread's word.
    pub(super) fn exchange_by_kernel(&self, current: u32, new: u32) -> Result<u32, u32> {
        // AcqRel: the kernel's compare-exchange is a full barrier. Relaxed on failure: looked at again.
        self.0
            .atomic
            .compare_exchange(current, new, Ordering::AcqRel, Ordering::Relaxed)
    }

    pub(super) fn peek(&self) -> u32 {
        // No word of ours is ever all ones; if one is, it is replaced by itself.
        const NEVER: u32 = u32::MAX;
        // Relaxed, both: see the module's head.
        let seen =
            self.0
                .atomic
                .compare_exchange(NEVER, NEVER, Ordering::Relaxed, Ordering::Relaxed);
        match seen {
            Ok(seen) | Err(seen) => seen,
        }
    }

    /// Wakes up to `count` sleepers. No operation of loom's comes before the last is off the queue.
    fn take_off(&self, count: u32) -> u32 {
        let mut taken = Vec::new();
        stage::with(|stage| {
            let mut sleepers = self.sleepers();
            if !stage.prologue {
                sleepers.retain(|sleeper| sleeper.thread.is_some()); // passers-by were killed asleep
            }
            while taken.len() < count as usize {
                let next = match stage.setting.wake_order {
                    WakeOrder::FirstIn => sleepers.pop_front(),
                    WakeOrder::LastIn => sleepers.pop_back(),
                };
                let Some(sleeper) = next else { break };
                taken.push(sleeper);
            }
            stage.tally.woken += taken.len() as u64;
        });
        for sleeper in &taken {
            sleeper.woken.store(true, Ordering::Relaxed); // Relaxed: as in wait()
            if let Some(thread) = &sleeper.thread {
                thread.unpark();
            }
        }
        taken.len() as u32
    }

    fn sleepers(&self) -> MutexGuard<'_, VecDeque<Arc<Sleeper>>> {
        // A model that failed may leave it poisoned; its queue is never looked at again.
        self.0
            .sleepers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
