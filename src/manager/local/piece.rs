//! Messages in pieces.

use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde::de::{Error as _, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::manager::cargo::Message;
use crate::shm::passage;

/// How many bytes of a message a piece has.
const PIECE_BYTES: usize = 64 << 10;
/// The room of a queue: for a piece, and for what has no reply.
pub const ROOM_BYTES: usize = 2 * PIECE_BYTES;

/// What the bell says: there is a piece.
pub const RING: u8 = 1;
/// What the bell says: the server goes on without this client.
pub const CUT: u8 = 2;

#[derive(Serialize, Deserialize)]
pub enum Piece {
    /// More follows, when it is asked for.
    Part(Bytes),
    /// The message is whole.
    Last(Bytes, Vec<File>),
    /// The other side is to send the next piece.
    Next,
}

/// A message on its way out.
#[derive(Default)]
pub struct Outgoing {
    bytes: Vec<u8>,
    sent_bytes: usize,
    files: Option<Vec<Arc<OwnedFd>>>,
}

impl Outgoing {
    pub fn of(message: Message) -> Outgoing {
        Outgoing {
            bytes: message.bytes,
            sent_bytes: 0,
            files: Some(message.files),
        }
    }

    /// `None`: it is out.
    pub fn next_piece(&mut self) -> Option<Piece> {
        let rest = &self.bytes[self.sent_bytes..];
        if rest.len() > PIECE_BYTES {
            let part = Bytes(rest[..PIECE_BYTES].to_vec());
            self.sent_bytes += PIECE_BYTES;
            return Some(Piece::Part(part));
        }
        let files = self.files.take()?;
        let mut last = std::mem::take(&mut self.bytes);
        last.drain(..std::mem::take(&mut self.sent_bytes));
        Some(Piece::Last(
            Bytes(last),
            files.into_iter().map(File).collect(),
        ))
    }

    pub fn is_out(&self) -> bool {
        self.files.is_none()
    }
}

/// Bytes that serde writes as such.
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        struct Buffer;
        impl Visitor<'_> for Buffer {
            type Value = Bytes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Buffer)
    }
}

/// An open file that travels with a piece.
pub struct File(pub Arc<OwnedFd>);

impl Serialize for File {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = passage::enter_fd(&self.0).map_err(S::Error::custom)?;
        serializer.serialize_u32(number)
    }
}

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<File, D::Error> {
        let number = u32::deserialize(deserializer)?;
        let file = passage::leave_fd(number);
        file.map(File)
            .map_err(|error| D::Error::custom(passage::refuse(error)))
    }
}
