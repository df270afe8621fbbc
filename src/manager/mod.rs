//! Managers: processes that keep what others share.

mod shared_memory;

pub use shared_memory::SharedMemoryManager;
