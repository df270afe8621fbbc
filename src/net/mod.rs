//! Connections between computers, or between programs of one: messages, after both sides have shown that they have
//! the same key.
//!
//! # What is not here
//! Encryption: see [`handshake`]. Shared objects: they live in one computer's memory.

mod address;
mod client;
mod connection;
mod door;
mod error;
pub mod framing;
pub mod handshake;
mod key;
mod limits;
mod link;
mod listener;
mod path;
mod socket;

pub use address::{Address, NoAddress};
pub use client::Client;
pub use connection::NetConnection;
pub use door::Door;
pub use error::NetError;
pub use handshake::HandshakeError;
pub(crate) use key::KeyHash;
pub use key::{EmptyKey, Key};
pub use limits::NetLimits;
pub use link::{Link, UNSENT_BYTES};
pub use listener::Listener;
pub(crate) use path::SocketPath;
