//! A connection over a network, for programs that wait.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::address::Address;
use super::error::NetError;
use super::framing::{self, Inbox, TooLong};
use super::limits::NetLimits;
use super::socket::Socket;
use crate::data::wait::{Armed, Trouble, Waitable, Watch};
use crate::shm::Block;
use crate::shm::passage;
use crate::sys::poll::{self, For};
use crate::sys::{Os, stream};
use crate::world::{Deadline, World};

/// A connection between a [`Listener`](super::Listener) and a [`Client`](super::Client): messages of items and of
/// bytes, both ways.
///
/// A clone is the same connection; so is what arrives in another process of this computer, as an argument or inside an
/// item: a server can give what it has accepted to a process of its own. Several may send, and each message is sent
/// whole. Of the threads of one process several may receive; of several *processes* only one may, as a message can be
/// received in parts.
///
/// What is an item is for the receiver to say: `recv::<T>()` reads the message as a `T`, and anything else is an
/// error, never undefined. (The form is postcard's, which does not describe itself: the two sides must agree.)
///
/// # When it ends
/// When the other side has dropped it, in all its processes, or these have ended, however they ended: what was sent
/// before is received, and then [`recv`](NetConnection::recv) gives [`NetError::Disconnected`], at once. Of a
/// *computer* that is gone nothing tells: it is believed alive for a [time](NetLimits::silence), then its connection
/// gives [`NetError::Lost`].
///
/// # When a process dies
/// Killed inside `send`, its message arrives whole, or the receiver gets [`NetError::Truncated`]. (Another process that
/// has the same connection could not go on after that part of a message: it gets what a receiver makes of it.)
///
/// # No memory
/// A message that does not fit is an error, and nothing else is: it is not sent, or it stays where it is until there is
/// memory again.
///
/// # Limits
/// A message has at most [so many bytes](NetLimits::message_bytes). `send` waits while the other side does not read.
///
/// # Memory ordering
/// What was written before `send` is seen after the `recv` of the message, if both see the same memory at all.
///
/// Sources: tcp(7), unix(7).
#[derive(Clone)]
pub struct NetConnection {
    shared: Arc<Shared>,
}

struct Shared {
    socket: Socket,
    peer: Address,
    most: usize,
    reading: Mutex<Inbox>,
    writing: Mutex<()>,
}

const ITEM: u8 = 1;
const BYTES: u8 = 0;
/// How many bytes are received at once.
const PIECE_BYTES: usize = 64 << 10;

impl NetConnection {
    /// The handshake is done.
    pub(super) fn over(socket: Socket, peer: Address, limits: &NetLimits) -> NetConnection {
        NetConnection::with(socket, peer, limits.message_bytes)
    }

    fn with(socket: Socket, peer: Address, most: usize) -> NetConnection {
        NetConnection {
            shared: Arc::new(Shared {
                socket,
                peer,
                most,
                reading: Mutex::new(Inbox::new(most)),
                writing: Mutex::new(()),
            }),
        }
    }

    /// The other side's address: a client's port, or where it was connected to.
    pub fn peer(&self) -> &Address {
        &self.shared.peer
    }

    /// Sends an item. Waits while the other side does not read.
    ///
    /// # Errors
    /// Nothing was sent: [`NetError::Unsendable`], [`SharedObject`](NetError::SharedObject),
    /// [`MessageTooLong`](NetError::MessageTooLong); [`Io`](NetError::Io) of kind
    /// [`OutOfMemory`](io::ErrorKind::OutOfMemory). The connection is at its end:
    /// [`Disconnected`](NetError::Disconnected), [`Lost`](NetError::Lost), any other [`Io`](NetError::Io).
    pub fn send<T: Serialize + ?Sized>(&self, item: &T) -> Result<(), NetError> {
        let parcel = passage::pack(item).map_err(NetError::Unsendable)?;
        if !parcel.fds().is_empty() {
            return Err(NetError::SharedObject);
        }
        self.send_frame(&[&[ITEM], &parcel.bytes])
    }

    /// Sends bytes as they are, as one message; they may be none. Waits while the other side does not read.
    ///
    /// # Errors
    /// As [`send`](NetConnection::send).
    pub fn send_bytes(&self, bytes: &[u8]) -> Result<(), NetError> {
        self.send_frame(&[&[BYTES], bytes])
    }

    /// Receives the next item; waits for it.
    ///
    /// # Errors
    /// [`NetError::Unreadable`], [`Mismatch`](NetError::Mismatch): the next can be received.
    /// [`Io`](NetError::Io) of kind [`OutOfMemory`](io::ErrorKind::OutOfMemory): there is no memory for the message, which
    /// stays the next. [`Disconnected`](NetError::Disconnected), [`Truncated`](NetError::Truncated),
    /// [`Lost`](NetError::Lost), [`TooLong`](NetError::TooLong), any other [`Io`](NetError::Io): there is no next.
    pub fn recv<T: DeserializeOwned>(&self) -> Result<T, NetError> {
        let item = self.receive_kind(ITEM, "an item")?;
        passage::unpack(&item, Vec::new()).map_err(NetError::Unreadable)
    }

    /// Receives the next message as bytes; waits for it.
    ///
    /// # Errors
    /// As [`recv`](NetConnection::recv), without `Unreadable`.
    pub fn recv_bytes(&self) -> Result<Vec<u8>, NetError> {
        self.receive_kind(BYTES, "bytes")
    }

