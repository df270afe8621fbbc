//! An order for a child, as it travels to whoever makes it: the zygote, or the program started again.
//!
//! An order is one packet with the first files, and further packets with the rest. Its bytes, of any
//! number, stand in a sealed memfd; the packet itself holds only a [`Header`]. The files of an order are,
//! in this sequence: the memfd, the working directory, the permit, the life line if the child ends with its parent,
//! the open ones of standard input, output and error, and those of the request.
//!
//! # The permit
//! The read end of a pipe. The child runs its entry when it has read one byte from it, and ends without a
//! trace when it reads the end. So an order whose maker died half-way can be given to another maker: what the first may
//! have brought into the world finds no permit, and no entry ever runs twice.
//!
//! # The life line
//! The read end of another pipe, into which nothing is ever written: see [`LifeLine`]. It cannot be the permit's, as
//! write(2) tells a pipe's readers of the byte *after* they may have read it: the child would be armed by then, and
//! killed.
//!
//! # After a crash
//! The orderer is killed: before the permit was given the child ends without having run, after it the
//! child runs as any child whose parent is gone. The maker is killed: see the permit.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use memmap2::Mmap;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use serde::{Deserialize, Serialize};

use super::child::Request;
use super::child::{Signal, raise};
use super::conversation::{DAEMON, Header, MORE, ORDER, Packet, WATCHED};
use super::message::{self, FDS_PER_PACKET};
use super::poll::readable;
use super::surroundings::{self, Places, Surroundings, stdio};

/// Which function the child runs.
#[derive(Serialize, Deserialize)]
pub(super) enum Which {
    /// By its offset in the image.
    At(u64),
    /// By its name in the register of spawnable functions.
    Named(String),
}

/// The memfd's first part.
#[derive(Serialize, Deserialize)]
pub(super) struct Head {
    pub which: Which,
    pub name: String,
    /// The orderer's number.
    pub parent: u32,
    pub surroundings: Surroundings,
}

/// An order, ready to be sent, several times if need be.
pub(super) struct Order<'a> {
    header: Header,
    memfd: OwnedFd,
    cwd: OwnedFd,
    stdio: [Option<BorrowedFd<'static>>; 3],
    fds: &'a [BorrowedFd<'a>],
}

impl<'a> Order<'a> {
    /// Packs a request together with the surroundings of the calling thread.
    pub fn new(request: &'a Request<'a>, which: Which) -> io::Result<Order<'a>> {
        let head = Head {
            which,
            name: request.name.to_owned(),
            parent: std::process::id(),
            surroundings: Surroundings::here()?,
        };
        let head = postcard::to_stdvec(&head).map_err(io::Error::other)?;
        let stdio = stdio();
        let open = stdio.iter().zip(0..).filter(|(fd, _)| fd.is_some());
        let cwd = Places::working_directory()?;
        let line = usize::from(request.ends_with_parent);
        let files = 3 + line + open.clone().count() + request.fds.len();
        let header = Header {
            kind: ORDER,
            packets: files.div_ceil(FDS_PER_PACKET) as u32,
            bonds: bonds(request),
            stdio: open.map(|(_, place)| 1 << place).sum(),
            payload_at: head.len() as u64,
            processes: surroundings::processes()?,
        };
        let memfd = sealed(&[&head, request.payload])?;
        Ok(Order {
            header,
            memfd,
            cwd,
            stdio,
            fds: request.fds,
        })
    }

    /// Sends it. A maker that got only a part takes the next order for a new one.
    pub fn send(&self, socket: BorrowedFd<'_>, grant: &Grant) -> io::Result<()> {
        let mut files = vec![self.memfd.as_fd(), self.cwd.as_fd()];
        files.extend(grant.files());
        files.extend(self.stdio.iter().flatten());
        files.extend(self.fds);
        let mut header = self.header;
        for files in files.chunks(FDS_PER_PACKET) {
            message::send(socket, bytemuck::bytes_of(&header), files)?;
            header.kind = MORE;
        }
        Ok(())
    }
}

