//! A lock and what it guards, in one block: what `Value` and `Array` are made of.

use std::io;
use std::marker::PhantomData;
use std::mem::{align_of, size_of};
use std::sync::Arc;

use crate::raw::{Acquired, NotHeld, Patience, RawMutex};
use crate::shm::{Block, Plain};
use crate::sync::LockError;
use crate::sys::Os;

/// Room for the length of an array, after the lock.
pub(super) const LEN_AT: usize = size_of::<RawMutex<Os>>();

/// Where elements of a type start: behind the lock and the length.
pub(super) const fn data_at<T: Plain>() -> usize {
    (LEN_AT + size_of::<u64>()).next_multiple_of(align_of::<T>())
}

#[derive(Clone)]
pub(super) struct Guarded {
    pub block: Arc<Block>,
}

/// The lock, held.
pub(super) struct Held<'a> {
    pub block: &'a Block,
    mutex: &'a RawMutex<Os>,
    not_send: PhantomData<*const ()>,
}

impl Guarded {
    pub fn allocate(
        bytes: usize,
        tag: u32,
        kind: &'static str,
        part: fn(usize) -> String,
    ) -> io::Result<Guarded> {
        let block = Block::allocate(bytes, tag)?;
        block.made(kind, true, part);
        block.init(0, RawMutex::<Os>::new());
        Ok(Guarded {
            block: Arc::new(block),
        })
    }

    #[inline]
    pub fn lock(&self, patience: Patience) -> Result<Held<'_>, LockError<Held<'_>>> {
        // SAFETY: allocate() put it there; a handle that arrives is checked by its tag.
        let mutex: &RawMutex<Os> = unsafe { self.block.object(0) };
        mutex.lock_then(patience, |outcome| {
            let acquired = outcome?;
            let held = Held {
                block: &self.block,
                mutex,
                not_send: PhantomData,
            };
            match acquired {
                Acquired::Clean => Ok(held),
                Acquired::OwnerDied => Err(LockError::OwnerDied(held)),
            }
        })
    }
}

impl Held<'_> {
    pub fn mark_consistent(&self) {
        self.mutex
            .mark_consistent()
            .expect("only the thread that holds a lock can vouch for its data");
    }

    /// Whether what was changed under the lock may take effect: not in a forked child, which inherited the guard but not
    /// the lock.
    #[inline]
    pub fn is_mine(&self) -> bool {
        self.mutex.is_mine()
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        // A copy of the guard in a forked child holds nothing, and gives nothing back.
        let (Ok(()) | Err(NotHeld)) = self.mutex.unlock();
    }
}
