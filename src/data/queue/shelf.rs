//! The shelf: what the items of a queue carry that bytes cannot say, open files, lies here until the item is got.
//!
//! It is a pair of sockets that every holder of the queue has. A put sends its files ahead in a packet under a stamp,
//! and commits the record with the same stamp; packets and records are in the same order, as both are made under
//! the putters' lock. A getter looks at the packet in front (the kernel hands out copies of the files), commits,
//! and then takes the packet away. So no death between any two of these steps parts an item from its files: it leaves
//! a packet at the front whose stamp is not the next record's, and such packets are thrown away.
//!
//! A packet without files, under the stamp [`BELL`], wakes whoever polls the shelf.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::raw::ring::{Escort, Record, Sent};
use crate::shm::passage;
use crate::sys::SharedWord;
use crate::sys::message::Received;
use crate::sys::wire::Wire;
use crate::world::Word;
use std::sync::atomic::Ordering::Relaxed;

/// The mark of a record whose payload begins with a stamp.
pub(super) const STAMPED: u32 = 1;
pub(super) const STAMP_BYTES: usize = size_of::<u64>();
/// Of no record.
const BELL: u64 = 0;

/// Both ends: everyone who has a queue may put and get.
#[derive(Clone)]
pub(super) struct Shelf {
    entry: Wire,
    exit: Wire,
}

impl Shelf {
    pub fn new() -> io::Result<Shelf> {
        let (entry, exit) = Wire::pair()?;
        Ok(Shelf { entry, exit })
    }

    /// `false`: it is full.
    pub fn put(&self, stamp: u64, files: &[BorrowedFd<'_>]) -> io::Result<bool> {
        self.entry.try_send(&stamp.to_le_bytes(), files)
    }

    fn clear(&self) {
        while let Ok(Some(_)) = self.exit.try_receive(&mut [0; STAMP_BYTES]) {}
    }

    /// Copies of the files under a stamp. What lies before them belongs to no one.
    fn look(&self, stamp: u64) -> io::Result<Vec<OwnedFd>> {
        loop {
            let mut seen = [0; STAMP_BYTES];
            let gone = || io::Error::other("the open files of an item are not there");
            let front = self.exit.peek(&mut seen)?.ok_or_else(gone)?;
            if u64::from_le_bytes(seen) == stamp {
                return complete(front);
            }
            self.exit.try_receive(&mut seen)?;
        }
    }

    /// Throws the front packet away.
    fn take(&self) {
        let _ = self.exit.try_receive(&mut [0; STAMP_BYTES]);
    }
}

fn complete(received: Received) -> io::Result<Vec<OwnedFd>> {
    if received.fds_lost {
        let text = "too many open files to receive those of an item: it stays in the queue";
        return Err(io::Error::other(text));
    }
    Ok(received.fds)
}

impl AsFd for Shelf {
    /// What there is to poll.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.exit.as_fd()
    }
}

/// Sends an item's files ahead, and rings for those who poll.
pub(super) struct Sending<'a> {
    pub shelf: &'a Shelf,
    /// How many poll.
    pub pollers: &'a SharedWord,
    /// The item's stamp and its files, if it has any.
    pub files: Option<(u64, Vec<BorrowedFd<'a>>)>,
    pub failure: Option<io::Error>,
}

impl Escort for Sending<'_> {
    #[inline]
    fn send(&mut self) -> Sent {
        let Some((stamp, files)) = &self.files else {
            // Relaxed: who polls has taken the lock since.
            if self.pollers.load(Relaxed) > 0 {
                // Full: then there is something to be read.
                let _ = self.shelf.put(BELL, &[]);
            }
            return Sent::Done;
        };
        match self.shelf.put(*stamp, files) {
            Ok(true) => Sent::Done,
            Ok(false) => Sent::Full,
            Err(error) => {
                self.failure = Some(error);
                Sent::Failed
            }
        }
    }

    fn clear(&mut self) {
        self.shelf.clear();
    }
}

/// Gets an item's files.
pub(super) struct Receiving<'a> {
    pub shelf: &'a Shelf,
    pub files: Vec<OwnedFd>,
    pub failure: Option<io::Error>,
    is_stamped: bool,
}

impl<'a> Receiving<'a> {
    pub fn new(shelf: &'a Shelf) -> Self {
        Receiving {
            shelf,
            files: Vec::new(),
            failure: None,
            is_stamped: false,
        }
    }
}

impl Escort for Receiving<'_> {
    fn look(&mut self, record: &Record) -> bool {
        self.is_stamped = record.mark & STAMPED != 0;
        if !self.is_stamped {
            return true;
        }
        let stamp = record.bytes.first_chunk().copied().map(u64::from_le_bytes);
        match self.shelf.look(stamp.unwrap_or(BELL)) {
            Ok(files) => {
                self.files = files;
                true
            }
            Err(error) => {
                self.failure = Some(error);
                false
            }
        }
    }

    fn take(&mut self) {
        if self.is_stamped {
            self.shelf.take();
        }
    }

    fn clear(&mut self) {
        self.shelf.clear();
    }
}

impl Serialize for Shelf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let enter = |wire: &Wire| {
            passage::enter_fd(wire.socket()).map_err(<S::Error as serde::ser::Error>::custom)
        };
        (enter(&self.entry)?, enter(&self.exit)?).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Shelf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shelf, D::Error> {
        let (entry, exit) = <(u32, u32)>::deserialize(deserializer)?;
        let leave = |number| {
            let file = passage::leave_fd(number)
                .map_err(|error| <D::Error as serde::de::Error>::custom(passage::refuse(error)))?;
            Ok(Wire::from(file))
        };
        Ok(Shelf {
            entry: leave(entry)?,
            exit: leave(exit)?,
        })
    }
}
