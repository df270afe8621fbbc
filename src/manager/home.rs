//! A manager's server as its clients know it: the way there, and each thread's connection.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde::{Deserialize, Serialize};

use super::cargo::{self, Message, Reader};
use super::error::ManagerError;
use super::local;
use super::server::{Reply, Request};
use crate::sys::per_process::{Mark, PerProcess};

/// A server that can be asked.
pub struct Home {
    manager: u64,
    route: Route,
    /// What could not be given back in its place: it goes with the next request.
    releases: Mutex<Vec<u64>>,
}

/// How a server is reached.
pub enum Route {
    Local(local::Address),
}

/// A route as it travels: the numbers of its files.
#[derive(Serialize, Deserialize)]
pub enum Way {
    Local { door: u32, server: u32 },
}

/// A thread's connection to a server.
pub trait Line {
    /// Sends a request, and waits for the reply.
    fn ask(&mut self, request: Message) -> Result<Message, ManagerError>;

    /// Sends a request that has no reply. `false`: not now.
    fn tell(&mut self, request: Message) -> Result<bool, ManagerError>;
}

/// The servers that this process knows, so that all proxies of one have the same home.
static KNOWN: PerProcess<Mutex<HashMap<u64, Weak<Home>>>> =
    PerProcess::new(|| Mutex::new(HashMap::new()));

/// By the manager's number, with the process that made it: a forked child makes its own.
type Lines = HashMap<u64, (Mark, Box<dyn Line>)>;

thread_local! {
    static LINES: RefCell<Lines> = RefCell::new(Lines::new());
}

impl Home {
    /// The server of this number. If this process knows it already, by the way that it knows.
    pub fn at(manager: u64, route: Route) -> Arc<Home> {
        let known = KNOWN.get().lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        if let Some(home) = known.get(&manager).and_then(Weak::upgrade) {
            return home;
        }
        known.retain(|_, home| home.strong_count() > 0);
        let home = Arc::new(Home {
            manager,
            route,
            releases: Mutex::new(Vec::new()),
        });
        known.insert(manager, Arc::downgrade(&home));
        home
    }

    /// By a way that arrived.
    pub fn reached(
        manager: u64,
        way: Way,
        leave: impl Fn(u32) -> Result<Arc<OwnedFd>, String>,
    ) -> Result<Arc<Home>, String> {
        let Way::Local { door, server } = way;
        let address = local::Address::of(leave(door)?, leave(server)?);
        Ok(Home::at(manager, Route::Local(address)))
    }

    /// The way, as it travels; each of its files is entered.
    pub fn way<E>(&self, enter: impl Fn(&Arc<OwnedFd>) -> Result<u32, E>) -> Result<Way, E> {
        let Route::Local(address) = &self.route;
        Ok(Way::Local {
            door: enter(address.door())?,
            server: enter(address.server())?,
        })
    }

    pub fn manager(&self) -> u64 {
        self.manager
    }

    /// Asks, over the calling thread's connection, and waits for the reply.
    pub fn ask(
        self: &Arc<Home>,
        request: &Request,
        files: &[Arc<OwnedFd>],
    ) -> Result<Reply, ManagerError> {
        let mut message = cargo::pack(request, self.manager)?;
        message.files.extend_from_slice(files);
        let late = std::mem::take(&mut *self.late_releases());
        for object in late {
            self.release(object);
        }
        let reply = self.with_line(|line| line.ask(message))?;
        match cargo::unpack(&reply, Reader::Client(self.clone()))? {
            Reply::TooLarge { most_bytes } => {
                let most_bytes = most_bytes as usize;
                Err(ManagerError::TooLarge { most_bytes })
            }
            reply => Ok(reply),
        }
    }

    /// Has the server keep an object for as long as the file is open anywhere.
    pub fn lend(self: &Arc<Home>, object: u64) -> Result<Arc<OwnedFd>, ManagerError> {
        let (watched, leash) = std::io::pipe()?;
        let watched = Arc::new(OwnedFd::from(watched));
        match self.ask(&Request::Lend { object }, &[watched])? {
            Reply::Raised(raised) => Err(raised.into()),
            _ => Ok(Arc::new(leash.into())),
        }
    }

    /// This process has one proxy of an object less. Never waits for the server, and never fails: of a server that is
    /// gone nothing is left to give back.
    pub fn release(self: &Arc<Home>, object: u64) {
        let told = cargo::pack(&Request::Release { object }, self.manager)
            .map_err(ManagerError::from)
            .and_then(|message| self.with_line(|line| line.tell(message)));
        if let Ok(false) = told {
            self.late_releases().push(object);
        }
    }

    fn late_releases(&self) -> std::sync::MutexGuard<'_, Vec<u64>> {
        self.releases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works with the calling thread's connection, and makes it first if need be.
    fn with_line<R>(
        &self,
        work: impl FnOnce(&mut dyn Line) -> Result<R, ManagerError>,
    ) -> Result<R, ManagerError> {
        let worked = LINES.try_with(|lines| {
            let mut lines = lines.borrow_mut();
            let known = lines.get(&self.manager);
            if known.is_none_or(|(mark, _)| *mark != Mark::here()) {
                let Route::Local(address) = &self.route;
                let line = Box::new(address.connect()?);
                lines.insert(self.manager, (Mark::here(), line));
            }
            let Some((_, line)) = lines.get_mut(&self.manager) else {
                return Err(ManagerError::Disconnected);
            };
            let worked = work(line.as_mut());
            if let Err(ManagerError::ServerGone | ManagerError::Disconnected) = &worked {
                lines.remove(&self.manager);
            }
            worked
        });
        // The thread is ending: so is its connection.
        worked.unwrap_or(Err(ManagerError::Disconnected))
    }
}
