//! `Array` and `RawArray`.

use std::any::Any;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::codes::{Code, Native, Scalar, over_each_type, with_type};
use super::guarded::{self, Guard, Owned, Travelling, Typed};
use super::{Args, Handle, Object, held, need, slices};
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;
use crate::{Array, ArrayGuard};

/// An array of some type, under its code.
trait Stored: Owned {
    fn len(&self) -> usize;
    /// The elements at these indices, with its own lock, unless this thread has it already.
    fn load(&self, indices: &[usize]) -> Answer<Vec<Scalar>>;
    fn store(&self, indices: &[usize], scalars: &[Scalar]) -> Answer<()>;
    fn load_unlocked(&self, indices: &[usize]) -> Answer<Vec<Scalar>>;
    fn store_unlocked(&self, indices: &[usize], scalars: &[Scalar]) -> Answer<()>;
    fn any(&self) -> AnyArray;
}

over_each_type! { AnyArray, Array, Stored }

impl<T: Native> Typed<Array<T>> {
    /// Does something with the guard that this thread keeps, or with one for the moment.
    fn with<R>(&self, work: impl FnOnce(&mut ArrayGuard<'static, T>) -> Answer<R>) -> Answer<R> {
        if let Some(mut guard) = held::take_as::<ArrayGuard<'static, T>>(self.place()) {
            let result = work(&mut guard);
            held::keep(self.place(), guard);
            return result;
        }
        let guard = self.0.lock();
        work(&mut guard.map_err(|error| Raised::from(error.failure()))?)
    }
}

impl<T: Native + std::fmt::Debug> Stored for Typed<Array<T>>
where
    Array<T>: Into<AnyArray>,
{
    fn len(&self) -> usize {
        self.0.len()
    }

    fn load(&self, indices: &[usize]) -> Answer<Vec<Scalar>> {
        self.with(|guard| {
            let elements = indices.iter().map(|&at| Ok(guard.get(at)?.load()));
            elements.collect()
        })
    }

    fn store(&self, indices: &[usize], scalars: &[Scalar]) -> Answer<()> {
        self.with(|guard| {
            for (&at, &scalar) in indices.iter().zip(scalars) {
                guard.set(at, T::store(scalar))?;
            }
            Ok(())
        })
    }

    fn load_unlocked(&self, indices: &[usize]) -> Answer<Vec<Scalar>> {
        let elements = indices
            .iter()
            .map(|&at| Ok(self.0.get_unlocked(at)?.load()));
        elements.collect()
    }

    fn store_unlocked(&self, indices: &[usize], scalars: &[Scalar]) -> Answer<()> {
        for (&at, &scalar) in indices.iter().zip(scalars) {
            self.0.set_unlocked(at, T::store(scalar))?;
        }
        Ok(())
    }

    fn any(&self) -> AnyArray {
        self.0.clone().into()
    }
}

#[derive(Clone)]
pub struct ArrayObject {
    code: Code,
    guard: Guard,
    stored: Arc<dyn Stored>,
}

impl ArrayObject {
    pub fn construct(args: &Args) -> Answer {
        let (guard, args) = Guard::of(args)?;
        ArrayObject::made(&args, guard)
    }

    pub fn raw(args: &Args) -> Answer {
        ArrayObject::made(args, Guard::None)
    }

    fn made(args: &Args, guard: Guard) -> Answer {
        let [code, content] = args.bind(["typecode_or_type", "size_or_initializer"])?;
        let code = Code::of(&need(code, "typecode_or_type")?)?;
        let scalars = match need(content, "size_or_initializer")? {
            Value::Int(len) => {
                let len = usize::try_from(len).map_err(Raised::value_error)?;
                let zero = match code.letter() {
                    'u' => Scalar::Char('\0'),
                    _ => Scalar::Int(0),
                };
                vec![zero; len]
            }
            content => admit_all(code, &content)?,
        };
        let stored = with_type!(code, T => {
            let elements: Vec<T> = scalars.into_iter().map(T::store).collect();
            let array: AnyArray = Array::from_slice(&elements)?.into();
            array.stored()
        });
        Ok(Value::object(ArrayObject {
            code,
            guard,
            stored,
        }))
    }

    /// An array of its own, with what this one holds now.
    pub fn copy(&self) -> Answer {
        let scalars = self.stored.load_unlocked(&self.everything())?;
        let stored = with_type!(self.code, T => {
            let elements: Vec<T> = scalars.into_iter().map(T::store).collect();
            let array: AnyArray = Array::from_slice(&elements)?.into();
            array.stored()
        });
        Ok(Value::object(ArrayObject {
            stored,
            ..self.clone()
        }))
    }

    fn load(&self, indices: &[usize]) -> Answer<Vec<Scalar>> {
        match &self.guard {
            Guard::Own => self.stored.load(indices),
            Guard::None => self.stored.load_unlocked(indices),
            Guard::Given(lock) => Guard::around(lock, || self.stored.load_unlocked(indices)),
        }
    }

