//! A server on the same machine, reached through shared memory.
//!
//! | part | is |
//! |---|---|
//! | the *door* | a socket that each proxy has; a thread's first call sends a [`Hello`](hello::Hello) through it |
//! | requests, replies | a [`Queue`] each way, of the thread's own, with a message in one or more [pieces](piece::Piece) |
//! | the *bell* | a pair of sockets: rung after a piece for [who sleeps](crate::raw::RawListener), and at its end when the thread has ended |
//! | the server's pidfd | tells its clients of its end; the client's own, in the hello, tells the server of theirs |
//!
//! Of a message in several pieces the receiver asks for each next one. So neither queue ever holds more than one
//! piece and some small requests that have no reply, and the server never waits for a client.

mod door;
mod hello;
mod line;
mod link;
mod piece;

use std::os::fd::OwnedFd;
use std::sync::Arc;

pub use door::Door;

use crate::sys::wire::Wire;

#[cfg(doc)]
use crate::data::Queue;

/// Where a server is.
pub struct Address {
    door: Wire,
    server: Arc<OwnedFd>,
}

impl Address {
    pub fn of(door: Arc<OwnedFd>, server: Arc<OwnedFd>) -> Address {
        let door = Wire::from(door);
        Address { door, server }
    }

    pub fn door(&self) -> &Arc<OwnedFd> {
        self.door.socket()
    }

    /// The server's pidfd.
    pub fn server(&self) -> &Arc<OwnedFd> {
        &self.server
    }
}
