//! Guards and typed errors over the raw algorithms.

mod error;
mod lock;
mod rlock;

pub use error::{LockError, LockFailure};
pub(crate) use lock::patience;
pub use lock::{Lock, LockGuard};
pub use rlock::{RLock, RLockGuard};
