//! Guards and typed errors over the raw algorithms.

mod barrier;
mod bounded_semaphore;
mod condition;
mod error;
mod event;
mod lock;
mod permits;
mod rlock;
mod semaphore;

pub use barrier::{Barrier, BarrierError};
pub use bounded_semaphore::BoundedSemaphore;
pub use condition::{Condition, ConditionError, ConditionFailure, ConditionGuard};
pub use error::{LockError, LockFailure};
pub use event::Event;
pub(crate) use lock::patience;
pub use lock::{Lock, LockGuard};
pub use permits::{Permit, SemaphoreError};
pub use rlock::{RLock, RLockGuard};
pub use semaphore::Semaphore;
