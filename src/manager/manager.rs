//! `Manager`: the server's owner.

mod network;

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::ManagerError;
use super::home::{Home, Route};
use super::item::Item;
use super::local::{Address, Door};
use super::reference::AnyProxy;
use super::remote::RemoteEntrance;
use super::server::{Entrance, Reply, Request, Server};
use crate::net::{self, Key, NetLimits, SocketPath};
use crate::process::{ExitCode, Process, ProcessError};
use crate::sys::life;
use crate::sys::oversight;
use crate::sys::per_process::{Mark, PerProcess};

/// The most bytes of one request, if nothing else is said: 256 MiB.
const REQUEST_BYTES: usize = 256 << 20;

/// Starts a server process, makes objects in it, and ends it.
///
/// A clone is the same manager. The server ends when the last one is dropped, when [`shutdown`](Manager::shutdown) is
/// called, when the program ends, and when the process that started it is killed.
///
/// | state | `launch` | `list` and the like | `shutdown` |
/// |---|---|---|---|
/// | new | → running | `NotRunning` | → down |
/// | running | `AlreadyStarted` | a proxy | → down |
/// | down | `AlreadyStarted` | `NotRunning` | nothing |
///
/// A manager stays in its process; what it makes can be sent to others.
///
/// # When a process dies
/// If the server is killed, each call of a proxy says [`ManagerError::ServerGone`].
#[derive(Clone)]
pub struct Manager {
    inner: Arc<Inner>,
}

/// What can be said of a manager before it is started.
#[derive(Clone, Debug)]
pub struct Builder {
    request_bytes: usize,
    address: Option<net::Address>,
    key: Option<Key>,
    limits: NetLimits,
}

struct Inner {
    maker: Mark,
    options: Builder,
    state: Mutex<State>,
}

enum State {
    New,
    Running {
        home: Arc<Home>,
        server: Process,
        /// Where it listens.
        address: Option<net::Address>,
        /// Removed after the server's end.
        _path: Option<SocketPath>,
    },
    /// By an address: someone else's.
    Connected {
        home: Arc<Home>,
    },
    Down,
}

/// The servers of this process that are to end with it.
static RUNNING: PerProcess<Mutex<Vec<Process>>> = PerProcess::new(|| Mutex::new(Vec::new()));

impl Manager {
    /// A manager whose server runs.
    ///
    /// # Errors
    /// [`Process`](ManagerError::Process): the server cannot be started; [`Io`](ManagerError::Io);
    /// [`Net`](ManagerError::Net): it cannot listen at its [address](Builder::address).
    pub fn start() -> Result<Manager, ManagerError> {
        Manager::builder().start()
    }

    /// A manager whose server is to be [launched](Manager::launch).
    pub fn new() -> Manager {
        Manager::builder().build()
    }

    pub fn builder() -> Builder {
        Builder {
            request_bytes: REQUEST_BYTES,
            address: None,
            key: None,
            limits: NetLimits::default(),
        }
    }

    /// Starts the server.
    ///
    /// # Errors
    /// [`AlreadyStarted`](ManagerError::AlreadyStarted); as [`start`](Manager::start).
    pub fn launch(&self) -> Result<(), ManagerError> {
        self.check_maker()?;
        let mut state = self.state();
        if !matches!(*state, State::New) {
            return Err(ManagerError::AlreadyStarted);
        }
        let (door, way_in) = Door::new(self.inner.options.request_bytes)?;
        let number = number();
        let (listening, path) = self.inner.options.listen()?.unzip();
        let listens_at = listening.as_ref().map(|door| door.address().clone());
        let server = Process::new(serve, (door, listening, number));
        let name = server.name().replacen("Process", "SyncManager", 1);
        let server = server.named(name);
        server.start()?;
        if let Some(path) = path.iter().flatten().next() {
            server.sweep_after(path.litter())?;
        }
        end_at_exit(&server)?;
        let pidfd: Arc<OwnedFd> = Arc::new(server.sentinel()?);
        let address = Address::of(way_in.socket().clone(), pidfd);
        let home = Home::at(number, Route::Local(address));
        *state = State::Running {
            home,
            server,
            address: listens_at,
            _path: path.flatten(),
        };
        Ok(())
    }

    /// Ends the server, and waits for its end. Nothing if it has ended; a manager that was not launched cannot be
    /// launched any more.
    ///
    /// # Errors
    /// [`Process`](ManagerError::Process): the calling process has not started it, or cannot end it;
    /// [`NotOurs`](ManagerError::NotOurs): it was connected to.
    pub fn shutdown(&self) -> Result<(), ManagerError> {
        self.check_maker()?;
        let mut state = self.state();
        if matches!(*state, State::Connected { .. }) {
            return Err(ManagerError::NotOurs);
        }
        let former = std::mem::replace(&mut *state, State::Down);
        drop(state);
        former.end()
    }

    /// The server's process.
    ///
    /// # Errors
    /// [`NotRunning`](ManagerError::NotRunning).
    pub fn process(&self) -> Result<Process, ManagerError> {
        match &*self.state() {
            State::Running { server, .. } => Ok(server.clone()),
            _ => Err(ManagerError::NotRunning),
        }
    }

