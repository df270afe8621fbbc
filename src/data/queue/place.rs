//! A place in a `ByteQueue`: room for a message that is written where it will be read.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use super::bytes::{ByteQueue, put_failure};
use super::error::PutFailure;
use crate::raw::ring::Lying;
use crate::shm::Shared;
use crate::sys::step;

/// Room for a message in a [`ByteQueue`], which [`put`](Place::put) puts there. It has the bytes of older messages in it.
///
/// Dropped without that, it is given up, and nothing is put. It belongs to the thread that reserved it.
#[must_use = "nothing is put if it is dropped"]
pub struct Place<'a> {
    queue: &'a ByteQueue,
    lying: Lying,
    /// Under control: what is to be written, a step a word, in the end.
    copy: Option<Vec<u8>>,
    not_send: PhantomData<*const ()>,
}

impl<'a> Place<'a> {
    pub(super) fn new(queue: &'a ByteQueue, lying: Lying) -> Place<'a> {
        Place {
            queue,
            lying,
            copy: step::is_observed().then(|| vec![0; lying.length as usize]),
            not_send: PhantomData,
        }
    }

    /// Puts the message.
    ///
    /// # Errors
    /// None is known: room and an open queue were there when the place was reserved.
    ///
    /// # Panics
    /// In a child that inherited the place by fork(2): it has not reserved it.
    pub fn put(self) -> Result<(), PutFailure> {
        let ring = self.queue.ring();
        assert!(
            ring.has_reserved(),
            "only the thread that reserved a place can put what is in it"
        );
        self.write_copy();
        let mut bell = self.queue.queue.channel.sending(None);
        ring.commit(self.lying, &mut bell).map_err(put_failure)
    }

    fn write_copy(&self) {
        if let Some(copy) = &self.copy {
            let at = self.queue.at(&self.lying);
            self.queue.block().write(at, copy);
        }
    }
}

impl Deref for Place<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.copy {
            Some(copy) => copy,
            // SAFETY: reserved, so no other thread reads or writes there; and `&self` keeps deref_mut() away.
            None => unsafe { self.queue.lend(&self.lying) },
        }
    }
}

impl DerefMut for Place<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.copy {
            Some(copy) => copy,
            // SAFETY: reserved, so no other thread reads or writes there; and `&mut self` keeps deref() away.
            None => unsafe { self.queue.lend(&self.lying) },
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // Put; or inherited by a forked child, which has reserved nothing.
        let ring = self.queue.ring();
        if ring.has_reserved() {
            self.write_copy();
            ring.forgo();
        }
    }
}

impl fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<room for {} bytes>", self.lying.length)
    }
}
