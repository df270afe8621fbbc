//! Guards and typed errors over the raw algorithms.

mod bounded_semaphore;
mod error;
mod event;
mod lock;
mod permits;
mod rlock;
mod semaphore;

pub use bounded_semaphore::BoundedSemaphore;
pub use error::{LockError, LockFailure};
pub use event::Event;
pub(crate) use lock::patience;
pub use lock::{Lock, LockGuard};
pub use permits::{Permit, SemaphoreError};
pub use rlock::{RLock, RLockGuard};
pub use semaphore::Semaphore;
