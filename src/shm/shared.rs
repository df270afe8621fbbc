//! What a shared object looks like from outside: where it is, and what its parts are called.

use super::block::Block;

/// An object that lies in a [`Block`]: so that a trace can call an address by its name.
pub trait Shared {
    fn block(&self) -> &Block;

    /// What lies at an offset of the block: `lock`, `value`, `[3]` and the like.
    fn part(&self, offset: usize) -> String;

    /// Whether what lies there is of no interest to who uses the object: how it does what it does.
    fn is_inside(&self, _offset: usize) -> bool {
        false
    }

    /// A lock that it goes with, which others may use on its own.
    fn lock_beside(&self) -> Option<Box<dyn Shared>> {
        None
    }
}
