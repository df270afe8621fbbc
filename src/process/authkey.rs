//! The key with which this process authenticates itself where none is given: its parent's, unless it was set.

use std::io;
use std::sync::{PoisonError, RwLock};

use crate::net::Key;

static KEY: RwLock<Option<Key>> = RwLock::new(None);

/// The process's key, made at random if it has none.
pub(super) fn get() -> io::Result<Key> {
    let known = KEY.read().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(key) = known {
        return Ok(key);
    }
    let mut own = KEY.write().unwrap_or_else(PoisonError::into_inner);
    match &*own {
        Some(key) => Ok(key.clone()), // another thread's
        None => Ok(own.insert(Key::random()?).clone()),
    }
}

pub(super) fn set(key: Key) {
    *KEY.write().unwrap_or_else(PoisonError::into_inner) = Some(key);
}