/// An order, arrived whole. To be taken apart in the child.
pub(super) struct Delivery {
    pub header: Header,
    fds: Vec<OwnedFd>,
    /// Some files did not arrive.
    pub fds_lost: bool,
}

impl Delivery {
    pub fn new(first: Packet) -> Delivery {
        Delivery {
            header: first.header,
            fds: first.fds,
            fds_lost: first.fds_lost,
        }
    }

    pub fn add(&mut self, more: Packet) {
        self.fds.extend(more.fds);
        self.fds_lost |= more.fds_lost;
    }

    pub fn unpack(self) -> io::Result<Birth> {
        let short = || io::Error::new(io::ErrorKind::InvalidData, "an order with too few files");
        let mut fds = self.fds.into_iter();
        let memfd = fds.next().ok_or_else(short)?;
        let cwd = fds.next().ok_or_else(short)?;
        let permit = fds.next().ok_or_else(short)?;
        let line = match self.header.bonds & WATCHED {
            0 => None,
            _ => Some(fds.next().ok_or_else(short)?),
        };
        let mut stdio = [const { None }; 3];
        for (place, slot) in stdio.iter_mut().enumerate() {
            if self.header.stdio & (1 << place) != 0 {
                *slot = Some(fds.next().ok_or_else(short)?);
            }
        }
        // SAFETY: the memfd is sealed against every change, so the bytes are constant.
        let bytes = unsafe { Mmap::map(memfd.as_raw_fd()) }?;
        let start = self.header.payload_at as usize;
        let beyond = || io::Error::new(io::ErrorKind::InvalidData, "an order that is cut short");
        let head = bytes.get(..start).ok_or_else(beyond)?;
        Ok(Birth {
            order: postcard::from_bytes(head).map_err(io::Error::other)?,
            daemon: self.header.bonds & DAEMON != 0,
            places: Places { cwd, stdio },
            permit: Permit {
                word: permit.into(),
                line,
            },
            fds: fds.collect(),
            payload: Payload { bytes, start },
        })
    }
}

/// All that a child starts its life with.
pub(super) struct Birth {
    pub order: Head,
    pub daemon: bool,
    pub places: Places<OwnedFd>,
    pub permit: Permit,
    pub fds: Vec<OwnedFd>,
    pub payload: Payload,
}

/// Bytes of the order's memfd.
pub(super) struct Payload {
    bytes: Mmap,
    start: usize,
}

impl Payload {
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

fn bonds(request: &Request<'_>) -> u32 {
    (u32::from(request.daemon) * DAEMON) | (u32::from(request.ends_with_parent) * WATCHED)
}

/// The child's ends of the pipes.
pub(super) struct Permit {
    word: File,
    /// Of one that ends with its parent.
    line: Option<OwnedFd>,
}

impl Permit {
    /// Waits for the word of the parent.
    ///
    /// # Errors
    /// The parent, or the attempt, is gone.
    pub fn wait(&mut self) -> io::Result<()> {
        self.word.read_exact(&mut [0])
    }

