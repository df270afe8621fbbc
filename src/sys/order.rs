//! An order for a child, as it travels to whoever makes it: the zygote, or the program started again.
//!
//! An order is one packet with the first files, and further packets with the rest. Its bytes stand in the first packet
//! behind the [`Header`], or, if they are too many, in a sealed memfd. The files of an order are, in this sequence: the
//! memfd if there is one, the working directory, the permit, the life line if the child ends with its parent, the open
//! ones of standard input, output and error, and those of the request.
//!
//! # After a crash
//! The orderer is killed: before the permit was given the child ends without having run, after it the
//! child runs as any child whose parent is gone. The maker is killed: see [`permit`](super::permit).

use std::fs::File;
use std::io::{self, Write};
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use memmap2::Mmap;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use serde::{Deserialize, Serialize};

use super::child::Request;
use super::conversation::{
    BYTES_PER_PACKET, DAEMON, Header, IN_FILE, MORE, ORDER, Packet, WATCHED,
};
use super::message::{self, FDS_PER_PACKET};
use super::permit::{Grant, Permit};
use super::surroundings::{Places, Surroundings, stdio};

/// Which function the child runs.
#[derive(Serialize, Deserialize)]
pub(super) enum Which {
    /// By its offset in the image.
    At(u64),
    /// By its name in the register of spawnable functions.
    Named(String),
}

/// The first part of an order's bytes; the payload is the second.
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
    /// The bytes, where they are few.
    bytes: Vec<u8>,
    memfd: Option<OwnedFd>,
    cwd: OwnedFd,
    stdio: [Option<BorrowedFd<'static>>; 3],
    fds: &'a [BorrowedFd<'a>],
}

impl<'a> Order<'a> {
    /// Packs a request together with the surroundings of the calling thread.
    pub fn new(request: &'a Request<'a>, which: Which) -> io::Result<Order<'a>> {
        let stdio = stdio(); // before a file of ours can stand where one of them is closed
        let head = Head {
            which,
            name: request.name.to_owned(),
            parent: std::process::id(),
            surroundings: Surroundings::here()?,
        };
        let mut bytes = postcard::to_stdvec(&head).map_err(io::Error::other)?;
        let payload_at = bytes.len() as u64;
        let fits = size_of::<Header>() + bytes.len() + request.payload.len() <= BYTES_PER_PACKET;
        let memfd = if fits {
            bytes.extend(request.payload);
            None
        } else {
            Some(sealed(&[&std::mem::take(&mut bytes), request.payload])?)
        };
        let cwd = Places::working_directory()?;
        let open = stdio.iter().zip(0..).filter(|(fd, _)| fd.is_some());
        let header = Header {
            flags: flags(request, memfd.is_some()),
            stdio: open.map(|(_, place)| 1 << place).sum(),
            payload_at,
            processes: head.surroundings.processes(),
            ..Header::of(ORDER)
        };
        Ok(Order {
            header,
            bytes,
            memfd,
            cwd,
            stdio,
            fds: request.fds,
        })
    }

    /// Sends it. A maker that got only a part takes the next order for a new one.
    pub fn send(&self, socket: BorrowedFd<'_>, grant: &Grant) -> io::Result<()> {
        let mut files: Vec<_> = self.memfd.iter().map(AsFd::as_fd).collect();
        files.push(self.cwd.as_fd());
        files.extend(grant.files());
        files.extend(self.stdio.iter().flatten());
        files.extend(self.fds);
        let first = Header {
            packets: files.len().div_ceil(FDS_PER_PACKET) as u32,
            ..self.header
        };
        let first = [bytemuck::bytes_of(&first), &self.bytes].concat();
        let later = Header::of(MORE);
        let mut files = files.chunks(FDS_PER_PACKET);
        message::send(socket, &first, files.next().expect("the directory is one"))?;
        for files in files {
            message::send(socket, bytemuck::bytes_of(&later), files)?;
        }
        Ok(())
    }
}

/// An order, arrived whole. To be taken apart in the child.
pub(super) struct Delivery {
    pub header: Header,
    bytes: Vec<u8>,
    fds: Vec<OwnedFd>,
    /// Some files did not arrive.
    pub fds_lost: bool,
}

impl Delivery {
    pub fn new(first: Packet) -> Delivery {
        Delivery {
            header: first.header,
            bytes: first.bytes,
            fds: first.fds,
            fds_lost: first.fds_lost,
        }
    }

    pub fn add(&mut self, more: Packet) {
        self.fds.extend(more.fds);
        self.fds_lost |= more.fds_lost;
    }

