//! An envelope: a value on its way through a queue that does not know the value's type, opened where it is needed.
//!
//! It has the value's bytes, and the open files that the shared objects in it need. A value of many bytes has them in
//! memory of its own, so that any value fits into any queue.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::shm::passage::{self, Parcel, PassageError};
use crate::sys::memory::Mapping;

/// What lies in a queue's own bytes at most; more travels in memory of its own.
const HERE_BYTES: usize = 32 << 10;

/// A value that travels.
pub(crate) struct Envelope {
    content: Content,
    files: Vec<Arc<OwnedFd>>,
}

#[derive(Serialize, Deserialize)]
enum Content {
    Here(Vec<u8>),
    /// So many bytes in the memory that the first of the files is.
    Apart(u64),
}

/// What an envelope holds of its objects until it has been delivered: if it is dropped before, they are let go.
pub(crate) struct Holds(Option<Parcel>);

impl Holds {
    /// Of a value without shared objects.
    pub fn none() -> Holds {
        Holds(None)
    }

    /// The receiver has the envelope.
    pub fn delivered(self) {
        if let Some(parcel) = self.0 {
            parcel.delivered();
        }
    }
}

impl Envelope {
    /// Packs a value.
    ///
    /// # Errors
    /// It cannot be written; no memory, or no descriptors left.
    pub fn seal<T: Serialize + ?Sized>(value: &T) -> Result<(Envelope, Holds), PassageError> {
        let mut parcel = passage::pack(value)?;
        let bytes = std::mem::take(&mut parcel.bytes);
        let mut envelope = Envelope::of_bytes(bytes)?;
        let files = parcel.fds();
        for file in files {
            envelope.files.push(own(file)?);
        }
        Ok((envelope, Holds(Some(parcel))))
    }

    /// A value without shared objects, as postcard has written it.
    ///
    /// # Errors
    /// No memory, or no descriptors left.
    pub fn of_bytes(bytes: Vec<u8>) -> io::Result<Envelope> {
        if bytes.len() <= HERE_BYTES {
            return Ok(Envelope {
                content: Content::Here(bytes),
                files: Vec::new(),
            });
        }
        let apart = Mapping::create(bytes.len())?;
        apart.write(0, &bytes);
        Ok(Envelope {
            content: Content::Apart(bytes.len() as u64),
            files: vec![own(apart)?],
        })
    }

    /// The bytes of a value without shared objects.
    ///
    /// # Errors
    /// There are shared objects in it; no memory, or no descriptors left.
    pub fn into_bytes(self) -> Result<Vec<u8>, PassageError> {
        let (bytes, files) = self.unfolded()?;
        if files.is_empty() {
            Ok(bytes)
        } else {
            Err(PassageError::NoPassage)
        }
    }

    /// The value.
    ///
    /// # Errors
    /// It is no such value; no memory, or no descriptors left.
    pub fn open<T: DeserializeOwned>(self) -> Result<T, PassageError> {
        let (bytes, files) = self.unfolded()?;
        passage::unpack(&bytes, files)
    }

    /// The value's bytes, and the files of its shared objects.
    fn unfolded(self) -> Result<(Vec<u8>, Vec<OwnedFd>), PassageError> {
        let mut files = Vec::with_capacity(self.files.len());
        for file in self.files {
            files.push(Arc::try_unwrap(file).or_else(|shared| shared.try_clone())?);
        }
        let bytes = match self.content {
            Content::Here(bytes) => bytes,
            Content::Apart(length) => read_apart(&mut files, length)?,
        };
        Ok((bytes, files))
    }
}

fn own(file: impl AsFd) -> io::Result<Arc<OwnedFd>> {
    file.as_fd().try_clone_to_owned().map(Arc::new)
}

fn read_apart(files: &mut Vec<OwnedFd>, length: u64) -> Result<Vec<u8>, PassageError> {
    if files.is_empty() {
        return Err(PassageError::Unpack("its memory did not arrive".into()));
    }
    let apart = Mapping::attach(files.remove(0))?;
    if length > apart.len() as u64 {
        return Err(PassageError::Unpack("it is longer than its memory".into()));
    }
    let mut bytes = vec![0; length as usize];
    apart.read(0, &mut bytes);
    Ok(bytes)
}

impl Serialize for Envelope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let numbers = self.files.iter().map(passage::enter_fd);
        let numbers: Result<Vec<u32>, PassageError> = numbers.collect();
        (&self.content, numbers.map_err(S::Error::custom)?).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Envelope, D::Error> {
        let (content, numbers) = <(Content, Vec<u32>)>::deserialize(deserializer)?;
        let files = numbers.into_iter().map(passage::leave_fd);
        let files: Result<Vec<Arc<OwnedFd>>, PassageError> = files.collect();
        let files = files.map_err(|error| D::Error::custom(passage::refuse(error)))?;
        Ok(Envelope { content, files })
    }
}
