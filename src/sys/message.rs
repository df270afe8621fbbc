//! Packets that carry open files: one `SOCK_SEQPACKET` message with descriptors beside its bytes
//! (`SCM_RIGHTS`), as the zygote and its requester exchange them.
//!
//! Written on libc rather than on nix's wrapper, because that one loses the descriptors that did arrive
//! when others did not fit; here they are owned from the first instruction on, whatever else failed.
//!
//! Sources: unix(7), cmsg(3), recvmsg(2).

use super::step;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

/// The most descriptors of one packet. The kernel's SCM_MAX_FD is 253.
pub const FDS_PER_PACKET: usize = 250;

// SAFETY: CMSG_SPACE computes a size and touches no memory.
const CONTROL_BYTES: usize =
    unsafe { libc::CMSG_SPACE((FDS_PER_PACKET * size_of::<RawFd>()) as u32) } as usize;

/// The control part of a message, aligned as `cmsghdr` asks.
#[repr(C, align(8))]
struct Control([u8; CONTROL_BYTES]);

/// What one packet held beside its bytes.
pub struct Received {
    /// How many bytes of the buffer the packet filled.
    pub bytes: usize,
    pub fds: Vec<OwnedFd>,
    /// Some descriptors did not arrive: this process has too many open files.
    pub fds_lost: bool,
}

/// Two connected ends, closed on exec.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    step::beyond();
    Ok(socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        SockFlag::SOCK_CLOEXEC,
    )?)
}

/// Sends one packet, never raising SIGPIPE. It arrives whole or not at all, also if the sender is killed.
///
/// # Errors
/// `BrokenPipe` if no one can receive it any more; EMSGSIZE if it is larger than the socket's buffer.
///
/// # Panics
/// With no bytes (the other side would take it for the end), or with more than [`FDS_PER_PACKET`] files.
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    give(socket, bytes, fds, 0)
}

/// As [`send`], without waiting for room.
///
/// # Errors
/// `WouldBlock` if there is none.
pub fn send_now(socket: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    give(socket, bytes, fds, libc::MSG_DONTWAIT)
}

fn give(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    fds: &[BorrowedFd<'_>],
    flags: libc::c_int,
) -> io::Result<()> {
    assert!(!bytes.is_empty(), "an empty packet reads as the end");
    assert!(
        fds.len() <= FDS_PER_PACKET,
        "one packet carries at most {FDS_PER_PACKET} files"
    );
    let mut control = Control([0; CONTROL_BYTES]);
    let mut part = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    let mut message = message_of(&mut part);
    let flags = flags | libc::MSG_NOSIGNAL;
    if !fds.is_empty() {
        let fds_bytes = size_of_val(fds) as u32;
        message.msg_control = (&raw mut control).cast();
        // SAFETY: CMSG_SPACE computes a size; it is at most CONTROL_BYTES, as there are at most
        // FDS_PER_PACKET descriptors.
        message.msg_controllen = unsafe { libc::CMSG_SPACE(fds_bytes) } as _;
        // SAFETY: the control part holds a whole header and `fds_bytes` after it, by the length just set.
        // BorrowedFd is a RawFd in memory.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(&message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(fds_bytes) as _;
            std::ptr::copy_nonoverlapping(
                fds.as_ptr().cast::<u8>(),
                libc::CMSG_DATA(header),
                fds_bytes as usize,
            );
        }
    }
    loop {
        // SAFETY: the message's parts outlive the call.
        let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &message, flags) };
        if sent >= 0 {
            return Ok(()); // a sequenced packet goes whole or not at all
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Receives one packet, its files closed on exec. `None` when the other side is gone, however it went. A packet
/// longer than the buffer loses its end.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Option<Received>> {
    take(socket, to_be_filled(buffer), 0)
}

/// As [`receive`], into the room that the vector has, which is then as long as the packet's bytes.
pub fn receive_vec(socket: BorrowedFd<'_>, room: &mut Vec<u8>) -> io::Result<Option<Received>> {
    room.clear();
    let got = take(socket, room.spare_capacity_mut(), 0)?;
    if let Some(got) = &got {
        // SAFETY: the kernel has filled so many bytes, at most the capacity.
        unsafe { room.set_len(got.bytes) };
    }
    Ok(got)
}