    fn store(&self, indices: &[usize], scalars: &[Scalar]) -> Answer<()> {
        match &self.guard {
            Guard::Own => self.stored.store(indices, scalars),
            Guard::None => self.stored.store_unlocked(indices, scalars),
            Guard::Given(lock) => {
                Guard::around(lock, || self.stored.store_unlocked(indices, scalars))
            }
        }
    }

    fn everything(&self) -> Vec<usize> {
        (0..self.stored.len()).collect()
    }

    /// The bytes of an array of the code c: `value` ends at the first zero, `raw` does not.
    fn bytes(&self, to_zero: bool) -> Answer {
        let Value::Bytes(mut bytes) = self.code.show_all(self.load(&self.everything())?) else {
            return Err(Raised::no_such(&self.kind(), "raw"));
        };
        if to_zero {
            let end = bytes.iter().position(|&byte| byte == 0);
            bytes.truncate(end.unwrap_or(bytes.len()));
        }
        Ok(Value::Bytes(bytes))
    }

    /// From the front, and a zero behind, if there is room and it is wanted.
    fn set_bytes(&self, value: &Value, zero: bool) -> Answer<()> {
        let Value::Bytes(bytes) = value else {
            let kind = value.kind();
            return Err(Raised::type_error(format!(
                "bytes are expected, not '{kind}'"
            )));
        };
        let mut scalars = admit_all(self.code, &Value::Bytes(bytes.clone()))?;
        let len = self.stored.len();
        if scalars.len() > len {
            return Err(Raised::value_error(format!(
                "{} bytes for {len}",
                scalars.len()
            )));
        }
        if zero && scalars.len() < len {
            scalars.push(Scalar::Int(0));
        }
        let indices: Vec<usize> = (0..scalars.len()).collect();
        self.store(&indices, &scalars)
    }
}

impl From<Travelling<AnyArray>> for ArrayObject {
    fn from(arrived: Travelling<AnyArray>) -> ArrayObject {
        ArrayObject {
            code: arrived.code,
            guard: arrived.guard,
            stored: arrived.shared.stored(),
        }
    }
}

/// What is stored for each element of a list, or of a text.
fn admit_all(code: Code, content: &Value) -> Answer<Vec<Scalar>> {
    let scalars = content.items()?;
    scalars.iter().map(|item| code.admit(item)).collect()
}

impl Object for ArrayObject {
    fn kind(&self) -> String {
        match self.guard {
            Guard::None => with_type!(self.code, T => {
                format!("{}_Array_{}", std::any::type_name::<T>(), self.stored.len())
            }),
            _ => "Array".into(),
        }
    }

    fn repr(&self) -> String {
        self.stored.repr()
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        let len = self.stored.len();
        match (op, args.list.as_slice()) {
            ("__len__", []) => return Ok(Value::int(len)),
            ("__iter__", []) => {
                let elements = self.load(&self.everything())?;
                let elements = elements.into_iter().map(|scalar| self.code.show(scalar));
                return Ok(Value::List(elements.collect()));
            }
            ("getitem", [at]) => {
                let scalars = self.load(&[slices::index(at, len)?])?;
                return Ok(self.code.show(scalars[0]));
            }
            ("setitem", [at, value]) => {
                let at = slices::index(at, len)?;
                self.store(&[at], &[self.code.admit(value)?])?;
                return Ok(Value::None);
            }
            ("getslice", bounds) => {
                let scalars = self.load(&slices::indices(bounds, len)?)?;
                return Ok(self.code.show_all(scalars));
            }
            ("setslice", [bounds @ .., content]) => {
                let indices = slices::indices(bounds, len)?;
                // What has no length has none that fits.
                let content = content.items().map_err(Raised::value_error)?;
                let scalars = admit_all(self.code, &Value::List(content))?;
                if indices.len() != scalars.len() {
                    let (expected, given) = (indices.len(), scalars.len());
                    return Err(crate::BoundsError::Length { expected, given }.into());
                }
                self.store(&indices, &scalars)?;
                return Ok(Value::None);
            }
            _ => {}
        }
        let bare = || {
            Value::object(ArrayObject {
                guard: Guard::None,
                ..self.clone()
            })
        };
        guarded::call(self, (&self.guard, &*self.stored), bare, op, args)
    }

    fn attribute(&self, name: &str) -> Answer {
        match (name, self.code.letter()) {
            ("value", 'c') => self.bytes(true),
            ("raw", 'c') => self.bytes(false),
            _ => Err(Raised::no_such(&self.kind(), name)),
        }
    }

    fn set_attribute(&self, name: &str, value: &Value) -> Answer<()> {
        match (name, self.code.letter()) {
            ("value", 'c') => self.set_bytes(value, true),
            ("raw", 'c') => self.set_bytes(value, false),
            _ => Err(Raised::no_such(&self.kind(), name)),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        Ok(Handle::Array(Travelling {
            code: self.code,
            guard: self.guard.clone(),
            shared: self.stored.any(),
        }))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
