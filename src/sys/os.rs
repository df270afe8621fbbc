//! The real world: words in shared memory, futexes, the kernel's robust list.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::step::{self, Access, Outcome};
use super::{futex, robust};
use crate::world::{Deadline, Node, Update, WAIT_ANY_MAX, Wide, Woken, Word, World};

thread_local! {
    /// How often, one after the other, a thread looked for its partner and then slept.
    static IN_VAIN: Cell<u32> = const { Cell::new(0) };
}

/// The real kernel and real memory: the world in which the public types live.
pub struct Os;

/// A 32-bit atomic that may lie in shared memory; each access is a [step](super::step).
#[repr(transparent)]
#[derive(Debug)]
pub struct SharedWord(AtomicU32);

/// The place of a node in its owner's robust list: addresses in the owner's memory, followed by the owner
/// and, at its death, by the kernel on its behalf; never by another process.
#[repr(C)]
#[derive(Debug, Default)]
pub struct Links {
    pub(super) prev: AtomicUsize,
    pub(super) next: AtomicUsize,
}

impl SharedWord {
    fn address(&self) -> usize {
        self.0.as_ptr() as usize
    }

    fn step(&self, access: Access, take: impl FnOnce(&AtomicU32) -> u32) -> u32 {
        step::before(access, self.address());
        let seen = take(&self.0);
        step::after(access, self.address(), Outcome::Saw(seen.into()));
        seen
    }
}

/// A count of those who hold something: these steps commute, as nobody goes by the count as long as it is not 0.
impl SharedWord {
    /// One more holds it.
    pub(crate) fn hold(&self, order: Ordering) {
        self.step(Access::Hold, |word| word.fetch_add(1, order));
    }

    /// One less: how many did until now.
    pub(crate) fn let_go(&self, order: Ordering) -> u32 {
        self.step(Access::LetGo, |word| word.fetch_sub(1, order))
    }
}

// Orderings are the caller's: raw/ names each one's partner.
impl Word for SharedWord {
    fn new(value: u32) -> Self {
        SharedWord(AtomicU32::new(value))
    }

    #[inline]
    fn load(&self, order: Ordering) -> u32 {
        self.step(Access::Load, |word| word.load(order))
    }

    #[inline]
    fn store(&self, value: u32, order: Ordering) {
        let access = Access::Store { value };
        step::before(access, self.address());
        self.0.store(value, order);
        step::after(access, self.address(), Outcome::Done);
    }

    #[inline]
    fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.step(Access::Swap { value }, |word| word.swap(value, order))
    }

    #[inline]
    fn compare_exchange(
        &self,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        let access = Access::CompareExchange { current, new };
        step::before(access, self.address());
        let result = self.0.compare_exchange(current, new, success, failure);
        let outcome = match result {
            Ok(seen) => Outcome::Saw(seen.into()),
            Err(seen) => Outcome::Refused(seen.into()),
        };
        step::after(access, self.address(), outcome);
        result
    }

    #[inline]
    fn fetch_add(&self, value: u32, order: Ordering) -> u32 {
        self.step(Access::Add { value }, |word| word.fetch_add(value, order))
    }

    #[inline]
    fn fetch_sub(&self, value: u32, order: Ordering) -> u32 {
        self.step(Access::Sub { value }, |word| word.fetch_sub(value, order))
    }
}

/// A 64-bit atomic that may lie in shared memory; each access is a [step](super::step).
#[repr(transparent)]
#[derive(Debug)]
pub struct SharedWide(AtomicU64);

impl SharedWide {
    fn step(&self, access: Access, take: impl FnOnce(&AtomicU64) -> Outcome) -> Outcome {
        let address = self.0.as_ptr() as usize;
        step::before(access, address);
        let outcome = take(&self.0);
        step::after(access, address, outcome);
        outcome
    }

    fn saw(&self, access: Access, take: impl FnOnce(&AtomicU64) -> u64) -> u64 {
        let mut seen = 0;
        self.step(access, |wide| {
            seen = take(wide);
            Outcome::Saw(seen)
        });
        seen
    }
}

// Orderings are the caller's: raw/ names each one's partner.
impl Wide for SharedWide {
    fn new(value: u64) -> Self {
        SharedWide(AtomicU64::new(value))
    }

    #[inline]
    fn load(&self, order: Ordering) -> u64 {
        self.saw(Access::LoadWide, |wide| wide.load(order))
    }

    #[inline]
    fn store(&self, value: u64, order: Ordering) {
        self.step(Access::StoreWide { value }, |wide| {
            wide.store(value, order);
            Outcome::Done
        });
    }

    #[inline]
    fn swap(&self, value: u64, order: Ordering) -> u64 {
        self.saw(Access::SwapWide { value }, |wide| wide.swap(value, order))
    }

    #[inline]
    fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        let mut result = Ok(current);
        self.step(Access::CompareExchangeWide { current, new }, |wide| {
            result = wide.compare_exchange(current, new, success, failure);
            match result {
                Ok(seen) => Outcome::Saw(seen),
                Err(seen) => Outcome::Refused(seen),
            }
        });
        result
    }

    #[inline]
    fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        self.saw(Access::AddWide { value }, |wide| {
            wide.fetch_add(value, order)
        })
    }
}

