//! A client's end of its connections to a server at an address.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Opening, Welcome};
use crate::manager::cargo::Message;
use crate::manager::error::ManagerError;
use crate::manager::home::Line;
use crate::net::{Address, Client, Key, NetConnection, NetError, NetLimits};
use crate::process::current_process;
use crate::sys::per_process::Mark;
use crate::sys::poll::{self, For};
use crate::sys::random;
use crate::world::Deadline;

/// A server at an address, as a process knows it.
pub struct Remote {
    address: Address,
    /// `None`: that of the process, looked up when it is needed.
    key: Option<Key>,
    limits: NetLimits,
    session: Mutex<Option<Session>>,
}

/// A process's session.
#[derive(Clone)]
struct Session {
    owner: Mark,
    number: u64,
    manager: u64,
    most_bytes: usize,
    /// Open for as long as the process has proxies of this server.
    life: Arc<NetConnection>,
}

pub struct RemoteLine {
    connection: NetConnection,
    most_bytes: usize,
}

impl Remote {
    pub fn new(address: Address, key: Option<Key>, limits: NetLimits) -> Remote {
        Remote {
            address,
            key,
            limits,
            session: Mutex::new(None),
        }
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The number of the manager that answers there.
    ///
    /// # Errors
    /// [`ManagerError::Net`].
    pub fn manager(&self) -> Result<u64, ManagerError> {
        Ok(self.session()?.manager)
    }

    /// Whether this process's session has ended, so that the server counts its proxies no more.
    pub fn is_lost(&self) -> bool {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let own = session.as_ref();
        own.filter(|session| session.owner == Mark::here())
            .is_some_and(|session| is_ready(&session.life, For::Input).unwrap_or(true))
    }

    /// A connection of the calling thread's.
    ///
    /// # Errors
    /// [`ManagerError::Net`].
    pub fn connect(&self) -> Result<RemoteLine, ManagerError> {
        let session = self.session()?;
        let connection = self.open(&Opening::Line(session.number))?;
        Ok(RemoteLine {
            connection,
            most_bytes: session.most_bytes,
        })
    }

    /// Has the server keep what the request names, for as long as the file is open anywhere.
    ///
    /// # Errors
    /// [`ManagerError::Net`], [`ManagerError::ServerGone`].
    pub fn leash(&self, request: Message) -> Result<(Message, OwnedFd), ManagerError> {
        let session = self.session()?;
        let connection = self.open(&Opening::Leash(session.number))?;
        let leash = connection.as_fd().try_clone_to_owned()?;
        let mut line = RemoteLine {
            connection,
            most_bytes: session.most_bytes,
        };
        Ok((line.ask(request)?, leash))
    }

    fn session(&self) -> Result<Session, ManagerError> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let known = session.as_ref();
        if let Some(known) = known.filter(|known| known.owner == Mark::here()) {
            return Ok(known.clone());
        }
        let mut number = [0; 8];
        random::fill(&mut number)?;
        let number = u64::from_le_bytes(number);
        let life = self.open(&Opening::Session(number))?;
        if !life.poll(self.limits.handshake_time())? {
            return Err(ManagerError::ServerGone);
        }
        let welcome = life.receive_frame().map_err(ended)?;
        let welcome: Welcome = match postcard::take_from_bytes(&welcome) {
            Ok((welcome, [])) => welcome,
            _ => return Err(ManagerError::Disconnected),
        };
        // A forked child's copy of its parent's is dropped here.
        Ok(session
            .insert(Session {
                owner: Mark::here(),
                number,
                manager: welcome.manager,
                most_bytes: usize::try_from(welcome.most_bytes).unwrap_or(usize::MAX),
                life: Arc::new(life),
            })
            .clone())
    }

    fn open(&self, opening: &Opening) -> Result<NetConnection, ManagerError> {
        let key = match &self.key {
            Some(key) => key.clone(),
            None => current_process().authkey()?,
        };
        let connection = Client::connect_within(&self.address, Some(key), self.limits)?;
        let opening = postcard::to_allocvec(opening).map_err(io::Error::other)?;
        connection.send_frame(&[&opening]).map_err(ended)?;
        Ok(connection)
    }
}

impl RemoteLine {
    fn send(&self, request: &Message) -> Result<(), ManagerError> {
        if !request.files.is_empty() {
            return Err(ManagerError::CannotLeave);
        }
        if request.bytes.len() > self.most_bytes {
            let most_bytes = self.most_bytes;
            return Err(ManagerError::TooLarge { most_bytes });
        }
        self.connection.send_frame(&[&request.bytes]).map_err(ended)
    }
}

impl Line for RemoteLine {
    fn ask(&mut self, request: Message) -> Result<Message, ManagerError> {
        self.send(&request)?;
        let bytes = self.connection.receive_frame().map_err(ended)?;
        Ok(Message {
            bytes,
            ..Message::default()
        })
    }

    fn tell(&mut self, request: Message) -> Result<bool, ManagerError> {
        // A socket that has room has it for more than such a request.
        let has_room = is_ready(&self.connection, For::Room)?;
        if has_room {
            self.send(&request)?;
        }
        Ok(has_room)
    }
}

fn is_ready(connection: &NetConnection, what: For) -> io::Result<bool> {
    let now = Deadline { monotonic_ns: 0 };
    Ok(poll::ready(&[(connection.as_fd(), what)], Some(now))?[0])
}

/// A server that closed a connection and one that has ended cannot be told apart from afar.
fn ended(error: NetError) -> ManagerError {
    match error {
        NetError::Disconnected | NetError::Truncated | NetError::Lost(_) => {
            ManagerError::ServerGone
        }
        NetError::MessageTooLong { most, .. } => ManagerError::TooLarge { most_bytes: most },
        other => ManagerError::Net(other),
    }
}
