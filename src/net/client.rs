//! `Client`: the side of a connection that calls.

use super::address::Address;
use super::connection::NetConnection;
use super::error::NetError;
use super::handshake::Role;
use super::key::Key;
use super::limits::NetLimits;
use super::link::Link;
use super::socket::Socket;
use crate::sys::poll;

/// Connects to a [`Listener`](super::Listener).
///
/// ```
/// use forkproof::{Address, Client, Key, Listener, Process};
///
/// fn ask(server: Address, word: String) -> forkproof::Result<()> {
///     let connection = Client::connect(server, Some(Key::new("a secret")?))?;
///     connection.send(&word)?;
///     assert_eq!(connection.recv::<usize>()?, 5);
///     Ok(())
/// }
///
/// fn main() -> forkproof::Result<()> {
///     let listener = Listener::bind("127.0.0.1:0".parse::<Address>()?, Some(Key::new("a secret")?))?;
///     let client = Process::new(ask, (listener.address().clone(), "hello".to_owned()));
///     client.start()?;
///     let connection = listener.accept()?;
///     let word: String = connection.recv()?;
///     connection.send(&word.len())?;
///     assert_eq!(client.join()?, 0);
///     Ok(())
/// }
/// ```
pub struct Client;

impl Client {
    /// Connects, with the [usual limits](NetLimits). With a key, the other side must have it; without one, it must have
    /// none.
    ///
    /// # Errors
    /// [`NetError::Connect`]: no one listens there, or the time passed; [`NetError::Handshake`], among them that the
    /// key is not theirs; [`Io`](NetError::Io): no descriptors left.
    pub fn connect(
        address: impl Into<Address>,
        key: Option<Key>,
    ) -> Result<NetConnection, NetError> {
        Client::connect_within(address, key, NetLimits::default())
    }

    /// Connects, within limits of one's own.
    ///
    /// # Errors
    /// As [`connect`](Client::connect).
    pub fn connect_within(
        address: impl Into<Address>,
        key: Option<Key>,
        limits: NetLimits,
    ) -> Result<NetConnection, NetError> {
        let address = address.into();
        let socket = Socket::connect(&address, &limits)?;
        let mut link = Link::new(socket, address.clone(), Role::Client, key, &limits)?;
        loop {
            link.pump()?;
            if link.is_open() {
                return Ok(NetConnection::over(link.into_socket(), address, &limits));
            }
            let watches: Vec<_> = link.watches().collect();
            poll::ready(&watches, link.deadline())?;
        }
    }
}
