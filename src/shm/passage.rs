//! The passage: how shared objects travel between processes, inside ordinary serde values.
//!
//! A shared object serialises as a handle: the number of a descriptor that travels beside the bytes, and a
//! place in the memory it stands for. While [`pack`] runs, the thread collects those descriptors; while
//! [`unpack`] runs, it finds them again. An open file that is no memory (a socket) travels likewise:
//! [`enter_fd`] and [`leave_fd`]. Outside of a passage a shared object refuses to be serialised: in
//! a file its handle would mean nothing.
//!
//! Each handle travels with a hold on its object, so that the object outlives the journey: the receiver
//! takes it over. If the parcel is dropped undelivered, the holds are taken back. A receiver that is killed
//! before it unpacks takes its holds with it (see [`shm`](super)).

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arena::{self, Arena};
use super::block::Block;
use super::buffer;

/// Bytes, and the shared objects they refer to.
pub struct Parcel {
    pub bytes: Vec<u8>,
    cargo: Cargo,
}

#[derive(Default)]
struct Cargo {
    files: Vec<Leaving>,
    /// What is held for the receiver, and has not been handed over.
    held: Vec<Arc<dyn Held>>,
}

/// Something that counts who has it, in shared memory, those on their way included.
pub trait Held: Send + Sync {
    /// One more has it.
    fn lend(&self);
    /// One less.
    fn take_back(&self);
}

enum Leaving {
    Arena(Arc<Arena>),
    Plain(Arc<OwnedFd>),
}

/// Why a value did not travel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PassageError {
    /// The value could not be serialised; `SerializeBufferFull` if there is no memory for its bytes.
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
    /// `None`: memory that could not be mapped.
    files: Vec<Option<Arrived>>,
    /// For a copy: what it holds beside the parcel.
    copied: Option<Vec<Arc<dyn Held>>>,
    /// serde's custom errors lose their text in postcard; it is kept here.
    complaint: Option<PassageError>,
}

/// What a descriptor is turns out when a handle asks for it.
#[derive(Clone)]
enum Arrived {
    Plain(Arc<OwnedFd>),
    Arena(Arc<Arena>),
}

/// Serialises a value together with the shared objects in it.
///
/// # Errors
/// [`PassageError::Pack`] if its `Serialize` refuses.
pub fn pack<T: Serialize + ?Sized>(value: &T) -> Result<Parcel, PassageError> {
    let outer = PACKING.replace(Some(Cargo::default())); // a value's own Serialize may pack another
    let bytes = postcard::serialize_with_flavor(value, Growing::new());
    let cargo = PACKING.replace(outer).unwrap_or_default();
    Ok(Parcel {
        bytes: bytes.map_err(PassageError::Pack)?,
        cargo,
    })
}

/// Bytes, for as long as there is memory: a lack of it is an error.
struct Growing(Vec<u8>);

impl Growing {
    fn new() -> Growing {
        let mut bytes = buffer::take();
        bytes.clear();
        Growing(bytes)
    }

