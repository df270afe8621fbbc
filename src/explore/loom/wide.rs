//! A 64-bit word in loom's memory model. No one sleeps on it.

use std::sync::atomic::Ordering;

use ::loom::sync::atomic::AtomicU64;

use super::step;
use crate::world::Wide;

/// A 64-bit word of a model; each access is a [step].
pub struct LoomWide(AtomicU64);

// Orderings are the caller's: raw/ names each one's partner.
impl Wide for LoomWide {
    fn new(value: u64) -> Self {
        LoomWide(AtomicU64::new(value))
    }

    fn load(&self, order: Ordering) -> u64 {
        step();
        self.0.load(order)
    }

    fn store(&self, value: u64, order: Ordering) {
        step();
        self.0.store(value, order);
    }

    fn swap(&self, value: u64, order: Ordering) -> u64 {
        step();
        self.0.swap(value, order)
    }

    fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        step();
        self.0.compare_exchange(current, new, success, failure)
    }

    fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        step();
        self.0.fetch_add(value, order)
    }
}
