//! `SharedMemory`: bytes that processes find by a name.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::ops::RangeBounds;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::bounds::{self, BoundsError};
use crate::shm::passage;
use crate::sys::memory::Mapping;
use crate::sys::named;

/// Bytes that processes find by a name, also processes that have nothing else in common. It is a file in `/dev/shm`:
/// another program, in another language, attaches it by the same name (CPython's `SharedMemory(name=..)`).
///
/// Everything else in this library is shared without names, so that nothing is left when all processes are gone. This
/// is what stays: **it lasts until someone calls [`unlink`](SharedMemory::unlink)**, or the machine is switched off. A
/// [`SharedMemoryManager`](crate::SharedMemoryManager) unlinks what it made.
///
/// ```
/// use forkproof::SharedMemory;
///
/// let made = SharedMemory::create(10)?;
/// made.write(0, b"howdy")?;
/// let attached = SharedMemory::attach(made.name())?; // in any process
/// assert_eq!(attached.slice(..5)?, b"howdy");
/// drop(attached); // detached; the memory is as it was
/// made.unlink()?;
/// assert_eq!(SharedMemory::attach(made.name()).unwrap_err().kind(), std::io::ErrorKind::NotFound);
/// assert_eq!(made.get(0)?, b'h', "who has it keeps it");
/// # Ok::<(), forkproof::Error>(())
/// ```
/// Dropping it detaches: as there is no borrowed view of the bytes, none can be left over. A clone is the same
/// attachment; as an argument of a process, or inside a message, it is the same memory there, whether it still has its
/// name or not.
///
/// # Who else may be writing
/// There is no lock in it: share a [`Lock`](crate::Lock) beside it. Bytes are copied in aligned pieces of up to 8, each
/// of them read or written at once: a number of up to 8 bytes that lies at a multiple of its size is never torn.
///
/// # When a process dies
/// Its attachment goes with it, and nothing else: neither a killed creator nor a killed attacher takes memory or name
/// from the others. (CPython's resource tracker does.) A creator that is killed inside `create` has made it whole or
/// not at all.
///
/// # What is not covered
/// Who may write the file may also shorten it (truncate(2)), and then the next access beyond its end is a SIGBUS. The
/// file may be used by processes of the same user only.
///
/// Source: shm_overview(7).
#[derive(Clone)]
pub struct SharedMemory {
    mapping: Arc<Mapping>,
    name: Arc<str>,
}

impl SharedMemory {
    /// New memory of `size` zeroes under a name that nobody has.
    ///
    /// # Errors
    /// `InvalidInput` if `size` is 0; `StorageFull` if /dev/shm has not so much room; no descriptors left.
    pub fn create(size: usize) -> io::Result<SharedMemory> {
        SharedMemory::made(unnamed(size)?, None)
    }

    /// New memory of `size` zeroes.
    ///
    /// # Errors
    /// As [`create`](SharedMemory::create); `AlreadyExists`; `InvalidInput` if the name is empty, is longer than 255
    /// bytes, or has a slash in it.
    pub fn create_named(name: &str, size: usize) -> io::Result<SharedMemory> {
        SharedMemory::made(unnamed(size)?, Some(name))
    }

