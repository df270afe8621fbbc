//! A list of bounded length that lies where it is put, in shared memory too: it has no address in it.

use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};

/// At most `N` items. All zeroes are an empty one.
#[derive(Clone, Copy)]
#[repr(C)]
pub(in crate::explore) struct List<T: Copy, const N: usize> {
    len: usize,
    items: [MaybeUninit<T>; N],
}

impl<T: Copy, const N: usize> List<T, N> {
    pub const EMPTY: Self = List {
        len: 0,
        items: [MaybeUninit::uninit(); N],
    };

    /// Whether there was room for it.
    pub fn push(&mut self, item: T) -> bool {
        let Some(free) = self.items.get_mut(self.len) else {
            return false;
        };
        free.write(item);
        self.len += 1;
        true
    }

    /// How many more there is room for.
    pub fn room(&self) -> usize {
        N - self.len
    }

    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Keeps the first so many.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    pub fn remove(&mut self, at: usize) {
        self.copy_within(at + 1.., at);
        self.len -= 1;
    }

    /// These items; as many as there is room for. Whether that was all.
    pub fn set(&mut self, items: impl IntoIterator<Item = T>) -> bool {
        self.clear();
        items.into_iter().all(|item| self.push(item))
    }
}

impl<T: Copy, const N: usize> Deref for List<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the first `len` items were written by push(), and MaybeUninit<T> is laid out as T.
        unsafe { std::slice::from_raw_parts(self.items.as_ptr().cast(), self.len) }
    }
}

impl<T: Copy, const N: usize> DerefMut for List<T, N> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in deref(), and `self` is borrowed for it alone.
        unsafe { std::slice::from_raw_parts_mut(self.items.as_mut_ptr().cast(), self.len) }
    }
}
