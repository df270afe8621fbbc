//! Shared memory without a name: sealed memfds, reserved when they are made, mapped shared.

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

use memmap2::{MmapOptions, MmapRaw};
use nix::fcntl::{FallocateFlags, FcntlArg, SealFlag, fallocate, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::{FileStat, fstat, lstat, makedev};

use super::oversight;
use super::step::{self, Access, Outcome};

/// Neither a truncation by another process (which would turn our accesses into SIGBUS) nor a change of
/// these seals is possible.
const SEALS: SealFlag = SealFlag::F_SEAL_SHRINK
    .union(SealFlag::F_SEAL_GROW)
    .union(SealFlag::F_SEAL_SEAL);

/// A memfd and its mapping.
pub struct Mapping {
    file: OwnedFd,
    map: ManuallyDrop<MmapRaw>,
}

/// Which memory a descriptor stands for: the same in every process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(stat: FileStat) -> Identity {
        Identity {
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }
}

impl Mapping {
    /// New memory of `bytes` zeroes, reserved now: a lack of memory is an error here and not a SIGBUS
    /// later.
    ///
    /// # Errors
    /// Those of memfd_create(2), fallocate(2) and mmap(2): no memory, no descriptors, RLIMIT_AS.
    pub fn create(bytes: usize) -> io::Result<Mapping> {
        let length = i64::try_from(bytes).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
        let file = memfd_create(c"forkproof", flags)?;
        fallocate(&file, FallocateFlags::empty(), 0, length)?;
        fcntl(&file, FcntlArg::F_ADD_SEALS(SEALS))?;
        Mapping::over(file, bytes)
    }

    /// Maps memory that another process made.
    ///
    /// # Errors
    /// `InvalidData` if the descriptor is not a sealed memfd; those of mmap(2).
    pub fn attach(file: OwnedFd) -> io::Result<Mapping> {
        let seals =
            fcntl(&file, FcntlArg::F_GET_SEALS).map_err(|_| foreign("it is not a memfd"))?;
        if !SealFlag::from_bits_truncate(seals).contains(SEALS) {
            return Err(foreign("it is not sealed"));
        }
        let bytes =
            usize::try_from(fstat(&file)?.st_size).map_err(|_| foreign("its size is negative"))?;
        if bytes == 0 {
            return Err(foreign("it is empty"));
        }
        Mapping::over(file, bytes)
    }

    /// A file of so many bytes.
    pub(super) fn over(file: OwnedFd, bytes: usize) -> io::Result<Mapping> {
        step::beyond();
        let file = File::from(file);
        let map = MmapOptions::new().len(bytes).map_raw(&file)?;
        oversight::mapped(map.as_mut_ptr() as usize, bytes, || {
            Mapping::identity(&file)
        });
        Ok(Mapping {
            file: file.into(),
            map: ManuallyDrop::new(map),
        })
    }

    pub fn start(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }

    /// In bytes.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// # Errors
    /// Those of fstat(2).
    pub fn identity(file: impl AsFd) -> io::Result<Identity> {
        Ok(Identity::of(fstat(file)?))
    }

    /// Of the file that has this path now; a symbolic link is itself.
    ///
    /// # Errors
    /// Those of lstat(2).
    pub fn identity_at(path: &str) -> io::Result<Identity> {
        Ok(Identity::of(lstat(path)?))
    }

    /// Copies out of the mapping, in [pieces](read_pieces).
    ///
    /// # Panics
    /// If the range is not within the mapping.
    pub fn read(&self, offset: usize, into: &mut [u8]) {
        // SAFETY: within the mapping, and mapped for as long as `self`.
        unsafe { read_pieces(self.at(offset, into.len()), into) };
    }

    /// Copies into the mapping, in [pieces](write_pieces).
    ///
    /// # Panics
    /// If the range is not within the mapping.
    pub fn write(&self, offset: usize, from: &[u8]) {
        // SAFETY: within the mapping, and mapped for as long as `self`.
        unsafe { write_pieces(self.at(offset, from.len()), from) };
    }

    fn at(&self, offset: usize, bytes: usize) -> *mut u8 {
        let end = offset.checked_add(bytes);
        assert!(
            end.is_some_and(|end| end <= self.len()),
            "{bytes} bytes at {offset} are not within a mapping of {}",
            self.len()
        );
        // SAFETY: checked above.
        unsafe { self.start().add(offset) }
    }
}

const _: () = assert!(
    cfg!(target_endian = "little"),
    "the copies above take the low bytes first"
);

/// The largest piece, in bytes.
const WORD: usize = 8;

/// Copies out of memory that others have, too, in pieces of at most 8 bytes, each of them atomic: a field of up to 8
/// bytes that lies at a multiple of its size is read whole, even while another process writes it.
///
/// # Safety
/// So many bytes are mapped at the address, and all who have them access them by atomics only.
#[inline]
pub unsafe fn read_pieces(at: *mut u8, into: &mut [u8]) {
    if is_one_piece(at, into.len()) {
        // SAFETY: the caller's; one piece.
        return unsafe { read_piece(at, into) };
    }
    // SAFETY: the caller's.
    unsafe { read_many(at, into) };
}

/// Copies into memory that others have, too, in the pieces of [`read_pieces`].
///
/// # Safety
/// As [`read_pieces`].
#[inline]
pub unsafe fn write_pieces(at: *mut u8, from: &[u8]) {
    if is_one_piece(at, from.len()) {
        // SAFETY: the caller's; one piece.
        return unsafe { write_piece(at, from) };
    }
    // SAFETY: the caller's.
    unsafe { write_many(at, from) };
}

