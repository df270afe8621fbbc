//! What an object in the server is, and what it may do in its turn.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use super::core::Caller;
use super::request::Reply;
use crate::manager::error::{Kind, Raised};
use crate::manager::item::Item;
use crate::manager::reference::Token;
use crate::process::PoolWatch;

/// An object: methods by name, and what becomes of calls that wait.
pub trait Object: Send {
    /// Calls a method.
    fn call(&mut self, turn: &mut Turn<'_>, method: &str, args: Vec<Item>) -> Answer;

    /// What `str()` of it says.
    fn text(&self) -> String;

    /// The deadline of a parked call has passed: it is to be answered now, or parked anew.
    fn late(&mut self, turn: &mut Turn<'_>, caller: Caller) {
        turn.answer(caller, Reply::Value(Item::Bool(false)));
    }

    /// A caller is gone, with what it held. `unread`: it never saw the reply to its last call.
    fn left(&mut self, _turn: &mut Turn<'_>, _caller: Caller, _unread: bool) {}

    /// Whether it has something to do though no call on it waits.
    fn is_tended(&self) -> bool {
        false
    }

    /// What tells of that which no request does. Asked while a call on the object waits, or if it is tended.
    fn watch(&mut self) -> Option<PoolWatch> {
        None
    }

    /// Something has happened, perhaps to what is watched: calls that wait may be answered now.
    fn stirred(&mut self, _turn: &mut Turn<'_>) {}

    /// For objects that are made of others.
    fn as_any(&mut self) -> &mut dyn std::any::Any;
}

/// What a call gives.
pub enum Answer {
    Now(Reply),
    /// The object will [answer](Turn::answer) when it can, or when so much time has passed.
    Later(Option<std::time::Duration>),
}

impl From<Result<Item, Raised>> for Answer {
    fn from(outcome: Result<Item, Raised>) -> Answer {
        Answer::Now(match outcome {
            Ok(item) => Reply::Value(item),
            Err(raised) => Reply::Raised(raised),
        })
    }
}

/// One request at work.
pub struct Turn<'a> {
    /// Who asks.
    pub caller: Caller,
    answers: &'a mut Vec<(Caller, Reply)>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(caller: Caller, answers: &'a mut Vec<(Caller, Reply)>) -> Turn<'a> {
        Turn { caller, answers }
    }

    /// Answers a call that was parked.
    pub fn answer(&mut self, caller: Caller, reply: Reply) {
        self.answers.push((caller, reply));
    }
}

/// An object's place in the server. It exists for as long as anything refers to it: a client's proxy, a lent one, or
/// one inside another object.
pub struct Entry {
    pub token: Token,
    /// `None` only while it is dropped. A panic inside is a method's own affair: the object stays.
    object: Mutex<Option<Box<dyn Object>>>,
}

impl Entry {
    pub(super) fn new(token: Token, object: Box<dyn Object>) -> Arc<Entry> {
        let object = Mutex::new(Some(object));
        Arc::new(Entry { token, object })
    }

    /// Works on the object.
    ///
    /// # Errors
    /// The object is at work: one of its methods would call itself.
    pub fn with<R>(&self, work: impl FnOnce(&mut dyn Object) -> R) -> Result<R, Raised> {
        let mut object = match self.object.try_lock() {
            Ok(object) => object,
            Err(TryLockError::Poisoned(object)) => object.into_inner(),
            Err(TryLockError::WouldBlock) => {
                return Err(Kind::RuntimeError.says("the object is at work"));
            }
        };
        match object.as_mut() {
            Some(object) => Ok(work(object.as_mut())),
            None => Err(Kind::RemoteError.says("the object is gone")),
        }
    }

    fn take(&mut self) -> Option<Box<dyn Object>> {
        let object = self.object.get_mut();
        object.unwrap_or_else(PoisonError::into_inner).take()
    }
}

thread_local! {
    /// Objects whose last reference is gone, while one is being dropped.
    static FALLING: RefCell<Option<Vec<Box<dyn Object>>>> = const { RefCell::new(None) };
}

/// One after another: a chain of objects, each inside the one before, would not fit on the stack.
impl Drop for Entry {
    fn drop(&mut self) {
        let Some(object) = self.take() else { return };
        let first = FALLING.with_borrow_mut(|falling| match falling {
            Some(falling) => {
                falling.push(object);
                None
            }
            None => {
                *falling = Some(Vec::new());
                Some(object)
            }
        });
        let mut next = first;
        let is_first = next.is_some();
        while let Some(object) = next {
            drop(object);
            next = FALLING.with_borrow_mut(|falling| falling.as_mut().and_then(Vec::pop));
        }
        if is_first {
            FALLING.set(None);
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.token)
    }
}
