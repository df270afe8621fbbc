//! `Pipe`: two connected ends, between which items and bytes travel.

mod end;

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::shm::Block;
use crate::shm::passage::{self, PassageError};
use crate::sys::Os;
use crate::sys::memory::Mapping;
use crate::sys::message::FDS_PER_PACKET;
use crate::sys::wire::Wire;
use crate::world::World;
use end::End;

/// Makes pipes.
///
/// ```
/// use forkproof::{Connection, Pipe, PipeError, Process};
///
/// fn double(numbers: Connection<i64, i64>) -> forkproof::Result<()> {
///     loop {
///         match numbers.recv() {
///             Ok(number) => numbers.send(&(2 * number))?,
///             Err(PipeError::Disconnected) => return Ok(()), // the parent has dropped its end
///             Err(other) => return Err(other.into()),        // PeerDied, if it was killed
///         }
///     }
/// }
///
/// fn main() -> forkproof::Result<()> {
///     let (ours, theirs) = Pipe::duplex::<i64, i64>()?;
///     let child = Process::new(double, (theirs,));
///     child.start()?; // from here on only the child has its end
///     ours.send(&21)?;
///     assert_eq!(ours.recv()?, 42);
///     drop(ours);
///     child.join()?;
///     Ok(())
/// }
/// ```
pub struct Pipe;

impl Pipe {
    /// Two ends: what the first sends, the second receives, and the other way round.
    ///
    /// # Errors
    /// No memory, or no descriptors left.
    pub fn duplex<A, B>() -> io::Result<(Connection<A, B>, Connection<B, A>)> {
        let (end, other_end) = End::pair()?;
        let (wire, other_wire) = Wire::pair()?;
        Ok((
            Connection::over(end, wire),
            Connection::over(other_end, other_wire),
        ))
    }

    /// An end that receives, and one that sends.
    ///
    /// # Errors
    /// No memory, or no descriptors left.
    pub fn one_way<T>() -> io::Result<(Receiver<T>, Sender<T>)> {
        Pipe::duplex::<Nothing, T>()
    }
}

/// What an end sends that only receives: there is no such item.
pub enum Nothing {}

/// The end of a one-way pipe that receives.
pub type Receiver<T> = Connection<Nothing, T>;
/// The end of a one-way pipe that sends.
pub type Sender<T> = Connection<T, Nothing>;

/// One end of a [`Pipe`]: sends items of type `S`, receives items of type `R`.
///
/// A clone is the same end; so is what arrives in another process, as an argument or inside an item. Several may send
/// at one end, and several receive: each message is sent and received whole, by one of them.
///
/// # When it ends
/// When no process has the other end any more, what was sent before is still received, and then
/// [`recv`](Connection::recv), and [`send`](Connection::send) at once, give
///
/// | | |
/// |---|---|
/// | [`PipeError::Disconnected`] | if all that had the other end have dropped it |
/// | [`PipeError::PeerDied`] | if one of them ended with it: killed, or by `std::process::exit`, or with an end that was forgotten or stood in a `static` |
///
/// So drop the end that another process is to have: as an argument that was moved into a [`Process`](crate::Process)
/// it is dropped when that is started. What a target has for an argument, or has received, it drops when it returns.
/// Of what a forked child inherited, only that counts which it has used.
///
/// # When a process dies
/// A message arrives whole or not at all: killed inside `send`, its sender has sent it or has not. A receiver that is
/// killed after it took a message takes that along. The other end is told at once, by the kernel, when the last process
/// is gone; as long as another one has the end, it may go on in the place of the dead.
///
/// # Limits
/// Some two hundred messages may wait in a pipe, or a few with much in them; then `send` waits. A message of more than
/// 16 KiB travels in memory of its own, of which there must be enough. The messages that wait may hold at most as many
/// descriptors of shared objects as this user may have files open (RLIMIT_NOFILE).
///
/// # Memory ordering
/// What was written before `send` is seen after the `recv` of the message.
///
/// Sources: unix(7), sendmsg(2): a packet of a `SOCK_SEQPACKET` socket.
pub struct Connection<S, R> {
    // In this order they are dropped.
    end: End,
    wire: Wire,
    of: PhantomData<fn(S) -> R>,
}

