//! A world that betrays the algorithm: loom's, with one thing wrong.
//!
//! The shipped algorithms of [`raw`](crate::raw) run on it unchanged, in the very models that they pass
//! on the honest world. Each betrayal is what a line of the algorithm would do if it were wrong, or what
//! the kernel would do if it were not as the algorithm takes it to be.

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::explore::loom::{self, Loom, LoomWide, LoomWord};
use crate::world::{Deadline, Node, Update, Wide, Woken, Word, World};

/// What is wrong: each method is the honest one unless a betrayal says otherwise.
pub(super) trait Sabotage: Sync {
    fn load(&self, word: &LoomWord, order: Ordering) -> u32 {
        word.load(order)
    }
    fn store(&self, word: &LoomWord, value: u32, order: Ordering) {
        word.store(value, order);
    }
    fn swap(&self, word: &LoomWord, value: u32, order: Ordering) -> u32 {
        word.swap(value, order)
    }
    fn compare_exchange(
        &self,
        word: &LoomWord,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        word.compare_exchange(current, new, success, failure)
    }
    fn fetch_add(&self, word: &LoomWord, value: u32, order: Ordering) -> u32 {
        word.fetch_add(value, order)
    }
    fn fetch_sub(&self, word: &LoomWord, value: u32, order: Ordering) -> u32 {
        word.fetch_sub(value, order)
    }
    fn wide_load(&self, wide: &LoomWide, order: Ordering) -> u64 {
        wide.load(order)
    }
    fn wide_store(&self, wide: &LoomWide, value: u64, order: Ordering) {
        wide.store(value, order);
    }
    fn wide_swap(&self, wide: &LoomWide, value: u64, order: Ordering) -> u64 {
        wide.swap(value, order)
    }
    fn wide_compare_exchange(
        &self,
        wide: &LoomWide,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        wide.compare_exchange(current, new, success, failure)
    }
    fn wide_fetch_add(&self, wide: &LoomWide, value: u64, order: Ordering) -> u64 {
        wide.fetch_add(value, order)
    }
    fn wait_any(&self, words: &[(&LoomWord, u32)], until: Option<Deadline>) -> Woken {
        LoomWord::wait_any(words, until)
    }
    fn wait(&self, word: &LoomWord, expected: u32, until: Option<Deadline>) -> Woken {
        word.wait(expected, until)
    }
    fn wake(&self, word: &LoomWord, count: u32) -> u32 {
        word.wake(count)
    }
    fn update_and_wake_all(&self, word: &LoomWord, update: Update) -> u32 {
        word.update_and_wake_all(update)
    }
    fn announce(&self, word: &LoomWord) {
        loom::announce(word);
    }
    fn withdraw(&self) {
        loom::withdraw();
    }
    fn link(&self, word: &LoomWord) {
        loom::link(word);
    }
    fn unlink(&self, word: &LoomWord) {
        loom::unlink(word);
    }
    fn fence(&self, order: Ordering) {
        Loom::fence(order);
    }
    fn death_wakes_marked_word(&self) -> bool {
        Loom::death_wakes_marked_word()
    }
}

thread_local! {
    static BETRAYAL: Cell<Option<&'static dyn Sabotage>> = const { Cell::new(None) };
}

/// Runs `act` with this betrayal in force on the calling thread, and so in all models searched by it.
pub(super) fn betrayed_by<R>(betrayal: &'static dyn Sabotage, act: impl FnOnce() -> R) -> R {
    BETRAYAL.set(Some(betrayal));
    let result = act(); // a model's panic ends inside
    BETRAYAL.set(None);
    result
}

fn betrayal() -> &'static dyn Sabotage {
    BETRAYAL
        .get()
        .expect("the broken world lives inside betrayed_by() only")
}

/// The world itself.
pub(super) struct Broken;

/// Its word.
pub(super) struct BrokenWord(LoomWord);

impl Word for BrokenWord {
    fn new(value: u32) -> Self {
        BrokenWord(LoomWord::new(value))
    }
    fn load(&self, order: Ordering) -> u32 {
        betrayal().load(&self.0, order)
    }
    fn store(&self, value: u32, order: Ordering) {
        betrayal().store(&self.0, value, order);
    }
    fn swap(&self, value: u32, order: Ordering) -> u32 {
        betrayal().swap(&self.0, value, order)
    }
    fn compare_exchange(
        &self,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        betrayal().compare_exchange(&self.0, current, new, success, failure)
    }
    fn fetch_add(&self, value: u32, order: Ordering) -> u32 {
        betrayal().fetch_add(&self.0, value, order)
    }
    fn fetch_sub(&self, value: u32, order: Ordering) -> u32 {
        betrayal().fetch_sub(&self.0, value, order)
    }
}

/// Its wide word.
pub(super) struct BrokenWide(LoomWide);

impl Wide for BrokenWide {
    fn new(value: u64) -> Self {
        BrokenWide(LoomWide::new(value))
    }
    fn load(&self, order: Ordering) -> u64 {
        betrayal().wide_load(&self.0, order)
    }
    fn store(&self, value: u64, order: Ordering) {
        betrayal().wide_store(&self.0, value, order);
    }
    fn swap(&self, value: u64, order: Ordering) -> u64 {
        betrayal().wide_swap(&self.0, value, order)
    }
    fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        betrayal().wide_compare_exchange(&self.0, current, new, success, failure)
    }
    fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        betrayal().wide_fetch_add(&self.0, value, order)
    }
}

impl World for Broken {
    type Word = BrokenWord;
    type Wide = BrokenWide;
    type Links = ();

    fn me() -> u32 {
        Loom::me()
    }
    fn is_nobody(id: u32) -> bool {
        Loom::is_nobody(id)
    }
    fn spins() -> u32 {
        Loom::spins()
    }
    fn fence(order: Ordering) {
        betrayal().fence(order);
    }
    fn deadline(after: Duration) -> Option<Deadline> {
        Loom::deadline(after)
    }
    fn wait(word: &BrokenWord, expected: u32, until: Option<Deadline>) -> Woken {
        betrayal().wait(&word.0, expected, until)
    }
    fn wake(word: &BrokenWord, count: u32) -> u32 {
        betrayal().wake(&word.0, count)
    }
    fn wait_any(words: &[(&BrokenWord, u32)], until: Option<Deadline>) -> Woken {
        let words: Vec<_> = words
            .iter()
            .map(|(word, expected)| (&word.0, *expected))
            .collect();
        betrayal().wait_any(&words, until)
    }
    fn update_and_wake_all(word: &BrokenWord, update: Update) -> u32 {
        betrayal().update_and_wake_all(&word.0, update)
    }
    fn announce(node: &Node<Self>) {
        betrayal().announce(&node.word.0);
    }
    fn withdraw() {
        betrayal().withdraw();
    }
    fn link(node: &Node<Self>) {
        betrayal().link(&node.word.0);
    }
    fn unlink(node: &Node<Self>) {
        betrayal().unlink(&node.word.0);
    }
    fn may_link() -> bool {
        Loom::may_link()
    }
    fn death_wakes_marked_word() -> bool {
        betrayal().death_wakes_marked_word()
    }
}
