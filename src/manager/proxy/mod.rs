//! Proxies: each stands for an object in the server, and each of its methods is a request.

mod any;
mod barrier;
mod condition;
mod dict;
mod event;
mod list;
mod lock;
mod namespace;
mod pool;
mod queue;
mod semaphore;
mod value;

pub use barrier::BarrierProxy;
pub use condition::{ConditionProxy, Woken};
pub use dict::DictProxy;
pub use event::EventProxy;
pub use list::ListProxy;
pub use lock::{Acquired, Held, LockProxy, RLockProxy};
pub use namespace::NamespaceProxy;
pub use pool::{CallsProxy, ImapProxy, PoolProxy, PoolProxyBuilder, PoolResultProxy};
pub use queue::QueueProxy;
pub use semaphore::SemaphoreProxy;
pub use value::{ArrayProxy, ValueProxy};

use super::item::ItemError;
use super::reference::AnyProxy;

/// A proxy of a type that is known. Implemented by all of them.
pub trait Proxy: TryFrom<AnyProxy, Error = ItemError> + Clone {
    fn any(&self) -> &AnyProxy;
}

/// What all proxies have in common: `over` makes one.
macro_rules! proxy {
    ([$($T:ident),*] $Proxy:ty, $($typeid:literal)|+) => {
        impl<$($T),*> crate::manager::proxy::Proxy for $Proxy {
            fn any(&self) -> &crate::manager::reference::AnyProxy {
                &self.any
            }
        }

        impl<$($T),*> TryFrom<crate::manager::reference::AnyProxy> for $Proxy {
            type Error = crate::manager::item::ItemError;

            fn try_from(any: crate::manager::reference::AnyProxy) -> Result<Self, Self::Error> {
                match any.typeid() {
                    $($typeid)|+ => Ok(Self::over(any)),
                    _ => Err(crate::manager::proxy::of_another_type(&any)),
                }
            }
        }

        impl<$($T),*> Clone for $Proxy {
            fn clone(&self) -> Self {
                Self::over(self.any.clone())
            }
        }

        /// Whether they stand for the same object.
        impl<$($T),*> PartialEq for $Proxy {
            fn eq(&self, other: &Self) -> bool {
                self.any == other.any
            }
        }

        impl<$($T),*> serde::Serialize for $Proxy {
            fn serialize<Z: serde::Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
                self.any.serialize(serializer)
            }
        }

        impl<'de, $($T),*> serde::Deserialize<'de> for $Proxy {
            fn deserialize<Z: serde::Deserializer<'de>>(deserializer: Z) -> Result<Self, Z::Error> {
                let any = crate::manager::reference::AnyProxy::deserialize(deserializer)?;
                Self::try_from(any).map_err(serde::de::Error::custom)
            }
        }

        /// What `str()` of the object says. If the server cannot be asked, that is said instead.
        impl<$($T),*> std::fmt::Display for $Proxy {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.any, f)
            }
        }

        /// Which object it stands for.
        impl<$($T),*> std::fmt::Debug for $Proxy {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.any, f)
            }
        }
    };
}
use proxy;

fn of_another_type(any: &AnyProxy) -> ItemError {
    ItemError(format!("a proxy of a '{}'", any.typeid()))
}
