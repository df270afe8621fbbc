//! The seam: where an algorithm runs.
//!
//! A raw algorithm (`crate::raw`) is generic over a [`World`]. The public types fix it to
//! [`Os`](crate::sys::Os), the real kernel and real shared memory, so users of the library never see
//! the parameter; the models fix it to `Loom`, loom's memory model with a futex, a clock and a death
//! of its own. The algorithm that is checked is the algorithm that ships: one source, no `cfg`.
//!
//! The seam is narrow on purpose. It is what the kernel gives: words, a sleep that compares first, a
//! wake, and the robust list, through which the kernel learns what a thread held when it died.
//!
//! # Robust ownership
//! A word that a thread may own holds that thread's id in its low 30 bits ([`TID_MASK`]). When a thread
//! dies, the kernel walks its robust list and then its announced node ([`World::announce`]). For each
//! word that still holds the dead thread's id it stores `(word & WAITERS) | OWNER_DIED` and, if
//! `WAITERS` was set, wakes one sleeper. For an announced word that holds no owner it wakes one sleeper
//! and stores nothing (since Linux 6.2; from 5.5 to 6.1 only if the whole word is 0).
//! Source: `Documentation/locking/robust-futex-ABI.rst`, and `handle_futex_death` in `kernel/futex/core.c`.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The thread id in an owned word. As in `<linux/futex.h>`.
pub const TID_MASK: u32 = 0x3fff_ffff;
/// Set by the kernel in a word whose owner died. As in `<linux/futex.h>`.
pub const OWNER_DIED: u32 = 0x4000_0000;
/// Someone may be asleep on this word. As in `<linux/futex.h>`.
pub const WAITERS: u32 = 0x8000_0000;

/// A 32-bit atomic that processes share.
pub trait Word: Send + Sync {
    fn new(value: u32) -> Self;
    fn load(&self, order: Ordering) -> u32;
    fn store(&self, value: u32, order: Ordering);
    fn swap(&self, value: u32, order: Ordering) -> u32;
    /// `Ok(current)` if the word held `current` and now holds `new`; else `Err` of what it holds.
    fn compare_exchange(
        &self,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32>;
    /// Adds, wrapping; returns what the word held before.
    fn fetch_add(&self, value: u32, order: Ordering) -> u32;
    /// Subtracts, wrapping; returns what the word held before.
    fn fetch_sub(&self, value: u32, order: Ordering) -> u32;
}

/// A 64-bit atomic that processes share: what one store must commit together.
pub trait Wide: Send + Sync {
    fn new(value: u64) -> Self;
    fn load(&self, order: Ordering) -> u64;
    fn store(&self, value: u64, order: Ordering);
    fn swap(&self, value: u64, order: Ordering) -> u64;
    /// `Ok(current)` if it held `current` and now holds `new`; else `Err` of what it holds.
    fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64>;
    /// Adds, wrapping; returns what it held before.
    fn fetch_add(&self, value: u64, order: Ordering) -> u64;
}

/// What [`World::update_and_wake_all`] does to the word. The operand is less than 2^11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Update {
    Set(u32),
    /// Wrapping.
    Add(u32),
    /// Sets these bits.
    Or(u32),
}

impl Update {
    pub fn operand(self) -> u32 {
        match self {
            Update::Set(operand) | Update::Add(operand) | Update::Or(operand) => operand,
        }
    }
}

/// The most words that [`World::wait_any`] takes: FUTEX_WAITV_MAX of `<linux/futex.h>`.
pub const WAIT_ANY_MAX: usize = 128;

/// Why [`World::wait`] returned. Advice only: whoever waits looks at the word again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Woken {
    /// By a wake, or early, without a reason (a signal, or a wake meant for an earlier use of the word).
    Perhaps,
    /// The word did not hold the expected value: there was no sleep.
    Changed,
    /// The deadline passed.
    TimedOut,
}

/// A moment on the world's monotonic clock, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    pub monotonic_ns: u64,
}

/// What a thread may own: a word, two words beside it for the algorithm's own use, and the links by
/// which the world finds it when its owner dies.
///
/// Under `Os` the layout is that of the C library's own robust mutex (word at 0, links at 24 and 32),
/// so that both kinds can stand in the one list that the kernel knows of.
#[repr(C)]
pub struct Node<W: World> {
    pub word: W::Word,
    pub beside: [W::Word; 2],
    _reserved: [u32; 3],
    pub links: W::Links,
}

impl<W: World> Node<W> {
    pub fn new() -> Self {
        Node {
            word: W::Word::new(0),
            beside: [W::Word::new(0), W::Word::new(0)],
            _reserved: [0; 3],
            links: W::Links::default(),
        }
    }
}

impl<W: World> Default for Node<W> {
    fn default() -> Self {
        Self::new()
    }
}

