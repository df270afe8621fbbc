//! What a manager makes in its server.

use std::time::Duration;

use serde::Serialize;

use super::error::ManagerError;
use super::item::{Dict, Item, to_item};
use super::manager::Manager;
use super::proxy::{
    ArrayProxy, BarrierProxy, ConditionProxy, DictProxy, EventProxy, ListProxy, LockProxy,
    NamespaceProxy, PoolProxy, PoolProxyBuilder, Proxy, QueueProxy, RLockProxy, SemaphoreProxy,
    ValueProxy,
};
use super::reference::AnyProxy;

/// Making objects. Each exists as long as anyone, in whatever process, has a proxy of it.
///
/// # Errors
/// Of each: [`NotRunning`](ManagerError::NotRunning); [`ServerGone`](ManagerError::ServerGone);
/// [`Item`](ManagerError::Item) if a value cannot be an item; [`Raised`](ManagerError::Raised) as said there;
/// [`TooLarge`](ManagerError::TooLarge), [`Disconnected`](ManagerError::Disconnected), [`Io`](ManagerError::Io).
impl Manager {
    /// A list with these elements.
    ///
    /// # Errors
    /// Those of each.
    pub fn list<T: Serialize>(
        &self,
        items: impl IntoIterator<Item = T>,
    ) -> Result<ListProxy<T>, ManagerError> {
        self.make("list", vec![listed(items)?])
    }