/// Why a message was not sent, or not received.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipeError {
    /// The other end is closed, and all that it sent was received.
    #[error("the other end of the pipe is closed")]
    Disconnected,
    /// No one has the other end any more, as a process that had it was killed, or ended without dropping it; and all
    /// that it sent was received.
    #[error("a process died with the other end of the pipe, and no one else has it")]
    PeerDied,
    /// It cannot be written; nothing was sent.
    #[error("the item {0}")]
    Unsendable(PassageError),
    /// Its shared objects lie in more memory than one message can name; nothing was sent.
    #[error("an item with {count} open files in it, and a message carries {most}")]
    TooManyFiles { count: usize, most: usize },
    /// What arrived is no such item. It was taken out of the pipe.
    #[error("the item {0}")]
    Unreadable(PassageError),
    /// An item was to be received, and bytes were sent, or the other way round. It was taken out of the pipe.
    #[error("{expected} should have been sent")]
    Mismatch { expected: &'static str },
    /// The bytes that arrived are longer than the buffer; here they are.
    #[error("{} bytes arrived, and the buffer has room for {room}", message.len())]
    BufferTooShort { message: Vec<u8>, room: usize },
    /// No memory, or no descriptors left. A message that was to be received is lost then; the next can be received.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The first byte of a message: what it is, and where.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Head {
    is_item: bool,
    /// Not in the packet but in memory, of which the packet names the length, and the first descriptor.
    is_apart: bool,
}

/// What a packet holds at most; more travels in memory of its own.
const PACKET_BYTES: usize = 16 << 10;

impl<S, R> Connection<S, R> {
    fn over(end: End, wire: Wire) -> Connection<S, R> {
        Connection {
            end,
            wire,
            of: PhantomData,
        }
    }

    /// When the kernel says that no one has the other end.
    fn is_over(&self) -> PipeError {
        match self.end.has_other_died() {
            true => PipeError::PeerDied,
            false => PipeError::Disconnected,
        }
    }

    fn send_message(
        &self,
        is_item: bool,
        bytes: &[u8],
        files: &[BorrowedFd],
    ) -> Result<(), PipeError> {
        self.end.touch();
        let is_apart = bytes.len() > PACKET_BYTES - 1;
        let head = Head { is_item, is_apart }.byte();
        let most = FDS_PER_PACKET - usize::from(is_apart);
        if files.len() > most {
            let count = files.len();
            return Err(PipeError::TooManyFiles { count, most });
        }
        let sent = if is_apart {
            let apart = Mapping::create(bytes.len())?;
            apart.write(0, bytes);
            let files: Vec<_> = [apart.as_fd()]
                .into_iter()
                .chain(files.iter().copied())
                .collect();
            let length = (bytes.len() as u64).to_le_bytes();
            self.wire.send(&[&[head][..], &length].concat(), &files)
        } else {
            self.wire.send(&[&[head], bytes].concat(), files)
        };
        sent.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => self.is_over(),
            _ => PipeError::Io(error),
        })
    }

    fn receive_message(&self) -> Result<(Head, Vec<u8>, Vec<OwnedFd>), PipeError> {
        self.end.touch();
        let mut packet = [0; PACKET_BYTES];
        let received = self.wire.receive(&mut packet)?;
        let received = received.ok_or_else(|| self.is_over())?;
        if received.fds_lost {
            let text = "too many open files to receive those of a message: it is lost";
            return Err(PipeError::Io(io::Error::other(text)));
        }
        let head = Head::from(packet[0]);
        let content = &packet[1..received.bytes];
        let mut files = received.fds;
        if !head.is_apart {
            return Ok((head, content.to_vec(), files));
        }
        let length = content.try_into().map(u64::from_le_bytes).unwrap_or(0) as usize;
        let file = (!files.is_empty()).then(|| files.remove(0));
        let file = file.ok_or_else(|| crate::sys::memory::foreign("a message without its memory"));
        let apart = Mapping::attach(file?)?;
        if length > apart.len() {
            return Err(crate::sys::memory::foreign("a message longer than its memory").into());
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(io::Error::from)?;
        bytes.resize(length, 0);
        apart.read(0, &mut bytes);
        Ok((head, bytes, files))
    }
}

/// Sending.
impl<S: Serialize, R> Connection<S, R> {
    /// Sends an item, with the shared objects in it. Waits while the pipe is full.
    ///
    /// # Errors
    /// [`PipeError::Disconnected`], [`PeerDied`](PipeError::PeerDied), [`Unsendable`](PipeError::Unsendable),
    /// [`TooManyFiles`](PipeError::TooManyFiles), [`Io`](PipeError::Io). Nothing was sent.
    pub fn send(&self, item: &S) -> Result<(), PipeError> {
        let parcel = passage::pack(item).map_err(PipeError::Unsendable)?;
        self.send_message(true, &parcel.bytes, &parcel.fds())?;
        parcel.delivered();
        Ok(())
    }

    /// Sends bytes as they are, as one message; they may be none. Waits while the pipe is full.
    ///
    /// # Errors
    /// [`PipeError::Disconnected`], [`PeerDied`](PipeError::PeerDied), [`Io`](PipeError::Io). Nothing was sent.
    pub fn send_bytes(&self, bytes: &[u8]) -> Result<(), PipeError> {
        self.send_message(false, bytes, &[])
    }
}

