//! `DictProxy`: a dictionary in the server.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::proxy;
use crate::manager::error::{Kind, ManagerError};
use crate::manager::item::Item;
use crate::manager::reference::AnyProxy;

/// A dictionary in a manager's server, from keys of type `K` to values of type `V`, or from anything to anything
/// ([`Item`]). It keeps its order: that in which the keys came.
///
/// A clone is the same dictionary; so is what arrives in another process, or is found in another object.
///
/// ```
/// use forkproof::manager::Manager;
///
/// let manager = Manager::start()?;
/// let ages = manager.dict([("Maura".to_owned(), 7)])?;
/// ages.insert("Pete".to_owned(), 9)?;
/// assert_eq!(ages.to_string(), "{'Maura': 7, 'Pete': 9}");
/// assert_eq!(ages.get("Leroy")?, None);
/// # Ok::<(), forkproof::manager::ManagerError>(())
/// ```
///
/// Each method is one request, and the server answers one at a time. A value is a copy: to change it, insert it again.
///
/// # Errors
/// Of each method: as of [`ListProxy`](super::ListProxy)'s. A `TypeError` for a key that is, or has in it, a list or a
/// dictionary.
///
/// # When a process dies
/// A client that is killed in a call has made its change, or has not.
pub struct DictProxy<K = Item, V = Item> {
    any: AnyProxy,
    of: PhantomData<fn() -> (K, V)>,
}

proxy!([K, V] DictProxy<K, V>, "dict");

impl<K, V> DictProxy<K, V> {
    fn over(any: AnyProxy) -> Self {
        let of = PhantomData;
        DictProxy { any, of }
    }

    /// How many keys there are.
    ///
    /// # Errors
    /// See [`DictProxy`].
    pub fn len(&self) -> Result<usize, ManagerError> {
        self.any.call("__len__", ())
    }

    /// # Errors
    /// See [`DictProxy`].
    pub fn is_empty(&self) -> Result<bool, ManagerError> {
        Ok(self.len()? == 0)
    }

    /// Takes all out.
    ///
    /// # Errors
    /// See [`DictProxy`].
    pub fn clear(&self) -> Result<(), ManagerError> {
        self.any.call("clear", ())
    }

    /// Whether there is such a key.
    ///
    /// # Errors
    /// See [`DictProxy`].
    pub fn contains<Q: Serialize + ?Sized>(&self, key: &Q) -> Result<bool, ManagerError> {
        self.any.call("__contains__", (key,))
    }

    /// Takes a key out.
    ///
    /// # Errors
    /// A `KeyError` if it is not there; see [`DictProxy`].
    pub fn delete<Q: Serialize + ?Sized>(&self, key: &Q) -> Result<(), ManagerError> {
        self.any.call("__delitem__", (key,))
    }
}

/// Putting in.
impl<K: Serialize, V: Serialize> DictProxy<K, V> {
    /// Sets the value of a key, which keeps its place if it is there.
    ///
    /// # Errors
    /// See [`DictProxy`].
    pub fn insert(&self, key: K, value: V) -> Result<(), ManagerError> {
        self.any.call("__setitem__", (key, value))
    }

    /// Sets all of these, in one request.
    ///
    /// # Errors
    /// See [`DictProxy`].
    pub fn update(&self, pairs: impl IntoIterator<Item = (K, V)>) -> Result<(), ManagerError> {
        let pairs: Vec<(K, V)> = pairs.into_iter().collect();
        self.any.call("update", (pairs,))
    }
}

/// Looking up and taking out.
impl<K, V: DeserializeOwned> DictProxy<K, V> {
    /// The value of a key, if it is there.
    ///
    /// # Errors
    /// See [`DictProxy`].
    pub fn get<Q: Serialize + ?Sized>(&self, key: &Q) -> Result<Option<V>, ManagerError> {
        absent_is_none(self.at(key))
    }

    /// The value of a key.
    ///
    /// # Errors
    /// A `KeyError` if it is not there; see [`DictProxy`].
    pub fn at<Q: Serialize + ?Sized>(&self, key: &Q) -> Result<V, ManagerError> {
        self.any.call("__getitem__", (key,))
    }

    /// Takes a key out: its value, if it was there.
    ///
    /// # Errors
    /// See [`DictProxy`].
    pub fn pop<Q: Serialize + ?Sized>(&self, key: &Q) -> Result<Option<V>, ManagerError> {
        absent_is_none(self.any.call("pop", (key,)))
    }

    /// All values, in order, in one request.
    ///
    /// # Errors
    /// See [`DictProxy`].
    pub fn values(&self) -> Result<Vec<V>, ManagerError> {
        self.any.call("values", ())
    }
}

impl<K: Serialize, V: Serialize + DeserializeOwned> DictProxy<K, V> {
    /// The value of a key; if it is not there, `default`, which is then set.
    ///
    /// # Errors
    /// See [`DictProxy`].
    pub fn set_default(&self, key: K, default: V) -> Result<V, ManagerError> {
        self.any.call("setdefault", (key, default))
    }
}

/// With the keys.
impl<K: DeserializeOwned, V: DeserializeOwned> DictProxy<K, V> {
    /// All keys, in order, in one request.
    ///
    /// # Errors
    /// See [`DictProxy`].
    pub fn keys(&self) -> Result<Vec<K>, ManagerError> {
        self.any.call("keys", ())
    }

    /// All keys and values, in order, in one request.
    ///
    /// # Errors
    /// See [`DictProxy`].
    pub fn items(&self) -> Result<Vec<(K, V)>, ManagerError> {
        self.any.call("items", ())
    }

    /// Takes the last one out.
    ///
    /// # Errors
    /// A `KeyError` if there is none; see [`DictProxy`].
    pub fn pop_item(&self) -> Result<(K, V), ManagerError> {
        self.any.call("popitem", ())
    }

    /// The keys, in order, as they are now, each as an iterator's element. One request.
    ///
    /// # Errors
    /// See [`DictProxy`].
    pub fn iter(&self) -> Result<impl Iterator<Item = K>, ManagerError> {
        Ok(self.keys()?.into_iter())
    }
}

fn absent_is_none<V>(found: Result<V, ManagerError>) -> Result<Option<V>, ManagerError> {
    match found {
        Err(error) if error.kind() == Some(Kind::KeyError) => Ok(None),
        found => found.map(Some),
    }
}