    /// Receives the next message as bytes into a buffer; waits for it. Returns how many there were.
    ///
    /// # Errors
    /// As [`recv_bytes`](NetConnection::recv_bytes); [`NetError::BufferTooShort`], with the message in it.
    pub fn recv_bytes_into(&self, buffer: &mut [u8]) -> Result<usize, NetError> {
        let message = self.recv_bytes()?;
        let room = buffer.len();
        match buffer.get_mut(..message.len()) {
            Some(front) => {
                front.copy_from_slice(&message);
                Ok(message.len())
            }
            None => Err(NetError::BufferTooShort { message, room }),
        }
    }

    /// Waits, no longer than `timeout`, until there is something to receive or the other side is gone; whether it is
    /// so. With a timeout of zero it only looks. What is there may be part of a message: `recv` waits for the rest.
    ///
    /// # Errors
    /// [`NetError::Io`]: no memory.
    pub fn poll(&self, timeout: Duration) -> Result<bool, NetError> {
        let watch = [(self.as_fd(), For::Input)];
        Ok(poll::ready(&watch, Os::deadline(timeout))?[0])
    }

    /// A message as [`Link`](super::Link)s have it: bytes, without their kind.
    pub(crate) fn send_frame(&self, parts: &[&[u8]]) -> Result<(), NetError> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let most = self.shared.most;
        if length > most {
            return Err(NetError::MessageTooLong { length, most });
        }
        let header = framing::header(parts);
        let mut frame = Vec::new();
        let reserved = frame.try_reserve_exact(header.len() + length);
        reserved.map_err(io::Error::from)?;
        frame.extend_from_slice(&header);
        parts.iter().for_each(|part| frame.extend_from_slice(part));
        let _one = locked(&self.shared.writing);
        self.send_all(&frame).inspect_err(|_| {
            // Part of a message may have been sent: what anyone sent after it could not be understood.
            let _ = stream::hang_up(self.as_fd());
        })
    }

    /// A message as [`Link`](super::Link)s have it.
    pub(crate) fn receive_frame(&self) -> Result<Vec<u8>, NetError> {
        let most = self.shared.most;
        let mut inbox = locked(&self.shared.reading);
        let mut buffer = Vec::new();
        let piece = PIECE_BYTES.min(most + 4);
        buffer.try_reserve_exact(piece).map_err(io::Error::from)?;
        buffer.resize(piece, 0);
        loop {
            if let Some(message) = inbox.take() {
                return Ok(message);
            }
            let room = inbox.wanted().min(piece);
            // Before they leave the socket: they stay there if there is no memory.
            inbox.reserve(room).map_err(io::Error::from)?;
            match self.shared.socket.receive_now(&mut buffer[..room])? {
                None => {
                    poll::ready(&[(self.as_fd(), For::Input)], None)?;
                }
                Some(0) if inbox.is_empty() => return Err(NetError::Disconnected),
                Some(0) => return Err(NetError::Truncated),
                Some(received) => inbox
                    .receive(&buffer[..received])
                    .map_err(|TooLong { announced }| NetError::TooLong { announced, most })?,
            }
        }
    }

    fn send_all(&self, mut rest: &[u8]) -> Result<(), NetError> {
        while !rest.is_empty() {
            match self.shared.socket.send_now(rest)? {
                Some(sent) => rest = &rest[sent..],
                None => {
                    poll::ready(&[(self.as_fd(), For::Room)], None)?;
                }
            }
        }
        Ok(())
    }

    fn receive_kind(&self, kind: u8, expected: &'static str) -> Result<Vec<u8>, NetError> {
        let mut message = self.receive_frame()?;
        if message.first() != Some(&kind) {
            return Err(NetError::Mismatch { expected });
        }
        message.remove(0);
        Ok(message)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AsFd for NetConnection {
    /// The socket: to poll it together with other files, not to read from it.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.socket.as_fd()
    }
}

/// Ready when something has arrived, or the other side is gone.
impl Waitable for NetConnection {
    fn arm(&self, _: Option<Deadline>) -> Result<Armed<'_>, Trouble> {
        Ok(Armed::Not(Watch::Shared(self.as_fd())))
    }
}

impl fmt::Debug for NetConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<NetConnection with {}>", self.shared.peer)
    }
}

/// As it travels to another process of this computer.
#[derive(Serialize, Deserialize)]
struct Handle {
    file: u32,
    tag: u32,
    peer: Address,
    most: u64,
}

fn tag() -> u32 {
    Block::tag("NetConnection", 0)
}

impl Serialize for NetConnection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !locked(&self.shared.reading).is_empty() {
            return Err(S::Error::custom(
                "a connection with part of a message received",
            ));
        }
        Handle {
            file: passage::enter_fd(&self.shared.socket.0).map_err(S::Error::custom)?,
            tag: tag(),
            peer: self.shared.peer.clone(),
            most: self.shared.most as u64,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for NetConnection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let handle = Handle::deserialize(deserializer)?;
        if handle.tag != tag() {
            let told = passage::complain("the handle is not one of a NetConnection");
            return Err(D::Error::custom(told));
        }
        let file = passage::leave_fd(handle.file)
            .map_err(|error| D::Error::custom(passage::refuse(error)))?;
        let most = handle.most as usize;
        Ok(NetConnection::with(Socket(file), handle.peer, most))
    }
}
