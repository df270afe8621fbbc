//! Shared memory with a name: files in `/dev/shm`, as shm_open(3) makes them, mapped shared.
//!
//! A segment gets its name when it is ready, in one step: it is made without one (`O_TMPFILE`), reserved, filled, and
//! then linked. So nobody ever finds one that is half made, and a maker who is killed before leaves nothing behind.
//!
//! # What is not covered
//! Such a file cannot be sealed: whoever may write it may also shorten it, and the next access to what is no longer
//! there is a SIGBUS.
//!
//! Sources: shm_overview(7), open(2) on `O_TMPFILE`, linkat(2) on `/proc/self/fd`.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, FallocateFlags, OFlag, fallocate, open};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::{linkat, unlink as unlink_file};

use super::memory::Mapping;

const FOLDER: &str = "/dev/shm";
/// NAME_MAX.
const LONGEST_NAME: usize = 255;

/// New memory of `bytes` zeroes that has no name yet, reserved now.
///
/// # Errors
/// `StorageFull` if there is not so much left in /dev/shm; those of open(2) and mmap(2).
pub fn create(bytes: usize) -> io::Result<Mapping> {
    let length = i64::try_from(bytes).map_err(|_| io::ErrorKind::OutOfMemory)?;
    let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    let file = open(FOLDER, flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
    fallocate(&file, FallocateFlags::empty(), 0, length)?;
    Mapping::over(file, bytes)
}

/// Gives memory of [`create`] its name.
///
/// # Errors
/// `AlreadyExists`; `InvalidInput` if it is no name.
pub fn link(memory: &Mapping, name: &str) -> io::Result<()> {
    let path = path(name)?;
    let file = format!("/proc/self/fd/{}", memory.as_fd().as_raw_fd());
    let linked = linkat(
        AT_FDCWD,
        file.as_str(),
        AT_FDCWD,
        path.as_str(),
        AtFlags::AT_SYMLINK_FOLLOW,
    );
    Ok(linked?)
}

/// Maps the memory that has the name.
///
/// # Errors
/// `NotFound`; `InvalidInput` if it is no name; `InvalidData` if it is no regular file, or empty; those of open(2) and
/// mmap(2).
pub fn attach(name: &str) -> io::Result<Mapping> {
    let flags = OFlag::O_RDWR | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    map(open(path(name)?.as_str(), flags, Mode::empty())?)
}

/// Maps memory whose file came along.
///
/// # Errors
/// `InvalidData` if it is no regular file, or empty; those of mmap(2).
pub fn map(file: OwnedFd) -> io::Result<Mapping> {
    let stat = fstat(&file)?;
    let bytes = usize::try_from(stat.st_size).unwrap_or(0);
    if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG || bytes == 0 {
        let text = "not shared memory: it is no regular file, or empty";
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Mapping::over(file, bytes)
}

/// Takes the name away, if it is still the name of this memory. Who has mapped the memory keeps it.
///
/// # Errors
/// `NotFound` if it has the name no more.
pub fn unlink(memory: &Mapping, name: &str) -> io::Result<()> {
    let path = path(name)?;
    // By its path: no descriptor is needed, and there may be none left.
    if Mapping::identity_at(&path)? != Mapping::identity(memory)? {
        return Err(Errno::ENOENT.into()); // the name was given away, and taken again by another
    }
    Ok(unlink_file(path.as_str())?)
}

fn path(name: &str) -> io::Result<String> {
    let wrong = match name {
        "" | "." | ".." => "is no name",
        _ if name.len() > LONGEST_NAME => "is longer than 255 bytes",
        _ if name.contains(['/', '\0']) => "has a slash or a NUL in it",
        _ => return Ok(format!("{FOLDER}/{name}")),
    };
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("{name:?} {wrong}"),
    ))
}
