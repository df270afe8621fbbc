//! The passage: how shared objects travel between processes, inside ordinary serde values.
//!
//! A shared object serialises as a handle: the number of a descriptor that travels beside the bytes, and a
//! place in the memory it stands for. While [`pack`] runs, the thread collects those descriptors; while
//! [`unpack`] runs, it finds them again. Outside of a passage a shared object refuses to be serialised: in
//! a file its handle would mean nothing.
//!
//! Each handle travels with a hold on its object, so that the object outlives the journey: the receiver
//! takes it over. If the parcel is dropped undelivered, the holds are taken back. A receiver that is killed
//! before it unpacks takes its holds with it (see [`shm`](super)).

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arena::{self, Arena};
use super::block::Block;

/// Bytes, and the shared objects they refer to.
pub struct Parcel {
    pub bytes: Vec<u8>,
    cargo: Cargo,
}

#[derive(Default)]
struct Cargo {
    arenas: Vec<Arc<Arena>>,
    /// Those whose hold has not been handed over.
    blocks: Vec<Arc<Block>>,
}

/// Why a value did not travel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PassageError {
    /// The value could not be serialised.
    #[error("cannot be sent: {0}")]
    Pack(postcard::Error),
    /// The bytes are not such a value, or name an object that is not there.
    #[error("cannot be received: {0}")]
    Unpack(String),
    /// A descriptor that came along is not memory of this library.
    #[error("cannot be received: {0}")]
    Memory(#[from] io::Error),
    /// A shared object was serialised or deserialised on its own.
    #[error(
        "a shared object travels only from process to process, as an argument or inside a message: \
         its handle means nothing elsewhere"
    )]
    NoPassage,
}

thread_local! {
    static PACKING: RefCell<Option<Cargo>> = const { RefCell::new(None) };
    static UNPACKING: RefCell<Option<Unpacking>> = const { RefCell::new(None) };
}

struct Unpacking {
    arenas: Vec<Arc<Arena>>,
    /// serde's custom errors lose their text in postcard; it is kept here.
    complaint: Option<String>,
}

/// Serialises a value together with the shared objects in it.
///
/// # Errors
/// [`PassageError::Pack`] if its `Serialize` refuses.
pub fn pack<T: Serialize + ?Sized>(value: &T) -> Result<Parcel, PassageError> {
    let outer = PACKING.replace(Some(Cargo::default())); // a value's own Serialize may pack another
    let bytes = postcard::to_allocvec(value);
    let cargo = PACKING.replace(outer).unwrap_or_default();
    Ok(Parcel {
        bytes: bytes.map_err(PassageError::Pack)?,
        cargo,
    })
}

/// The value that another process packed, with the descriptors in the order in which they were sent.
///
/// # Errors
/// [`PassageError`], for bytes and descriptors that do not fit the type or each other.
pub fn unpack<T: DeserializeOwned>(bytes: &[u8], fds: Vec<OwnedFd>) -> Result<T, PassageError> {
    let arenas = fds
        .into_iter()
        .map(arena::attach)
        .collect::<io::Result<_>>()?;
    let outer = UNPACKING.replace(Some(Unpacking {
        arenas,
        complaint: None,
    }));
    let value = postcard::take_from_bytes(bytes);
    let inner = UNPACKING.replace(outer);
    match value {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(PassageError::Unpack(format!(
            "{} bytes too many",
            rest.len()
        ))),
        Err(error) => {
            let complaint = inner.and_then(|inner| inner.complaint);
            Err(PassageError::Unpack(
                complaint.unwrap_or_else(|| error.to_string()),
            ))
        }
    }
}

impl Parcel {
    /// The descriptors that must travel along, in this order.
    pub fn fds(&self) -> Vec<BorrowedFd<'_>> {
        self.cargo
            .arenas
            .iter()
            .map(|arena| arena.as_fd())
            .collect()
    }

    /// The receiver has it: the holds are its own from now on.
    pub fn delivered(mut self) {
        self.cargo.blocks.clear();
    }
}

impl Drop for Cargo {
    fn drop(&mut self) {
        for block in &self.blocks {
            block.take_back();
        }
    }
}

/// Loads a block; returns the number of its arena within the parcel.
pub(super) fn enter(block: &Arc<Block>) -> Result<u32, PassageError> {
    PACKING.with_borrow_mut(|packing| {
        let cargo = packing.as_mut().ok_or(PassageError::NoPassage)?;
        let known = cargo
            .arenas
            .iter()
            .position(|arena| Arc::ptr_eq(arena, block.arena()));
        let number = known.unwrap_or_else(|| {
            cargo.arenas.push(block.arena().clone());
            cargo.arenas.len() - 1
        });
        block.lend();
        cargo.blocks.push(block.clone());
        Ok(number as u32)
    })
}

/// The arena of a handle that arrived.
pub(super) fn leave(number: u32) -> Result<Arc<Arena>, PassageError> {
    UNPACKING.with_borrow_mut(|unpacking| {
        let unpacking = unpacking.as_mut().ok_or(PassageError::NoPassage)?;
        unpacking
            .arenas
            .get(number as usize)
            .cloned()
            .ok_or_else(|| {
                PassageError::Unpack(format!("descriptor {number} of {}", unpacking.arenas.len()))
            })
    })
}

/// Keeps the text of a refusal, which serde's formats may drop, and hands it back.
pub fn complain(text: impl Into<String>) -> String {
    let text = text.into();
    UNPACKING.with_borrow_mut(|unpacking| {
        if let Some(unpacking) = unpacking {
            unpacking.complaint = Some(text.clone());
        }
    });
    text
}
