//! A server on another computer, or at an address of this one: reached over a network.
//!
//! | connection | is | its first message |
//! |---|---|---|
//! | the *session* | a client's process: as long as it is open, the server counts the process's proxies | [`Opening::Session`], answered by a [`Welcome`] |
//! | a *line* | one of its threads, with its requests and their replies | [`Opening::Line`] |
//! | a *leash* | an object on a journey between processes of the client's computer: as long as anyone has it open, the server keeps the object | [`Opening::Leash`], then the request to lend |
//!
//! Each is a connection of its own, with a handshake of its own, so that the end of each is seen by the kernel: of a
//! thread, a process, or the last file. Requests and replies are the same bytes as on one computer, but no open files
//! go with them.
//!
//! # When a process dies
//! The kernel closes its connections: the server then does what it does after the death of a client on its own
//! computer. A client *computer* that falls silent is believed alive for a [time](crate::NetLimits::silence).
//!
//! # What is not here
//! Proxies of *another* manager as items: they are made of open files, or of the way from another computer.

mod entrance;
mod line;
mod link;

use serde::{Deserialize, Serialize};

pub use entrance::RemoteEntrance;
pub use line::Remote;

/// Why a connection was made.
#[derive(Serialize, Deserialize)]
enum Opening {
    /// By this number, which the client has chosen at random.
    Session(u64),
    /// A line of the session.
    Line(u64),
    /// A leash of the session.
    Leash(u64),
}

/// What a session is told.
#[derive(Serialize, Deserialize)]
struct Welcome {
    manager: u64,
    /// The most bytes of a request.
    most_bytes: u64,
}
