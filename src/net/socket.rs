//! The sockets under connections and listeners: of both families, behind one face.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::address::Address;
use super::error::NetError;
use super::limits::NetLimits;
use crate::sys::stream;

/// A connected socket. A clone is the same one.
#[derive(Clone)]
pub(super) struct Socket(pub(super) Arc<OwnedFd>);

impl Socket {
    /// Connects, within the limits.
    pub fn connect(address: &Address, limits: &NetLimits) -> Result<Socket, NetError> {
        connect(address, limits).map_err(|why| NetError::Connect {
            address: address.clone(),
            why,
        })
    }

    /// Receives what is there, at most the buffer's length; 0 at the end. `None` if nothing is there.
    pub fn receive_now(&self, buffer: &mut [u8]) -> Result<Option<usize>, NetError> {
        now(stream::receive_now(self.as_fd(), buffer))
    }

    /// Sends as much as there is room for; returns how much. `None` if there is no room.
    pub fn send_now(&self, bytes: &[u8]) -> Result<Option<usize>, NetError> {
        now(stream::send_now(self.as_fd(), bytes))
    }

    fn tcp(connected: TcpStream, silence: Duration) -> io::Result<Socket> {
        let socket = OwnedFd::from(connected);
        stream::believe_alive_for(socket.as_fd(), silence)?;
        Ok(Socket(Arc::new(socket)))
    }
}

fn connect(address: &Address, limits: &NetLimits) -> io::Result<Socket> {
    if let Address::Unix(path) = address {
        let connected = stream::connect_unix(path, limits.connect);
        let connected = connected.map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
            _ => error,
        })?;
        return Ok(Socket(Arc::new(connected)));
    }
    let patience = limits.connect.max(Duration::from_millis(1)); // the standard library refuses a time of zero
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.look_up()? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(connected) => return Socket::tcp(connected, limits.silence),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn now(count: io::Result<usize>) -> Result<Option<usize>, NetError> {
    match count {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(NetError::of_stream(error)),
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A socket that listens.
pub(super) enum Acceptor {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Acceptor {
    /// Also returns where it really listens.
    pub fn bind(address: &Address) -> io::Result<(Acceptor, Address)> {
        match address {
            Address::Unix(path) => {
                let listener = UnixListener::bind(path)?;
                listener.set_nonblocking(true)?;
                Ok((Acceptor::Unix(listener), address.clone()))
            }
            Address::Tcp(_) | Address::Host(..) => {
                let listener = TcpListener::bind(&address.look_up()?[..])?;
                listener.set_nonblocking(true)?;
                let bound = Address::Tcp(listener.local_addr()?);
                Ok((Acceptor::Tcp(listener), bound))
            }
        }
    }

    /// One that another process has bound.
    pub fn from_file(file: OwnedFd, address: &Address) -> Acceptor {
        match address {
            Address::Unix(_) => Acceptor::Unix(file.into()),
            Address::Tcp(_) | Address::Host(..) => Acceptor::Tcp(file.into()),
        }
    }

    /// The next connection, and whose it is; `WouldBlock` if there is none.
    pub fn accept_now(&self, limits: &NetLimits) -> io::Result<(Socket, Address)> {
        match self {
            Acceptor::Tcp(listener) => {
                let (connected, peer) = listener.accept()?;
                Ok((Socket::tcp(connected, limits.silence)?, Address::Tcp(peer)))
            }
            Acceptor::Unix(listener) => {
                let (connected, peer) = listener.accept()?;
                let path = peer.as_pathname().unwrap_or(Path::new(""));
                let socket = Socket(Arc::new(connected.into()));
                Ok((socket, Address::Unix(path.to_owned())))
            }
        }
    }
}

impl AsFd for Acceptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Acceptor::Tcp(listener) => listener.as_fd(),
            Acceptor::Unix(listener) => listener.as_fd(),
        }
    }
}
