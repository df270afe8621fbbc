//! A 64-bit word in loom's memory model. No one sleeps on it.

use std::sync::atomic::Ordering;

use ::loom::sync::atomic::AtomicU64;

use super::{access, orders, record, spin, step};
use crate::sys::step::{Access, Outcome};
use crate::world::Wide;

/// A 64-bit word of a model; each access is a [step].
pub struct LoomWide(AtomicU64);

// Orderings are the caller's: raw/ names each one's partner.
impl Wide for LoomWide {
    fn new(value: u64) -> Self {
        LoomWide(AtomicU64::new(value))
    }

    fn load(&self, order: Ordering) -> u64 {
        self.begin(order, |_| true);
        let seen = self.0.load(order);
        self.saw(Access::LoadWide, seen);
        spin::read(self.address(), seen);
        seen
    }

    fn store(&self, value: u64, order: Ordering) {
        step();
        self.0.swap(value, orders::of_store(order));
        record::did(Access::StoreWide { value }, self.address(), Outcome::Done);
        spin::moved();
    }

    fn swap(&self, value: u64, order: Ordering) -> u64 {
        self.begin(order, |seen| seen == value);
        let seen = self.0.swap(value, order);
        self.saw(Access::SwapWide { value }, seen);
        spin::exchanged(self.address(), seen, value);
        seen
    }

    fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.begin(success, |seen| seen != current || current == new);
        let result = self.0.compare_exchange(current, new, success, failure);
        let access = Access::CompareExchangeWide { current, new };
        match result {
            Ok(seen) => {
                self.saw(access, seen);
                spin::exchanged(self.address(), seen, new);
            }
            Err(seen) => {
                record::did(access, self.address(), Outcome::Refused(seen));
                spin::read(self.address(), seen);
            }
        }
        result
    }

    fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        self.begin(order, |_| false);
        let seen = self.0.fetch_add(value, order);
        self.saw(Access::AddWide { value }, seen);
        spin::exchanged(self.address(), seen, seen.wrapping_add(value));
        seen
    }
}

impl LoomWide {
    /// Comes before every read; as [`access`].
    fn begin(&self, order: Ordering, leaves: impl Fn(u64) -> bool) {
        access(self.address(), leaves);
        orders::before_read(order);
    }

    fn saw(&self, access: Access, seen: u64) {
        record::did(access, self.address(), Outcome::Saw(seen));
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }
}
