//! A method's arguments, taken one after another.

use std::time::Duration;

use crate::manager::error::{Kind, Raised};
use crate::manager::item::Item;

pub struct Args<'a> {
    method: &'a str,
    rest: std::vec::IntoIter<Item>,
}

impl<'a> Args<'a> {
    pub fn of(method: &'a str, args: Vec<Item>) -> Args<'a> {
        let rest = args.into_iter();
        Args { method, rest }
    }

    pub fn item(&mut self) -> Result<Item, Raised> {
        let method = self.method;
        let missing = || Kind::TypeError.says(format!("{method}() lacks an argument"));
        self.rest.next().ok_or_else(missing)
    }

    /// One that may be left out.
    pub fn optional(&mut self) -> Option<Item> {
        self.rest.next()
    }

    /// One that may be left out, or be `None`.
    pub fn given(&mut self) -> Option<Item> {
        self.optional().filter(|item| !matches!(item, Item::None))
    }

    pub fn int(&mut self) -> Result<i128, Raised> {
        as_int(&self.item()?)
    }

    /// An integer that may be left out, or be `None`.
    pub fn optional_int(&mut self) -> Result<Option<i128>, Raised> {
        self.given().map(|item| as_int(&item)).transpose()
    }

    pub fn text(&mut self) -> Result<String, Raised> {
        match self.item()? {
            Item::Str(text) => Ok(text),
            other => Err(wrong("str", &other)),
        }
    }

    /// Text that may be left out, or be `None`.
    pub fn optional_text(&mut self) -> Result<Option<String>, Raised> {
        match self.given() {
            None => Ok(None),
            Some(Item::Str(text)) => Ok(Some(text)),
            Some(other) => Err(wrong("str", &other)),
        }
    }

    /// Bytes that may be left out, or be `None`.
    pub fn optional_bytes(&mut self) -> Result<Option<Vec<u8>>, Raised> {
        match self.given() {
            None => Ok(None),
            Some(Item::Bytes(bytes)) => Ok(Some(bytes)),
            Some(other) => Err(wrong("bytes", &other)),
        }
    }

    /// `true` if it is left out.
    pub fn flag(&mut self) -> bool {
        self.optional().is_none_or(|item| item.is_true())
    }

    /// Of a time: `None` if it is left out, or is `None`. In seconds.
    pub fn seconds(&mut self) -> Result<Option<f64>, Raised> {
        match self.given() {
            None => Ok(None),
            Some(Item::Int(seconds)) => Ok(Some(seconds as f64)),
            Some(Item::Float(seconds)) if seconds.is_nan() => {
                Err(Kind::ValueError.says("a time that is not a number"))
            }
            Some(Item::Float(seconds)) => Ok(Some(seconds)),
            Some(other) => Err(wrong("a number of seconds", &other)),
        }
    }

    /// The elements of something that has some.
    pub fn items(&mut self) -> Result<Vec<Item>, Raised> {
        let item = self.item()?;
        elements(item)
    }

    /// There are no more.
    pub fn end(mut self) -> Result<(), Raised> {
        match self.rest.next() {
            None => Ok(()),
            Some(_) => {
                let text = format!("{}() has too many arguments", self.method);
                Err(Kind::TypeError.says(text))
            }
        }
    }
}

/// What Python's `for` would give.
pub fn elements(item: Item) -> Result<Vec<Item>, Raised> {
    Ok(match item {
        Item::List(items) | Item::Tuple(items) => items,
        Item::Dict(dict) => dict.into_iter().map(|(key, _)| key).collect(),
        Item::Str(text) => text
            .chars()
            .map(|letter| Item::Str(letter.into()))
            .collect(),
        Item::Bytes(bytes) => bytes.into_iter().map(Item::from).collect(),
        other => {
            let text = format!("'{}' object is not iterable", other.type_name());
            return Err(Kind::TypeError.says(text));
        }
    })
}

/// How long seconds are: below zero none, and beyond what can be counted for ever.
pub fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}

fn as_int(item: &Item) -> Result<i128, Raised> {
    match item {
        Item::Int(number) => Ok(*number),
        Item::Bool(yes) => Ok(i128::from(*yes)),
        other => Err(wrong("an integer", other)),
    }
}

fn wrong(expected: &str, item: &Item) -> Raised {
    Kind::TypeError.says(format!(
        "{expected} was expected, not '{}'",
        item.type_name()
    ))
}

pub fn no_method(class: &str, method: &str) -> Raised {
    Kind::AttributeError.says(format!("'{class}' object has no attribute '{method}'"))
}