/// As [`receive`], without waiting for a packet.
///
/// # Errors
/// `WouldBlock` if there is none.
pub fn receive_now(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Option<Received>> {
    take(socket, to_be_filled(buffer), libc::MSG_DONTWAIT)
}

/// As [`receive`], without waiting, and the packet stays first in the socket: its files are copies.
///
/// # Errors
/// `WouldBlock` if there is none.
pub fn peek(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Option<Received>> {
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
    take(socket, to_be_filled(buffer), flags)
}

fn to_be_filled(buffer: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: of the same layout; and the kernel, the only one to write there, writes no bytes that are not initialised.
    unsafe { &mut *(std::ptr::from_mut(buffer) as *mut [MaybeUninit<u8>]) }
}

/// Fills the buffer from its beginning on, with so many bytes as the answer says.
fn take(
    socket: BorrowedFd<'_>,
    buffer: &mut [MaybeUninit<u8>],
    flags: libc::c_int,
) -> io::Result<Option<Received>> {
    let flags = flags | libc::MSG_CMSG_CLOEXEC;
    let mut control = Control([0; CONTROL_BYTES]);
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    let mut message = message_of(&mut part);
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = CONTROL_BYTES as _;
    let bytes = loop {
        // SAFETY: the message's parts outlive the call and are as long as it says.
        let got = unsafe { libc::recvmsg(socket.as_raw_fd(), &mut message, flags) };
        if got >= 0 {
            break got as usize;
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::Interrupted => {}
            io::ErrorKind::ConnectionReset => return Ok(None), // gone, with packets unread
            _ => return Err(error),
        }
    };
    if bytes == 0 {
        return Ok(None);
    }
    Ok(Some(Received {
        bytes,
        fds: fds_of(&message),
        fds_lost: message.msg_flags & libc::MSG_CTRUNC != 0,
    }))
}

fn message_of(part: &mut libc::iovec) -> libc::msghdr {
    // SAFETY: zero is a msghdr without address, parts or control.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = part;
    message.msg_iovlen = 1;
    message
}

/// Takes ownership of the files that a received message brought.
fn fds_of(message: &libc::msghdr) -> Vec<OwnedFd> {
    let mut fds = Vec::new();
    // SAFETY: the kernel filled the control part, and msg_controllen says how far.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !header.is_null() {
        // SAFETY: CMSG_FIRSTHDR and CMSG_NXTHDR give headers that lie whole within the control part.
        let (level, kind, bytes) = unsafe {
            (
                (*header).cmsg_level,
                (*header).cmsg_type,
                (*header).cmsg_len as usize,
            )
        };
        if level == libc::SOL_SOCKET && kind == libc::SCM_RIGHTS {
            // SAFETY: CMSG_LEN computes a size.
            let count = (bytes - unsafe { libc::CMSG_LEN(0) } as usize) / size_of::<RawFd>();
            for at in 0..count {
                // SAFETY: `count` descriptors follow the header; each is new to this process and is
                // owned by no one else. The data need not be aligned.
                fds.push(unsafe {
                    let fd = libc::CMSG_DATA(header)
                        .cast::<RawFd>()
                        .add(at)
                        .read_unaligned();
                    OwnedFd::from_raw_fd(fd)
                });
            }
        }
        // SAFETY: `header` lies in this message.
        header = unsafe { libc::CMSG_NXTHDR(message, header) };
    }
    fds
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn files_arrive_with_their_bytes() {
        let (here, there) = pair().unwrap();
        let (read, write) = io::pipe().unwrap();
        send(here.as_fd(), b"two", &[read.as_fd(), write.as_fd()]).unwrap();
        drop((read, write));
        let mut buffer = [0; 16];
        let got = receive(there.as_fd(), &mut buffer).unwrap().unwrap();
        assert_eq!((&buffer[..got.bytes], got.fds_lost), (&b"two"[..], false));
        let mut fds = got.fds.into_iter();
        let mut read = std::fs::File::from(fds.next().unwrap());
        let mut write = std::fs::File::from(fds.next().unwrap());
        io::Write::write_all(&mut write, b"through").unwrap();
        drop(write);
        assert_eq!(io::read_to_string(&mut read).unwrap(), "through");
    }

    #[test]
    fn a_full_packet_of_files_arrives() {
        let (here, there) = pair().unwrap();
        let fds = vec![here.as_fd(); FDS_PER_PACKET];
        send(here.as_fd(), b"many", &fds).unwrap();
        let got = receive(there.as_fd(), &mut [0; 16]).unwrap().unwrap();
        assert_eq!(got.fds.len(), FDS_PER_PACKET);
    }

    #[test]
    fn the_end_is_none_also_with_packets_unread() {
        let (here, there) = pair().unwrap();
        send(here.as_fd(), b"never read", &[]).unwrap();
        drop(there);
        assert!(receive(here.as_fd(), &mut [0; 16]).unwrap().is_none());
        let error = send(here.as_fd(), b"x", &[]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
