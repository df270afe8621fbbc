//! `ValueProxy`, `ArrayProxy`: numbers in the server.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::proxy;
use crate::manager::error::ManagerError;
use crate::manager::item::Item;
use crate::manager::reference::AnyProxy;

/// A value in a manager's server. (It has no lock of its own: use a [`LockProxy`](super::LockProxy) to change it
/// depending on what it was.)
///
/// # Errors
/// Of each method: as of [`ListProxy`](super::ListProxy)'s.
///
/// # When a process dies
/// It is what whoever set it last has set.
pub struct ValueProxy<T = Item> {
    any: AnyProxy,
    of: PhantomData<fn(T) -> T>,
}

proxy!([T] ValueProxy<T>, "Value");

impl<T> ValueProxy<T> {
    fn over(any: AnyProxy) -> Self {
        let of = PhantomData;
        ValueProxy { any, of }
    }
}

impl<T: DeserializeOwned> ValueProxy<T> {
    /// # Errors
    /// See [`ValueProxy`].
    pub fn get(&self) -> Result<T, ManagerError> {
        self.any.call("get", ())
    }
}

impl<T: Serialize> ValueProxy<T> {
    /// # Errors
    /// See [`ValueProxy`].
    pub fn set(&self, value: T) -> Result<(), ManagerError> {
        self.any.call("set", (value,))
    }
}

/// Numbers of one type in a manager's server; which type, its letter says.
///
/// # Errors
/// Of each method: as of [`ListProxy`](super::ListProxy)'s.
///
/// # When a process dies
/// Each element is what whoever set it last has set.
pub struct ArrayProxy<T = Item> {
    any: AnyProxy,
    of: PhantomData<fn(T) -> T>,
}

proxy!([T] ArrayProxy<T>, "Array");

impl<T> ArrayProxy<T> {
    fn over(any: AnyProxy) -> Self {
        let of = PhantomData;
        ArrayProxy { any, of }
    }

    /// # Errors
    /// See [`ArrayProxy`].
    pub fn len(&self) -> Result<usize, ManagerError> {
        self.any.call("__len__", ())
    }

    /// # Errors
    /// See [`ArrayProxy`].
    pub fn is_empty(&self) -> Result<bool, ManagerError> {
        Ok(self.len()? == 0)
    }
}

impl<T: DeserializeOwned> ArrayProxy<T> {
    /// The element at a place, from the end below zero.
    ///
    /// # Errors
    /// An `IndexError` if there is no such place; see [`ArrayProxy`].
    pub fn get(&self, index: isize) -> Result<T, ManagerError> {
        self.any.call("__getitem__", (index,))
    }

    /// All of them, in one request.
    ///
    /// # Errors
    /// See [`ArrayProxy`].
    pub fn to_vec(&self) -> Result<Vec<T>, ManagerError> {
        self.any.call("slice", ())
    }
}

impl<T: Serialize> ArrayProxy<T> {
    /// # Errors
    /// An `IndexError` if there is no such place, a `TypeError` for what is no number, an `OverflowError` for one that
    /// does not fit; see [`ArrayProxy`].
    pub fn set(&self, index: isize, value: T) -> Result<(), ManagerError> {
        self.any.call("__setitem__", (index, value))
    }
}