/// Apart, so that what is inlined stays short.
///
/// # Safety
/// As [`read_pieces`].
unsafe fn read_many(at: *mut u8, into: &mut [u8]) {
    let (mut at, mut rest) = (at, into);
    while !rest.is_empty() {
        let bytes = match piece(at, rest.len()) {
            WORD => rest.len() / WORD * WORD,
            less => less,
        };
        let (pieces, after) = rest.split_at_mut(bytes);
        for piece in pieces.chunks_mut(WORD) {
            // SAFETY: within the caller's range.
            unsafe {
                read_piece(at, piece);
                at = at.add(piece.len());
            }
        }
        rest = after;
    }
}

/// As [`read_many`].
///
/// # Safety
/// As [`read_pieces`].
unsafe fn write_many(at: *mut u8, from: &[u8]) {
    let (mut at, mut rest) = (at, from);
    while !rest.is_empty() {
        let bytes = match piece(at, rest.len()) {
            WORD => rest.len() / WORD * WORD,
            less => less,
        };
        let (pieces, after) = rest.split_at(bytes);
        for piece in pieces.chunks(WORD) {
            // SAFETY: within the caller's range.
            unsafe {
                write_piece(at, piece);
                at = at.add(piece.len());
            }
        }
        rest = after;
    }
}

/// # Safety
/// As [`read_pieces`]; [one piece](is_one_piece).
#[inline]
unsafe fn read_piece(at: *mut u8, into: &mut [u8]) {
    let bytes = into.len();
    let access = Access::Read { bytes: bytes as u8 };
    step::before(access, at as usize);
    // SAFETY: mapped (by the caller's word), aligned, and accessed by atomics only, in every process.
    // Relaxed: a lock, where there is one, orders the accesses.
    let value: u64 = unsafe {
        match bytes {
            8 => AtomicU64::from_ptr(at.cast()).load(Relaxed),
            4 => AtomicU32::from_ptr(at.cast()).load(Relaxed).into(),
            2 => AtomicU16::from_ptr(at.cast()).load(Relaxed).into(),
            _ => AtomicU8::from_ptr(at).load(Relaxed).into(),
        }
    };
    into.copy_from_slice(&value.to_le_bytes()[..bytes]);
    step::after(access, at as usize, Outcome::Saw(value));
}

/// # Safety
/// As [`read_pieces`]; [one piece](is_one_piece).
#[inline]
unsafe fn write_piece(at: *mut u8, from: &[u8]) {
    let mut word = [0; WORD];
    word[..from.len()].copy_from_slice(from);
    let value = u64::from_le_bytes(word);
    let bytes = from.len() as u8;
    let access = Access::Write { bytes, value };
    step::before(access, at as usize);
    // SAFETY: as in read_piece(). Relaxed: as there.
    unsafe {
        match bytes {
            8 => AtomicU64::from_ptr(at.cast()).store(value, Relaxed),
            4 => AtomicU32::from_ptr(at.cast()).store(value as u32, Relaxed),
            2 => AtomicU16::from_ptr(at.cast()).store(value as u16, Relaxed),
            _ => AtomicU8::from_ptr(at).store(value as u8, Relaxed),
        }
    };
    step::after(access, at as usize, Outcome::Done);
}

#[inline]
fn is_one_piece(at: *mut u8, bytes: usize) -> bool {
    matches!(bytes, 1 | 2 | 4 | WORD) && (at as usize).is_multiple_of(bytes)
}

/// The largest piece that may be accessed at once: a power of two that the address is a multiple of.
#[inline]
fn piece(at: *mut u8, left: usize) -> usize {
    let aligned = 1 << (at as usize).trailing_zeros().min(3);
    let fits = 1 << left.ilog2().min(3);
    usize::min(aligned, fits)
}

impl AsFd for Mapping {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let start = self.start() as usize;
        if super::robust::holds_within(start..start + self.len()) {
            // A forgotten guard: its node stands in this thread's robust list, and unmapping it would cut
            // off every older one. The address space stays taken.
            return;
        }
        // SAFETY: dropped here, once.
        unsafe { ManuallyDrop::drop(&mut self.map) }
    }
}

/// Shared memory that a process has mapped and may write.
#[derive(Clone, Copy, Debug)]
pub struct SharedRange {
    pub from: usize,
    pub to: usize,
    pub identity: Identity,
}

/// That of this process (proc(5), `maps`).
///
/// # Errors
/// `/proc` cannot be read.
pub fn shared_ranges() -> io::Result<Vec<SharedRange>> {
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    Ok(maps.lines().filter_map(shared_range).collect())
}

/// `7f00-7f80 rw-s 00000000 00:01 1034 /memfd:forkproof (deleted)`
fn shared_range(line: &str) -> Option<SharedRange> {
    let mut fields = line.split_ascii_whitespace();
    let (from, to) = fields.next()?.split_once('-')?;
    (fields.next()? == "rw-s").then_some(())?;
    let (major, minor) = fields.nth(1)?.split_once(':')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some(SharedRange {
        from: address(from)?,
        to: address(to)?,
        identity: Identity {
            device: makedev(number(major)?, number(minor)?),
            inode: fields.next()?.parse().ok()?,
        },
    })
}

pub(crate) fn foreign(why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("not memory of this library: {why}"),
    )
}
