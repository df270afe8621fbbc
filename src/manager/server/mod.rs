//! The server: objects that clients call, one request at a time.
//!
//! | part | is |
//! |---|---|
//! | [`core::Core`] | the objects, who refers to them, which calls wait and until when: plain data, no input or output |
//! | [`Link`], [`Entrance`] | a client's connection, and where new ones come in: by shared memory, or over a network |
//! | [`Server`] | the loop between them |
//!
//! A call that cannot be answered yet is *parked*: the object remembers the caller, and answers it during someone
//! else's request, or when its deadline passes. The server goes on meanwhile.

mod args;
mod core;
mod link;
mod object;
mod request;
mod serve;
mod types;

pub use link::{Ended, Entrance, Link, Newcomer, SessionKey};
pub use object::Entry;
pub use request::{Reply, Request};
pub use serve::Server;

#[cfg(test)]
mod tests;