    /// From now on the end of the life line, if there is one, is SIGKILL.
    ///
    /// # Errors
    /// None that is known of: the kernel's.
    pub fn hang_on(self) -> io::Result<()> {
        let Some(line) = self.line else {
            return Ok(());
        };
        let file = line.as_raw_fd();
        // SAFETY: fcntl takes numbers. The kernel's signal is to go to this process: one that no handler and no mask
        // can keep.
        let armed = unsafe {
            libc::fcntl(file, libc::F_SETOWN, libc::getpid()) == 0
                && libc::fcntl(file, F_SETSIG, libc::SIGKILL) == 0
                && libc::fcntl(file, libc::F_SETFL, libc::O_ASYNC) == 0
        };
        if !armed {
            return Err(io::Error::last_os_error());
        }
        if readable(line.as_fd(), Some(Duration::ZERO))? {
            raise(Signal::KILL)?; // it came before
        }
        std::mem::forget(line); // open as long as the process
        Ok(())
    }
}

/// fcntl(2): which signal tells of a file with `O_ASYNC`.
const F_SETSIG: libc::c_int = 10;

/// The parent's end of the life line: when the kernel closes it, as at the parent's death, however sudden, and though
/// the zygote be dead as well, the kernel kills the child. (Not as long as another process has it, one that the parent
/// has forked by itself; but then there is the zygote.)
#[derive(Debug)]
pub(super) struct LifeLine(io::PipeWriter);

impl LifeLine {
    /// It stays open as long as this process.
    pub fn leave(self) {
        std::mem::forget(self.0);
    }
}

/// The parent's end of the permit's pipe: dropped, it forbids.
pub(super) struct Grant {
    write: io::PipeWriter,
    /// Open until the word is given, so that a child killed before costs its parent no SIGPIPE.
    read: io::PipeReader,
    line: Option<(io::PipeReader, LifeLine)>,
}

impl Grant {
    /// For a child that ends with its parent, or does not.
    ///
    /// # Errors
    /// No descriptors left.
    pub fn new(ends_with_parent: bool) -> io::Result<Grant> {
        let (read, write) = io::pipe()?;
        let line = ends_with_parent.then(io::pipe).transpose()?;
        let line = line.map(|(read, write)| (read, LifeLine(write)));
        Ok(Grant { write, read, line })
    }

    /// What the child is to have: the permit, and the life line.
    fn files(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let line = self.line.as_ref().map(|(read, _)| read.as_fd());
        std::iter::once(self.read.as_fd()).chain(line)
    }

    /// Lets the child run. The life line is to be kept.
    ///
    /// # Errors
    /// None that is known of: the kernel's.
    pub fn give(mut self) -> io::Result<Option<LifeLine>> {
        self.write.write_all(&[1])?;
        Ok(self.line.map(|(_, line)| line))
    }

    /// In a child that has all ends by inheritance.
    pub fn into_permit(self) -> Permit {
        Permit {
            word: OwnedFd::from(self.read).into(),
            line: self.line.map(|(read, _)| read.into()),
        }
    }
}

/// The bytes in a memfd that nobody can change any more.
pub(super) fn sealed(parts: &[&[u8]]) -> io::Result<OwnedFd> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let mut file = File::from(memfd_create(c"forkproof order", flags)?);
    for part in parts {
        file.write_all(part)?;
    }
    let seals = SealFlag::F_SEAL_WRITE
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Too few files, an end that lies behind that of the bytes, and bytes that are no head.
    #[test]
    fn an_order_that_lies_is_refused() {
        let refused = |payload_at, files| {
            let header = Header {
                payload_at,
                ..Header::of(ORDER)
            };
            let first = sealed(&[&[0xff; 100]]).unwrap();
            let null = || File::open("/dev/null").unwrap().into();
            let fds = std::iter::once(first).chain(std::iter::repeat_with(null));
            let fds = fds.take(files).collect();
            let fds_lost = false;
            let packet = Packet {
                header,
                fds,
                fds_lost,
            };
            Delivery::new(packet).unpack().map(drop).unwrap_err().kind()
        };
        for files in 0..3 {
            assert_eq!(refused(0, files), io::ErrorKind::InvalidData);
        }
        for payload_at in [101, u64::MAX] {
            assert_eq!(refused(payload_at, 3), io::ErrorKind::InvalidData);
        }
        for payload_at in [0, 1, 100] {
            assert_eq!(refused(payload_at, 3), io::ErrorKind::Other);
        }
    }

    /// Not the permit's byte either: a child that is armed already would take it for the end, and die.
    #[test]
    fn nothing_comes_through_the_life_line_but_its_end() {
        let grant = Grant::new(true).unwrap();
        let line = grant.files().nth(1).unwrap().try_clone_to_owned().unwrap();
        let has_come = || readable(line.as_fd(), Some(Duration::ZERO)).unwrap();
        let kept = grant.give().unwrap();
        assert!(!has_come());
        drop(kept);
        assert!(has_come());
    }
}
