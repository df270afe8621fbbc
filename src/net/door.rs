//! A listener that never waits, for a server that serves many with one thread.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::address::Address;
use super::error::NetError;
use super::handshake::{HandshakeError, Role};
use super::key::{Key, KeyHash};
use super::limits::NetLimits;
use super::link::Link;
use super::path::{PrivateFolder, SocketPath};
use super::socket::{Acceptor, Socket};
use crate::shm::Block;
use crate::shm::passage::{self, PassageError};
use crate::sys::poll::For;
use crate::sys::stream;
use crate::world::Deadline;

/// A listener that never waits, and the handshakes in progress. Its owner polls [what it waits
/// for](Door::watches), together with others and until its [deadline](Door::deadline), and then
/// [pumps](Door::pump) it.
///
/// ```
/// use forkproof::Key;
/// use forkproof::net::{Door, NetLimits};
///
/// let key = Key::new("a secret")?;
/// let door = Door::bind(&"127.0.0.1:0".parse()?, Some(key), NetLimits::default())?;
/// println!("listens at {}", door.address());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Door {
    acceptor: Acceptor,
    address: Address,
    key: Option<Key>,
    limits: NetLimits,
    /// Oldest first.
    strangers: Vec<Link>,
    /// A descriptor in reserve: with none left, a connection could not even be accepted to be closed, and would keep
    /// the listening socket readable.
    reserve: Option<File>,
    /// Removes it in the end.
    path: Option<SocketPath>,
}

impl Door {
    /// Listens at the address. With a key, only those who have it come in.
    ///
    /// # Errors
    /// [`NetError::Bind`].
    pub fn bind(address: &Address, key: Option<Key>, limits: NetLimits) -> Result<Door, NetError> {
        Door::open(address, None, key, limits)
    }

    /// Listens at a unix socket in a new folder, which only this user may look into. Both are removed when the door is
    /// dropped.
    ///
    /// # Errors
    /// As [`bind`](Door::bind).
    pub fn bind_fresh(key: Option<Key>, limits: NetLimits) -> Result<Door, NetError> {
        let folder = PrivateFolder::new()?;
        let address = Address::Unix(folder.socket());
        Door::open(&address, Some(folder), key, limits)
    }

    fn open(
        address: &Address,
        folder: Option<PrivateFolder>,
        key: Option<Key>,
        limits: NetLimits,
    ) -> Result<Door, NetError> {
        let bind = |why| NetError::Bind {
            address: address.clone(),
            why,
        };
        let (acceptor, bound_at) = Acceptor::bind(address).map_err(bind)?;
        let bound = match &bound_at {
            Address::Unix(path) => Some(SocketPath::new(path, folder).map_err(bind)?),
            _ => None,
        };
        Ok(Door {
            acceptor,
            address: bound_at,
            key,
            limits,
            strangers: Vec::new(),
            reserve: Some(reserve().map_err(bind)?),
            path: bound,
        })
    }

    /// Where it listens: with the port that the kernel chose, if that was to be.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What removes the path of its unix socket, for whoever is to do that: the door does not any more.
    pub(crate) fn take_path(&mut self) -> Option<SocketPath> {
        self.path.take()
    }

    /// How many bytes a message may have.
    pub fn message_bytes(&self) -> usize {
        self.limits.message_bytes
    }

