//! Connected byte streams (TCP, and unix sockets of that kind): what the standard library does not offer of them.
//!
//! Nothing here sets a socket to be non-blocking: that would be a state of the open file, which processes share. Each
//! call says for itself that it does not wait.
//!
//! Sources: send(2), recv(2), unix(7), socket(7), tcp(7).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, Shutdown, SockFlag, SockType, UnixAddr, connect, recv, send,
    setsockopt, shutdown, socket, sockopt,
};
use nix::sys::time::TimeVal;

/// Receives what is there, at most the buffer's length. 0 at the end.
///
/// # Errors
/// `WouldBlock` if nothing is there; those of recv(2).
pub fn receive_now(stream: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    again(|| recv(stream.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT))
}

/// Sends as much as there is room for; returns how much.
///
/// # Errors
/// `WouldBlock` if there is no room; those of send(2). No SIGPIPE.
pub fn send_now(stream: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    again(|| send(stream.as_raw_fd(), bytes, flags))
}

/// Connects to the unix socket of a path, waiting no longer than `timeout` for room in its queue.
///
/// # Errors
/// `WouldBlock` if the time passed; those of connect(2); a path that is too long.
pub fn connect_unix(path: &Path, timeout: Duration) -> io::Result<OwnedFd> {
    let stream = socket(
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    let address = UnixAddr::new(path)?;
    // A time of zero would mean for ever.
    let patience = timeout.max(Duration::from_micros(1));
    let patience = TimeVal::new(patience.as_secs() as i64, patience.subsec_micros().into());
    setsockopt(&stream, sockopt::SendTimeout, &patience)?;
    again(|| connect(stream.as_raw_fd(), &address))?;
    Ok(stream)
}

/// A TCP connection whose other computer is silent for about so long is taken for lost: the kernel asks an idle one
/// for signs of life (SO_KEEPALIVE), and bounds how long sent bytes may stay unacknowledged (TCP_USER_TIMEOUT). What
/// is sent leaves at once (TCP_NODELAY).
///
/// # Errors
/// Those of setsockopt(2): it is no TCP connection.
pub fn believe_alive_for(stream: BorrowedFd<'_>, silence: Duration) -> io::Result<()> {
    const QUESTIONS: u32 = 4;
    let silence_s = u32::try_from(silence.as_secs()).unwrap_or(u32::MAX).max(2);
    let silence_s = silence_s.min(32_767 * 2); // twice the kernel's most for each part
    let idle_s = (silence_s / 2).max(1);
    let between_s = (idle_s / QUESTIONS).max(1);
    setsockopt(&stream, sockopt::KeepAlive, &true)?;
    setsockopt(&stream, sockopt::TcpKeepIdle, &idle_s)?;
    setsockopt(&stream, sockopt::TcpKeepInterval, &between_s)?;
    setsockopt(&stream, sockopt::TcpKeepCount, &QUESTIONS)?;
    setsockopt(&stream, sockopt::TcpUserTimeout, &(silence_s * 1000))?;
    Ok(setsockopt(&stream, sockopt::TcpNoDelay, &true)?)
}

/// Ends a connection, or a listening, for all who hold the socket: whoever waits on it is woken.
///
/// # Errors
/// It is not connected any more.
pub fn hang_up(socket: BorrowedFd<'_>) -> io::Result<()> {
    Ok(shutdown(socket.as_fd().as_raw_fd(), Shutdown::Both)?)
}

/// Whether accept(2) failed because this process, or this computer, has too many files open.
pub fn is_out_of_files(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw),
        Some(Errno::EMFILE | Errno::ENFILE)
    )
}

/// Whether accept(2) failed for a reason of the connection that was next, so that others may be accepted.
pub fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw),
        Some(
            Errno::ECONNABORTED
                | Errno::ENETDOWN
                | Errno::EPROTO
                | Errno::ENOPROTOOPT
                | Errno::EHOSTDOWN
                | Errno::ENONET
                | Errno::EHOSTUNREACH
                | Errno::EOPNOTSUPP
                | Errno::ENETUNREACH
                | Errno::EPERM
        )
    )
}

fn again<T>(mut call: impl FnMut() -> nix::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            outcome => return Ok(outcome?),
        }
    }
}
