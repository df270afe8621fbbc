//! `Value` and `RawValue`.

use std::any::Any;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::codes::{Code, Native, Scalar, with_type};
use super::lock::{self, LockObject, RLockObject, acquired};
use super::{Args, Handle, Object, Patience, held, need};
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;
use crate::shm::Shared;
use crate::{Value as Cell, ValueGuard};

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
    /// Of the argument `lock`.
    ///
    /// # Errors
    /// AttributeError: it is no lock.
    pub fn of(lock: Option<Value>) -> Answer<Guard> {
        match lock {
            None | Some(Value::None | Value::Bool(true)) => Ok(Guard::Own),
            Some(Value::Bool(false)) => Ok(Guard::None),
            Some(Value::Object(object))
                if object.as_any().is::<LockObject>() || object.as_any().is::<RLockObject>() =>
            {
                Ok(Guard::Given(Value::Object(object)))
            }
            Some(other) => Err(Raised::no_such(&other.kind(), "acquire")),
        }
    }

    /// Does something with a given lock held.
    pub fn around<R>(lock: &Value, work: impl FnOnce() -> Answer<R>) -> Answer<R> {
        super::call(lock, "acquire", &Args::none())?;
        let result = work();
        super::call(lock, "release", &Args::none())?;
        result
    }
}

/// A value of some type, under its code.
trait Stored: Send + Sync {
    /// With its own lock, unless this thread has it already.
    fn load(&self) -> Answer<Scalar>;
    fn store(&self, scalar: Scalar) -> Answer<()>;
    fn load_unlocked(&self) -> Scalar;
    fn store_unlocked(&self, scalar: Scalar);
    fn acquire(&self, patience: Patience) -> Answer;
    fn place(&self) -> usize;
    fn is_locked(&self) -> bool;
    fn repr(&self) -> String;
    fn travel(&self, code: Code, guard: Guard) -> Travelling;
}

