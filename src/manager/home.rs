//! A manager's server as its clients know it: the way there, and each thread's connection.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde::{Deserialize, Serialize};

use super::cargo::{self, Message, Reader};
use super::error::ManagerError;
use super::local;
use super::remote::Remote;
use super::server::{Reply, Request};
use crate::net::{self, NetLimits};
use crate::sys::oversight;
use crate::sys::per_process::{Mark, PerProcess};

/// A server that can be asked.
pub struct Home {
    manager: u64,
    /// That of no other home of this program.
    number: u64,
    route: Route,
    /// What could not be given back in its place: it goes with the next request.
    releases: Mutex<Vec<u64>>,
}

/// How a server is reached.
pub enum Route {
    Local(local::Address),
    Remote(Remote),
}

/// A route as it travels: the numbers of its files.
#[derive(Serialize, Deserialize)]
pub enum Way {
    Local {
        door: u32,
        server: u32,
    },
    /// The key does not travel: who arrives has one, or not.
    Remote {
        address: net::Address,
    },
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
type Lines = BTreeMap<u64, (Mark, Box<dyn Line>)>;

thread_local! {
    static LINES: RefCell<Lines> = const { RefCell::new(Lines::new()) };
}

fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // Relaxed: the numbers differ, nothing else hangs on them.
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Home {
    /// The server of this number. If this process knows it already, by the way that it knows.
    pub fn at(manager: u64, route: Route) -> Arc<Home> {
        let known = KNOWN.get().lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        let home = known.get(&manager).and_then(Weak::upgrade);
        if let Some(home) = home.filter(|home| !home.is_lost()) {
            return home;
        }
        known.retain(|_, home| home.strong_count() > 0);
        let home = Arc::new(Home {
            manager,
            number: next_number(),
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
        let route = match way {
            Way::Local { door, server } => {
                Route::Local(local::Address::of(leave(door)?, leave(server)?))
            }
            Way::Remote { address } => {
                Route::Remote(Remote::new(address, None, NetLimits::default()))
            }
        };
        Ok(Home::at(manager, route))
    }

    /// The way, as it travels; each of its files is entered.
    pub fn way<E>(&self, enter: impl Fn(&Arc<OwnedFd>) -> Result<u32, E>) -> Result<Way, E> {
        Ok(match &self.route {
            Route::Local(address) => Way::Local {
                door: enter(address.door())?,
                server: enter(address.server())?,
            },
            Route::Remote(remote) => Way::Remote {
                address: remote.address().clone(),
            },
        })
    }

    pub fn manager(&self) -> u64 {
        self.manager
    }

    /// Where the server listens, if it was reached there.
    pub fn address(&self) -> Option<&net::Address> {
        match &self.route {
            Route::Local(_) => None,
            Route::Remote(remote) => Some(remote.address()),
        }
    }

    /// Whether the server has forgotten this process: its proxies are of no more use, but others can be made.
    fn is_lost(&self) -> bool {
        match &self.route {
            Route::Local(_) => false,
            Route::Remote(remote) => remote.is_lost(),
        }
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
        let reply = oversight::asking(|| {
            for object in late {
                self.release(object);
            }
            self.with_line(|line| line.ask(message))
        })?;
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
        if let Route::Remote(remote) = &self.route {
            let message = cargo::pack(&Request::Lend { object }, self.manager)?;
            let (reply, leash) = remote.leash(message)?;
            return match cargo::unpack(&reply, Reader::Client(self.clone()))? {
                Reply::Raised(raised) => Err(raised.into()),
                _ => Ok(Arc::new(leash)),
            };
        }
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
            let known = lines.get(&self.number);
            if known.is_none_or(|(mark, _)| *mark != Mark::here()) {
                let line: Box<dyn Line> = match &self.route {
                    Route::Local(address) => Box::new(address.connect()?),
                    Route::Remote(remote) => Box::new(remote.connect()?),
                };
                lines.insert(self.number, (Mark::here(), line));
            }
            let Some((_, line)) = lines.get_mut(&self.number) else {
                return Err(ManagerError::Disconnected);
            };
            let worked = work(line.as_mut());
            if let Err(ManagerError::ServerGone | ManagerError::Disconnected) = &worked {
                lines.remove(&self.number);
            }
            worked
        });
        // The thread is ending: so is its connection.
        worked.unwrap_or(Err(ManagerError::Disconnected))
    }
}
