//! `bytearray`: bytes of one process, to see what is copied and what is shared.

use std::any::Any;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Args, Handle, Object, int, slices};
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;

pub struct ByteArray {
    bytes: Mutex<Vec<u8>>,
}

/// The bytes that a value stands for.
///
/// # Errors
/// TypeError: it stands for none.
pub fn bytes_of(value: &Value) -> Answer<Vec<u8>> {
    match (value, ByteArray::of(value)) {
        (Value::Bytes(bytes), _) => Ok(bytes.clone()),
        (_, Some(array)) => Ok(array.content()),
        (other, None) => Err(Raised::type_error(format!(
            "a bytes-like object is required, not '{}'",
            other.kind()
        ))),
    }
}

/// # Errors
/// TypeError, ValueError: it is no number, or none of a byte's.
pub fn byte(value: &Value) -> Answer<u8> {
    u8::try_from(int(value)?).map_err(Raised::value_error)
}

impl ByteArray {
    pub fn construct(args: &Args) -> Answer {
        let [content] = args.bind(["source"])?;
        let bytes = match content {
            None => Vec::new(),
            Some(Value::Int(len)) => vec![0; usize::try_from(len).map_err(Raised::value_error)?],
            Some(Value::Bytes(bytes)) => bytes,
            Some(items) => {
                let items = items.items()?;
                items.iter().map(byte).collect::<Answer<_>>()?
            }
        };
        Ok(Value::object(ByteArray::over(bytes)))
    }

    pub fn over(bytes: Vec<u8>) -> ByteArray {
        ByteArray {
            bytes: Mutex::new(bytes),
        }
    }

    pub fn of(value: &Value) -> Option<&ByteArray> {
        match value {
            Value::Object(object) => object.as_any().downcast_ref(),
            _ => None,
        }
    }

    pub fn content(&self) -> Vec<u8> {
        self.lock().clone()
    }

    pub fn replace(&self, bytes: Vec<u8>) {
        *self.lock() = bytes;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Object for ByteArray {
    fn kind(&self) -> String {
        "bytearray".into()
    }

    fn repr(&self) -> String {
        format!("bytearray(b'{}')", self.lock().escape_ascii())
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        let content = self.content();
        match (op, args.list.as_slice()) {
            ("setitem", [at, value]) => {
                let (at, value) = (slices::index(at, content.len())?, byte(value)?);
                self.lock()[at] = value;
                Ok(Value::None)
            }
            ("extend", [items]) => {
                let items = items.items()?;
                let bytes: Vec<u8> = items.iter().map(byte).collect::<Answer<_>>()?;
                self.lock().extend(bytes);
                Ok(Value::None)
            }
            ("append", [value]) => {
                let value = byte(value)?;
                self.lock().push(value);
                Ok(Value::None)
            }
            _ => super::plain::call(&Value::Bytes(content), op, args),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        Ok(Handle::Bytes(self.content()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
