//! `Listener`: the side of a connection that is called.

use std::collections::VecDeque;
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::address::Address;
use super::connection::NetConnection;
use super::door::Door;
use super::error::NetError;
use super::key::Key;
use super::limits::NetLimits;
use super::link::Link;
use crate::sys::{Os, futex, poll, stream};
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
    limits: NetLimits,
    /// Beside the door, to be heard while someone accepts.
    closed: AtomicBool,
    listening: OwnedFd,
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
        Ok(Listener {
            address: door.address().clone(),
            limits: *door.limits(),
            closed: AtomicBool::new(false),
            listening: door.socket().try_clone_to_owned()?,
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
    /// given up; the path is removed. What was accepted goes on. A second `close` does nothing.
    pub fn close(&self) {
        // Release: pairs with the Acquire in accept_until(), which the hang-up wakes.
        if !self.closed.swap(true, Ordering::Release) {
            // Not listening any more is what is wanted.
            let _ = stream::hang_up(self.listening.as_fd());
        }
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
            let watches: Vec<_> = door.watches().collect();
            poll::ready(&watches, soonest)?;
            // Acquire: pairs with the Release in close().
            if self.closed.load(Ordering::Acquire) {
                return Err(NetError::Closed);
            }
            drop(watches);
            arrived.extend(door.pump()?);
            let passed = until.is_some_and(|until| until.monotonic_ns <= futex::monotonic_ns());
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
