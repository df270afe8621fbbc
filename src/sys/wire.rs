//! A wire: one of two connected sockets, over which processes send packets with open files beside them. Each access
//! is a [step].
//!
//! A packet is sent and received by one system call each, so it arrives whole, or not at all, whoever is killed; and
//! packets of several senders do not mix. When the last process that has one end is gone, however it went, the kernel
//! tells the other end.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;

use super::message::{self, Received};
use super::poll::{self, For};
use super::step::{self, Access, Outcome};
use crate::world::Deadline;

/// One end. A clone is the same end.
#[derive(Clone)]
pub struct Wire {
    /// `None` only while it is dropped.
    socket: Option<Arc<OwnedFd>>,
}

impl Wire {
    /// Both ends.
    ///
    /// # Errors
    /// No descriptors left.
    pub fn pair() -> io::Result<(Wire, Wire)> {
        let (one, other) = message::pair()?;
        Ok((Wire::from(Arc::new(one)), Wire::from(Arc::new(other))))
    }

    pub fn socket(&self) -> &Arc<OwnedFd> {
        self.socket.as_ref().expect("taken by drop() only")
    }

    /// Sends one packet; waits while the wire is full.
    ///
    /// # Errors
    /// As [`message::send`].
    ///
    /// # Panics
    /// As [`message::send`].
    pub fn send(&self, bytes: &[u8], files: &[BorrowedFd<'_>]) -> io::Result<()> {
        while !self.try_send(bytes, files)? {
            poll::ready_in_step(&[(self.as_fd(), For::Room)], None)?;
        }
        Ok(())
    }

    /// Sends one packet if there is room: whether it did.
    ///
    /// # Errors
    /// As [`message::send`].
    ///
    /// # Panics
    /// As [`message::send`].
    pub fn try_send(&self, bytes: &[u8], files: &[BorrowedFd<'_>]) -> io::Result<bool> {
        step::before(Access::Send, 0);
        let sent = message::send_now(self.as_fd(), bytes, files);
        // It may have woken a receiver.
        step::after(Access::Send, 0, Outcome::Woke(1));
        match sent {
            Err(full) if full.kind() == io::ErrorKind::WouldBlock => Ok(false),
            sent => sent.map(|()| true),
        }
    }

    /// The next packet; waits for it. `None` when the other end is gone.
    ///
    /// # Errors
    /// Those of recvmsg(2).
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        loop {
            match self.try_receive(buffer) {
                Err(empty) if empty.kind() == io::ErrorKind::WouldBlock => {
                    self.poll(None)?;
                }
                received => return received,
            }
        }
    }

    /// The next packet, if it is there. `None` when the other end is gone.
    ///
    /// # Errors
    /// `WouldBlock` if there is none; those of recvmsg(2).
    pub fn try_receive(&self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        step::before(Access::Receive, 0);
        let received = message::receive_now(self.as_fd(), buffer);
        // It may have woken a sender that waited for room.
        step::after(Access::Receive, 0, Outcome::Woke(1));
        received
    }

    /// What [`try_receive`](Wire::try_receive) would receive, which stays where it is.
    ///
    /// # Errors
    /// As [`try_receive`](Wire::try_receive).
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        step::before(Access::Receive, 0);
        let seen = message::peek(self.as_fd(), buffer);
        step::after(Access::Receive, 0, Outcome::Done);
        seen
    }

    /// Waits until there is something to receive, or the other end is gone: `false` if the deadline came first.
    ///
    /// # Errors
    /// Those of poll(2).
    pub fn poll(&self, until: Option<Deadline>) -> io::Result<bool> {
        Ok(poll::ready_in_step(&[(self.as_fd(), For::Input)], until)?[0])
    }
}

impl From<Arc<OwnedFd>> for Wire {
    fn from(socket: Arc<OwnedFd>) -> Wire {
        known::opened(socket.as_raw_fd());
        Wire {
            socket: Some(socket),
        }
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket().as_fd()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // The last one closes the socket, which can wake whoever waits at the other end.
        if let Some(last) = self.socket.take().and_then(Arc::into_inner) {
            step::before(Access::HangUp, 0);
            known::closes(last.as_raw_fd());
            drop(last);
            step::after(Access::HangUp, 0, Outcome::Woke(1));
        }
    }
}

/// Which of this process's descriptors are wires: of what is done with those every step is known.
#[cfg(feature = "harness")]
mod known {
    use super::RawFd;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    /// A bit for each descriptor; of one beyond them nothing is known.
    static WIRES: [AtomicU64; 16] = [const { AtomicU64::new(0) }; 16];

    fn bit_of(file: RawFd) -> Option<(&'static AtomicU64, u64)> {
        let file = usize::try_from(file).ok()?;
        Some((WIRES.get(file / 64)?, 1 << (file % 64)))
    }

    pub(super) fn opened(file: RawFd) {
        if let Some((word, bit)) = bit_of(file) {
            word.fetch_or(bit, Relaxed); // Relaxed, all: asked by the thread that opened them
        }
    }

    pub(super) fn closes(file: RawFd) {
        if let Some((word, bit)) = bit_of(file) {
            word.fetch_and(!bit, Relaxed);
        }
    }

    /// Whether the descriptor is one end of a wire.
    pub fn is_wire(file: RawFd) -> bool {
        bit_of(file).is_some_and(|(word, bit)| word.load(Relaxed) & bit != 0)
    }
}

#[cfg(not(feature = "harness"))]
mod known {
    use super::RawFd;

    #[inline(always)]
    pub(super) fn opened(_: RawFd) {}
    #[inline(always)]
    pub(super) fn closes(_: RawFd) {}
}

#[cfg(feature = "harness")]
pub use known::is_wire;
