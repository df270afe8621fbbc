//! `ListProxy`: a list in the server.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::proxy;
use crate::manager::error::{Kind, ManagerError};
use crate::manager::item::{Item, from_item};
use crate::manager::reference::AnyProxy;

/// A list in a manager's server, of elements of type `T`, or of anything at all ([`Item`]).
///
/// A clone is the same list; so is what arrives in another process, as an argument or in a message, or as an element
/// of another list. Places are counted from the end below zero, as in Python.
///
/// ```
/// use forkproof::manager::{ListProxy, Manager};
///
/// let manager = Manager::start()?;
/// let numbers = manager.list([3, 1, 2])?;
/// numbers.append(5)?;
/// numbers.sort()?;
/// assert_eq!(numbers.get(-1)?, 5);
/// assert_eq!(numbers.to_vec()?, [1, 2, 3, 5]);
///
/// let rows: ListProxy<ListProxy<i32>> = manager.list([numbers.clone()])?;
/// rows.get(0)?.append(8)?; // the same list
/// assert_eq!(numbers.to_string(), "[1, 2, 3, 5, 8]");
/// # Ok::<(), forkproof::manager::ManagerError>(())
/// ```
///
/// Each method is one request, and the server answers one at a time: so each is done as a whole, and several are not.
/// An element is a copy: to change it, set it.
///
/// # Errors
/// Of each method: [`ServerGone`](ManagerError::ServerGone) after the server's end;
/// [`Item`](ManagerError::Item) if a value cannot be an item, or an element is no `T`;
/// [`Raised`](ManagerError::Raised) what the list raises, as said there;
/// [`TooLarge`](ManagerError::TooLarge), [`Disconnected`](ManagerError::Disconnected), [`Io`](ManagerError::Io).
///
/// # When a process dies
/// A client that is killed in a call has made its change, or has not.
pub struct ListProxy<T = Item> {
    any: AnyProxy,
    of: PhantomData<fn(T) -> T>,
}

proxy!([T] ListProxy<T>, "list");

impl<T> ListProxy<T> {
    fn over(any: AnyProxy) -> Self {
        let of = PhantomData;
        ListProxy { any, of }
    }

    /// How many elements it has.
    ///
    /// # Errors
    /// See [`ListProxy`].
    pub fn len(&self) -> Result<usize, ManagerError> {
        self.any.call("__len__", ())
    }

    /// # Errors
    /// See [`ListProxy`].
    pub fn is_empty(&self) -> Result<bool, ManagerError> {
        Ok(self.len()? == 0)
    }

    /// Takes an element out.
    ///
    /// # Errors
    /// An `IndexError` if there is no such place; see [`ListProxy`].
    pub fn delete(&self, index: isize) -> Result<(), ManagerError> {
        self.any.call("__delitem__", (index,))
    }

    /// Takes the elements from `start` up to before `stop` out.
    ///
    /// # Errors
    /// See [`ListProxy`].
    pub fn delete_slice(
        &self,
        start: Option<isize>,
        stop: Option<isize>,
    ) -> Result<(), ManagerError> {
        self.any.call("del_slice", (start, stop))
    }

    /// The last first.
    ///
    /// # Errors
    /// See [`ListProxy`].
    pub fn reverse(&self) -> Result<(), ManagerError> {
        self.any.call("reverse", ())
    }

    /// The smallest first; equals stay in their order.
    ///
    /// # Errors
    /// A `TypeError` if two elements have no order: nothing was moved. See [`ListProxy`].
    pub fn sort(&self) -> Result<(), ManagerError> {
        self.any.call("sort", ())
    }

    /// The largest first; equals stay in their order.
    ///
    /// # Errors
    /// As [`sort`](ListProxy::sort).
    pub fn sort_reverse(&self) -> Result<(), ManagerError> {
        self.any.call("sort", (true,))
    }

    /// Has the elements follow each other `times` times.
    ///
    /// # Errors
    /// A `ValueError` if there would be more than 16,777,216; see [`ListProxy`].
    pub fn repeat(&self, times: usize) -> Result<(), ManagerError> {
        self.any.call("__imul__", (times as u64,))
    }
}

/// Putting in.
impl<T: Serialize> ListProxy<T> {
    /// At the end.
    ///
    /// # Errors
    /// See [`ListProxy`].
    pub fn append(&self, item: T) -> Result<(), ManagerError> {
        self.any.call("append", (item,))
    }

