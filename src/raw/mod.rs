//! The algorithms, generic over [`World`](crate::world::World): no types of the user's, no guards, no
//! errors of the operating system. Each is checked in every world and ships in one.

pub mod mutex;
pub mod reentrant;

pub use mutex::{Acquired, NotHeld, Patience, RawMutex, Refused};
pub use reentrant::RawReentrantMutex;
