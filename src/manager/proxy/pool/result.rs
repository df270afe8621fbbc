//! What tasks in a manager's pool return, all together or one after another.

use std::collections::VecDeque;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::manager::error::{Kind, ManagerError};
use crate::manager::item::{Item, ItemError};
use crate::manager::proxy::lock::seconds;
use crate::manager::reference::AnyProxy;
use crate::process::PoolError;
use crate::process::pool::function::Returns;

/// The result of tasks that may still be under way in a manager's pool.
///
/// # Errors
/// Of each method: see [`PoolProxy`](super::PoolProxy).
pub struct PoolResultProxy<V> {
    any: AnyProxy,
    read: Read<V>,
}

/// Reads what all chunks returned.
type Read<V> = fn(Vec<Item>) -> Result<V, ManagerError>;

impl<V> PoolResultProxy<V> {
    pub(super) fn new(any: AnyProxy, read: Read<V>) -> PoolResultProxy<V> {
        PoolResultProxy { any, read }
    }

    /// Waits for the result. Any number of times.
    ///
    /// # Errors
    /// Of a map's tasks, the error of the first in order that has one, when all have been run:
    /// [`Pool`](ManagerError::Pool) as in [`AsyncResult::get`](crate::AsyncResult::get). See
    /// [`PoolProxy`](super::PoolProxy).
    pub fn get(&self) -> Result<V, ManagerError> {
        (self.read)(self.any.call("get", ()).map(list)?)
    }

    /// As [`get`](PoolResultProxy::get), no longer than `timeout`.
    ///
    /// # Errors
    /// [`PoolError::TimedOut`]; as [`get`](PoolResultProxy::get).
    pub fn get_timeout(&self, timeout: Duration) -> Result<V, ManagerError> {
        (self.read)(self.any.call("get", (seconds(timeout),)).map(list)?)
    }

    /// Waits until there is a result, be it an error.
    ///
    /// # Errors
    /// Those of the pool in [`get`](PoolResultProxy::get).
    pub fn wait(&self) -> Result<(), ManagerError> {
        self.any.call::<bool>("wait", ()).map(|_| ())
    }

    /// Waits until there is a result, no longer than `timeout`. Whether there is.
    ///
    /// # Errors
    /// As [`wait`](PoolResultProxy::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool, ManagerError> {
        self.any.call("wait", (seconds(timeout),))
    }

    /// Whether there is a result, be it an error.
    ///
    /// # Errors
    /// See [`PoolProxy`](super::PoolProxy).
    pub fn ready(&self) -> Result<bool, ManagerError> {
        self.any.call("ready", ())
    }

    /// Whether no worker died with a task, and all could be written and read. A task that panicked is told by
    /// [`get`](PoolResultProxy::get).
    ///
    /// # Errors
    /// [`PoolError::NotReady`]; see [`PoolProxy`](super::PoolProxy).
    pub fn successful(&self) -> Result<bool, ManagerError> {
        self.any.call("successful", ())
    }
}

/// The results of [`imap`](super::PoolProxy::imap), in the order of the tasks, or of
/// [`imap_unordered`](super::PoolProxy::imap_unordered), as they come.
///
/// Each task has one result, also if it is an error; after that of a task that panicked come those of the others. When
/// the pool was terminated or the server has ended, one error, and then the end.
///
/// # Errors
/// See [`PoolProxy`](super::PoolProxy).
pub struct ImapProxy<R> {
    any: AnyProxy,
    /// How many tasks there are, and how many of them are in each chunk but the last.
    tasks: usize,
    size: usize,
    order: Order,
    /// Of the chunk that arrived last.
    there: VecDeque<Result<R, PoolError>>,
    /// No more will come.
    is_over: bool,
}

enum Order {
    /// Of the tasks: this chunk is next.
    Next(usize),
    AsTheyCome,
}

