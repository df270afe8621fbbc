//! The kernel and nothing else: the only place that names libc, nix and memmap2.

pub mod child;
mod conversation;
pub mod direct;
pub mod exec;
pub mod fork;
pub mod futex;
pub mod image;
pub mod life;
pub mod limit;
pub mod litter;
pub mod memory;
pub mod message;
pub mod named;
mod order;
mod os;
pub mod oversight;
pub mod per_process;
mod permit;
pub mod poll;
pub mod random;
pub mod robust;
mod serve;
pub mod sigchld;
pub mod step;
pub mod stream;
mod surroundings;
pub mod wire;
pub mod zygote;

pub use os::{Links, Os, SharedWide, SharedWord};
