//! What brings a lock along, or is given one, or has none: what `Value` and `Array` have in common.

use std::any::Any;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::codes::Code;
use super::lock::{Holding, LockObject, Lockable, acquire, hold};
use super::{Args, Handle, Object, Patience, held};
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;
use crate::shm::Shared;
use crate::{Lock, LockError, RLock};

/// What guards a value or an array.
#[derive(Clone, Serialize, Deserialize)]
pub enum Guard {
    /// Its own lock.
    Own,
    /// The unlocked forms are used.
    None,
    /// One that the program has given, which is taken around the unlocked forms.
    Given(Value),
}

impl Guard {
    /// Takes the argument `lock` out.
    ///
    /// # Errors
    /// AttributeError: it is no lock.
    pub fn of(args: &Args) -> Answer<(Guard, Args)> {
        let mut args = args.clone();
        let at = args.kw.iter().position(|(name, _)| name == "lock");
        let guard = match at.map(|at| args.kw.remove(at).1) {
            None | Some(Value::None | Value::Bool(true)) => Guard::Own,
            Some(Value::Bool(false)) => Guard::None,
            Some(Value::Object(object)) if is_lock(&*object) => Guard::Given(Value::Object(object)),
            Some(other) => return Err(Raised::no_such(&other.kind(), "acquire")),
        };
        Ok((guard, args))
    }

    /// Does something with a given lock held.
    ///
    /// # Errors
    /// Those of the lock and of the work.
    pub fn around<R>(lock: &Value, work: impl FnOnce() -> Answer<R>) -> Answer<R> {
        super::call(lock, "acquire", &Args::none())?;
        let result = work();
        super::call(lock, "release", &Args::none())?;
        result
    }
}

fn is_lock(object: &dyn Object) -> bool {
    let any = object.as_any();
    any.is::<LockObject<Lock>>() || any.is::<LockObject<RLock>>()
}

/// A value or an array on its way.
#[derive(Serialize, Deserialize)]
pub struct Travelling<A> {
    pub code: Code,
    pub guard: Guard,
    /// Of whichever type the code stands for.
    pub shared: A,
}

/// A value or an array of some type, with its own lock.
pub struct Typed<S: 'static>(pub &'static S);

impl<S> Typed<S> {
    pub fn new(shared: S) -> Typed<S> {
        Typed(Box::leak(Box::new(shared))) // its guards are kept between steps
    }
}

/// What can be asked whatever the type is.
pub trait Owned: Holding + Send + Sync {
    fn repr(&self) -> String;
}

impl<S: Lockable + Shared> Typed<S> {
    /// Where its guards are kept.
    pub fn place(&self) -> usize {
        self.0.block().address()
    }
}

impl<S: Lockable + Shared> Holding for Typed<S> {
    fn acquire(&self, patience: Patience) -> Answer {
        acquire(self.0, self.place(), patience)
    }

    fn release(&self) -> Answer {
        if held::take(self.place()).is_some() {
            return Ok(Value::None);
        }
        let why = match self.0.take(Patience::None) {
            Ok(_) | Err(LockError::OwnerDied(_)) => "no one holds the lock",
            Err(_) => "another thread holds the lock",
        };
        let text = format!("there is no guard to drop: {why}");
        Err(Raised::new("AssertionError", text))
    }
}

impl<S: Lockable + Shared + fmt::Debug + Send + Sync> Owned for Typed<S> {
    fn repr(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// The operations that a lock brings along; `bare` is the same object without one.
///
/// # Errors
/// Those of the lock; AttributeError: there is no such operation.
pub fn call(
    object: &(impl Object + Clone + 'static),
    (guard, owned): (&Guard, &dyn Holding),
    bare: impl FnOnce() -> Value,
    op: &str,
    args: &Args,
) -> Answer {
    let no_such = || Err(Raised::no_such(&object.kind(), op));
    match (op, guard) {
        (_, Guard::None) => no_such(),
        ("get_obj", _) => Ok(bare()),
        ("get_lock", Guard::Own) => Ok(Value::object(OwnLock(Value::object(object.clone())))),
        ("get_lock", Guard::Given(lock)) => Ok(lock.clone()),
        (_, Guard::Own) => hold(owned, op, args).unwrap_or_else(no_such),
        (_, Guard::Given(lock)) if is_of_a_lock(op) => super::call(lock, op, args),
        _ => no_such(),
    }
}

fn is_of_a_lock(op: &str) -> bool {
    matches!(op, "acquire" | "release" | "__enter__" | "__exit__")
}

/// The lock of a value or an array, which is no object of its own here: its guard is the way to the data.
struct OwnLock(Value);

impl Object for OwnLock {
    fn kind(&self) -> String {
        "RLock".into()
    }

    fn repr(&self) -> String {
        format!("<the lock of {}>", self.0.repr())
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        if is_of_a_lock(op) {
            super::call(&self.0, op, args)
        } else {
            Err(Raised::no_such(&self.kind(), op))
        }
    }

    fn travel(&self) -> Answer<Handle> {
        match &self.0 {
            Value::Object(owner) => owner.travel(),
            other => Err(Raised::no_such(&other.kind(), "travel")),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
