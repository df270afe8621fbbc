//! What a slot of a `ShareableList` holds, as a value and as bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An item of a [`ShareableList`](super::ShareableList).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ShareableItem {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
}

/// What the bytes of a slot are. The numbers are part of the layout.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    None = 0,
    Bool = 1,
    Int = 2,
    Float = 3,
    Str = 4,
    Bytes = 5,
}

impl ShareableItem {
    pub(super) fn kind(&self) -> Kind {
        match self {
            ShareableItem::None => Kind::None,
            ShareableItem::Bool(_) => Kind::Bool,
            ShareableItem::Int(_) => Kind::Int,
            ShareableItem::Float(_) => Kind::Float,
            ShareableItem::Str(_) => Kind::Str,
            ShareableItem::Bytes(_) => Kind::Bytes,
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        match self {
            ShareableItem::None => Vec::new(),
            ShareableItem::Bool(truth) => vec![u8::from(*truth)],
            ShareableItem::Int(number) => number.to_le_bytes().to_vec(),
            ShareableItem::Float(number) => number.to_le_bytes().to_vec(),
            ShareableItem::Str(text) => text.as_bytes().to_vec(),
            ShareableItem::Bytes(bytes) => bytes.clone(),
        }
    }

    /// How many bytes a slot made for it has room for: numbers take 8; text and bytes can grow by 1 to 8.
    pub(super) fn room(&self) -> usize {
        match self {
            ShareableItem::Str(text) => (text.len() / 8 + 1) * 8,
            ShareableItem::Bytes(bytes) => (bytes.len() / 8 + 1) * 8,
            _ => 8,
        }
    }

    /// `None` for bytes that no item is written as.
    pub(super) fn from_bytes(kind: Kind, bytes: Vec<u8>) -> Option<ShareableItem> {
        Some(match kind {
            Kind::None => bytes.is_empty().then_some(ShareableItem::None)?,
            Kind::Bool => ShareableItem::Bool(*bytes.first()? != 0),
            Kind::Int => ShareableItem::Int(i64::from_le_bytes(bytes.try_into().ok()?)),
            Kind::Float => ShareableItem::Float(f64::from_le_bytes(bytes.try_into().ok()?)),
            Kind::Str => ShareableItem::Str(String::from_utf8(bytes).ok()?),
            Kind::Bytes => ShareableItem::Bytes(bytes),
        })
    }
}

impl Kind {
    pub(super) fn from_number(number: u64) -> Option<Kind> {
        let kinds = [
            Kind::None,
            Kind::Bool,
            Kind::Int,
            Kind::Float,
            Kind::Str,
            Kind::Bytes,
        ];
        kinds.into_iter().find(|kind| *kind as u64 == number)
    }
}

/// As Python writes it: `None`, `True`, `5`, `1.5`, `'text'`, `b'bytes'`.
impl fmt::Display for ShareableItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShareableItem::None => f.write_str("None"),
            ShareableItem::Bool(true) => f.write_str("True"),
            ShareableItem::Bool(false) => f.write_str("False"),
            ShareableItem::Int(number) => write!(f, "{number}"),
            ShareableItem::Float(number) => write!(f, "{number:?}"),
            ShareableItem::Str(text) => write!(f, "'{}'", text.escape_debug()),
            ShareableItem::Bytes(bytes) => write!(f, "b'{}'", bytes.escape_ascii()),
        }
    }
}

macro_rules! from {
    ($($from:ty => |$value:ident| $item:expr;)+) => { $(
        impl From<$from> for ShareableItem {
            fn from($value: $from) -> ShareableItem {
                $item
            }
        }
    )+ };
}

from! {
    () => |_nothing| ShareableItem::None;
    bool => |truth| ShareableItem::Bool(truth);
    i32 => |number| ShareableItem::Int(number.into());
    u32 => |number| ShareableItem::Int(number.into());
    i64 => |number| ShareableItem::Int(number);
    f64 => |number| ShareableItem::Float(number);
    &str => |text| ShareableItem::Str(text.to_owned());
    String => |text| ShareableItem::Str(text);
    &[u8] => |bytes| ShareableItem::Bytes(bytes.to_vec());
    Vec<u8> => |bytes| ShareableItem::Bytes(bytes);
}