    /// A dictionary with these keys and values.
    ///
    /// # Errors
    /// A `TypeError` for a key that is a list or a dictionary; those of each.
    pub fn dict<K: Serialize, V: Serialize>(
        &self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<DictProxy<K, V>, ManagerError> {
        self.make("dict", vec![listed(pairs)?])
    }

    /// A namespace with these names.
    ///
    /// # Errors
    /// Those of each.
    pub fn namespace<'a>(
        &self,
        names: impl IntoIterator<Item = (&'a str, Item)>,
    ) -> Result<NamespaceProxy, ManagerError> {
        let mut dict = Dict::new();
        for (name, value) in names {
            // Text is always a key.
            let _ = dict.insert(name.into(), value);
        }
        self.make("Namespace", vec![Item::Dict(dict)])
    }

    /// A lock.
    ///
    /// # Errors
    /// Those of each.
    pub fn lock(&self) -> Result<LockProxy, ManagerError> {
        self.make("Lock", Vec::new())
    }

    /// A lock that its owner may acquire again.
    ///
    /// # Errors
    /// Those of each.
    pub fn rlock(&self) -> Result<RLockProxy, ManagerError> {
        self.make("RLock", Vec::new())
    }

    /// A semaphore with so many permits.
    ///
    /// # Errors
    /// Those of each.
    pub fn semaphore(&self, permits: u64) -> Result<SemaphoreProxy, ManagerError> {
        self.make("Semaphore", vec![permits.into()])
    }

    /// A semaphore with so many permits, which never has more.
    ///
    /// # Errors
    /// Those of each.
    pub fn bounded_semaphore(&self, permits: u64) -> Result<SemaphoreProxy, ManagerError> {
        self.make("BoundedSemaphore", vec![permits.into()])
    }

    /// A condition variable with a recursive lock of its own.
    ///
    /// # Errors
    /// Those of each.
    pub fn condition(&self) -> Result<ConditionProxy, ManagerError> {
        self.make("Condition", Vec::new())
    }

    /// A condition variable over a [`LockProxy`] or an [`RLockProxy`]. There may be several over one.
    ///
    /// # Errors
    /// A `TypeError` for anything else, or for a lock of another manager; those of each.
    pub fn condition_over(&self, lock: &impl Proxy) -> Result<ConditionProxy, ManagerError> {
        self.make("Condition", vec![Item::Proxy(lock.any().clone())])
    }

    /// An event that is not set.
    ///
    /// # Errors
    /// Those of each.
    pub fn event(&self) -> Result<EventProxy, ManagerError> {
        self.make("Event", Vec::new())
    }

    /// A barrier for so many parties.
    ///
    /// # Errors
    /// A `ValueError` for 0; those of each.
    pub fn barrier(&self, parties: usize) -> Result<BarrierProxy, ManagerError> {
        self.make("Barrier", vec![Item::Int(parties as i128)])
    }

    /// A barrier for so many parties, at which no one waits longer than that.
    ///
    /// # Errors
    /// As [`barrier`](Manager::barrier).
    pub fn barrier_timeout(
        &self,
        parties: usize,
        timeout: Duration,
    ) -> Result<BarrierProxy, ManagerError> {
        let timeout = Item::Float(timeout.as_secs_f64());
        self.make("Barrier", vec![Item::Int(parties as i128), timeout])
    }

    /// A queue, for any number of items.
    ///
    /// # Errors
    /// Those of each.
    pub fn queue<T>(&self) -> Result<QueueProxy<T>, ManagerError> {
        self.make("Queue", Vec::new())
    }

    /// A queue with room for so many items; for any number, if that is 0.
    ///
    /// # Errors
    /// Those of each.
    pub fn queue_bounded<T>(&self, items: usize) -> Result<QueueProxy<T>, ManagerError> {
        self.make("Queue", vec![Item::Int(items as i128)])
    }

    /// The same as a [`queue`](Manager::queue), whose tasks can be waited for too.
    ///
    /// # Errors
    /// Those of each.
    pub fn joinable_queue<T>(&self) -> Result<QueueProxy<T>, ManagerError> {
        self.make("JoinableQueue", Vec::new())
    }

    /// A value. The type's letter is shown, and no more: `Value('i', 5)`.
    ///
    /// # Errors
    /// Those of each.
    pub fn value<T: Serialize>(
        &self,
        typecode: &str,
        value: T,
    ) -> Result<ValueProxy<T>, ManagerError> {
        self.make("Value", vec![typecode.into(), to_item(&value)?])
    }

    /// An array of numbers. What an element may be, the type's letter says: `b`, `h`, `i`, `l`, `q` for integers of 8,
    /// 16, 32, 64, 64 bits, the capital ones without sign; `f`, `d` for floating-point numbers; `u` for a letter.
    ///
    /// # Errors
    /// A `ValueError` for another letter; a `TypeError` or an `OverflowError` for what does not fit; those of each.
    pub fn array<T: Serialize>(
        &self,
        typecode: &str,
        items: impl IntoIterator<Item = T>,
    ) -> Result<ArrayProxy<T>, ManagerError> {
        self.make("Array", vec![typecode.into(), listed(items)?])
    }

    /// A pool of so many workers, which run functions that the server's program has registered.
    ///
    /// # Errors
    /// As [`PoolProxyBuilder::build`].
    pub fn pool(&self, processes: usize) -> Result<PoolProxy, ManagerError> {
        self.pool_builder().processes(processes).build()
    }

    /// A pool of which more is to be said: its initializer, for example.
    pub fn pool_builder(&self) -> PoolProxyBuilder<'_> {
        PoolProxyBuilder::new(self)
    }

    /// An object of the type with this name, as [`AnyProxy::typeid`] says it, from a tuple of arguments.
    ///
    /// # Errors
    /// An `AttributeError` if there is no such type; what it raises; those of each.
    pub fn object(&self, typeid: &str, args: impl Serialize) -> Result<AnyProxy, ManagerError> {
        let args = match to_item(&args)? {
            Item::None => Vec::new(),
            Item::Tuple(args) => args,
            other => vec![other],
        };
        self.create(typeid, args)
    }

    fn make<P: Proxy>(&self, typeid: &str, args: Vec<Item>) -> Result<P, ManagerError> {
        Ok(P::try_from(self.create(typeid, args)?)?)
    }
}

fn listed<T: Serialize>(items: impl IntoIterator<Item = T>) -> Result<Item, ManagerError> {
    let items = items.into_iter().map(|item| to_item(&item));
    Ok(Item::List(items.collect::<Result<Vec<_>, _>>()?))
}
