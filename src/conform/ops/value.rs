//! `Value` and `RawValue`.

use std::any::Any;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::codes::{Code, Native, Scalar, over_each_type, with_type};
use super::guarded::{self, Guard, Owned, Travelling, Typed};
use super::{Args, Handle, Object, held, need};
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;
use crate::{Value as Cell, ValueGuard};

/// A value of some type, under its code.
trait Stored: Owned {
    /// With its own lock, unless this thread has it already.
    fn load(&self) -> Answer<Scalar>;
    fn store(&self, scalar: Scalar) -> Answer<()>;
    fn load_unlocked(&self) -> Scalar;
    fn store_unlocked(&self, scalar: Scalar);
    fn any(&self) -> AnyCell;
}

over_each_type! { AnyCell, Cell, Stored }

impl<T: Native> Typed<Cell<T>> {
    /// Does something with the guard that this thread keeps.
    fn with_kept<R>(&self, work: impl FnOnce(&mut ValueGuard<'static, T>) -> R) -> Option<R> {
        let mut guard = held::take_as::<ValueGuard<'static, T>>(self.place())?;
        let result = work(&mut guard);
        held::keep(self.place(), guard);
        Some(result)
    }
}

impl<T: Native + std::fmt::Debug> Stored for Typed<Cell<T>>
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

    fn any(&self) -> AnyCell {
        self.0.clone().into()
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
        let (guard, args) = Guard::of(args)?;
        ValueObject::made(&args, guard)
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
}

impl From<Travelling<AnyCell>> for ValueObject {
    fn from(arrived: Travelling<AnyCell>) -> ValueObject {
        ValueObject {
            code: arrived.code,
            guard: arrived.guard,
            stored: arrived.shared.stored(),
        }
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
        let bare = || {
            Value::object(ValueObject {
                guard: Guard::None,
                ..self.clone()
            })
        };
        guarded::call(self, (&self.guard, &*self.stored), bare, op, args)
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
        Ok(Handle::Value(Travelling {
            code: self.code,
            guard: self.guard.clone(),
            shared: self.stored.any(),
        }))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
