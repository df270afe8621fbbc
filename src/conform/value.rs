//! The values of the cases' language, as an actor has them.

use std::sync::Arc;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::functions::Function;
use super::ops::{Handle, Object};
use super::raised::{self, Answer, Raised};

/// A dynamic value. It travels between processes as any serde value does, the objects in it as handles.
#[derive(Clone, Serialize, Deserialize)]
pub enum Value {
    None,
    Bool(bool),
    Int(i128),
    /// In decimal: beyond 128 bits.
    Huge(String),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Tuple(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    Function(Function),
    Object(#[serde(serialize_with = "leave", deserialize_with = "arrive")] Arc<dyn Object>),
    /// An object as it is told to those who do not have it.
    Told(String),
}

fn leave<S: Serializer>(object: &Arc<dyn Object>, serializer: S) -> Result<S::Ok, S::Error> {
    match object.travel() {
        Ok(handle) => handle.serialize(serializer),
        Err(refusal) => {
            let text = refusal.to_string();
            raised::remember(refusal); // the format drops the error, and knows its text only
            Err(S::Error::custom(text))
        }
    }
}

fn arrive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<dyn Object>, D::Error> {
    Handle::deserialize(deserializer)?
        .object()
        .map_err(|error| D::Error::custom(error.to_string()))
}

impl Value {
    pub fn object(object: impl Object + 'static) -> Value {
        Value::Object(Arc::new(object))
    }

    pub fn int(number: impl TryInto<i128>) -> Value {
        number.try_into().map_or(Value::None, Value::Int)
    }

    /// As Python's `bool()`.
    pub fn is_true(&self) -> bool {
        match self {
            Value::None => false,
            Value::Bool(value) => *value,
            Value::Int(number) => *number != 0,
            Value::Float(number) => *number != 0.0,
            Value::Str(text) => !text.is_empty(),
            Value::Bytes(bytes) => !bytes.is_empty(),
            Value::List(items) | Value::Tuple(items) => !items.is_empty(),
            Value::Dict(pairs) => !pairs.is_empty(),
            Value::Huge(_) | Value::Function(_) | Value::Object(_) | Value::Told(_) => true,
        }
    }

    /// A number, or a truth value as one.
    pub fn as_int(&self) -> Option<i128> {
        match self {
            Value::Int(number) => Some(*number),
            Value::Bool(value) => Some((*value).into()),
            _ => None,
        }
    }

    pub fn as_float(&self) -> Option<f64> {
        match self {
            Value::Float(number) => Some(*number),
            other => other.as_int().map(|number| number as f64),
        }
    }

    /// What a loop over it would meet.
    ///
    /// # Errors
    /// TypeError: nothing to loop over; and the errors of the object.
    pub fn items(&self) -> Answer<Vec<Value>> {
        match self {
            Value::List(items) | Value::Tuple(items) => Ok(items.clone()),
            Value::Dict(pairs) => Ok(pairs.iter().map(|(key, _)| key.clone()).collect()),
            Value::Bytes(bytes) => Ok(bytes.iter().map(|&byte| Value::int(byte)).collect()),
            Value::Str(text) => Ok(text.chars().map(|c| Value::Str(c.into())).collect()),
            Value::Object(object) => match object.call("__iter__", &super::ops::Args::none())? {
                Value::List(items) => Ok(items),
                other => Err(Raised::type_error(format!("{} is no list", other.repr()))),
            },
            other => Err(Raised::type_error(format!(
                "'{}' object is not iterable",
                other.kind()
            ))),
        }
    }

    /// The name of its type.
    pub fn kind(&self) -> String {
        let name = match self {
            Value::None => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::Huge(_) => "int",
            Value::Float(_) => "float",
            Value::Str(_) => "str",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Tuple(_) => "tuple",
            Value::Dict(_) => "dict",
            Value::Function(_) => "function",
            Value::Object(object) => return object.kind(),
            Value::Told(_) => "object",
        };
        name.to_owned()
    }

    /// As Python's `repr()`; an object's as the library prints it.
    pub fn repr(&self) -> String {
        let list = |items: &[Value]| {
            let items: Vec<String> = items.iter().map(Value::repr).collect();
            items.join(", ")
        };
        match self {
            Value::None => "None".to_owned(),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Int(number) => number.to_string(),
            Value::Huge(digits) => digits.clone(),
            Value::Float(number) => format!("{number:?}"),
            Value::Str(text) => quoted(text),
            Value::Bytes(bytes) => format!("b'{}'", bytes.escape_ascii()),
            Value::List(items) => format!("[{}]", list(items)),
            Value::Tuple(items) if items.len() == 1 => format!("({},)", list(items)),
            Value::Tuple(items) => format!("({})", list(items)),
            Value::Dict(pairs) => {
                let pairs = pairs
                    .iter()
                    .map(|(key, value)| format!("{}: {}", key.repr(), value.repr()));
                format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
            }
            Value::Function(function) => format!("<function {}>", function.name),
            Value::Object(object) => object.repr(),
            Value::Told(text) => text.clone(),
        }
    }

    /// Without the objects: what can be told to any process.
    pub fn told(&self) -> Value {
        let all = |items: &[Value]| items.iter().map(Value::told).collect();
        match self {
            Value::List(items) => Value::List(all(items)),
            Value::Tuple(items) => Value::Tuple(all(items)),
            Value::Dict(pairs) => {
                let pairs = pairs.iter().map(|(key, value)| (key.told(), value.told()));
                Value::Dict(pairs.collect())
            }
            Value::Function(_) | Value::Object(_) => Value::Told(self.repr()),
            plain => plain.clone(),
        }
    }
}

/// As Python quotes a text.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out += "\\\\",
            '\n' => out += "\\n",
            '\r' => out += "\\r",
            '\t' => out += "\\t",
            c if c == quote => out.extend(['\\', c]),
            c if c.is_control() => out += &format!("\\x{:02x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}
