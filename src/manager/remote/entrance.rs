//! Where clients come in from a network.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::link::RemoteLink;
use super::{Opening, Welcome};
use crate::manager::server::{Entrance, Newcomer, SessionKey};
use crate::net::{Door, Link};
use crate::sys::poll::For;
use crate::sys::stream;
use crate::world::Deadline;

/// A door, and those behind it who have not said yet what they want.
pub struct RemoteEntrance {
    door: Door,
    welcome: Vec<u8>,
    /// Authenticated, and silent since.
    silent: Vec<Link>,
    sessions: HashMap<u64, Link>,
}

/// The most bytes of an opening: a number of at most 10 bytes, and which opening it is.
const OPENING_BYTES: usize = 11;

impl RemoteEntrance {
    /// Of the server of this manager.
    ///
    /// # Errors
    /// The welcome cannot be written.
    pub fn new(door: Door, manager: u64) -> io::Result<RemoteEntrance> {
        let most_bytes = door.message_bytes() as u64;
        let welcome = Welcome {
            manager,
            most_bytes,
        };
        Ok(RemoteEntrance {
            door,
            welcome: postcard::to_allocvec(&welcome).map_err(io::Error::other)?,
            silent: Vec::new(),
            sessions: HashMap::new(),
        })
    }

    /// What one wants who has come in: `None` as long as it does not say.
    fn opening(link: &mut Link) -> Result<Option<Opening>, Misbehaves> {
        link.pump().map_err(|_| Misbehaves)?;
        let Some(message) = link.next_message() else {
            return Ok(None);
        };
        match postcard::take_from_bytes(&message) {
            Ok((opening, [])) if message.len() <= OPENING_BYTES => Ok(Some(opening)),
            _ => Err(Misbehaves),
        }
    }

    /// What is wanted is done, if it can be; if not, the connection is closed.
    fn open(&mut self, mut link: Link, opening: Opening) -> Option<Newcomer> {
        let (session, is_leash) = match opening {
            Opening::Session(session) => {
                let is_new = !self.sessions.contains_key(&session);
                if is_new && link.queue(&self.welcome).is_ok() {
                    self.sessions.insert(session, link);
                }
                return None;
            }
            Opening::Line(session) => (session, false),
            Opening::Leash(session) => (session, true),
        };
        let life = self.sessions.get(&session)?.as_fd().try_clone_to_owned();
        let leash = is_leash.then(|| link.as_fd().try_clone_to_owned());
        let leash: Option<OwnedFd> = leash.transpose().ok()?;
        Some(Newcomer {
            link: Box::new(RemoteLink::new(link, leash)),
            session: Some(SessionKey {
                name: (0, session), // no process of this computer has the number 0
                life: life.ok()?,
            }),
        })
    }
}

struct Misbehaves;

impl Entrance for RemoteEntrance {
    fn files(&self) -> Vec<(BorrowedFd<'_>, For)> {
        let links = self.silent.iter().chain(self.sessions.values());
        let links = links.flat_map(Link::watches);
        self.door.watches().chain(links).collect()
    }

    fn until(&self) -> Option<Deadline> {
        self.door.deadline()
    }

    fn admit(&mut self) -> Vec<Newcomer> {
        // What the door cannot do for want of memory it will be asked to do again; who was turned away was told why.
        let arrived = self.door.pump().unwrap_or_default();
        self.silent.extend(arrived.into_iter().flatten());
        self.sessions.retain(|_, session| {
            // It has nothing more to say.
            let is_open = session.pump().is_ok() && session.next_message().is_none();
            if !is_open {
                // The server's loop watches the same connection: now it sees the end.
                let _ = stream::hang_up(session.as_fd());
            }
            is_open
        });
        let mut newcomers = Vec::new();
        for mut link in std::mem::take(&mut self.silent) {
            match RemoteEntrance::opening(&mut link) {
                Ok(None) => self.silent.push(link),
                Ok(Some(opening)) => newcomers.extend(self.open(link, opening)),
                Err(Misbehaves) => {}
            }
        }
        newcomers
    }
}