/// Receiving.
impl<S, R: DeserializeOwned> Connection<S, R> {
    /// Receives the next item; waits for it.
    ///
    /// # Errors
    /// [`PipeError::Disconnected`], [`PeerDied`](PipeError::PeerDied), [`Unreadable`](PipeError::Unreadable), [`Mismatch`](PipeError::Mismatch),
    /// [`Io`](PipeError::Io).
    pub fn recv(&self) -> Result<R, PipeError> {
        let (head, bytes, files) = self.receive_message()?;
        if !head.is_item {
            return Err(PipeError::Mismatch {
                expected: "an item",
            });
        }
        passage::unpack(&bytes, files).map_err(PipeError::Unreadable)
    }

    /// Receives the next message as bytes; waits for it.
    ///
    /// # Errors
    /// [`PipeError::Disconnected`], [`PeerDied`](PipeError::PeerDied), [`Mismatch`](PipeError::Mismatch), [`Io`](PipeError::Io).
    pub fn recv_bytes(&self) -> Result<Vec<u8>, PipeError> {
        let (head, bytes, _) = self.receive_message()?;
        if head.is_item {
            return Err(PipeError::Mismatch { expected: "bytes" });
        }
        Ok(bytes)
    }

    /// Receives the next message as bytes into a buffer; waits for it. Returns how many there were.
    ///
    /// # Errors
    /// As [`recv_bytes`](Connection::recv_bytes); [`PipeError::BufferTooShort`], with the message in it.
    pub fn recv_bytes_into(&self, buffer: &mut [u8]) -> Result<usize, PipeError> {
        let message = self.recv_bytes()?;
        let room = buffer.len();
        match buffer.get_mut(..message.len()) {
            Some(front) => {
                front.copy_from_slice(&message);
                Ok(message.len())
            }
            None => Err(PipeError::BufferTooShort { message, room }),
        }
    }

    /// Waits, no longer than `timeout`, until there is something to receive or the other end is gone; whether it is
    /// so. With a timeout of zero it only looks.
    ///
    /// # Errors
    /// [`PipeError::Io`].
    pub fn poll(&self, timeout: Duration) -> Result<bool, PipeError> {
        Ok(self.wire.poll(Os::deadline(timeout))?)
    }

    /// The items, one after another, until the other end is closed. After [`PipeError::PeerDied`] there are no more,
    /// either.
    pub fn iter(&self) -> impl Iterator<Item = Result<R, PipeError>> {
        let mut is_over = false;
        std::iter::from_fn(move || {
            if is_over {
                return None;
            }
            match self.recv() {
                Err(PipeError::Disconnected) => None,
                received => {
                    is_over = matches!(received, Err(PipeError::PeerDied));
                    Some(received)
                }
            }
        })
    }
}

impl Head {
    const ITEM: u8 = 1;
    const APART: u8 = 2;

    fn byte(self) -> u8 {
        (u8::from(self.is_item) * Head::ITEM) | (u8::from(self.is_apart) * Head::APART)
    }
}

impl From<u8> for Head {
    fn from(byte: u8) -> Head {
        Head {
            is_item: byte & Head::ITEM != 0,
            is_apart: byte & Head::APART != 0,
        }
    }
}

impl<S, R> AsFd for Connection<S, R> {
    /// The socket: to poll it together with other files, not to read from it.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wire.as_fd()
    }
}

impl<S, R> Clone for Connection<S, R> {
    fn clone(&self) -> Self {
        Connection {
            end: self.end.clone(),
            wire: self.wire.clone(),
            of: PhantomData,
        }
    }
}

impl<S, R> fmt::Debug for Connection<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use std::os::fd::AsRawFd;
        write!(f, "<Connection over file {}>", self.as_fd().as_raw_fd())
    }
}

fn tag<S, R>() -> u32 {
    Block::tag(std::any::type_name::<Connection<S, R>>(), 0)
}

/// As it travels: which of the passage's files, and of what type it is; behind this comes the [`End`].
#[derive(Serialize, Deserialize)]
struct Handle {
    file: u32,
    tag: u32,
}

impl<S, R> Serialize for Connection<S, R> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let file = passage::enter_fd(self.wire.socket()).map_err(Z::Error::custom)?;
        let tag = tag::<S, R>();
        (Handle { file, tag }, &self.end).serialize(serializer)
    }
}

impl<'de, S, R> Deserialize<'de> for Connection<S, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let (handle, end) = <(Handle, End)>::deserialize(deserializer)?;
        if handle.tag != tag::<S, R>() {
            let name = std::any::type_name::<Connection<S, R>>();
            return Err(D::Error::custom(passage::complain(format!(
                "the handle is not one of a {name}"
            ))));
        }
        let file = passage::leave_fd(handle.file)
            .map_err(|error| D::Error::custom(passage::refuse(error)))?;
        Ok(Connection::over(end, Wire::from(file)))
    }
}
