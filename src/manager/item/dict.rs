//! A dictionary that keeps its order: entries in the order in which they came, and an index of the keys.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{Hash, Hasher};

use super::Item;

/// From items to items, in the order in which the keys came first. Looking up, setting and taking out cost the same
/// however many there are.
#[derive(Clone, Default)]
pub struct Dict {
    /// `None` where one was taken out, until there are more of these than of the others.
    entries: Vec<Option<(Item, Item)>>,
    places: HashMap<Key, usize>,
}

/// A list, or a dictionary, or something with one in it cannot be a key: it may change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unhashable type: '{0}'")]
pub struct Unhashable(pub &'static str);

impl Dict {
    pub fn new() -> Dict {
        Dict::default()
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The value of a key.
    ///
    /// # Errors
    /// [`Unhashable`].
    pub fn get(&self, key: &Item) -> Result<Option<&Item>, Unhashable> {
        let place = self.places.get(&Key::of(key)?);
        Ok(place.map(|place| &self.entry(*place).1))
    }

    /// Sets the value of a key; returns the former one. A key that is there keeps its place, and itself.
    ///
    /// # Errors
    /// [`Unhashable`].
    pub fn insert(&mut self, key: Item, value: Item) -> Result<Option<Item>, Unhashable> {
        match self.places.entry(Key::of(&key)?) {
            Entry::Occupied(known) => {
                let entry = self.entries[*known.get()].as_mut();
                let (_, former) = entry.expect("the index names entries that are there");
                Ok(Some(std::mem::replace(former, value)))
            }
            Entry::Vacant(new) => {
                new.insert(self.entries.len());
                self.entries.push(Some((key, value)));
                Ok(None)
            }
        }
    }

    /// Takes a key out, with its value.
    ///
    /// # Errors
    /// [`Unhashable`].
    pub fn remove(&mut self, key: &Item) -> Result<Option<Item>, Unhashable> {
        let place = self.places.remove(&Key::of(key)?);
        let taken = place.and_then(|place| self.entries[place].take());
        self.close_gaps();
        Ok(taken.map(|(_, value)| value))
    }

    /// Takes the last one out.
    pub fn pop_last(&mut self) -> Option<(Item, Item)> {
        let last = loop {
            match self.entries.pop()? {
                Some(last) => break last,
                None => continue,
            }
        };
        if let Ok(key) = Key::of(&last.0) {
            self.places.remove(&key);
        }
        Some(last)
    }

    pub fn clear(&mut self) {
        *self = Dict::new();
    }

    /// Keys and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Item, &Item)> {
        self.entries
            .iter()
            .flatten()
            .map(|(key, value)| (key, value))
    }

    fn entry(&self, place: usize) -> &(Item, Item) {
        let entry = self.entries[place].as_ref();
        entry.expect("the index names entries that are there")
    }

    fn close_gaps(&mut self) {
        if self.entries.len() < 2 * self.places.len() + 8 {
            return;
        }
        self.entries.retain(Option::is_some);
        for (place, entry) in self.entries.iter().enumerate() {
            if let Some(Ok(key)) = entry.as_ref().map(|(key, _)| Key::of(key)) {
                self.places.insert(key, place);
            }
        }
    }
}

impl PartialEq for Dict {
    fn eq(&self, other: &Dict) -> bool {
        let same = |(key, value): (&Item, &Item)| other.get(key) == Ok(Some(value));
        self.len() == other.len() && self.iter().all(same)
    }
}

impl IntoIterator for Dict {
    type Item = (Item, Item);
    type IntoIter = std::iter::Flatten<std::vec::IntoIter<Option<(Item, Item)>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter().flatten()
    }
}

/// What a key is looked up by: equal for equal numbers of whatever type.
#[derive(Clone, PartialEq, Eq)]
enum Key {
    None,
    Int(i128),
    /// One that is no integer; NaN is no key's equal but its own.
    Float(u64),
    Str(String),
    Bytes(Vec<u8>),
    Tuple(Vec<Key>),
    Proxy(u64, u64),
}

impl Key {
    fn of(item: &Item) -> Result<Key, Unhashable> {
        Ok(match item {
            Item::None => Key::None,
            Item::Bool(yes) => Key::Int(i128::from(*yes)),
            Item::Int(number) => Key::Int(*number),
            Item::Float(number) => {
                let whole = *number as i128; // saturates, and is 0 for NaN
                if whole as f64 == *number && whole != i128::MAX {
                    Key::Int(whole)
                } else {
                    Key::Float(number.to_bits())
                }
            }
            Item::Str(text) => Key::Str(text.clone()),
            Item::Bytes(bytes) => Key::Bytes(bytes.clone()),
            Item::Tuple(items) => Key::Tuple(items.iter().map(Key::of).collect::<Result<_, _>>()?),
            Item::Proxy(proxy) => {
                let (manager, object) = proxy.identity();
                Key::Proxy(manager, object)
            }
            Item::List(_) | Item::Dict(_) => return Err(Unhashable(item.type_name())),
        })
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Key::None => {}
            Key::Int(number) => number.hash(state),
            Key::Float(bits) => bits.hash(state),
            Key::Str(text) => text.hash(state),
            Key::Bytes(bytes) => bytes.hash(state),
            Key::Tuple(keys) => keys.hash(state),
            Key::Proxy(manager, object) => (manager, object).hash(state),
        }
    }
}
