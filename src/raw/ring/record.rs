//! What passes through a ring: records, what goes along with them, and why one did not pass.

use crate::raw::mutex::Refused;

/// A record, as it was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The putter's to choose.
    pub mark: u32,
    pub bytes: Vec<u8>,
}

/// What goes along with records outside of the ring. No method may panic: the lock would stay taken.
pub trait Escort {
    /// Sends along what the record needs. Under the putters' lock, before the record is there for anyone.
    fn send(&mut self) -> Sent {
        Sent::Done
    }

    /// Throws away all that was sent along: it belongs to records that never came to be. Under both locks, with
    /// the ring empty.
    fn clear(&mut self) {}

    /// Memory for a record's bytes, with anything in it. Under the getters' lock.
    fn room(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// Looks at what came along, and leaves it there. Under the getters' lock. `false`: the record stays.
    fn look(&mut self, _record: &Record) -> bool {
        true
    }

    /// The record that was looked at is about to be gone from the ring; so many were before it, modulo 2^31. Under the
    /// getters' lock.
    fn begin_take(&mut self, _index: u32) {}

    /// Takes away what came along with the record that was looked at, and is gone from the ring. Under the
    /// getters' lock.
    fn take(&mut self) {}
}

/// Records that travel alone.
impl Escort for () {}

/// What came of [`Escort::send`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    Done,
    /// No room: try again when a record has been taken.
    Full,
    /// It cannot be sent, and the record is not put.
    Failed,
}

/// Why a record was not put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutRefused {
    /// It would not fit into an empty ring.
    TooLarge,
    Closed,
    /// There is no room, and the caller would not wait.
    Full,
    TimedOut,
    /// By [`Escort::send`].
    Failed,
    /// The calling thread has reserved room, and not written what is to be there.
    Nested,
    /// The ring's memory was written to by something else.
    Corrupt,
    /// The calling thread holds as many locks as the kernel would look at if it died.
    TooManyHeld,
}

/// Why no record was got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetRefused {
    /// The ring is closed, and empty.
    Closed,
    /// There is none, or it is being worked on, and the caller would not wait.
    Empty,
    TimedOut,
    /// By [`Escort::look`]. The record is still there.
    Failed,
    /// The ring's memory was written to by something else.
    Corrupt,
    /// For a copy of the record, which is still there.
    NoMemory,
    /// The calling thread has claimed the front record, or has reserved room and would wait for itself.
    Nested,
    /// The calling thread holds as many locks as the kernel would look at if it died.
    TooManyHeld,
}

impl From<Refused> for PutRefused {
    fn from(refused: Refused) -> PutRefused {
        match refused {
            Refused::WouldBlock => PutRefused::Full,
            Refused::TimedOut => PutRefused::TimedOut,
            Refused::TooManyHeld => PutRefused::TooManyHeld,
            // Every owner's death is made good at once, and no put is made inside of a put.
            Refused::NotRecoverable | Refused::AlreadyHeld => PutRefused::Corrupt,
        }
    }
}

impl From<Refused> for GetRefused {
    fn from(refused: Refused) -> GetRefused {
        match refused {
            Refused::WouldBlock => GetRefused::Empty,
            Refused::TimedOut => GetRefused::TimedOut,
            Refused::TooManyHeld => GetRefused::TooManyHeld,
            Refused::AlreadyHeld => GetRefused::Nested,
            // Every owner's death is made good at once.
            Refused::NotRecoverable => GetRefused::Corrupt,
        }
    }
}
