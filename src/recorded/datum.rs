//! A value in a recorded history: what EDN and JSON have in common, and keywords.

use std::fmt;
use std::sync::Arc;

/// A value. Its `Debug` and `Display` are its EDN.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Datum {
    Nil,
    Bool(bool),
    Int(i64),
    /// The bits of a float, so that it can be compared and hashed.
    Float(u64),
    Text(Arc<str>),
    /// Without its colon.
    Keyword(Arc<str>),
    List(Arc<[Datum]>),
    Map(Arc<[(Datum, Datum)]>),
}

impl Datum {
    pub fn int(&self) -> Option<i64> {
        match self {
            Datum::Int(number) => Some(*number),
            _ => None,
        }
    }

    pub fn list(&self) -> Option<&[Datum]> {
        match self {
            Datum::List(items) => Some(items),
            _ => None,
        }
    }

    /// Of a text or of a keyword.
    pub fn word(&self) -> Option<&str> {
        match self {
            Datum::Text(word) | Datum::Keyword(word) => Some(word),
            _ => None,
        }
    }

    /// What a map has under a word.
    pub fn field(&self, name: &str) -> Option<&Datum> {
        match self {
            Datum::Map(entries) => {
                let mut entries = entries.iter();
                entries
                    .find(|(key, _)| key.word() == Some(name))
                    .map(|(_, value)| value)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Datum::Nil => f.write_str("nil"),
            Datum::Bool(truth) => truth.fmt(f),
            Datum::Int(number) => number.fmt(f),
            Datum::Float(bits) => write!(f, "{:?}", f64::from_bits(*bits)),
            Datum::Text(text) => write!(f, "{text:?}"),
            Datum::Keyword(name) => write!(f, ":{name}"),
            Datum::List(items) => {
                f.write_str("[")?;
                for (number, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if number > 0 { " " } else { "" })?;
                }
                f.write_str("]")
            }
            Datum::Map(entries) => {
                f.write_str("{")?;
                for (number, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{key} {value}", if number > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
        }
    }
}

impl fmt::Debug for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
