//! Objects in a mapping that is no arena: whoever lays it out says what lies where.

use std::mem::{align_of, size_of};

use super::block::InShared;
use crate::sys::memory::Mapping;

impl Mapping {
    /// Puts an object in its place, before any other process knows of the mapping.
    ///
    /// # Panics
    /// If the place is misaligned or reaches beyond the mapping.
    pub fn init<T: InShared>(&self, offset: usize, object: T) {
        let at = self.place::<T>(offset);
        // SAFETY: in bounds and aligned (place()); no one else refers to it yet, or they do so through
        // atomics (InShared), and there is no destructor to miss.
        unsafe { at.write(object) };
    }

    /// The object at an offset.
    ///
    /// # Safety
    /// A `T` was put there by [`init`](Mapping::init), in this process or another, or any bytes are a `T`.
    ///
    /// # Panics
    /// If the place is misaligned or reaches beyond the mapping.
    pub unsafe fn object<T: InShared>(&self, offset: usize) -> &T {
        // SAFETY: in bounds, aligned, mapped for as long as `self`; a T by the caller's word; shared through
        // atomics only (InShared).
        unsafe { &*self.place::<T>(offset) }
    }

    fn place<T>(&self, offset: usize) -> *mut T {
        let end = offset.checked_add(size_of::<T>());
        assert!(
            end.is_some_and(|end| end <= self.len()) && offset.is_multiple_of(align_of::<T>()),
            "no place for {} bytes at {offset} of a mapping of {}",
            size_of::<T>(),
            self.len()
        );
        // SAFETY: within the mapping, whose start is page aligned.
        unsafe { self.start().add(offset).cast() }
    }
}
