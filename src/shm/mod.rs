//! What may live in shared memory, and where.
//!
//! An object is a [`Block`]: a slot of an arena, which is one sealed memfd. Arenas keep 10,000 locks from
//! needing 10,000 descriptors. A block counts its holders in shared memory, one for each process; the
//! slot is free again when the last has let go.
//!
//! **Who frees the objects of the dead?** A process that is killed does not let go, so a slot that it held
//! is not used again; the arena itself, slots and all, is the kernel's to free as soon as no process maps
//! it, and it has no name that could outlive them. The cost of a killed holder is its slots (64 bytes for a
//! lock) for as long as the arena's other holders live.

mod arena;
pub mod block;
pub mod buffer;
pub mod passage;
mod placed;
mod plain;
mod shared;

pub(crate) use arena::pid_namespace;
pub use block::{Block, InShared};
pub use plain::Plain;
pub use shared::Shared;
