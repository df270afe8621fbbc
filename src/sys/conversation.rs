//! The packets between a process that starts children and whoever makes them for it.
//!
//! | packet | files | answered |
//! |---|---|---|
//! | HELLO | the asker's pidfd | by the zygote: how many threads it has |
//! | ORDER, MORE… | those of an [`Order`](super::order::Order) | by the zygote: the child's number and pidfd |
//! | WATCH | the pidfd of a daemon made elsewhere | by the zygote |
//! | SWEEP | a process's pidfd, and a memfd with a [`Litter`](super::litter::Litter) | by the zygote |
//! | LEAVE | | not: the zygote ends, without touching the daemons |
//! | (the end of the socket) | | the zygote kills the daemons, removes the litter and ends |
//!
//! Both sides are the same program file, so the layout of these structures is the same by construction.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use bytemuck::{Pod, Zeroable};

use super::child::pidfd_of;
use super::message::{self, Received};
use super::order::{Birth, Delivery};

/// The first packet of a conversation: who asks (its pidfd beside it).
pub(super) const HELLO: u32 = 1;
/// The first packet of an order, with its bytes if they are few.
pub(super) const ORDER: u32 = 2;
/// A later packet of an order.
pub(super) const MORE: u32 = 3;
/// A daemon that someone else made (its pidfd beside it).
pub(super) const WATCH: u32 = 4;
/// The zygote is to end, and to leave the daemons to its successor.
pub(super) const LEAVE: u32 = 5;

/// A file that is to go with a process.
pub(super) const SWEEP: u32 = 6;

/// The child is a daemon.
pub(super) const DAEMON: u32 = 1;
/// The child is killed when its parent is gone.
pub(super) const WATCHED: u32 = 2;
/// The order's bytes stand in a memfd.
pub(super) const IN_FILE: u32 = 4;

/// The longest packet, in bytes.
pub(super) const BYTES_PER_PACKET: usize = 16 << 10;

/// What every packet to a maker starts with.
#[derive(Clone, Copy, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Header {
    pub kind: u32,
    /// How many packets the order has, this one among them.
    pub packets: u32,
    /// Of [`DAEMON`], [`WATCHED`] and [`IN_FILE`].
    pub flags: u32,
    /// Bit n for standard stream n.
    pub stdio: u32,
    /// Where among the order's bytes the payload begins.
    pub payload_at: u64,
    /// How many processes the orderer's user may have, as RLIMIT_NPROC: of the maker, the kernel asks its own.
    pub processes: u64,
}

/// What a maker answers to a packet other than MORE and LEAVE.
#[derive(Clone, Copy, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Reply {
    /// 0, or an errno.
    pub error: i32,
    /// To HELLO: the maker's threads. To ORDER: the child's number (its pidfd beside it).
    pub number: i32,
}

impl Header {
    pub fn of(kind: u32) -> Header {
        Header {
            kind,
            packets: 1,
            ..Header::default()
        }
    }
}

/// One packet to a maker.
pub(super) struct Packet {
    pub header: Header,
    /// What follows the header.
    pub bytes: Vec<u8>,
    pub fds: Vec<OwnedFd>,
    pub fds_lost: bool,
}

/// The next packet: `None` when the other side is gone.
pub(super) fn receive(socket: BorrowedFd<'_>) -> io::Result<Option<Packet>> {
    let mut content = Vec::with_capacity(BYTES_PER_PACKET);
    let Some(Received { fds, fds_lost, .. }) = message::receive_vec(socket, &mut content)? else {
        return Ok(None);
    };
    let header = content.get(..size_of::<Header>());
    let foreign = || io::Error::new(io::ErrorKind::InvalidData, "not a packet of ours");
    let header = bytemuck::pod_read_unaligned(header.ok_or_else(foreign)?);
    content.drain(..size_of::<Header>());
    Ok(Some(Packet {
        header,
        bytes: content,
        fds,
        fds_lost,
    }))
}

/// Says who asks. To be sent before there is anyone to read it.
pub(super) fn greet(socket: BorrowedFd<'_>) -> io::Result<()> {
    let own = pidfd_of(std::process::id())?;
    message::send(
        socket,
        bytemuck::bytes_of(&Header::of(HELLO)),
        &[own.as_fd()],
    )
}

/// Learns who asks: its pidfd.
pub(super) fn meet(socket: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let first = receive(socket)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    match (first.header.kind, first.fds.into_iter().next()) {
        (HELLO, Some(asker)) => Ok(asker),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "no greeting")),
    }
}

/// Asks, and waits for the answer and the file that came with it: `None` also if there was no room for
/// one among this process's open files.
///
/// # Errors
/// The error that the maker answered with; [`is_gone`] is true of the error when it died instead.
pub(super) fn ask(
    socket: BorrowedFd<'_>,
    send: impl FnOnce() -> io::Result<()>,
) -> io::Result<(i32, Option<OwnedFd>)> {
    send()?;
    let mut reply = Reply::default();
    let got = message::receive(socket, bytemuck::bytes_of_mut(&mut reply))?;
    let Received { fds, .. } = got.ok_or(io::ErrorKind::BrokenPipe)?;
    match reply.error {
        0 => Ok((reply.number, fds.into_iter().next())),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Whether an error of this module means that the other side has died.
pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}

/// The rest of an order whose first packet is here. `Err` of a packet that belongs to something else.
pub(super) fn gather(
    socket: BorrowedFd<'_>,
    first: Packet,
) -> io::Result<Option<Result<Delivery, Packet>>> {
    let packets = first.header.packets;
    let mut delivery = Delivery::new(first);
    for _ in 1..packets {
        match receive(socket)? {
            None => return Ok(None),
            Some(packet) if packet.header.kind == MORE => delivery.add(packet),
            Some(other) => return Ok(Some(Err(other))),
        }
    }
    Ok(Some(Ok(delivery)))
}

/// The one order that a spawned child gets.
pub(super) fn one_order(socket: OwnedFd) -> io::Result<Birth> {
    let first = receive(socket.as_fd())?.ok_or(io::ErrorKind::UnexpectedEof)?;
    match gather(socket.as_fd(), first)? {
        Some(Ok(delivery)) => delivery.unpack(),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
