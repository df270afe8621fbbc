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

    /// Copies out of the mapping, in pieces of at most 8 bytes, each of them atomic: a field of up to 8
    /// bytes that lies at a multiple of its size is read whole, even while another process writes it.
    ///
    /// # Panics
    /// If the range is not within the mapping.
    pub fn read(&self, offset: usize, into: &mut [u8]) {
        self.check(offset, into.len());
        let mut done = 0;
        while done < into.len() {
            let (from, rest) = (offset + done, &mut into[done..]);
            done += match piece(from, rest.len()) {
                WORD => self.read_words(from, rest),
                bytes => {
                    self.read_part(from, &mut rest[..bytes]);
                    bytes
                }
            };
        }
    }

    /// As many whole words as there are: how many bytes. Within the mapping, from a multiple of a word.
    fn read_words(&self, offset: usize, into: &mut [u8]) -> usize {
        let (words, _) = into.as_chunks_mut::<WORD>();
        let mut done = 0;
        for word in words {
            // SAFETY: within the mapping (by the caller's word), whose start is page aligned.
            let at = unsafe { self.start().add(offset + done) };
            let access = Access::Read { bytes: WORD as u8 };
            step::before(access, at as usize);
            // SAFETY: mapped for as long as `self`, aligned, and accessed by atomics only, in every process.
            // Relaxed: a lock, where there is one, orders the accesses.
            let value = unsafe { AtomicU64::from_ptr(at.cast()).load(Relaxed) };
            *word = value.to_le_bytes();
            step::after(access, at as usize, Outcome::Saw(value));
            done += WORD;
        }
        done
    }

    /// A piece of 4, 2 or 1 bytes. Within the mapping, from a multiple of its size.
    fn read_part(&self, offset: usize, into: &mut [u8]) {
        // SAFETY: as in read_words().
        let at = unsafe { self.start().add(offset) };
        let bytes = into.len();
        let access = Access::Read { bytes: bytes as u8 };
        step::before(access, at as usize);
        // SAFETY: as in read_words(). Relaxed: as there.
        let value: u32 = unsafe {
            match bytes {
                4 => AtomicU32::from_ptr(at.cast()).load(Relaxed),
                2 => AtomicU16::from_ptr(at.cast()).load(Relaxed).into(),
                _ => AtomicU8::from_ptr(at).load(Relaxed).into(),
            }
        };
        into.copy_from_slice(&value.to_le_bytes()[..bytes]);
        step::after(access, at as usize, Outcome::Saw(value.into()));
    }

    /// Copies into the mapping, in the pieces of [`read`](Mapping::read).
    ///
    /// # Panics
    /// If the range is not within the mapping.
    pub fn write(&self, offset: usize, from: &[u8]) {
        self.check(offset, from.len());
        let mut done = 0;
        while done < from.len() {
            let (to, rest) = (offset + done, &from[done..]);
            done += match piece(to, rest.len()) {
                WORD => self.write_words(to, rest),
                bytes => {
                    self.write_part(to, &rest[..bytes]);
                    bytes
                }
            };
        }
    }

    /// As [`read_words`](Mapping::read_words).
    fn write_words(&self, offset: usize, from: &[u8]) -> usize {
        let (words, _) = from.as_chunks::<WORD>();
        let mut done = 0;
        for word in words {
            let value = u64::from_le_bytes(*word);
            // SAFETY: as in read_words().
            let at = unsafe { self.start().add(offset + done) };
            let bytes = WORD as u8;
            let access = Access::Write { bytes, value };
            step::before(access, at as usize);
            // SAFETY: as in read_words(). Relaxed: as there.
            unsafe { AtomicU64::from_ptr(at.cast()).store(value, Relaxed) };
            step::after(access, at as usize, Outcome::Done);
            done += WORD;
        }
        done
    }

    /// As [`read_part`](Mapping::read_part).
    fn write_part(&self, offset: usize, from: &[u8]) {
        let mut bytes = [0; 4];
        bytes[..from.len()].copy_from_slice(from);
        let value = u32::from_le_bytes(bytes);
        // SAFETY: as in read_words().
        let at = unsafe { self.start().add(offset) };
        let access = Access::Write {
            bytes: from.len() as u8,
            value: value.into(),
        };
        step::before(access, at as usize);
        // SAFETY: as in read_words(). Relaxed: as there.
        unsafe {
            match from.len() {
                4 => AtomicU32::from_ptr(at.cast()).store(value, Relaxed),
                2 => AtomicU16::from_ptr(at.cast()).store(value as u16, Relaxed),
                _ => AtomicU8::from_ptr(at).store(value as u8, Relaxed),
            }
        };
        step::after(access, at as usize, Outcome::Done);
    }

    fn check(&self, offset: usize, bytes: usize) {
        let end = offset.checked_add(bytes);
        assert!(
            end.is_some_and(|end| end <= self.len()),
            "{bytes} bytes at {offset} are not within a mapping of {}",
            self.len()
        );
    }
}

const _: () = assert!(
    cfg!(target_endian = "little"),
    "the copies above take the low bytes first"
);

/// The largest piece, in bytes.
const WORD: usize = 8;

/// The largest piece that may be accessed at once: a power of two that the offset is a multiple of.
fn piece(offset: usize, left: usize) -> usize {
    let aligned = 1 << offset.trailing_zeros().min(3);
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
