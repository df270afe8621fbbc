//! The algorithms, generic over [`World`](crate::world::World): no types of the user's, no guards, no
//! errors of the operating system. Each is checked in every world and ships in one.

pub mod barrier;
pub mod condvar;
pub mod event;
pub mod listener;
pub mod mutex;
pub mod reentrant;
pub mod ring;
pub mod roster;
pub mod semaphore;

pub use barrier::{Arrived, BarrierHead, NotPassed, RawBarrier};
pub use condvar::{Companion, CondvarHead, NoWait, RawCondvar, Waited};
pub use event::RawEvent;
pub use listener::RawListener;
pub use mutex::{Acquired, NotHeld, Patience, RawMutex, Refused};
pub use reentrant::RawReentrantMutex;
pub use ring::tasks::{RawTasks, TaskDesk};
pub use ring::{RawRing, Ring};
pub use roster::{Occupant, Roster};
pub use semaphore::{Desk, RawPermit, RawSemaphore, TooMany};
