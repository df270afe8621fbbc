//! What every proxy can do.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Proxy;
use crate::manager::error::ManagerError;
use crate::manager::item::{Item, ItemError, from_item, to_item};
use crate::manager::reference::AnyProxy;
use crate::manager::server::Reply;

impl AnyProxy {
    /// The same, as a proxy of a type.
    ///
    /// # Errors
    /// It stands for an object of another type.
    pub fn typed<P: Proxy>(self) -> Result<P, ItemError> {
        P::try_from(self)
    }

    /// Calls a method by its name, with a tuple of arguments: `proxy.call("append", (5,))`. The methods of the types
    /// that every manager has are named as in Python, the special ones too (`__getitem__`).
    ///
    /// # Errors
    /// [`Raised`](ManagerError::Raised) what the object raises, an `AttributeError` if it has no such method;
    /// [`Item`](ManagerError::Item) if an argument cannot be an item, or the result is none of type `R`;
    /// [`ServerGone`](ManagerError::ServerGone), [`Disconnected`](ManagerError::Disconnected),
    /// [`TooLarge`](ManagerError::TooLarge), [`Io`](ManagerError::Io).
    pub fn call<R: DeserializeOwned>(
        &self,
        method: &str,
        args: impl Serialize,
    ) -> Result<R, ManagerError> {
        let args = match to_item(&args)? {
            Item::None => Vec::new(),
            Item::Tuple(args) => args,
            other => vec![other],
        };
        Ok(from_item(self.invoke(method, args)?)?)
    }

    pub(in crate::manager) fn invoke(
        &self,
        method: &str,
        args: Vec<Item>,
    ) -> Result<Item, ManagerError> {
        match self.ask(method, args)? {
            Reply::Value(item) | Reply::OwnerDied(item) => Ok(item),
            Reply::Raised(raised) => Err(raised.into()),
            Reply::Pool(error) => Err(error.into()),
            Reply::TooLarge { .. } => Err(ManagerError::Disconnected),
        }
    }

    /// A new object in the same server.
    pub(in crate::manager) fn create_beside(
        &self,
        typeid: &str,
        args: Vec<Item>,
    ) -> Result<AnyProxy, ManagerError> {
        let reference = self.reference();
        let reference = reference.ok_or_else(|| ItemError("a proxy in its own server".into()))?;
        match reference.create(typeid, args)? {
            Reply::Value(Item::Proxy(proxy)) => Ok(proxy),
            Reply::Raised(raised) => Err(raised.into()),
            Reply::Pool(error) => Err(error.into()),
            _ => Err(ManagerError::Disconnected),
        }
    }

    pub(in crate::manager) fn ask(
        &self,
        method: &str,
        args: Vec<Item>,
    ) -> Result<Reply, ManagerError> {
        let reference = self.reference();
        let reference = reference.ok_or_else(|| ItemError("a proxy in its own server".into()))?;
        reference.call(method, args)
    }
}

/// What `str()` of the object says. If the server cannot be asked, that is said instead.
impl fmt::Display for AnyProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.invoke("__str__", Vec::new()) {
            Ok(Item::Str(text)) => f.write_str(&text),
            _ => {
                let name = format!("{self:?}");
                let open = name.strip_suffix('>').unwrap_or(&name);
                write!(f, "{open}; '__str__()' failed>")
            }
        }
    }
}