struct Typed<T: Native>(&'static Cell<T>);

impl<T: Native> Typed<T> {
    /// Does something with the guard that this thread keeps.
    fn with_kept<R>(&self, work: impl FnOnce(&mut ValueGuard<'static, T>) -> R) -> Option<R> {
        let mut guard = held::take_as::<ValueGuard<'static, T>>(self.0.block().address())?;
        let result = work(&mut guard);
        held::keep(self.0.block().address(), guard);
        Some(result)
    }
}

impl<T: Native + std::fmt::Debug> Stored for Typed<T>
where
    Cell<T>: Into<AnyCell>,
{
    fn load(&self) -> Answer<Scalar> {
        if let Some(value) = self.with_kept(|guard| **guard) {
            return Ok(value.load());
        }
        let value = self
            .0
            .get()
            .map_err(|error| Raised::from(error.failure()))?;
        Ok(value.load())
    }

    fn store(&self, scalar: Scalar) -> Answer<()> {
        let value = T::store(scalar);
        if self.with_kept(|guard| guard.set(value)).is_some() {
            return Ok(());
        }
        self.0.set(value).map_err(|error| error.failure().into())
    }

    fn load_unlocked(&self) -> Scalar {
        self.0.get_unlocked().load()
    }

    fn store_unlocked(&self, scalar: Scalar) {
        self.0.set_unlocked(T::store(scalar));
    }

    fn acquire(&self, patience: Patience) -> Answer {
        let taken = match patience {
            Patience::Endless => self.0.lock(),
            Patience::None => self.0.try_lock(),
            Patience::Within(time) => self.0.lock_timeout(time),
        };
        acquired(taken, patience, self.place(), |guard| {
            guard.mark_consistent()
        })
    }

    fn place(&self) -> usize {
        self.0.block().address()
    }

    fn is_locked(&self) -> bool {
        self.0.try_lock().is_err()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.0)
    }

    fn travel(&self, code: Code, guard: Guard) -> Travelling {
        Travelling {
            code,
            guard,
            cell: self.0.clone().into(),
        }
    }
}

macro_rules! cells {
    ($($Type:ident)+) => {
        /// A shared value of one of the types.
        #[allow(non_camel_case_types)] // the variants are the types
        #[derive(Serialize, Deserialize)]
        enum AnyCell {
            $($Type(Cell<$Type>),)+
        }

        $(
            impl From<Cell<$Type>> for AnyCell {
                fn from(cell: Cell<$Type>) -> AnyCell {
                    AnyCell::$Type(cell)
                }
            }
        )+

        impl AnyCell {
            fn stored(self) -> Arc<dyn Stored> {
                match self {
                    $(AnyCell::$Type(cell) => Arc::new(typed(cell)),)+
                }
            }
        }
    };
}

cells! { i8 u8 i16 u16 i32 u32 i64 u64 f32 f64 char }

fn typed<T: Native>(cell: Cell<T>) -> Typed<T> {
    Typed(Box::leak(Box::new(cell))) // its guards are kept between steps
}

#[derive(Serialize, Deserialize)]
pub struct Travelling {
    code: Code,
    guard: Guard,
    cell: AnyCell,
}

impl Travelling {
    pub fn object(self) -> ValueObject {
        ValueObject {
            code: self.code,
            guard: self.guard,
            stored: self.cell.stored(),
        }
    }
}

#[derive(Clone)]
pub struct ValueObject {
    code: Code,
    guard: Guard,
    stored: Arc<dyn Stored>,
}

impl ValueObject {
    pub fn construct(args: &Args) -> Answer {
        let mut args = args.clone();
        let lock = args.kw.iter().position(|(name, _)| name == "lock");
        let lock = lock.map(|at| args.kw.remove(at).1);
        ValueObject::made(&args, Guard::of(lock)?)
    }

    pub fn raw(args: &Args) -> Answer {
        ValueObject::made(args, Guard::None)
    }

    fn made(args: &Args, guard: Guard) -> Answer {
        let [code, initial] = args.bind(["typecode_or_type", "value"])?;
        let code = Code::of(&need(code, "typecode_or_type")?)?;
        let initial = match initial {
            Some(initial) => code.admit(&initial)?,
            None if code.letter() == 'u' => Scalar::Char('\0'),
            None => Scalar::Int(0),
        };
        let stored = with_type!(code, T => {
            let cell: AnyCell = Cell::new(T::store(initial))?.into();
            cell.stored()
        });
        Ok(Value::object(ValueObject {
            code,
            guard,
            stored,
        }))
    }

    /// A value of its own, with what this one holds now.
    pub fn copy(&self) -> Answer {
        let stored = with_type!(self.code, T => {
            let cell: AnyCell = Cell::new(T::store(self.stored.load_unlocked()))?.into();
            cell.stored()
        });
        Ok(Value::object(ValueObject {
            stored,
            ..self.clone()
        }))
    }

    /// # Errors
    /// Those of its lock.
    pub fn load(&self) -> Answer {
        let scalar = match &self.guard {
            Guard::Own => self.stored.load()?,
            Guard::None => self.stored.load_unlocked(),
            Guard::Given(lock) => Guard::around(lock, || Ok(self.stored.load_unlocked()))?,
        };
        Ok(self.code.show(scalar))
    }

    /// # Errors
    /// TypeError, and those of its lock.
    pub fn store(&self, value: &Value) -> Answer<()> {
        let scalar = self.code.admit(value)?;
        match &self.guard {
            Guard::Own => self.stored.store(scalar),
            Guard::None => {
                self.stored.store_unlocked(scalar);
                Ok(())
            }
            Guard::Given(lock) => Guard::around(lock, || {
                self.stored.store_unlocked(scalar);
                Ok(())
            }),
        }
    }

    /// # Errors
    /// Those of its lock.
    pub fn acquire(&self, patience: Patience) -> Answer {
        self.stored.acquire(patience)
    }

    fn release(&self) -> Answer {
        give_back(self.stored.place(), || self.stored.is_locked())
    }
}

/// Drops the guard that this thread keeps, if it does.
pub fn give_back(place: usize, is_locked: impl FnOnce() -> bool) -> Answer {
    if held::take(place).is_some() {
        Ok(Value::None)
    } else if is_locked() {
        Err(Raised::new(
            "AssertionError",
            "there is no guard to drop: another thread holds the lock",
        ))
    } else {
        Err(Raised::new(
            "AssertionError",
            "there is no guard to drop: no one holds the lock",
        ))
    }
}

impl Object for ValueObject {
    fn kind(&self) -> String {
        match self.guard {
            Guard::None => with_type!(self.code, T => std::any::type_name::<T>().into()),
            _ => "Value".into(),
        }
    }

    fn repr(&self) -> String {
        match self.guard {
            Guard::None => self.code.bare(self.stored.load_unlocked()),
            _ => self.stored.repr(),
        }
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        let delegated = matches!(op, "acquire" | "release" | "__enter__" | "__exit__");
        match (op, &self.guard) {
            ("get_lock", Guard::Own) => Ok(Value::object(OwnLock(Owner::Value(self.clone())))),
            ("get_lock", Guard::Given(lock)) => Ok(lock.clone()),
            ("get_obj", Guard::Own | Guard::Given(_)) => Ok(Value::object(ValueObject {
                guard: Guard::None,
                ..self.clone()
            })),
            (_, Guard::Given(lock)) if delegated => super::call(lock, op, args),
            ("acquire", Guard::Own) => self.acquire(lock::patience(args)?),
            ("__enter__", Guard::Own) => self.acquire(Patience::Endless),
            ("release" | "__exit__", Guard::Own) => self.release(),
            _ => Err(Raised::no_such(&self.kind(), op)),
        }
    }

    fn attribute(&self, name: &str) -> Answer {
        match name {
            "value" => self.load(),
            _ => Err(Raised::no_such(&self.kind(), name)),
        }
    }

    fn set_attribute(&self, name: &str, value: &Value) -> Answer<()> {
        match name {
            "value" => self.store(value),
            _ => Err(Raised::no_such(&self.kind(), name)),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        Ok(Handle::Value(
            self.stored.travel(self.code, self.guard.clone()),
        ))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The lock of a value or an array, which is no object of its own here: its guard is the way to the data.
pub struct OwnLock(pub Owner);

pub enum Owner {
    Value(ValueObject),
    Array(super::array::ArrayObject),
}

impl OwnLock {
    fn owner(&self) -> &dyn Object {
        match &self.0 {
            Owner::Value(value) => value,
            Owner::Array(array) => array,
        }
    }
}

impl Object for OwnLock {
    fn kind(&self) -> String {
        "RLock".into()
    }

    fn repr(&self) -> String {
        format!("<the lock of {}>", self.owner().repr())
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        match op {
            "acquire" | "release" | "__enter__" | "__exit__" => self.owner().call(op, args),
            _ => Err(Raised::no_such(&self.kind(), op)),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        self.owner().travel()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
