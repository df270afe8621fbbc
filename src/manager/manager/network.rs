//! A manager at an address, and from afar.

use super::{Builder, Inner, Manager, State};
use crate::manager::error::{Kind, ManagerError};
use crate::manager::home::{Home, Route};
use crate::manager::item::Item;
use crate::manager::proxy::Proxy;
use crate::manager::remote::Remote;
use crate::manager::server::{Reply, Request};
use crate::net::{Address, Door, Key, NetLimits, SocketPath};
use crate::process::current_process;
use crate::sys::per_process::Mark;
use std::sync::{Arc, Mutex};

/// What a manager listens with.
pub(super) type Listening = Option<(Door, Option<SocketPath>)>;

impl Manager {
    /// A manager that was started elsewhere, and listens at an [`address`](Builder::address): on another computer, or
    /// by a program of this one that has nothing to do with this one. What it makes is made there. It cannot end the
    /// server.
    ///
    /// ```
    /// use forkproof::{Address, Key, ListProxy, Manager, Process};
    ///
    /// fn elsewhere(address: Address) -> forkproof::Result<()> {
    ///     let manager = Manager::connect(address, Key::new("a secret")?)?;
    ///     let records: ListProxy<String> = manager.find("records")?;
    ///     records.append("from afar".to_owned())?;
    ///     Ok(())
    /// }
    ///
    /// fn main() -> forkproof::Result<()> {
    ///     let manager = Manager::builder()
    ///         .address("127.0.0.1:0".parse::<Address>()?)
    ///         .key(Key::new("a secret")?)
    ///         .start()?;
    ///     let records = manager.list(["from here".to_owned()])?;
    ///     manager.publish("records", &records)?;
    ///     let client = Process::new(elsewhere, (manager.address()?.expect("it listens"),));
    ///     client.start()?;
    ///     assert_eq!(client.join()?, 0);
    ///     assert_eq!(records.to_string(), "['from here', 'from afar']");
    ///     Ok(())
    /// }
    /// ```
    ///
    /// A proxy of such a manager goes to other processes of this computer as any does: it takes the address along, and
    /// not the key. The process that gets it authenticates itself with
    /// [its own](crate::process::CurrentProcess::authkey), which is its parent's unless it set another: so set that
    /// before the child is started.
    ///
    /// # When a process dies
    /// As on one computer: the kernels tell each other. What loses its power or its network is believed alive for a
    /// [time](NetLimits::silence).
    ///
    /// # Errors
    /// [`ManagerError::Net`]: no one listens there, or with another key.
    pub fn connect(address: impl Into<Address>, key: Key) -> Result<Manager, ManagerError> {
        Manager::connect_within(address, key, NetLimits::default())
    }

    /// As [`connect`](Manager::connect), within limits of one's own.
    ///
    /// # Errors
    /// As [`connect`](Manager::connect).
    pub fn connect_within(
        address: impl Into<Address>,
        key: Key,
        limits: NetLimits,
    ) -> Result<Manager, ManagerError> {
        let remote = Remote::new(address.into(), Some(key), limits);
        let home = Home::at(remote.manager()?, Route::Remote(remote));
        Ok(Manager {
            inner: Arc::new(Inner {
                maker: Mark::here(),
                options: Manager::builder(),
                state: Mutex::new(State::Connected { home }),
            }),
        })
    }

    /// Where it listens, with the port that the kernel chose, or where it was connected to: `None` if at no address.
    ///
    /// # Errors
    /// [`NotRunning`](ManagerError::NotRunning).
    pub fn address(&self) -> Result<Option<Address>, ManagerError> {
        match &*self.state() {
            State::Running { address, .. } => Ok(address.clone()),
            State::Connected { home } => Ok(home.address().cloned()),
            _ => Err(ManagerError::NotRunning),
        }
    }

    /// Gives an object a name, by which all clients of the server [find](Manager::find) it. The object is kept as long
    /// as the name is not given to another.
    ///
    /// # Errors
    /// [`NotRunning`](ManagerError::NotRunning); those of every call; [`Raised`](ManagerError::Raised) with a
    /// `ValueError` if it is an object of another manager.
    pub fn publish(&self, name: &str, proxy: &impl Proxy) -> Result<(), ManagerError> {
        let home = self.home()?;
        let (manager, object) = proxy.any().identity();
        if manager != home.manager() {
            let refusal = Kind::ValueError.says("an object of another manager");
            return Err(refusal.into());
        }
        let name = name.to_owned();
        match home.ask(&Request::Publish { name, object }, &[])? {
            Reply::Raised(raised) => Err(raised.into()),
            _ => Ok(()),
        }
    }

    /// The object of a name.
    ///
    /// # Errors
    /// [`NotRunning`](ManagerError::NotRunning); those of every call; [`Raised`](ManagerError::Raised) with a `KeyError`
    /// if there is none of that name; [`Item`](ManagerError::Item) if it is of another type.
    pub fn find<P: Proxy>(&self, name: &str) -> Result<P, ManagerError> {
        let name = name.to_owned();
        match self.home()?.ask(&Request::Find { name }, &[])? {
            Reply::Value(Item::Proxy(proxy)) => Ok(P::try_from(proxy)?),
            Reply::Raised(raised) => Err(raised.into()),
            _ => Err(ManagerError::Disconnected),
        }
    }
}

impl Builder {
    /// Where it is to listen, beside the way that all processes of this program have: so that programs elsewhere can
    /// [connect](Manager::connect). With port 0 the kernel chooses one.
    ///
    /// Whoever has the key can do there what this program can, save starting processes. What is sent is not encrypted:
    /// see [`handshake`](crate::net::handshake).
    pub fn address(mut self, address: impl Into<Address>) -> Builder {
        self.address = Some(address.into());
        self
    }

    /// The key that its clients must have: [that of this process](crate::process::CurrentProcess::authkey) unless set.
    pub fn key(mut self, key: Key) -> Builder {
        self.key = Some(key);
        self
    }

    /// What its clients from afar may cost. (A request of theirs has at most
    /// [so many bytes](NetLimits::message_bytes).)
    pub fn limits(mut self, limits: NetLimits) -> Builder {
        self.limits = limits;
        self
    }

    pub(super) fn listen(&self) -> Result<Listening, ManagerError> {
        let Some(address) = &self.address else {
            return Ok(None);
        };
        let key = match &self.key {
            Some(key) => key.clone(),
            None => current_process().authkey()?,
        };
        let mut door = Door::bind(address, Some(key), self.limits)?;
        let path = door.take_path();
        Ok(Some((door, path)))
    }
}
