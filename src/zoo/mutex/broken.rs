//! A world that betrays the algorithm: loom's, with one thing wrong.
//!
//! The shipped [`RawMutex`](crate::raw::RawMutex) runs on it unchanged, in the very models that it passes
//! on the honest world. Each betrayal is what a line of the algorithm would do if it were wrong, or what
//! the kernel would do if it were not as the algorithm takes it to be.

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::explore::loom::{self, Loom, LoomWord};
use crate::world::{Deadline, Node, Woken, Word, World};

/// What is wrong: each method is the honest one unless a betrayal says otherwise.
pub(super) trait Sabotage {
    fn load(&self, word: &LoomWord, order: Ordering) -> u32 {
        word.load(order)
    }
    fn store(&self, word: &LoomWord, value: u32, order: Ordering) {
        word.store(value, order);
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
    fn wait(&self, word: &LoomWord, expected: u32, until: Option<Deadline>) -> Woken {
        word.wait(expected, until)
    }
    fn wake(&self, word: &LoomWord, count: u32) -> u32 {
        word.wake(count)
    }
    fn set_and_wake_all(&self, word: &LoomWord, value: u32) -> u32 {
        word.set_and_wake_all(value)
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
        self.0.swap(value, order)
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
        self.0.fetch_add(value, order)
    }
    fn fetch_sub(&self, value: u32, order: Ordering) -> u32 {
        self.0.fetch_sub(value, order)
    }
}

impl World for Broken {
    type Word = BrokenWord;
    type Links = ();

    fn me() -> u32 {
        Loom::me()
    }
    fn spins() -> u32 {
        Loom::spins()
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
    fn set_and_wake_all(word: &BrokenWord, value: u32) -> u32 {
        betrayal().set_and_wake_all(&word.0, value)
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
