//! `Item`: a value that says of itself what it is, as a manager keeps it.

mod de;
mod depth;
mod dict;
mod display;
mod ser;
mod tagged;

pub use de::from_item;
pub use dict::{Dict, Unhashable};
pub(super) use display::repr;
pub use ser::to_item;

use std::cmp::Ordering;
use std::fmt;

use super::reference::AnyProxy;

/// A value as a manager keeps it: in the manager's lists there may be values of any types, side by side.
///
/// ```
/// use forkproof::manager::{Item, from_item, to_item};
///
/// let item = to_item(&("Maura", 70, Some(1.5), None::<u8>))?;
/// assert_eq!(item.to_string(), "('Maura', 70, 1.5, None)");
/// assert_eq!(from_item::<(String, u8, f32, Option<u8>)>(item)?, ("Maura".into(), 70, 1.5, None));
/// assert_eq!(Item::from(1), Item::from(true)); // as in Python
/// # Ok::<(), forkproof::manager::ItemError>(())
/// ```
///
/// # What becomes of a value
/// | Rust, by way of serde | item | shown |
/// |---|---|---|
/// | `()`, `None`, a unit struct | `None` | `None` |
/// | `Some(x)`, a newtype | that of `x` | |
/// | bool, integers, floats | `Bool`, `Int`, `Float` | `True`, `7`, `1.0` |
/// | `char`, text | `Str` | `'a'` |
/// | serde's bytes | `Bytes` | `b'a'` |
/// | a sequence | `List` | `[1, 2]` |
/// | a tuple, an array, a tuple struct | `Tuple` | `(1, 2)` |
/// | a map | `Dict` | `{'a': 10}` |
/// | a struct | `Dict` by the fields' names | `{'x': 1}` |
/// | a variant of an enum | `Str`; with content: `Dict` of one | `'North'`, `{'Circle': 1.0}` |
/// | a proxy | `Proxy`: the same object | `<ListProxy object, typeid 'list' at 0x2>` |
///
/// An item turns back into any type that has its form. `Some(None)` and `Some(())` come back as `None`.
///
/// # Equal, and in order
/// As in Python: numbers are equal by value, also `True`, `1` and `1.0`; a list never equals a tuple; dictionaries
/// are equal with the same keys and values in whatever order. Unlike types have no order
/// ([`compare`](Item::compare) says so), and NaN equals nothing.
#[derive(Clone, Default)]
pub enum Item {
    #[default]
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    List(Vec<Item>),
    Tuple(Vec<Item>),
    Dict(Dict),
    Proxy(AnyProxy),
}

/// Why a value did not turn into an item, or an item not into a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ItemError(pub(super) String);

/// Two items have no order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'<' not supported between instances of '{0}' and '{1}'")]
pub struct NoOrder(pub &'static str, pub &'static str);

impl Item {
    /// What Python calls its type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Item::None => "NoneType",
            Item::Bool(_) => "bool",
            Item::Int(_) => "int",
            Item::Float(_) => "float",
            Item::Str(_) => "str",
            Item::Bytes(_) => "bytes",
            Item::List(_) => "list",
            Item::Tuple(_) => "tuple",
            Item::Dict(_) => "dict",
            Item::Proxy(proxy) => proxy.class_name(),
        }
    }

    /// Whether Python's `if` would take it: not for `None`, `False`, zeros and what is empty.
    pub fn is_true(&self) -> bool {
        match self {
            Item::None => false,
            Item::Bool(yes) => *yes,
            Item::Int(number) => *number != 0,
            Item::Float(number) => *number != 0.0,
            Item::Str(text) => !text.is_empty(),
            Item::Bytes(bytes) => !bytes.is_empty(),
            Item::List(items) | Item::Tuple(items) => !items.is_empty(),
            Item::Dict(dict) => !dict.is_empty(),
            Item::Proxy(_) => true,
        }
    }

    /// Which of two comes first.
    ///
    /// # Errors
    /// [`NoOrder`] between unlike types, and for those that have none (`None`, dictionaries, proxies). With a NaN in
    /// the comparison they count as equal, as no comparison with it is true.
    pub fn compare(&self, other: &Item) -> Result<Ordering, NoOrder> {
        if let (Some(one), Some(other)) = (self.number(), other.number()) {
            return Ok(one.compare(other).unwrap_or(Ordering::Equal));
        }
        match (self, other) {
            (Item::Str(one), Item::Str(other)) => Ok(one.cmp(other)),
            (Item::Bytes(one), Item::Bytes(other)) => Ok(one.cmp(other)),
            (Item::List(one), Item::List(other)) | (Item::Tuple(one), Item::Tuple(other)) => {
                for (one, other) in one.iter().zip(other) {
                    if one != other {
                        return one.compare(other);
                    }
                }
                Ok(one.len().cmp(&other.len()))
            }
            _ => Err(NoOrder(self.type_name(), other.type_name())),
        }
    }

    /// All proxies in it, however deep.
    pub(super) fn each_proxy(&self, visit: &mut dyn FnMut(&AnyProxy)) {
        match self {
            Item::List(items) | Item::Tuple(items) => {
                for item in items {
                    item.each_proxy(visit);
                }
            }
            Item::Dict(dict) => {
                for (_, value) in dict.iter() {
                    value.each_proxy(visit);
                }
                for (key, _) in dict.iter() {
                    key.each_proxy(visit);
                }
            }
            Item::Proxy(proxy) => visit(proxy),
            _ => {}
        }
    }

    /// Whether there is a proxy in it that is still to be looked up.
    pub(super) fn names_objects(&self) -> bool {
        let mut found = false;
        self.each_proxy(&mut |proxy| found |= proxy.unresolved().is_some());
        found
    }

    fn number(&self) -> Option<Number> {
        match self {
            Item::Bool(yes) => Some(Number::Int(i128::from(*yes))),
            Item::Int(number) => Some(Number::Int(*number)),
            Item::Float(number) => Some(Number::Float(*number)),
            _ => None,
        }
    }
}

