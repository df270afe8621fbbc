//! A connection that never waits, for a server that serves many with one thread.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use super::address::Address;
use super::error::NetError;
use super::framing::{Inbox, Outbox, TooLong};
use super::handshake::{Handshake, HandshakeError, Nonce, Role};
use super::key::Key;
use super::limits::NetLimits;
use super::socket::Socket;
use crate::sys::futex::has_passed;
use crate::sys::poll::For;
use crate::sys::{Os, random};
use crate::world::{Deadline, World};

/// A connection that never waits, from a [`Door`](super::Door). Its owner polls [what it waits for](Link::watches), together with others, and then
/// [pumps](Link::pump) it.
///
/// # Memory
/// One message that arrives, as far as it has arrived; and what waits to be sent, of which there is at most one message
/// more than [`UNSENT_BYTES`]. While more than that waits, nothing is read: who does not take the answers is not asked
/// for more questions.
pub struct Link {
    socket: Socket,
    peer: Address,
    /// Until it is done.
    handshake: Option<Handshake>,
    until: Option<Deadline>,
    most: usize,
    inbox: Inbox,
    outbox: Outbox,
}

/// How many bytes may wait to be sent while more is read, and before another message is refused.
pub const UNSENT_BYTES: usize = 64 << 10;
/// How many bytes are read before others have their turn.
const PUMP_BYTES: usize = 256 << 10;
/// How many bytes are read at once.
const PIECE_BYTES: usize = 16 << 10;

impl Link {
    /// The handshake begins.
    pub(super) fn new(
        socket: Socket,
        peer: Address,
        role: Role,
        key: Option<Key>,
        limits: &NetLimits,
    ) -> Result<Link, NetError> {
        let mut nonce: Nonce = [0; _];
        random::fill(&mut nonce)?;
        Ok(Link {
            socket,
            peer,
            handshake: Some(Handshake::new(role, key, nonce)),
            until: Os::deadline(limits.handshake),
            most: limits.message_bytes,
            inbox: Inbox::new(limits.message_bytes),
            outbox: Outbox::default(),
        })
    }

    /// Who is at the other side.
    pub fn peer(&self) -> &Address {
        &self.peer
    }

    /// Whether the handshake is done, and its last word is sent.
    pub(super) fn is_open(&self) -> bool {
        self.handshake.is_none()
    }

    /// Until when the handshake must be done: `None` once it is.
    pub(super) fn deadline(&self) -> Option<Deadline> {
        self.until.filter(|_| !self.is_open())
    }

    /// What to wait for before the next [`pump`](Link::pump). Nothing while a message waits to be
    /// [taken](Link::next_message) and none to be sent.
    pub fn watches(&self) -> impl Iterator<Item = (BorrowedFd<'_>, For)> {
        let input = (self.wanted() > 0).then_some(For::Input);
        let room = (self.outbox.waiting() > 0).then_some(For::Room);
        let each = input.into_iter().chain(room);
        each.map(|what| (self.socket.as_fd(), what))
    }

    /// Sends and receives what is possible at once.
    ///
    /// # Errors
    /// Any is the end of the connection: [`NetError::Handshake`]; [`Disconnected`](NetError::Disconnected),
    /// [`Truncated`](NetError::Truncated), [`Lost`](NetError::Lost); [`TooLong`](NetError::TooLong);
    /// [`Io`](NetError::Io): no memory, here or in the kernel.
    pub fn pump(&mut self) -> Result<(), NetError> {
        self.flush()?;
        let mut buffer = [0; PIECE_BYTES];
        let mut left = PUMP_BYTES;
        let was_open = self.is_open();
        // What follows the handshake is for whoever has the link then.
        while left > 0 && self.wanted() > 0 && self.is_open() == was_open {
            let room = self.wanted().min(buffer.len()).min(left);
            let Some(received) = self.socket.receive_now(&mut buffer[..room])? else {
                break;
            };
            if received == 0 {
                return Err(self.ended());
            }
            left -= received;
            self.receive(&buffer[..received])?;
            self.flush()?;
        }
        match self.deadline() {
            Some(until) if has_passed(until) => Err(self.failed(HandshakeError::TooSlow)),
            _ => Ok(()),
        }
    }

    /// How many bytes wait to be sent.
    pub fn unsent_bytes(&self) -> usize {
        self.outbox.waiting()
    }

    /// The message that has arrived, if it is there whole.
    pub fn next_message(&mut self) -> Option<Vec<u8>> {
        self.inbox.take()
    }

    /// Appends a message to what is to be sent; the next [`pump`](Link::pump) sends it, or as much as it can.
    ///
    /// # Errors
    /// [`NetError::MessageTooLong`]; [`NetError::Congested`] if more than [`UNSENT_BYTES`] wait; [`NetError::Io`]: no
    /// memory. Nothing was appended.
    pub fn queue(&mut self, message: &[u8]) -> Result<(), NetError> {
        if message.len() > self.most {
            return Err(NetError::MessageTooLong {
                length: message.len(),
                most: self.most,
            });
        }
        let waiting = self.outbox.waiting();
        if waiting > UNSENT_BYTES {
            return Err(NetError::Congested { waiting });
        }
        self.outbox
            .reserve(message.len())
            .map_err(io::Error::from)?;
        self.outbox.push(&[message]);
        Ok(())
    }

    /// It ends: what its listener, or the peer's, is to say.
    pub(super) fn failed(&self, why: HandshakeError) -> NetError {
        NetError::Handshake {
            peer: self.peer.clone(),
            why,
        }
    }

    /// The socket, once it is open: nothing was read beyond the handshake.
    pub(super) fn into_socket(self) -> Socket {
        self.socket
    }

    fn wanted(&self) -> usize {
        match &self.handshake {
            Some(handshake) => handshake.wanted(),
            None if self.outbox.waiting() > UNSENT_BYTES => 0,
            None => self.inbox.wanted(),
        }
    }

    fn receive(&mut self, bytes: &[u8]) -> Result<(), NetError> {
        let Some(handshake) = &mut self.handshake else {
            let most = self.most;
            self.inbox.reserve(bytes.len()).map_err(io::Error::from)?;
            return self
                .inbox
                .receive(bytes)
                .map_err(|TooLong { announced }| NetError::TooLong { announced, most });
        };
        handshake.receive(bytes).map_err(|why| {
            // The last word: a single attempt, into an empty buffer of the kernel's.
            let last_word = handshake.take_output();
            let _ = self.socket.send_now(&last_word);
            NetError::Handshake {
                peer: self.peer.clone(),
                why,
            }
        })
    }

    /// Sends what is possible at once, and receives nothing.
    ///
    /// # Errors
    /// As [`pump`](Link::pump).
    pub fn flush(&mut self) -> Result<(), NetError> {
        if let Some(handshake) = &mut self.handshake {
            self.outbox.push_raw(&handshake.take_output());
        }
        while self.outbox.waiting() > 0 {
            let Some(sent) = self.socket.send_now(self.outbox.front())? else {
                return Ok(());
            };
            self.outbox.sent(sent);
        }
        if self.handshake.as_ref().is_some_and(Handshake::is_done) {
            self.handshake = None;
        }
        Ok(())
    }

    fn ended(&self) -> NetError {
        match &self.handshake {
            Some(_) => self.failed(HandshakeError::HungUp),
            None if self.inbox.is_empty() => NetError::Disconnected,
            None => NetError::Truncated,
        }
    }
}

impl AsFd for Link {
    /// The socket: to poll it, not to read from it.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