    /// How many objects there are in the server.
    ///
    /// # Errors
    /// [`NotRunning`](ManagerError::NotRunning); those of every call.
    pub fn count_objects(&self) -> Result<usize, ManagerError> {
        match self.home()?.ask(&Request::Count, &[])? {
            Reply::Value(Item::Int(count)) => Ok(count as usize),
            _ => Err(ManagerError::Disconnected),
        }
    }

    /// A new object of a type by its name.
    pub(super) fn create(&self, typeid: &str, args: Vec<Item>) -> Result<AnyProxy, ManagerError> {
        let typeid = typeid.to_owned();
        match self.home()?.ask(&Request::Create { typeid, args }, &[])? {
            Reply::Value(Item::Proxy(proxy)) => Ok(proxy),
            Reply::Raised(raised) => Err(raised.into()),
            Reply::Pool(error) => Err(error.into()),
            _ => Err(ManagerError::Disconnected),
        }
    }

    fn home(&self) -> Result<Arc<Home>, ManagerError> {
        match &*self.state() {
            State::Running { home, .. } | State::Connected { home } => Ok(home.clone()),
            _ => Err(ManagerError::NotRunning),
        }
    }

    fn check_maker(&self) -> Result<(), ManagerError> {
        if self.inner.maker == Mark::here() {
            Ok(())
        } else {
            Err(ProcessError::NotTheParent.into())
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.inner.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Builder {
    /// The most bytes of one request: memory that one client can make the server take at a time.
    pub fn request_bytes(mut self, most_bytes: usize) -> Builder {
        self.request_bytes = most_bytes;
        self
    }

    /// A manager whose server is to be [launched](Manager::launch).
    pub fn build(self) -> Manager {
        Manager {
            inner: Arc::new(Inner {
                maker: Mark::here(),
                options: self,
                state: Mutex::new(State::New),
            }),
        }
    }

    /// A manager whose server runs.
    ///
    /// # Errors
    /// As [`Manager::start`].
    pub fn start(self) -> Result<Manager, ManagerError> {
        let manager = self.build();
        manager.launch()?;
        Ok(manager)
    }
}

impl Default for Manager {
    fn default() -> Manager {
        Manager::new()
    }
}

impl State {
    fn end(self) -> Result<(), ManagerError> {
        let State::Running {
            home,
            server,
            _path,
            ..
        } = self
        else {
            return Ok(());
        };
        running().retain(|other| other.pid() != server.pid());
        match home.ask(&Request::Shutdown, &[]) {
            Ok(_) | Err(ManagerError::ServerGone) => {}
            Err(_) => server.terminate()?, // it cannot be asked any more
        }
        server.join()?;
        Ok(())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.maker == Mark::here() {
            let state = self.state.get_mut();
            let state = state.unwrap_or_else(PoisonError::into_inner);
            // It may have been waited for by someone else.
            let _ = std::mem::replace(state, State::Down).end();
        }
    }
}

/// What the server's process runs.
fn serve(door: Door, listening: Option<net::Door>, manager: u64) -> ExitCode {
    let Some(origin) = life::origin() else {
        return ExitCode(1);
    };
    let mut entrances: Vec<Box<dyn Entrance>> = vec![Box::new(door.open())];
    let listening = listening.map(|door| RemoteEntrance::new(door, manager));
    oversight::serves();
    let served = listening.transpose().and_then(|listening| {
        entrances.extend(listening.map(|entrance| Box::new(entrance) as Box<dyn Entrance>));
        Server::new(manager, entrances).run(origin.parent.pidfd())
    });
    match served {
        Ok(()) => ExitCode(0),
        Err(error) => {
            life::say(&format!("process '{}' failed: {error}\n", origin.name));
            ExitCode(1)
        }
    }
}

/// That of no other manager: nothing else hangs on it.
fn number() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    // The keys are random once for each thread; a forked child has its parent's.
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.write_u64(crate::sys::futex::monotonic_ns());
    hasher.finish()
}

fn running() -> MutexGuard<'static, Vec<Process>> {
    let running = RUNNING.get().lock();
    running.unwrap_or_else(PoisonError::into_inner)
}

/// A program that ends waits for its children: so a server whose manager was not dropped is ended first.
fn end_at_exit(server: &Process) -> Result<(), ManagerError> {
    static REGISTERED: Mutex<bool> = Mutex::new(false);
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    if !*registered {
        // After the start of a process, which registered the waiting: what is registered last is called first.
        life::at_exit(end_all)?;
        *registered = true;
    }
    running().push(server.clone());
    Ok(())
}

/// At exit(3). Must not panic.
extern "C" fn end_all() {
    for server in std::mem::take(&mut *running()) {
        let _ = server.terminate(); // it may have ended
    }
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = match &*self.state() {
            State::New => "new",
            State::Running { .. } => "running",
            State::Connected { .. } => "connected",
            State::Down => "down",
        };
        write!(f, "<Manager {state}>")
    }
}
