//! Items in bytes: with serde's formats that do not say what comes next (postcard) an item travels under a tag; with
//! those that do (JSON), as the value that it is.

use std::fmt;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq, SerializeTuple};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Dict, Item, depth};
use crate::manager::passing;
use crate::manager::reference::AnyProxy;

#[derive(Serialize)]
enum Tagged<'a> {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(&'a str),
    Bytes(Raw<'a>),
    List(&'a [Item]),
    Tuple(&'a [Item]),
    Dict(Pairs<'a>),
    Proxy(&'a AnyProxy),
}

/// The same order of variants as [`Tagged`].
#[derive(Deserialize)]
enum Untagged {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(String),
    Bytes(Buffer),
    List(Vec<Item>),
    Tuple(Vec<Item>),
    Dict(Vec<(Item, Item)>),
    Proxy(AnyProxy),
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return plain(self, serializer);
        }
        let tagged = match self {
            Item::None => Tagged::None,
            Item::Bool(yes) => Tagged::Bool(*yes),
            Item::Int(number) => Tagged::Int(*number),
            Item::Float(number) => Tagged::Float(*number),
            Item::Str(text) => Tagged::Str(text),
            Item::Bytes(bytes) => Tagged::Bytes(Raw(bytes)),
            Item::List(items) => Tagged::List(items),
            Item::Tuple(items) => Tagged::Tuple(items),
            Item::Dict(dict) => Tagged::Dict(Pairs(dict)),
            Item::Proxy(proxy) => Tagged::Proxy(proxy),
        };
        tagged.serialize(serializer)
    }
}

fn plain<S: Serializer>(item: &Item, serializer: S) -> Result<S::Ok, S::Error> {
    match item {
        Item::None => serializer.serialize_unit(),
        Item::Bool(yes) => serializer.serialize_bool(*yes),
        Item::Int(number) => serializer.serialize_i128(*number),
        Item::Float(number) => serializer.serialize_f64(*number),
        Item::Str(text) => serializer.serialize_str(text),
        Item::Bytes(bytes) => serializer.serialize_bytes(bytes),
        Item::List(items) => {
            let mut list = serializer.serialize_seq(Some(items.len()))?;
            for item in items {
                list.serialize_element(item)?;
            }
            list.end()
        }
        Item::Tuple(items) => {
            let mut tuple = serializer.serialize_tuple(items.len())?;
            for item in items {
                tuple.serialize_element(item)?;
            }
            tuple.end()
        }
        Item::Dict(dict) => {
            let mut map = serializer.serialize_map(Some(dict.len()))?;
            for (key, value) in dict.iter() {
                map.serialize_entry(key, value)?;
            }
            map.end()
        }
        Item::Proxy(proxy) => proxy.serialize(serializer),
    }
}

struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

struct Pairs<'a>(&'a Dict);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for pair in self.0.iter() {
            list.serialize_element(&pair)?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Item, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_newtype_struct(passing::ITEM, Plain);
        }
        let _deeper = depth::Level::enter().map_err(D::Error::custom)?;
        Ok(match Untagged::deserialize(deserializer)? {
            Untagged::None => Item::None,
            Untagged::Bool(yes) => Item::Bool(yes),
            Untagged::Int(number) => Item::Int(number),
            Untagged::Float(number) => Item::Float(number),
            Untagged::Str(text) => Item::Str(text),
            Untagged::Bytes(bytes) => Item::Bytes(bytes.0),
            Untagged::List(items) => Item::List(items),
            Untagged::Tuple(items) => Item::Tuple(items),
            Untagged::Dict(pairs) => {
                let mut dict = Dict::new();
                for (key, value) in pairs {
                    dict.insert(key, value).map_err(D::Error::custom)?;
                }
                Item::Dict(dict)
            }
            Untagged::Proxy(proxy) => Item::Proxy(proxy),
        })
    }
}

struct Buffer(Vec<u8>);

impl<'de> Deserialize<'de> for Buffer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Buffer, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Buffer;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Buffer, E> {
                Ok(Buffer(bytes.to_vec()))
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Buffer, E> {
                Ok(Buffer(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}

/// From a format that says what comes.
struct Plain;

macro_rules! numbers {
    ($($method:ident $number:ty;)*) => { $(
        fn $method<E>(self, number: $number) -> Result<Item, E> {
            Ok(number.into())
        }
    )* };
}

impl<'de> Visitor<'de> for Plain {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    numbers! {
        visit_bool bool; visit_i64 i64; visit_u64 u64; visit_i128 i128; visit_f64 f64;
    }

    fn visit_str<E>(self, text: &str) -> Result<Item, E> {
        Ok(text.into())
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Item, E> {
        Ok(Item::Bytes(bytes.to_vec()))
    }

    fn visit_unit<E>(self) -> Result<Item, E> {
        Ok(Item::None)
    }

    fn visit_none<E>(self) -> Result<Item, E> {
        Ok(Item::None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Item, D::Error> {
        Item::deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Item, D::Error> {
        match passing::take() {
            Some(item) => Ok(item),
            None => inner.deserialize_any(Plain),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Item, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Item::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let mut dict = Dict::new();
        while let Some((key, value)) = map.next_entry()? {
            dict.insert(key, value).map_err(A::Error::custom)?;
        }
        Ok(Item::Dict(dict))
    }
}
