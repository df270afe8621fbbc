//! `NamespaceProxy`: names and values in the server.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::proxy;
use crate::manager::error::ManagerError;
use crate::manager::reference::AnyProxy;

/// Values under names, in a manager's server. Each value may be of another type.
///
/// ```
/// use forkproof::manager::Manager;
///
/// let manager = Manager::start()?;
/// let settings = manager.namespace([("x", 1.into())])?;
/// settings.set("y", "two")?;
/// assert_eq!(settings.get::<i32>("x")?, 1);
/// assert_eq!(settings.to_string(), "Namespace(x=1, y='two')");
/// # Ok::<(), forkproof::manager::ManagerError>(())
/// ```
///
/// # Errors
/// Of each method: as of [`ListProxy`](super::ListProxy)'s; an `AttributeError` if there is no such name.
pub struct NamespaceProxy {
    any: AnyProxy,
}

proxy!([] NamespaceProxy, "Namespace");

impl NamespaceProxy {
    fn over(any: AnyProxy) -> Self {
        NamespaceProxy { any }
    }

    /// The value of a name.
    ///
    /// # Errors
    /// See [`NamespaceProxy`].
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, ManagerError> {
        self.any.call("__getattribute__", (name,))
    }

    /// Sets the value of a name. Those that begin with an underscore are not shown.
    ///
    /// # Errors
    /// See [`NamespaceProxy`].
    pub fn set<T: Serialize>(&self, name: &str, value: T) -> Result<(), ManagerError> {
        self.any.call("__setattr__", (name, value))
    }

    /// Takes a name out.
    ///
    /// # Errors
    /// See [`NamespaceProxy`].
    pub fn delete(&self, name: &str) -> Result<(), ManagerError> {
        self.any.call("__delattr__", (name,))
    }
}
