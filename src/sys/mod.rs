//! The kernel and nothing else: the only place that names libc, nix and memmap2.

pub mod fork;
pub mod futex;
pub mod memory;
mod os;
pub mod robust;
pub mod step;

pub use os::{Links, Os, SharedWord};