    pub(super) fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }

    pub(super) fn limits(&self) -> &NetLimits {
        &self.limits
    }

    /// The socket that listens.
    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.acceptor.as_fd()
    }

    /// What to wait for before the next [`pump`](Door::pump).
    pub fn watches(&self) -> impl Iterator<Item = (BorrowedFd<'_>, For)> {
        let knocks = std::iter::once((self.acceptor.as_fd(), For::Input));
        knocks.chain(self.strangers.iter().flat_map(Link::watches))
    }

    /// When it is to be pumped even if nothing happened: a handshake takes too long then.
    pub fn deadline(&self) -> Option<Deadline> {
        self.strangers.iter().filter_map(Link::deadline).min()
    }

    /// Accepts who has come, and goes on with all handshakes. Returns those that came to an end: a
    /// link, or why there is none, which concerns that peer alone.
    ///
    /// # Errors
    /// The kernel has no memory or no descriptors left. The door stays open.
    pub fn pump(&mut self) -> Result<Vec<Result<Link, NetError>>, NetError> {
        let mut arrived = Vec::new();
        let out_of = self.accept(&mut arrived);
        self.shake(&mut arrived);
        match out_of {
            Err(error) if arrived.is_empty() => Err(error.into()),
            _ => Ok(arrived),
        }
    }

    /// Goes on with all handshakes.
    fn shake(&mut self, arrived: &mut Vec<Result<Link, NetError>>) {
        let mut going = Vec::with_capacity(self.strangers.len());
        for mut link in self.strangers.drain(..) {
            match link.pump() {
                Err(NetError::Disconnected | NetError::Lost(_)) => {
                    arrived.push(Err(link.failed(HandshakeError::HungUp)));
                }
                Err(why) => arrived.push(Err(why)),
                Ok(()) if link.is_open() => arrived.push(Ok(link)),
                Ok(()) => going.push(link),
            }
        }
        self.strangers = going;
    }

    fn accept(&mut self, arrived: &mut Vec<Result<Link, NetError>>) -> io::Result<()> {
        if self.reserve.is_none() {
            self.reserve = reserve().ok(); // another thread was faster, the last time
        }
        for _ in 0..self.limits.strangers {
            let mut accepted = self.acceptor.accept_now(&self.limits).map(Some);
            if accepted.as_ref().is_err_and(stream::is_out_of_files) && self.reserve.is_some() {
                accepted = self.accept_in_reserve();
            }
            let (socket, peer) = match accepted {
                Ok(Some(accepted)) => accepted,
                Ok(None) => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if stream::is_of_the_connection(&error) => continue,
                // Another thread was faster.
                Err(error) if stream::is_out_of_files(&error) && self.reserve.is_some() => continue,
                Err(error) => return Err(error),
            };
            if self.strangers.len() == self.limits.strangers {
                // Only who has not got done by now makes room.
                self.shake(arrived);
            }
            if self.strangers.len() == self.limits.strangers {
                let oldest = self.strangers.remove(0);
                arrived.push(Err(oldest.failed(HandshakeError::Crowded)));
            }
            let key = self.key.clone();
            match Link::new(socket, peer, Role::Server, key, &self.limits) {
                Ok(link) => self.strangers.push(link),
                Err(error) => arrived.push(Err(error)),
            }
        }
        Ok(())
    }

    /// There was no descriptor for who knocks, if anyone did (accept(2) asks for the descriptor first): the reserve
    /// makes room for one. Who comes in there stays if there is another for the reserve by now, and is turned away if
    /// not: `None`.
    fn accept_in_reserve(&mut self) -> io::Result<Option<(Socket, Address)>> {
        self.reserve = None;
        let accepted = self.acceptor.accept_now(&self.limits);
        self.reserve = reserve().ok();
        if self.reserve.is_some() {
            return accepted.map(Some);
        }
        drop(accepted);
        self.reserve = reserve().ok();
        Ok(None)
    }
}

/// As it travels to another process of this computer: the same socket. Handshakes in progress stay behind, and so does
/// the path.
#[derive(Serialize, Deserialize)]
pub(super) struct Handle {
    file: u32,
    tag: u32,
    address: Address,
    key: Option<KeyHash>,
    limits: NetLimits,
}

fn tag() -> u32 {
    Block::tag("Door", 0)
}

impl Handle {
    pub fn new(
        socket: BorrowedFd<'_>,
        address: &Address,
        key: Option<&Key>,
        limits: NetLimits,
    ) -> Result<Handle, PassageError> {
        let file = Arc::new(socket.try_clone_to_owned()?);
        Ok(Handle {
            file: passage::enter_fd(&file)?,
            tag: tag(),
            address: address.clone(),
            key: key.cloned().map(KeyHash::from),
            limits,
        })
    }

    /// Where it has arrived.
    pub fn door(self) -> Result<Door, PassageError> {
        if self.tag != tag() {
            let told = "the handle is not one of a listening socket".into();
            return Err(PassageError::Unpack(told));
        }
        let file = passage::leave_fd(self.file)?.try_clone()?;
        Ok(Door {
            acceptor: Acceptor::from_file(file, &self.address),
            address: self.address,
            key: self.key.map(Key::from),
            limits: self.limits,
            strangers: Vec::new(),
            reserve: Some(reserve()?),
            path: None,
        })
    }
}

impl Serialize for Door {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let handle = Handle::new(self.socket(), &self.address, self.key.as_ref(), self.limits);
        handle.map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Door {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Door, D::Error> {
        use serde::de::Error;
        let door = Handle::deserialize(deserializer)?.door();
        door.map_err(|error| D::Error::custom(passage::refuse(error)))
    }
}

fn reserve() -> io::Result<File> {
    File::open("/dev/null")
}
