//! `Listener`: the side of a connection that is called.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::address::Address;
use super::connection::NetConnection;
use super::door::{Door, Handle};
use super::error::NetError;
use super::key::Key;
use super::limits::NetLimits;
use super::link::Link;
use crate::sys::poll::{self, For};
use crate::sys::{Os, futex};
use crate::world::{Deadline, World};

/// Waits for [`Client`](super::Client)s, at a TCP port or a unix socket.
///
/// With a key, a client gets in if it has the same key, which it shows without sending it, and the listener shows it
/// likewise: see [`handshake`](super::handshake). Nothing that a client sends, or fails to send, holds up others: all
/// handshakes in progress go on together.
///
/// ```
/// use forkproof::{Client, HandshakeError, Key, Listener, NetError, Process};
///
/// fn guess(server: forkproof::Address) -> forkproof::Result<()> {
///     match Client::connect(server, Some(Key::new("open sesame")?)) {
///         Err(NetError::Handshake { why: HandshakeError::KeyRefused, .. }) => Ok(()),
///         other => panic!("{other:?}"),
///     }
/// }
///
/// fn main() -> forkproof::Result<()> {
///     let listener = Listener::new(Some(Key::random()?))?;
///     let burglar = Process::new(guess, (listener.address().clone(),));
///     burglar.start()?;
///     let told = listener.accept().unwrap_err();
///     assert!(matches!(told, NetError::Handshake { why: HandshakeError::WrongKey, .. }));
///     assert_eq!(burglar.join()?, 0);
///     Ok(())
/// }
/// ```
///
/// As an argument, or inside an item, it is the same listener in another process of this computer: each client is
/// accepted by one of them. Its path goes with the process that made it.
///
/// # When a process dies
/// The kernel closes the listener of a process that was killed; clients then get
/// [`ConnectionRefused`](std::io::ErrorKind::ConnectionRefused). The path of its unix socket stays behind, and has to be
/// removed before another can listen there. A client that is killed during its handshake costs one
/// [`HungUp`](super::HandshakeError::HungUp).
///
/// # Limits
/// [`NetLimits`]: how long a handshake may take, and how many may be in progress.
pub struct Listener {
    address: Address,
    key: Option<Key>,
    limits: NetLimits,
    listening: OwnedFd,
    /// At its end once the listener is closed: for who accepts just then.
    closed: PipeReader,
    open: Mutex<Option<PipeWriter>>,
    door: Mutex<Option<Entrance>>,
    last: Mutex<Option<Address>>,
}

struct Entrance {
    door: Door,
    /// Who came while another was accepted.
    arrived: VecDeque<Result<Link, NetError>>,
}

impl Listener {
    /// Listens at a unix socket in a new folder that only this user may look into; with the [usual
    /// limits](NetLimits).
    ///
    /// # Errors
    /// [`NetError::Bind`], [`NetError::Io`]: no such folder can be made in the place for temporary files.
    pub fn new(key: Option<Key>) -> Result<Listener, NetError> {
        Listener::behind(Door::bind_fresh(key, NetLimits::default())?)
    }

    /// Listens at an address, with the [usual limits](NetLimits).
    ///
    /// # Errors
    /// [`NetError::Bind`]: the address is in use, or not one of this computer's, or the path cannot be made.
    pub fn bind(address: impl Into<Address>, key: Option<Key>) -> Result<Listener, NetError> {
        Listener::bind_within(address, key, NetLimits::default())
    }

    /// Listens at an address, within limits of one's own.
    ///
    /// # Errors
    /// As [`bind`](Listener::bind).
    pub fn bind_within(
        address: impl Into<Address>,
        key: Option<Key>,
        limits: NetLimits,
    ) -> Result<Listener, NetError> {
        Listener::behind(Door::bind(&address.into(), key, limits)?)
    }

    fn behind(door: Door) -> Result<Listener, NetError> {
        let (closed, open) = io::pipe()?;
        Ok(Listener {
            address: door.address().clone(),
            key: door.key().cloned(),
            limits: *door.limits(),
            listening: door.socket().try_clone_to_owned()?,
            closed,
            open: Mutex::new(Some(open)),
            door: Mutex::new(Some(Entrance {
                door,
                arrived: VecDeque::new(),
            })),
            last: Mutex::new(None),
        })
    }

    /// Where it listens: with the port that the kernel chose, if it was bound to port 0.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Who was accepted last: `None` before the first. A client at a unix socket has no name: an empty path.
    pub fn last_accepted(&self) -> Option<Address> {
        locked(&self.last).clone()
    }

    /// Waits for a client, and for the end of its handshake. The first that is done comes first.
    ///
    /// # Errors
    /// [`NetError::Handshake`]: a client came and was turned away; that concerns it alone, and a server goes on to the
    /// next. [`Closed`](NetError::Closed); [`Io`](NetError::Io): no descriptors left.
    pub fn accept(&self) -> Result<NetConnection, NetError> {
        let accepted = self.accept_until(None)?;
        Ok(accepted.expect("there is no deadline"))
    }

    /// Waits for a client no longer than `timeout`: `None` if the time passed first. With a timeout of zero it only
    /// looks.
    ///
    /// # Errors
    /// As [`accept`](Listener::accept).
    pub fn accept_timeout(&self, timeout: Duration) -> Result<Option<NetConnection>, NetError> {
        self.accept_until(Os::deadline(timeout))
    }

    /// Stops listening. Who waits in [`accept`](Listener::accept) gets [`NetError::Closed`]; handshakes in progress are
    /// given up; the path is removed. What was accepted goes on, and so does the listener in other processes that have
    /// it. A second `close` does nothing.
    pub fn close(&self) {
        drop(locked(&self.open).take()); // wakes who accepts
        drop(locked(&self.door).take());
    }

    fn accept_until(&self, until: Option<Deadline>) -> Result<Option<NetConnection>, NetError> {
        let mut entrance = locked(&self.door);
        let Some(Entrance { door, arrived }) = &mut *entrance else {
            return Err(NetError::Closed);
        };
        loop {
            if let Some(link) = arrived.pop_front() {
                let link = link?;
                let peer = link.peer().clone();
                *locked(&self.last) = Some(peer.clone());
                let connection = NetConnection::over(link.into_socket(), peer, &self.limits);
                return Ok(Some(connection));
            }
            let soonest = [until, door.deadline()].into_iter().flatten().min();
            let closed = std::iter::once((self.closed.as_fd(), For::Input));
            let watches: Vec<_> = closed.chain(door.watches()).collect();
            if poll::ready(&watches, soonest)?[0] {
                return Err(NetError::Closed);
            }
            drop(watches);
            arrived.extend(door.pump()?);
            let passed = until.is_some_and(futex::has_passed);
            if passed && arrived.is_empty() {
                return Ok(None);
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Listener at {}>", self.address)
    }
}

impl Serialize for Listener {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let socket = self.listening.as_fd();
        let handle = Handle::new(socket, &self.address, self.key.as_ref(), self.limits);
        handle.map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Listener {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Listener, D::Error> {
        use serde::de::Error;
        let door = Door::deserialize(deserializer)?;
        Listener::behind(door).map_err(D::Error::custom)
    }
}
