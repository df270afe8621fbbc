//! The memory in which a stage puts the program's own objects: shared by all lanes, at one address, and put back
//! between runs.

use std::io;
use std::mem::align_of;

use crate::sys::memory::Mapping;

/// In bytes.
const SIZE: usize = 1 << 20;

pub(super) struct Region {
    memory: &'static Mapping,
    used: usize,
    /// What stood in the used part when the lanes were started.
    kept: Vec<u8>,
}

impl Region {
    /// # Errors
    /// No memory.
    pub fn new() -> io::Result<Region> {
        Ok(Region {
            memory: Box::leak(Box::new(Mapping::create(SIZE)?)),
            used: 0,
            kept: Vec::new(),
        })
    }

    /// # Panics
    /// If there is no room left.
    pub fn put<T: 'static>(&mut self, object: T) -> &'static T {
        let at = self.used.next_multiple_of(align_of::<T>().max(8));
        assert!(
            at + size_of::<T>() <= SIZE && align_of::<T>() <= 4_096,
            "a stage's objects take at most {SIZE} bytes"
        );
        self.used = at + size_of::<T>();
        // SAFETY: within the mapping (asserted above), which lasts as long as the process, page-aligned with the
        // object's alignment kept, and used by nobody else: each object has a place of its own.
        unsafe {
            let place = self.memory.start().add(at).cast::<T>();
            place.write(object);
            &*place
        }
    }

    /// Remembers what stands there.
    pub fn keep(&mut self) {
        // SAFETY: within the mapping; no other process has been forked yet.
        let used = unsafe { std::slice::from_raw_parts(self.memory.start(), self.used) };
        self.kept = used.to_vec();
    }

    /// Puts it back.
    pub fn put_back(&self) {
        // SAFETY: as many bytes as were kept from there; no lane runs between two runs.
        unsafe {
            self.memory
                .start()
                .copy_from_nonoverlapping(self.kept.as_ptr(), self.kept.len());
        }
    }
}