impl World for Os {
    type Word = SharedWord;
    type Wide = SharedWide;
    type Links = Links;

    #[inline]
    fn me() -> u32 {
        robust::thread_id()
    }

    #[inline]
    fn me_if_known() -> Option<u32> {
        robust::known_thread_id()
    }

    fn is_nobody(id: u32) -> bool {
        let access = Access::LookUp { id };
        step::before(access, 0);
        let is_nobody = step::is_nobody(id);
        step::after(access, 0, Outcome::Saw(is_nobody.into()));
        is_nobody
    }

    /// A hand-over through the kernel costs about 25 µs between cores, the spin between seven looks about 1 µs: a
    /// short critical section on another core is over before a sleep would have begun. With one core
    /// nothing is gained by looking again.
    ///
    /// Under an observer one look more is enough to try what a spin can see.
    #[inline]
    fn spins() -> u32 {
        if step::is_observed() {
            return 1;
        }
        static SPINS: OnceLock<u32> = OnceLock::new();
        *SPINS.get_or_init(|| match std::thread::available_parallelism() {
            Ok(cores) if cores.get() > 1 => 7,
            _ => 0,
        })
    }

    /// Fourteen looks are some hundred times as long as seven: longer than a wake takes, even of a core that sleeps, so that
    /// a partner who has to be woken is still met, and need not be the next time. Where both have one core they only keep
    /// the other from it: after each in vain the next is a quarter as long, so that one that was missed by chance is soon
    /// met again; at last there is one, and all fourteen only now and then, to see whether things have changed.
    #[inline]
    fn spins_for_partner() -> u32 {
        if step::is_observed() {
            return 1; // a run must not hang on those before it
        }
        let most = Self::spins() * 2;
        match IN_VAIN.get() {
            few if few % 128 == 0 => most,
            few => most.saturating_sub(few.saturating_mul(2)).max(1),
        }
    }

    #[inline]
    fn spun(spared: bool) {
        IN_VAIN.set(if spared {
            0
        } else {
            IN_VAIN.get().wrapping_add(1)
        });
    }

    /// At the first under an observer: ids differ from run to run, and a schedule must lead to the same again.
    #[inline]
    fn begins_at(count: usize) -> usize {
        if step::is_observed() {
            return 0;
        }
        Self::me() as usize % count
    }

    #[inline]
    fn fence(order: Ordering) {
        std::sync::atomic::fence(order);
    }

    fn deadline(after: Duration) -> Option<Deadline> {
        let after_ns = u64::try_from(after.as_nanos()).ok()?;
        let monotonic_ns = futex::monotonic_ns().checked_add(after_ns)?;
        // The kernel's time_t is signed; what lies beyond it is no deadline at all.
        (monotonic_ns <= i64::MAX as u64).then_some(Deadline { monotonic_ns })
    }

    fn wait(word: &SharedWord, expected: u32, until: Option<Deadline>) -> Woken {
        let access = Access::Wait {
            expected,
            timed: until.is_some(),
        };
        step::before(access, word.address());
        let woken = step::wait(&word.0, expected, until);
        step::after(access, word.address(), Outcome::Waited(woken));
        woken
    }

    fn wait_any(words: &[(&SharedWord, u32)], until: Option<Deadline>) -> Woken {
        let access = Access::WaitAny {
            words: words.len() as u8,
            timed: until.is_some(),
        };
        let address = words.first().map_or(0, |(word, _)| word.address());
        step::before(access, address);
        assert!(
            (1..=WAIT_ANY_MAX).contains(&words.len()),
            "1 to {WAIT_ANY_MAX} words, not {}",
            words.len()
        );
        let last = words.len() - 1;
        let all: [(&AtomicU32, u32); WAIT_ANY_MAX] = std::array::from_fn(|at| {
            let (word, expected) = words[at.min(last)];
            (&word.0, expected)
        });
        let woken = step::wait_any(&all[..words.len()], until);
        step::after(access, address, Outcome::Waited(woken));
        woken
    }

    fn wake(word: &SharedWord, count: u32) -> u32 {
        let access = Access::Wake { count };
        step::before(access, word.address());
        let woken = step::wake(&word.0, count);
        step::after(access, word.address(), Outcome::Woke(woken));
        woken
    }

    fn update_and_wake_all(word: &SharedWord, update: Update) -> u32 {
        let access = Access::UpdateAndWakeAll { update };
        step::before(access, word.address());
        let woken = step::update_and_wake_all(&word.0, update);
        step::after(access, word.address(), Outcome::Woke(woken));
        woken
    }

    #[inline]
    fn announce(node: &Node<Self>) {
        robust::announce(node);
    }

    #[inline]
    fn announce_known(node: &Node<Self>) {
        robust::announce_known(node);
    }

    #[inline]
    fn withdraw() {
        robust::withdraw();
    }

    #[inline]
    fn link(node: &Node<Self>) {
        robust::link(node);
    }

    #[inline]
    fn unlink(node: &Node<Self>) {
        robust::unlink(node);
    }

    #[inline]
    fn may_link() -> bool {
        robust::held() < robust::LIMIT
    }

    fn death_wakes_marked_word() -> bool {
        static WAKES: OnceLock<bool> = OnceLock::new();
        *WAKES.get_or_init(|| robust::kernel_version().is_some_and(|version| version >= (6, 2)))
    }
}