impl<R: DeserializeOwned> ImapProxy<R> {
    pub(super) fn new(any: AnyProxy, tasks: usize, size: usize, is_ordered: bool) -> ImapProxy<R> {
        ImapProxy {
            any,
            tasks,
            size,
            order: match is_ordered {
                true => Order::Next(0),
                false => Order::AsTheyCome,
            },
            there: VecDeque::new(),
            is_over: false,
        }
    }

    /// The next result; waits for it no longer than `timeout`. `None` after the last.
    ///
    /// # Errors
    /// [`PoolError::TimedOut`], and it may be asked again; that of the task.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<R>, ManagerError> {
        self.take(seconds(timeout))
    }

    fn take(&mut self, timeout: Item) -> Result<Option<R>, ManagerError> {
        while self.there.is_empty() && !self.is_over {
            match self.fetch(timeout.clone()) {
                Ok(()) => {}
                Err(error) if error.kind() == Some(Kind::StopIteration) => self.is_over = true,
                Err(error) => {
                    let is_to_come = matches!(error, ManagerError::Pool(PoolError::TimedOut));
                    self.is_over = !is_to_come;
                    return Err(error);
                }
            }
        }
        Ok(self.there.pop_front().transpose()?)
    }

    /// The next chunk.
    fn fetch(&mut self, timeout: Item) -> Result<(), ManagerError> {
        let (place, chunk) = match self.order {
            Order::Next(place) => (place, self.chunk(place, timeout)),
            Order::AsTheyCome => match self.any.call("next_of_any", (timeout,))? {
                (place, Item::None) => (place, self.chunk(place, Item::None)), // it has an error
                (place, chunk) => (place, Ok(chunk)),
            },
        };
        let count = self.size.min(self.tasks.saturating_sub(place * self.size));
        let error = match chunk.and_then(read::<R>) {
            Ok(returns) => {
                let returns = returns.into_iter();
                let returns = returns.map(|it| it.map_err(PoolError::panicked));
                self.there.extend(returns);
                None
            }
            Err(ManagerError::Pool(error)) if is_of_the_tasks(&error) => Some(error),
            Err(ManagerError::Item(error)) => Some(PoolError::Unreadable(error.to_string())),
            Err(other) => return Err(other),
        };
        if let Some(error) = error {
            self.there.extend((0..count).map(|_| Err(error.clone())));
        }
        if let Order::Next(place) = &mut self.order {
            *place += 1;
        }
        Ok(())
    }

    fn chunk(&self, place: usize, timeout: Item) -> Result<Item, ManagerError> {
        self.any
            .invoke("chunk", vec![(place as u64).into(), timeout])
    }
}

/// Whether it befell a chunk of tasks, so that the others have their results.
fn is_of_the_tasks(error: &PoolError) -> bool {
    !matches!(error, PoolError::TimedOut | PoolError::Terminated)
}

impl<R: DeserializeOwned> Iterator for ImapProxy<R> {
    type Item = Result<R, ManagerError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take(Item::None).transpose()
    }
}

/// What the tasks of some chunks returned; or the first that panicked.
pub(super) fn read_all<R: DeserializeOwned>(chunks: Vec<Item>) -> Result<Vec<R>, ManagerError> {
    let mut all = Vec::new();
    for chunk in chunks {
        for returned in read(chunk)? {
            all.push(returned.map_err(PoolError::panicked)?);
        }
    }
    Ok(all)
}

fn read<R: DeserializeOwned>(chunk: Item) -> Result<Returns<R>, ManagerError> {
    let Item::Bytes(bytes) = chunk else {
        return Err(ItemError("a chunk of results that is no bytes".into()).into());
    };
    let returns = postcard::from_bytes::<Returns<R>>(&bytes);
    Ok(returns.map_err(|error| ItemError(format!("a result: {error}")))?)
}

fn list(item: Item) -> Vec<Item> {
    match item {
        Item::List(items) => items,
        other => vec![other],
    }
}
