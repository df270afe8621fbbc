//! What can go wrong between two computers.

use std::io;

use super::address::Address;
use super::handshake::HandshakeError;
use super::key::EmptyKey;
use crate::shm::passage::PassageError;

/// Why a listener does not listen, a client is not connected, or a message was not sent or received.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// The other side has closed the connection, or its process has ended, and all that it sent was received.
    #[error("the other side of the connection is gone")]
    Disconnected,
    /// The other side was lost amid a message.
    #[error("the connection ended amid a message")]
    Truncated,
    /// The network does not reach the other side any more, or it has been silent for too long.
    #[error("the connection is lost: {0}")]
    Lost(io::Error),
    /// The other side announces a message above the bound. The connection is of no more use.
    #[error("a message of {announced} bytes is announced, and at most {most} are taken")]
    TooLong { announced: usize, most: usize },
    /// A message above the bound. Nothing was sent.
    #[error("a message of {length} bytes, and at most {most} are sent")]
    MessageTooLong { length: usize, most: usize },
    /// More waits to be sent than is kept: the other side does not read. Nothing was added.
    #[error("{waiting} bytes wait for the other side to read, which does not")]
    Congested { waiting: usize },
    /// It cannot be written; nothing was sent.
    #[error("the item {0}")]
    Unsendable(PassageError),
    /// There is a shared object in it, which lives in this computer's memory; nothing was sent.
    #[error("the item holds a shared object, which cannot leave this computer")]
    SharedObject,
    /// What arrived is no such item. It was taken off the connection.
    #[error("the item {0}")]
    Unreadable(PassageError),
    /// An item was to be received, and bytes were sent, or the other way round. It was taken off the connection.
    #[error("{expected} should have been sent")]
    Mismatch { expected: &'static str },
    /// The bytes that arrived are longer than the buffer; here they are.
    #[error("{} bytes arrived, and the buffer has room for {room}", message.len())]
    BufferTooShort { message: Vec<u8>, room: usize },
    /// The two sides did not come together.
    #[error("{peer}: {why}")]
    Handshake {
        peer: Address,
        #[source]
        why: HandshakeError,
    },
    /// No one listens there, it cannot be reached, or did not answer in time.
    #[error("cannot connect to {address}: {why}")]
    Connect { address: Address, why: io::Error },
    /// The address is in use, or not one of this computer's.
    #[error("cannot listen at {address}: {why}")]
    Bind { address: Address, why: io::Error },
    /// The listener was closed.
    #[error("the listener is closed")]
    Closed,
    #[error(transparent)]
    EmptyKey(#[from] EmptyKey),
    /// No memory, no descriptors left, or no random numbers.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl NetError {
    /// What a failed call on a connection's socket means.
    pub(super) fn of_stream(error: io::Error) -> NetError {
        use io::ErrorKind::*;
        match error.kind() {
            BrokenPipe | ConnectionReset | NotConnected => NetError::Disconnected,
            TimedOut | HostUnreachable | NetworkUnreachable | ConnectionAborted | NetworkDown => {
                NetError::Lost(error)
            }
            _ => NetError::Io(error),
        }
    }
}
