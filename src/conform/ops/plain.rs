//! Operations on plain values: lists, texts, numbers.

use super::{Args, slices};
use crate::conform::compare;
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;

/// # Errors
/// AttributeError: plain values have no such operation; those of Python for its arguments.
pub fn call(value: &Value, op: &str, args: &Args) -> Answer {
    match (op, args.list.as_slice()) {
        ("__repr__", []) => Ok(Value::Str(value.repr())),
        ("__str__", []) => Ok(Value::Str(match value {
            Value::Str(text) => text.clone(),
            other => other.repr(),
        })),
        ("__type__", []) => Ok(Value::Str(value.kind())),
        ("__iter__", []) => value.items().map(Value::List),
        ("__len__", []) => Ok(Value::int(value.items()?.len())),
        ("__bytes__", []) => match value {
            Value::Bytes(bytes) => Ok(Value::Bytes(bytes.clone())),
            other => Err(Raised::type_error(format!(
                "cannot convert '{}' object to bytes",
                other.kind()
            ))),
        },
        ("contains", [item]) => {
            let items = value.items()?;
            Ok(Value::Bool(
                items.iter().any(|other| compare::equal(other, item)),
            ))
        }
        ("count", [item]) => {
            let items = value.items()?;
            let found = items.iter().filter(|other| compare::equal(other, item));
            Ok(Value::int(found.count()))
        }
        ("getitem", [key]) => match value {
            Value::Dict(pairs) => {
                let pair = pairs.iter().find(|(other, _)| compare::equal(other, key));
                pair.map(|(_, value)| value.clone())
                    .ok_or_else(|| Raised::new("KeyError", key.repr()))
            }
            other => {
                let items = other.items()?;
                Ok(items[slices::index(key, items.len())?].clone())
            }
        },
        ("getslice", bounds) => {
            let items = value.items()?;
            let indices = slices::indices(bounds, items.len())?;
            let part = indices.into_iter().map(|at| items[at].clone());
            Ok(match value {
                Value::Bytes(_) => Value::Bytes(
                    part.filter_map(|byte| u8::try_from(byte.as_int()?).ok())
                        .collect(),
                ),
                Value::Str(_) => Value::Str(
                    part.filter_map(|c| match c {
                        Value::Str(text) => Some(text),
                        _ => None,
                    })
                    .collect(),
                ),
                Value::Tuple(_) => Value::Tuple(part.collect()),
                _ => Value::List(part.collect()),
            })
        }
        _ => Err(Raised::no_such(&value.kind(), op)),
    }
}