    /// Apart: where there is room, which is nearly always, nothing needs to be saved for it.
    #[cold]
    #[inline(never)]
    fn extend_by_growing(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        let reserved = self.0.try_reserve(bytes.len());
        reserved.map_err(|_| postcard::Error::SerializeBufferFull)?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

impl Flavor for Growing {
    type Output = Vec<u8>;

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        if bytes.len() > self.0.capacity() - self.0.len() {
            return self.extend_by_growing(bytes);
        }
        // Most numbers are of one to three, and a call of memcpy(3) takes longer.
        match *bytes {
            [a] => self.0.push(a),
            [a, b] => self.0.extend_from_slice(&[a, b]),
            [a, b, c] => self.0.extend_from_slice(&[a, b, c]),
            _ => self.0.extend_from_slice(bytes),
        }
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// The value that another process packed, with the descriptors in the order in which they were sent.
///
/// # Errors
/// [`PassageError`], for bytes and descriptors that do not fit the type or each other.
pub fn unpack<T: DeserializeOwned>(bytes: &[u8], fds: Vec<OwnedFd>) -> Result<T, PassageError> {
    unpack_as(bytes, fds, None).map(|(value, _)| value)
}

/// A copy of the value that another process packed; the parcel can be unpacked again. The holds that travel with
/// it stay with it, until [`Holds::take_over`].
///
/// # Errors
/// As [`unpack`].
pub fn unpack_copy<T: DeserializeOwned>(
    bytes: &[u8],
    fds: Vec<OwnedFd>,
) -> Result<(T, Holds), PassageError> {
    unpack_as(bytes, fds, Some(Vec::new()))
}

/// The holds of a parcel of which a copy was unpacked.
pub struct Holds {
    held: Vec<Arc<dyn Held>>,
}

impl Holds {
    /// The parcel is done with, and no one will unpack it again.
    pub fn take_over(self) {
        for held in &self.held {
            held.take_back();
        }
    }
}

fn unpack_as<T: DeserializeOwned>(
    bytes: &[u8],
    fds: Vec<OwnedFd>,
    copied: Option<Vec<Arc<dyn Held>>>,
) -> Result<(T, Holds), PassageError> {
    let files = fds.into_iter();
    let files = files.map(|fd| Some(Arrived::Plain(Arc::new(fd))));
    let outer = UNPACKING.replace(Some(Unpacking {
        files: files.collect(),
        copied,
        complaint: None,
    }));
    let value = postcard::take_from_bytes(bytes);
    let inner = UNPACKING.replace(outer);
    match value {
        Ok((value, [])) => {
            let held = inner.and_then(|inner| inner.copied).unwrap_or_default();
            Ok((value, Holds { held }))
        }
        Ok((_, rest)) => Err(PassageError::Unpack(format!(
            "{} bytes too many",
            rest.len()
        ))),
        Err(error) => {
            let complaint = inner.and_then(|inner| inner.complaint);
            Err(complaint.unwrap_or_else(|| PassageError::Unpack(error.to_string())))
        }
    }
}

impl Parcel {
    /// The descriptors that must travel along, in this order.
    pub fn fds(&self) -> Vec<BorrowedFd<'_>> {
        let files = self.cargo.files.iter().map(|file| match file {
            Leaving::Arena(arena) => arena.as_fd(),
            Leaving::Plain(file) => file.as_fd(),
        });
        files.collect()
    }

    /// The receiver has it: the holds are its own from now on.
    pub fn delivered(mut self) {
        self.cargo.held.clear();
    }
}

impl Drop for Cargo {
    fn drop(&mut self) {
        for held in &self.held {
            held.take_back();
        }
    }
}

/// Loads a block; returns the number of its arena within the parcel.
pub(super) fn enter(block: &Arc<Block>) -> Result<u32, PassageError> {
    PACKING.with_borrow_mut(|packing| {
        let cargo = packing.as_mut().ok_or(PassageError::NoPassage)?;
        let known = cargo.files.iter().position(
            |file| matches!(file, Leaving::Arena(arena) if Arc::ptr_eq(arena, block.arena())),
        );
        cargo.hold(block.clone());
        Ok(cargo.number(known, || Leaving::Arena(block.arena().clone())))
    })
}

/// Holds something for the receiver.
///
/// # Errors
/// [`PassageError::NoPassage`] outside of [`pack`].
pub fn hold(held: Arc<dyn Held>) -> Result<(), PassageError> {
    PACKING.with_borrow_mut(|packing| {
        let cargo = packing.as_mut().ok_or(PassageError::NoPassage)?;
        cargo.hold(held);
        Ok(())
    })
}

/// Loads an open file that is not memory of this library; returns its number within the parcel. Loaded
/// twice, it travels once.
///
/// # Errors
/// [`PassageError::NoPassage`] outside of [`pack`].
pub fn enter_fd(file: &Arc<OwnedFd>) -> Result<u32, PassageError> {
    PACKING.with_borrow_mut(|packing| {
        let cargo = packing.as_mut().ok_or(PassageError::NoPassage)?;
        let known = cargo
            .files
            .iter()
            .position(|other| matches!(other, Leaving::Plain(other) if Arc::ptr_eq(other, file)));
        Ok(cargo.number(known, || Leaving::Plain(file.clone())))
    })
}

/// The open file that was loaded under this number: the same one for all who ask.
///
/// # Errors
/// [`PassageError::Unpack`] if nothing, or memory, arrived under the number; [`PassageError::NoPassage`]
/// outside of [`unpack`].
pub fn leave_fd(number: u32) -> Result<Arc<OwnedFd>, PassageError> {
    match arrived(number)? {
        Arrived::Plain(file) => Ok(file),
        Arrived::Arena(_) => Err(PassageError::Unpack(format!(
            "descriptor {number} is memory of this library"
        ))),
    }
}

/// The arena of a handle that arrived.
pub(super) fn leave(number: u32) -> Result<Arc<Arena>, PassageError> {
    if let Arrived::Arena(arena) = arrived(number)? {
        return Ok(arena);
    }
    let put = |file: Option<Arrived>| {
        UNPACKING.with_borrow_mut(|unpacking| {
            let place = unpacking.as_mut()?.files.get_mut(number as usize)?;
            std::mem::replace(place, file)
        })
    };
    // The descriptor itself, not another one: there may be no other to be had.
    let file = match put(None) {
        Some(Arrived::Plain(file)) => Arc::try_unwrap(file).or_else(|file| file.try_clone())?,
        _ => return Err(PassageError::NoPassage),
    };
    let arena = arena::attach(file)?;
    put(Some(Arrived::Arena(arena.clone())));
    Ok(arena)
}

/// What was held on its way has arrived: of a copy, it is held once more.
pub fn arrives(held: Arc<dyn Held>) {
    UNPACKING.with_borrow_mut(|unpacking| {
        let copied = unpacking
            .as_mut()
            .and_then(|unpacking| unpacking.copied.as_mut());
        if let Some(copied) = copied {
            held.lend();
            copied.push(held);
        }
    });
}

/// Keeps a refusal, whose text serde's formats may drop; hands the text back.
pub fn refuse(error: PassageError) -> String {
    let text = error.to_string();
    UNPACKING.with_borrow_mut(|unpacking| {
        if let Some(unpacking) = unpacking {
            unpacking.complaint = Some(error);
        }
    });
    text
}

/// [`PassageError::Unpack`] for the text, kept until [`unpack`] returns; hands the text back.
pub fn complain(text: impl Into<String>) -> String {
    let text = text.into();
    refuse(PassageError::Unpack(text.clone()));
    text
}

impl Cargo {
    fn hold(&mut self, held: Arc<dyn Held>) {
        held.lend();
        self.held.push(held);
    }

    /// The number of a file that is known, or that joins.
    fn number(&mut self, known: Option<usize>, file: impl FnOnce() -> Leaving) -> u32 {
        let number = known.unwrap_or_else(|| {
            self.files.push(file());
            self.files.len() - 1
        });
        number as u32
    }
}

fn arrived(number: u32) -> Result<Arrived, PassageError> {
    UNPACKING.with_borrow(|unpacking| {
        let unpacking = unpacking.as_ref().ok_or(PassageError::NoPassage)?;
        let file = unpacking.files.get(number as usize).cloned();
        file.flatten().ok_or_else(|| {
            PassageError::Unpack(format!("descriptor {number} of {}", unpacking.files.len()))
        })
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use serde::{Deserialize, Deserializer, Serializer};

    use super::*;

    struct Carried(Arc<OwnedFd>);

    impl Serialize for Carried {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let number = enter_fd(&self.0).map_err(serde::ser::Error::custom)?;
            serializer.serialize_u32(number)
        }
    }

    impl<'de> Deserialize<'de> for Carried {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Carried, D::Error> {
            let number = u32::deserialize(deserializer)?;
            let file = leave_fd(number)
                .map_err(|error| <D::Error as serde::de::Error>::custom(refuse(error)))?;
            Ok(Carried(file))
        }
    }

    fn arriving(parcel: &Parcel) -> Vec<OwnedFd> {
        let fds = parcel.fds();
        fds.iter()
            .map(|fd| fd.try_clone_to_owned().unwrap())
            .collect()
    }

    #[test]
    fn a_file_travels_beside_memory_and_twice_as_one() {
        let (read, write) = io::pipe().unwrap();
        let (read, write) = (
            Arc::new(OwnedFd::from(read)),
            Arc::new(OwnedFd::from(write)),
        );
        let block = Arc::new(Block::allocate(64, 5).unwrap());
        struct Memory(Arc<Block>);
        impl Serialize for Memory {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                super::super::block::serialize(&self.0, serializer)
            }
        }
        let sent = (
            Carried(read),
            Memory(block),
            Carried(write.clone()),
            Carried(write),
        );
        let parcel = pack(&sent).unwrap();
        let fds = arriving(&parcel);
        assert_eq!(fds.len(), 3);
        type Received = (Carried, (u32, u32, u32), Carried, Carried);
        let received: Received = unpack(&parcel.bytes, fds).unwrap();
        assert!(Arc::ptr_eq(&received.2.0, &received.3.0));
        drop((sent, parcel));
        let mut write = std::fs::File::from(received.2.0.try_clone().unwrap());
        write.write_all(b"through").unwrap();
        drop((write, received.2, received.3));
        let mut read = std::fs::File::from(received.0.0.try_clone().unwrap());
        let mut text = String::new();
        read.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
    }

    #[test]
    fn a_file_has_no_number_outside_of_a_passage() {
        let file = Arc::new(OwnedFd::from(io::pipe().unwrap().0));
        assert!(matches!(enter_fd(&file), Err(PassageError::NoPassage)));
        assert!(matches!(leave_fd(0), Err(PassageError::NoPassage)));
        let parcel = pack(&Carried(file)).unwrap();
        let none = unpack::<Carried>(&parcel.bytes, Vec::new());
        let text = none.err().unwrap().to_string();
        assert!(text.contains("descriptor 0 of 0"), "{text}");
    }
}
