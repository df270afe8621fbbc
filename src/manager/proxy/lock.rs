//! `LockProxy`, `RLockProxy`: locks in the server.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::proxy;
use crate::manager::error::ManagerError;
use crate::manager::item::Item;
use crate::manager::reference::AnyProxy;
use crate::manager::server::Reply;

/// How a lock was acquired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "after the death of its owner, what a lock guards may be half done"]
pub enum Acquired {
    Clean,
    /// The last one that had it died without giving it back. It is told once: whoever is told mends what the lock
    /// guards.
    OwnerDied,
}

/// A lock is held for as long as this lives.
#[must_use = "the lock is given back as soon as the guard is dropped"]
pub struct Held<'a> {
    any: &'a AnyProxy,
    acquired: Acquired,
    not_send: PhantomData<*const ()>,
}

impl Held<'_> {
    /// How it was acquired.
    pub fn acquired(&self) -> Acquired {
        self.acquired
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // After the server's end there is no lock; and someone else may have released it.
        let _ = self.any.invoke("release", Vec::new());
    }
}

impl fmt::Debug for Held<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Held {:?}>", self.any)
    }
}

/// `None`: not in this time.
pub(super) fn acquire(any: &AnyProxy, args: Vec<Item>) -> Result<Option<Acquired>, ManagerError> {
    let (acquired, item) = match any.ask("acquire", args)? {
        Reply::Value(item) => (Acquired::Clean, item),
        Reply::OwnerDied(item) => (Acquired::OwnerDied, item),
        Reply::Raised(raised) => return Err(raised.into()),
        Reply::Pool(_) | Reply::TooLarge { .. } => return Err(ManagerError::Disconnected),
    };
    Ok((item == Item::Bool(true)).then_some(acquired))
}

pub(super) fn seconds(timeout: Duration) -> Item {
    Item::Float(timeout.as_secs_f64())
}

macro_rules! lock {
    ($Proxy:ident $typeid:literal $(#[$doc:meta])*) => {
        $(#[$doc])*
        ///
        /// A clone is the same lock; so is what arrives in another process. It is acquired by a *thread*, of whatever
        /// process.
        ///
        /// # Errors
        /// Of each method: [`ServerGone`](ManagerError::ServerGone) after the server's end, also while it waits;
        /// [`Raised`](ManagerError::Raised) as said there; [`Disconnected`](ManagerError::Disconnected),
        /// [`Io`](ManagerError::Io).
        ///
        /// # When a process dies
        /// If a thread or its process ends while it has the lock, however it ends, the next one gets it at once, and
        /// is told: [`Acquired::OwnerDied`]. One that dies waiting takes nothing along.
        ///
        /// # Memory ordering
        /// What was written to shared memory before a release is seen after the next acquire: both are requests, and
        /// these are ordered by the queues that carry them.
        pub struct $Proxy {
            any: AnyProxy,
        }

        proxy!([] $Proxy, $typeid);

        impl $Proxy {
            fn over(any: AnyProxy) -> Self {
                $Proxy { any }
            }

            /// Acquires it until the guard is dropped; waits as long as it takes.
            ///
            /// # Errors
            #[doc = concat!("See [`", stringify!($Proxy), "`].")]
            pub fn lock(&self) -> Result<Held<'_>, ManagerError> {
                Ok(Held {
                    any: &self.any,
                    acquired: self.acquire()?,
                    not_send: PhantomData,
                })
            }

            /// Acquires it; waits as long as it takes.
            ///
            /// # Errors
            #[doc = concat!("See [`", stringify!($Proxy), "`].")]
            pub fn acquire(&self) -> Result<Acquired, ManagerError> {
                acquire(&self.any, Vec::new())?.ok_or(ManagerError::Disconnected)
            }

            /// Acquires it if that can be now; `None` if not.
            ///
            /// # Errors
            #[doc = concat!("See [`", stringify!($Proxy), "`].")]
            pub fn try_acquire(&self) -> Result<Option<Acquired>, ManagerError> {
                acquire(&self.any, vec![Item::Bool(false)])
            }

            /// Acquires it; waits no longer than `timeout`: then `None`.
            ///
            /// # Errors
            #[doc = concat!("See [`", stringify!($Proxy), "`].")]
            pub fn acquire_timeout(
                &self,
                timeout: Duration,
            ) -> Result<Option<Acquired>, ManagerError> {
                acquire(&self.any, vec![Item::Bool(true), seconds(timeout)])
            }

            /// Whether someone has it: out of date as soon as it is known.
            ///
            /// # Errors
            #[doc = concat!("See [`", stringify!($Proxy), "`].")]
            pub fn is_locked(&self) -> Result<bool, ManagerError> {
                self.any.call("locked", ())
            }
        }
    };
}

lock! {
    LockProxy "Lock"
    /// A lock in a manager's server.
}

lock! {
    RLockProxy "RLock"
    /// A lock in a manager's server that its owner may acquire again. It is free when it has been released as often.
}

impl LockProxy {
    /// Gives it back. As of Python's lock, anyone may.
    ///
    /// # Errors
    /// A `RuntimeError` if no one has it; see [`LockProxy`].
    pub fn release(&self) -> Result<(), ManagerError> {
        self.any.call("release", ())
    }
}

impl RLockProxy {
    /// Gives it back, once.
    ///
    /// # Errors
    /// A `RuntimeError` if the calling thread does not have it; see [`RLockProxy`].
    pub fn release(&self) -> Result<(), ManagerError> {
        self.any.call("release", ())
    }
}