    /// All of these at the end, in one request.
    ///
    /// # Errors
    /// See [`ListProxy`].
    pub fn extend(&self, items: impl IntoIterator<Item = T>) -> Result<(), ManagerError> {
        let items: Vec<T> = items.into_iter().collect();
        self.any.call("extend", (items,))
    }

    /// Before the element at a place; beyond the ends: at the end.
    ///
    /// # Errors
    /// See [`ListProxy`].
    pub fn insert(&self, index: isize, item: T) -> Result<(), ManagerError> {
        self.any.call("insert", (index, item))
    }

    /// In place of the one at a place.
    ///
    /// # Errors
    /// An `IndexError` if there is no such place; see [`ListProxy`].
    pub fn set(&self, index: isize, item: T) -> Result<(), ManagerError> {
        self.any.call("__setitem__", (index, item))
    }

    /// In place of those from `start` up to before `stop`, however many these are.
    ///
    /// # Errors
    /// See [`ListProxy`].
    pub fn set_slice(
        &self,
        start: Option<isize>,
        stop: Option<isize>,
        items: impl IntoIterator<Item = T>,
    ) -> Result<(), ManagerError> {
        let items: Vec<T> = items.into_iter().collect();
        self.any.call("set_slice", (items, start, stop))
    }

    /// Takes the first that is equal out.
    ///
    /// # Errors
    /// A `ValueError` if there is none; see [`ListProxy`].
    pub fn remove(&self, item: &T) -> Result<(), ManagerError> {
        self.any.call("remove", (item,))
    }

    /// The place of the first that is equal.
    ///
    /// # Errors
    /// A `ValueError` if there is none; see [`ListProxy`].
    pub fn index(&self, item: &T) -> Result<usize, ManagerError> {
        self.any.call("index", (item,))
    }

    /// How many are equal.
    ///
    /// # Errors
    /// See [`ListProxy`].
    pub fn count(&self, item: &T) -> Result<usize, ManagerError> {
        self.any.call("count", (item,))
    }

    /// Whether one is equal.
    ///
    /// # Errors
    /// See [`ListProxy`].
    pub fn contains(&self, item: &T) -> Result<bool, ManagerError> {
        self.any.call("__contains__", (item,))
    }
}

/// Taking out.
impl<T: DeserializeOwned> ListProxy<T> {
    /// A copy of the element at a place.
    ///
    /// # Errors
    /// An `IndexError` if there is no such place; see [`ListProxy`].
    pub fn get(&self, index: isize) -> Result<T, ManagerError> {
        self.any.call("__getitem__", (index,))
    }

    /// Copies of those from `start` up to before `stop`, every `step`-th; from the end with a step below zero.
    ///
    /// # Errors
    /// A `ValueError` if the step is zero; see [`ListProxy`].
    pub fn slice(
        &self,
        start: Option<isize>,
        stop: Option<isize>,
        step: Option<isize>,
    ) -> Result<Vec<T>, ManagerError> {
        self.any.call("slice", (start, stop, step))
    }

    /// Copies of all, in one request.
    ///
    /// # Errors
    /// See [`ListProxy`].
    pub fn to_vec(&self) -> Result<Vec<T>, ManagerError> {
        self.slice(None, None, None)
    }

    /// Takes the last out.
    ///
    /// # Errors
    /// An `IndexError` if it is empty; see [`ListProxy`].
    pub fn pop(&self) -> Result<T, ManagerError> {
        self.any.call("pop", ())
    }

    /// Takes the one at a place out.
    ///
    /// # Errors
    /// An `IndexError` if there is no such place; see [`ListProxy`].
    pub fn pop_at(&self, index: isize) -> Result<T, ManagerError> {
        self.any.call("pop", (index,))
    }

    /// The elements, one request each: it sees what others do to the list meanwhile.
    pub fn iter(&self) -> Iter<'_, T> {
        let (list, next) = (self, 0);
        Iter { list, next }
    }
}

/// The elements of a list, one request each.
pub struct Iter<'a, T> {
    list: &'a ListProxy<T>,
    next: isize,
}

impl<T: DeserializeOwned> Iterator for Iter<'_, T> {
    type Item = Result<T, ManagerError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self
            .list
            .any
            .invoke("__getitem__", vec![Item::from(self.next as i64)]);
        match item {
            Err(error) if error.kind() == Some(Kind::IndexError) => None,
            Err(error) => Some(Err(error)),
            Ok(item) => {
                self.next += 1;
                Some(from_item(item).map_err(ManagerError::from))
            }
        }
    }
}

impl<'a, T: DeserializeOwned> IntoIterator for &'a ListProxy<T> {
    type Item = Result<T, ManagerError>;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}
