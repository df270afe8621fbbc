//! Values of which every process has its own: a forked child starts with a new one and never touches its
//! parent's, whatever state that was in at the fork (locked by a thread that the child does not have).

use std::sync::atomic::{AtomicPtr, Ordering};

use super::fork;

/// Made at the first use in each process.
pub struct PerProcess<T> {
    current: AtomicPtr<Owned<T>>,
    make: fn() -> T,
}

struct Owned<T> {
    owner: Mark,
    value: T,
}

/// Tells a process from those whose memory it may have: its ancestors. Its id would not, as a child may be given that of one
/// that is dead; and it would be asked of the kernel at each use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    births: u32,
}

impl Mark {
    /// The calling process.
    pub fn here() -> Mark {
        Mark {
            births: fork::births(),
        }
    }
}

impl<T: Send + Sync + 'static> PerProcess<T> {
    pub const fn new(make: fn() -> T) -> Self {
        PerProcess {
            current: AtomicPtr::new(std::ptr::null_mut()),
            make,
        }
    }

    /// This process's value.
    pub fn get(&'static self) -> &'static T {
        if let Some(own) = self.existing() {
            return own;
        }
        let own = Owned {
            owner: Mark::here(),
            value: (self.make)(),
        };
        let own = Box::into_raw(Box::new(own));
        // Acquire: pairs with the Release below, to read what stands there.
        let mut seen = self.current.load(Ordering::Acquire);
        loop {
            if let Some(other) = owned_here(seen) {
                // SAFETY: made above by Box::into_raw and shown to nobody.
                drop(unsafe { Box::from_raw(own) });
                return other;
            }
            // Release: publishes the value to existing(). Acquire on failure: as above.
            let swapped =
                self.current
                    .compare_exchange(seen, own, Ordering::Release, Ordering::Acquire);
            match swapped {
                // SAFETY: just published, and never freed: an ancestor's is left behind instead.
                Ok(_) => return unsafe { &(*own).value },
                Err(now) => seen = now,
            }
        }
    }

    /// This process's value, if it has come to be.
    pub fn existing(&'static self) -> Option<&'static T> {
        // Acquire: pairs with the Release in get().
        owned_here(self.current.load(Ordering::Acquire))
    }

    /// In a child, before its first use: what its parent had.
    pub fn inherited(&'static self) -> Option<&'static T> {
        // Acquire: pairs with the Release in get().
        let seen = self.current.load(Ordering::Acquire);
        // SAFETY: null, or published by get() and never freed.
        unsafe { seen.as_ref() }
            .filter(|owned| owned.owner != Mark::here())
            .map(|owned| &owned.value)
    }
}

fn owned_here<T>(seen: *mut Owned<T>) -> Option<&'static T> {
    // SAFETY: null, or published by get() and never freed.
    let owned = unsafe { seen.as_ref() }?;
    (owned.owner == Mark::here()).then_some(&owned.value)
}
