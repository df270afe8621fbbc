//! How proxies and items pass through serde's traits whole, in memory, without becoming bytes.
//!
//! serde knows no such values, so each side names what it is about with a newtype's name, and the other hands the
//! value over in a variable of the thread.

use std::cell::RefCell;

use serde::ser::Error as _;

use super::item::{Item, ItemError};

/// The name of the newtype that a proxy is.
pub const PROXY: &str = "forkproof::manager::proxy";
/// The name of the newtype that an item asks for.
pub const ITEM: &str = "forkproof::manager::item";

thread_local! {
    /// Whether a proxy is to be left here, and the proxy.
    static CAUGHT: RefCell<Option<Option<Item>>> = const { RefCell::new(None) };
    static OFFERED: RefCell<Option<Item>> = const { RefCell::new(None) };
}

/// The proxy that is serialised meanwhile.
pub fn catch(serialise: impl FnOnce() -> Result<Item, ItemError>) -> Result<Item, ItemError> {
    let outer = CAUGHT.replace(Some(None));
    let outcome = serialise();
    let caught = CAUGHT.replace(outer);
    outcome?;
    let missing = || ItemError::custom("no proxy came by");
    caught.flatten().ok_or_else(missing)
}

/// Leaves a proxy for [`catch`], if someone waits for it.
pub fn leave(proxy: impl FnOnce() -> Item) -> bool {
    CAUGHT.with_borrow_mut(|caught| match caught {
        Some(empty @ None) => {
            *empty = Some(proxy());
            true
        }
        _ => false,
    })
}

/// Has `visit` take this.
pub fn offer<T>(item: Item, visit: impl FnOnce() -> T) -> T {
    let outer = OFFERED.replace(Some(item));
    let visited = visit();
    OFFERED.set(outer);
    visited
}

/// What is offered.
pub fn take() -> Option<Item> {
    OFFERED.take()
}