    pub fn unpack(self) -> io::Result<Birth> {
        let flags = self.header.flags;
        let mut fds = self.fds.into_iter();
        let mut next = || {
            let short = "an order with too few files";
            fds.next()
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, short))
        };
        let bytes = match flags & IN_FILE {
            0 => Bytes::Packet(self.bytes),
            // SAFETY: the memfd is sealed against every change, so the bytes are constant.
            _ => Bytes::File(unsafe { Mmap::map(next()?.as_raw_fd()) }?),
        };
        let cwd = next()?;
        let word = next()?;
        let line = (flags & WATCHED != 0).then(&mut next).transpose()?;
        let mut stdio = [const { None }; 3];
        for (place, slot) in stdio.iter_mut().enumerate() {
            if self.header.stdio & (1 << place) != 0 {
                *slot = Some(next()?);
            }
        }
        let start = self.header.payload_at as usize;
        let beyond = || io::Error::new(io::ErrorKind::InvalidData, "an order that is cut short");
        let head = bytes.get(..start).ok_or_else(beyond)?;
        Ok(Birth {
            order: postcard::from_bytes(head).map_err(io::Error::other)?,
            daemon: flags & DAEMON != 0,
            places: Places { cwd, stdio },
            permit: Permit::new(word, line),
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

/// The order's bytes, where they came.
enum Bytes {
    Packet(Vec<u8>),
    File(Mmap),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Packet(bytes) => bytes,
            Bytes::File(bytes) => bytes,
        }
    }
}

/// The second part of the bytes.
pub(super) struct Payload {
    bytes: Bytes,
    start: usize,
}

impl Payload {
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

fn flags(request: &Request<'_>, in_file: bool) -> u32 {
    let flags = [
        (request.daemon, DAEMON),
        (request.ends_with_parent, WATCHED),
        (in_file, IN_FILE),
    ];
    flags
        .iter()
        .map(|(holds, flag)| u32::from(*holds) * flag)
        .sum()
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
    use super::super::conversation;
    use super::*;

    /// Too few files, an end that lies behind that of the bytes, and bytes that are no head.
    #[test]
    fn an_order_that_lies_is_refused() {
        const IN_PACKET: u32 = 0;
        let refused = |flags, payload_at, files| {
            let header = Header {
                payload_at,
                flags,
                ..Header::of(ORDER)
            };
            let bytes = vec![0xff; 100];
            let memfd = (flags == IN_FILE).then(|| sealed(&[&bytes]).unwrap());
            let null = || File::open("/dev/null").unwrap().into();
            let fds = memfd.into_iter().chain(std::iter::repeat_with(null));
            let packet = Packet {
                header,
                bytes,
                fds: fds.take(files).collect(),
                fds_lost: false,
            };
            Delivery::new(packet).unpack().map(drop).unwrap_err().kind()
        };
        for (flags, enough) in [(IN_PACKET, 2), (IN_FILE, 3)] {
            for files in 0..enough {
                assert_eq!(refused(flags, 0, files), io::ErrorKind::InvalidData);
            }
            for payload_at in [101, u64::MAX] {
                assert_eq!(
                    refused(flags, payload_at, enough),
                    io::ErrorKind::InvalidData
                );
            }
            for payload_at in [0, 1, 100] {
                assert_eq!(refused(flags, payload_at, enough), io::ErrorKind::Other);
            }
        }
    }

    /// The longest that fits into a packet, and the shortest that does not.
    #[test]
    fn bytes_of_any_number_arrive() {
        let (here, there) = message::pair().unwrap();
        let grant = Grant::new(false).unwrap();
        let arrived = |payload: &[u8]| {
            let request = Request {
                entry: |_, _| 0,
                payload,
                fds: &[],
                daemon: false,
                ends_with_parent: false,
                name: "Process-1",
            };
            let order = Order::new(&request, Which::At(0)).unwrap();
            order.send(here.as_fd(), &grant).unwrap();
            let first = conversation::receive(there.as_fd()).unwrap().unwrap();
            let header = first.header;
            let birth = Delivery::new(first).unpack().unwrap();
            assert_eq!(birth.payload.bytes(), payload);
            header
        };
        let head = size_of::<Header>() + arrived(&[]).payload_at as usize;
        let fit = vec![7; BYTES_PER_PACKET - head];
        assert_eq!(arrived(&fit).flags, 0);
        assert_eq!(arrived(&[&fit[..], &[8]].concat()).flags, IN_FILE);
    }
}