/// Of Python's numbers, which compare by value whatever their type.
#[derive(Clone, Copy)]
enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    /// `None` with a NaN.
    fn compare(self, other: Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Int(one), Number::Int(other)) => Some(one.cmp(&other)),
            (Number::Float(one), Number::Float(other)) => one.partial_cmp(&other),
            (Number::Int(one), Number::Float(other)) => compare_exactly(one, other),
            (Number::Float(one), Number::Int(other)) => {
                compare_exactly(other, one).map(Ordering::reverse)
            }
        }
    }
}

/// Without rounding the integer, which a float may be too coarse for.
fn compare_exactly(int: i128, float: f64) -> Option<Ordering> {
    const BEYOND: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0; // 2^127
    if float.is_nan() {
        return None;
    }
    if float >= BEYOND {
        return Some(Ordering::Less);
    }
    if float < -BEYOND {
        return Some(Ordering::Greater);
    }
    let whole = float.trunc();
    let rest = float - whole;
    let by_rest = rest.partial_cmp(&0.0).map(Ordering::reverse)?;
    Some(int.cmp(&(whole as i128)).then(by_rest))
}

impl PartialEq for Item {
    fn eq(&self, other: &Item) -> bool {
        if let (Some(one), Some(other)) = (self.number(), other.number()) {
            return one.compare(other) == Some(Ordering::Equal);
        }
        match (self, other) {
            (Item::None, Item::None) => true,
            (Item::Str(one), Item::Str(other)) => one == other,
            (Item::Bytes(one), Item::Bytes(other)) => one == other,
            (Item::List(one), Item::List(other)) | (Item::Tuple(one), Item::Tuple(other)) => {
                one == other
            }
            (Item::Dict(one), Item::Dict(other)) => one == other,
            (Item::Proxy(one), Item::Proxy(other)) => one == other,
            _ => false,
        }
    }
}

/// As Python's repr.
impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

macro_rules! from_ints {
    ($($int:ty)*) => { $(
        impl From<$int> for Item {
            fn from(number: $int) -> Item {
                Item::Int(number.into())
            }
        }
    )* };
}

from_ints! { i8 i16 i32 i64 i128 u8 u16 u32 u64 }

impl From<bool> for Item {
    fn from(yes: bool) -> Item {
        Item::Bool(yes)
    }
}

impl From<f64> for Item {
    fn from(number: f64) -> Item {
        Item::Float(number)
    }
}

impl From<&str> for Item {
    fn from(text: &str) -> Item {
        Item::Str(text.to_owned())
    }
}

impl From<String> for Item {
    fn from(text: String) -> Item {
        Item::Str(text)
    }
}

impl From<Vec<Item>> for Item {
    fn from(items: Vec<Item>) -> Item {
        Item::List(items)
    }
}

#[cfg(test)]
mod tests;
