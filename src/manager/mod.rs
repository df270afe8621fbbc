//! Managers: objects that live in a server process, and proxies of them that can be sent anywhere.
//!
//! ```
//! use forkproof::{Process, manager::{ListProxy, Manager, ManagerError}};
//!
//! fn insert(records: ListProxy<(String, i32)>) -> Result<(), ManagerError> {
//!     records.append(("Alexis".to_owned(), 79))
//! }
//!
//! fn main() -> forkproof::Result<()> {
//!     let manager = Manager::start()?;
//!     let records = manager.list([("Maura".to_owned(), 70)])?;
//!     let child = Process::new(insert, (records.clone(),));
//!     child.start()?;
//!     child.join()?;
//!     assert_eq!(records.to_string(), "[('Maura', 70), ('Alexis', 79)]");
//!     Ok(())
//! }
//! ```
//!
//! | part | is |
//! |---|---|
//! | [`Manager`] | starts the server, makes objects in it, ends it |
//! | [`ListProxy`], [`DictProxy`], .. | stand for an object in the server: each method is a request to it |
//! | [`Item`] | a value that says of itself what it is: all that the server keeps |
//! | `server` | the server; its core is plain data |
//!
//! # When a process dies
//! A client that is killed gives back its locks and permits, waits for nothing any more, and refers to nothing any
//! more. When the server is killed every call says [`ServerGone`](ManagerError::ServerGone), those that wait at once.
//! When the process that started the server is killed, the server ends.

mod cargo;
mod error;
mod home;
mod item;
mod local;
mod make;
#[allow(clippy::module_inception)]
mod manager;
mod own;
mod passing;
mod proxy;
mod reference;
mod remote;
mod server;
mod shared_memory;

pub use error::{Kind, ManagerError, Raised};
pub use item::{Dict, Item, ItemError, NoOrder, Unhashable, from_item, to_item};
pub use manager::{Builder, Manager};
#[doc(hidden)]
pub use own::{MANAGED, Maker, Managed, ManagedMethod, Method};
pub use proxy::{
    Acquired, ArrayProxy, BarrierProxy, CallsProxy, ConditionProxy, DictProxy, EventProxy, Held,
    ImapProxy, ListProxy, LockProxy, NamespaceProxy, PoolProxy, PoolProxyBuilder, PoolResultProxy,
    Proxy, QueueProxy, RLockProxy, SemaphoreProxy, ValueProxy, Woken,
};
pub use reference::AnyProxy;
pub use shared_memory::SharedMemoryManager;
