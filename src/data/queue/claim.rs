//! Work on an item in its place: it leaves the queue when the work is done.

use std::os::fd::OwnedFd;

use serde::de::DeserializeOwned;

use super::channel::{Channel, content, get_error};
use super::error::GetError;
use super::hands::{Fate, Taking};
use super::shelf::Receiving;
use crate::raw::Patience;
use crate::raw::ring::Record;
use crate::shm::passage::{self, Holds};

/// An item that is being processed; given up when it is dropped.
pub(super) struct Claim<'a> {
    channel: &'a Channel,
    record: Record,
    files: Vec<OwnedFd>,
}

impl Channel {
    /// The first item, which stays where it is.
    pub fn claim(&self, patience: Patience) -> Result<Claim<'_>, GetError> {
        let mut receiving = Receiving::new(self.shelf());
        let record = self.ring().claim(patience, &mut receiving);
        let record = record.map_err(|refused| get_error(refused, receiving.failure))?;
        Ok(Claim {
            channel: self,
            record,
            files: receiving.files,
        })
    }
}

impl Claim<'_> {
    /// A copy of the item; with it, what it holds of the objects that the item names.
    pub fn copy<T: DeserializeOwned>(&mut self) -> Result<(T, Holds), GetError> {
        let files = std::mem::take(&mut self.files);
        passage::unpack_copy(content(&self.record), files).map_err(GetError::Unreadable)
    }

    /// The item is done with, and leaves the queue: as a task, it is done.
    pub fn finish(self) -> Result<(), GetError> {
        let mut taking = Taking::new(self.channel, Fate::Done);
        let finished = self.channel.ring().finish(&mut taking);
        match finished {
            Ok(()) => taking.counted(),
            Err(refused) => Err(get_error(refused, taking.receiving.failure)),
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        // Finished; or inherited by a forked child, which holds nothing.
        let ring = self.channel.ring();
        if ring.has_claim() {
            ring.abandon();
        }
    }
}