/// Where an algorithm runs.
///
/// # Spinning
/// A loop that waits for others by reading again needs nothing of the world: where it runs under a model or the
/// controller, one that comes round to the same again and again without a change of its own (20 times in a model, 130 under
/// the controller) is passed over until someone else has moved. So the loop ends if others can end it; if they cannot, it is
/// reported as one without an end.
pub trait World: Sized + 'static {
    type Word: Word;
    type Wide: Wide;
    /// The place of a [`Node`] in its owner's robust list.
    type Links: Default + Send + Sync;

    /// The calling thread's id: not 0, within [`TID_MASK`], and different for all that share memory.
    fn me() -> u32;

    /// The same for a thread that has been asked before, or has announced a node: that is known at once. `None` otherwise;
    /// such a thread owns nothing.
    fn me_if_known() -> Option<u32> {
        Some(Self::me())
    }

    /// Whether no thread has this id. A word that goes on naming it was written by something else than this library:
    /// the death of its owner would have changed it.
    fn is_nobody(id: u32) -> bool;

    /// How often to look at a word again before sleeping on it, with pauses that double.
    fn spins() -> u32;

    /// The same where the sleep would be for another process to do its part, and not only to leave: longer, as a wake is
    /// spared so, and shorter where that was [in vain](World::spun) lately.
    fn spins_for_partner() -> u32 {
        Self::spins()
    }

    /// Of the calling thread's last look for a partner: whether it spared a sleep.
    fn spun(_spared: bool) {}

    /// Looks for a partner for about as long as a sleep would cost: whether it has come.
    fn look_for_partner(mut has_come: impl FnMut() -> bool) -> bool {
        let has_come = (0..Self::spins_for_partner()).any(|round| {
            (0..1u32 << round.min(16)).any(|_| {
                let has_come = has_come();
                if !has_come {
                    std::hint::spin_loop();
                }
                has_come
            })
        });
        Self::spun(has_come);
        has_come
    }

    /// Where the calling thread begins among `count` places that are alike, so that not all begin at the first. A
    /// world whose runs must come out alike has it not hang on the thread's id.
    ///
    /// # Panics
    /// If `count` is 0.
    fn begins_at(count: usize) -> usize {
        Self::me() as usize % count
    }

    /// A fence, as [`std::sync::atomic::fence`]. It is no step: it changes nothing.
    ///
    /// # Panics
    /// If the order is `Relaxed`.
    fn fence(order: Ordering);

    /// `after` from now. `None` if that is beyond what the clock can count: no deadline.
    fn deadline(after: Duration) -> Option<Deadline>;

    /// Sleeps if `word` holds `expected`: the comparison and the falling asleep are one step with
    /// respect to every wake. May return early.
    fn wait(word: &Self::Word, expected: u32, until: Option<Deadline>) -> Woken;

    /// Sleeps if each word holds what is expected of it, until one of them is woken. The words are compared and
    /// slept on one after the other. May return early; does not say which word was woken.
    ///
    /// # Panics
    /// If there are no words, or more than [`WAIT_ANY_MAX`].
    fn wait_any(words: &[(&Self::Word, u32)], until: Option<Deadline>) -> Woken;

    /// Wakes up to `count` sleepers; returns how many.
    fn wake(word: &Self::Word, count: u32) -> u32;

    /// Changes the word and wakes all sleepers, as one step with respect to every [`wait`](World::wait) (no one can
    /// fall asleep between the two) and to every death: both happen, or neither. Returns how many were woken.
    /// The change is a full barrier.
    fn update_and_wake_all(word: &Self::Word, update: Update) -> u32;

    /// Tells the kernel which node this thread is working on (`list_op_pending`): one at a time, in place of one that is
    /// linked meanwhile.
    fn announce(node: &Node<Self>);
    /// The same, by a thread that is [known](World::me_if_known): it has nothing to learn first.
    fn announce_known(node: &Node<Self>) {
        Self::announce(node);
    }
    /// Takes the announcement back.
    fn withdraw();

    /// Puts a node into this thread's robust list. The thread has announced it.
    fn link(node: &Node<Self>);
    /// Takes a node out of this thread's robust list. The thread has announced it.
    fn unlink(node: &Node<Self>);
    /// Whether the list has room: the kernel walks only so many entries (2,048) of a dead thread's list.
    fn may_link() -> bool;

    /// Whether a death passes the wake on when the announced word has no owner but is not 0
    /// (Linux since 6.2). Where not, an unlock must leave 0 behind.
    fn death_wakes_marked_word() -> bool;
}

/// Between two looks at a word, of which there were `before`: twice as long each time. Each look takes the word's cache
/// line from who is at work there.
pub fn pause(before: u32) {
    for _ in 0..1u32 << before.min(16) {
        std::hint::spin_loop();
    }
}