    /// Names memory that is ready to be found.
    pub(super) fn made(mapping: Mapping, name: Option<&str>) -> io::Result<SharedMemory> {
        let name: Arc<str> = match name {
            Some(name) => {
                named::link(&mapping, name)?;
                name.into()
            }
            None => loop {
                let name = fresh_name();
                match named::link(&mapping, &name) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    linked => break linked.map(|()| name.into())?,
                }
            },
        };
        Ok(SharedMemory {
            mapping: Arc::new(mapping),
            name,
        })
    }

    /// The memory of that name, all of it.
    ///
    /// # Errors
    /// `NotFound`; `InvalidInput` if it is no name; `InvalidData` if it is something else or empty; no descriptors left.
    pub fn attach(name: &str) -> io::Result<SharedMemory> {
        Ok(SharedMemory {
            mapping: Arc::new(named::attach(name)?),
            name: name.into(),
        })
    }

    /// By which others attach it, until it is unlinked.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// In bytes.
    pub fn len(&self) -> usize {
        self.mapping.len()
    }

    /// Never: there is no memory of no bytes.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// One byte.
    ///
    /// # Errors
    /// [`BoundsError::Index`].
    pub fn get(&self, index: usize) -> Result<u8, BoundsError> {
        let mut byte = [0];
        self.mapping
            .read(bounds::index(index, self.len())?, &mut byte);
        Ok(byte[0])
    }

    /// Replaces one byte.
    ///
    /// # Errors
    /// [`BoundsError::Index`].
    pub fn set(&self, index: usize, byte: u8) -> Result<(), BoundsError> {
        self.mapping
            .write(bounds::index(index, self.len())?, &[byte]);
        Ok(())
    }

    /// The bytes of a range.
    ///
    /// # Errors
    /// [`BoundsError::Range`].
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Result<Vec<u8>, BoundsError> {
        let range = bounds::range(range, self.len())?;
        let mut bytes = vec![0; range.len()];
        self.mapping.read(range.start, &mut bytes);
        Ok(bytes)
    }

    /// Fills a buffer with the bytes from an offset on.
    ///
    /// # Errors
    /// [`BoundsError::Range`]: the buffer is as it was.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), BoundsError> {
        let range = bounds::range(offset..offset.saturating_add(into.len()), self.len())?;
        self.mapping.read(range.start, into);
        Ok(())
    }

    /// Replaces the bytes from an offset on.
    ///
    /// # Errors
    /// [`BoundsError::Range`]: nothing was written.
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), BoundsError> {
        let range = bounds::range(offset..offset.saturating_add(from.len()), self.len())?;
        self.mapping.write(range.start, from);
        Ok(())
    }

    /// Takes the name away: nobody can attach it any more. Who has it keeps it; the memory is freed when the last one
    /// has let go.
    ///
    /// # Errors
    /// `NotFound` if it has the name no more, also if another one has it now.
    pub fn unlink(&self) -> io::Result<()> {
        named::unlink(&self.mapping, &self.name)
    }

    pub(super) fn mapping(&self) -> &Mapping {
        &self.mapping
    }
}

fn unnamed(size: usize) -> io::Result<Mapping> {
    if size == 0 {
        let text = "shared memory has at least one byte";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    named::create(size)
}

/// Taken by no one but by chance: the standard library's source of random hash keys.
fn fresh_name() -> String {
    format!(
        "forkproof_{:016x}",
        RandomState::new().build_hasher().finish()
    )
}

impl fmt::Debug for SharedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedMemory({:?}, size={})", self.name, self.len())
    }
}

/// As it travels: the file itself, and its name.
#[derive(Serialize, Deserialize)]
struct Handle<'a> {
    file: u32,
    name: std::borrow::Cow<'a, str>,
}

impl Serialize for SharedMemory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let file = self.mapping.as_fd().try_clone_to_owned();
        let file: Arc<OwnedFd> = Arc::new(file.map_err(S::Error::custom)?);
        let file = passage::enter_fd(&file).map_err(S::Error::custom)?;
        let name = (&*self.name).into();
        Handle { file, name }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SharedMemory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SharedMemory, D::Error> {
        let handle = Handle::deserialize(deserializer)?;
        let file = passage::leave_fd(handle.file)
            .map_err(|error| D::Error::custom(passage::refuse(error)))?;
        let mapping = file.try_clone().and_then(named::map);
        let mapping =
            mapping.map_err(|error| D::Error::custom(passage::complain(error.to_string())))?;
        Ok(SharedMemory {
            mapping: Arc::new(mapping),
            name: (&*handle.name).into(),
        })
    }
}
