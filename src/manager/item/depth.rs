//! How deep items lie in each other: no deeper than the stack is good for, whoever made the bytes.

use std::cell::Cell;

use super::ItemError;

/// The most levels of lists in lists.
const MOST: usize = 128;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// One level, until it is dropped.
pub struct Level(());

impl Level {
    pub fn enter() -> Result<Level, ItemError> {
        let depth = DEPTH.get();
        if depth == MOST {
            return Err(ItemError(format!("items lie more than {MOST} deep")));
        }
        DEPTH.set(depth + 1);
        Ok(Level(()))
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}
