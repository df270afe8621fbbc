//! Requests and replies in bytes, with the open files that they need beside them.
//!
//! A proxy in a message of its own manager travels as its object's number. One of another manager travels with the
//! way to that one, which is made of open files.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::home::Home;

/// A whole request, or a whole reply.
#[derive(Default)]
pub struct Message {
    pub bytes: Vec<u8>,
    pub files: Vec<Arc<OwnedFd>>,
}

/// Where a message is read.
#[derive(Clone)]
pub enum Reader {
    /// In the server with this number.
    Server(u64),
    /// In a client of this one.
    Client(Arc<Home>),
}

/// Hardly a message needs more: it is written without growing.
const USUAL_BYTES: usize = 256;

struct Packing {
    manager: u64,
    files: Vec<Arc<OwnedFd>>,
}

struct Unpacking {
    reader: Reader,
    files: Vec<Arc<OwnedFd>>,
}

thread_local! {
    static PACKING: RefCell<Option<Packing>> = const { RefCell::new(None) };
    static UNPACKING: RefCell<Option<Unpacking>> = const { RefCell::new(None) };
}

/// Writes a message to or from the server of a manager.
///
/// # Errors
/// Something in it refuses to be written.
pub fn pack<T: Serialize>(value: &T, manager: u64) -> io::Result<Message> {
    let files = Vec::new();
    let outer = PACKING.replace(Some(Packing { manager, files }));
    let bytes = postcard::to_extend(value, Vec::with_capacity(USUAL_BYTES));
    let inner = PACKING.replace(outer);
    Ok(Message {
        bytes: bytes.map_err(io::Error::other)?,
        files: inner.map(|inner| inner.files).unwrap_or_default(),
    })
}

/// Reads a message.
///
/// # Errors
/// It is no such message.
pub fn unpack<T: DeserializeOwned>(message: &Message, reader: Reader) -> io::Result<T> {
    let files = message.files.clone();
    let outer = UNPACKING.replace(Some(Unpacking { reader, files }));
    let value = postcard::take_from_bytes(&message.bytes);
    UNPACKING.set(outer);
    match value {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(io::Error::other("a message with more behind it")),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// While a message is written: whose it is.
pub fn packed_for() -> Option<u64> {
    PACKING.with_borrow(|packing| packing.as_ref().map(|packing| packing.manager))
}

/// While a message is read: where.
pub fn reader() -> Option<Reader> {
    UNPACKING.with_borrow(|unpacking| unpacking.as_ref().map(|unpacking| unpacking.reader.clone()))
}

/// Loads a file; returns its number.
pub fn load(file: &Arc<OwnedFd>) -> Option<u32> {
    PACKING.with_borrow_mut(|packing| {
        let packing = packing.as_mut()?;
        let known = packing
            .files
            .iter()
            .position(|other| Arc::ptr_eq(other, file));
        let number = known.unwrap_or_else(|| {
            packing.files.push(file.clone());
            packing.files.len() - 1
        });
        u32::try_from(number).ok()
    })
}

/// The file that was loaded under a number.
pub fn unload(number: u32) -> Option<Arc<OwnedFd>> {
    UNPACKING.with_borrow(|unpacking| {
        let unpacking = unpacking.as_ref()?;
        unpacking.files.get(number as usize).cloned()
    })
}
