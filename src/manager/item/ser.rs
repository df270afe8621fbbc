//! From any value to an item: a serde serializer.

use std::fmt::Display;

use serde::Serialize;
use serde::ser;

use super::{Dict, Item, ItemError, depth};
use crate::manager::passing;

/// The item that a value is.
///
/// # Errors
/// [`ItemError`]: an integer beyond 128 bits with sign; a map's key that is a list or a dictionary; a shared object
/// (an item is kept by a server that has no use for it: keep a manager's own kind of object instead); or the value's
/// own `Serialize` refuses.
pub fn to_item<T: Serialize + ?Sized>(value: &T) -> Result<Item, ItemError> {
    let _deeper = depth::Level::enter()?;
    value.serialize(ToItem)
}

impl ser::Error for ItemError {
    fn custom<T: Display>(text: T) -> ItemError {
        ItemError(text.to_string())
    }
}

#[derive(Clone, Copy)]
struct ToItem;

/// A sequence in the making.
struct Several {
    items: Vec<Item>,
    shape: Shape,
}

enum Shape {
    List,
    Tuple,
    Variant(&'static str),
}

/// A map in the making.
struct Pairs {
    dict: Dict,
    key: Option<Item>,
    variant: Option<&'static str>,
}

/// A variant with content: a dictionary of one.
fn variant(name: &'static str, content: Item) -> Item {
    let mut dict = Dict::new();
    let known = dict.insert(name.into(), content);
    debug_assert!(known.is_ok());
    Item::Dict(dict)
}

fn several(items: Option<usize>, shape: Shape) -> Several {
    Several {
        // What a value says of its length is not believed without bounds.
        items: Vec::with_capacity(items.unwrap_or(0).min(1024)),
        shape,
    }
}

macro_rules! ints {
    ($($method:ident $int:ty;)*) => { $(
        fn $method(self, number: $int) -> Result<Item, ItemError> {
            Ok(Item::Int(number.into()))
        }
    )* };
}

impl ser::Serializer for ToItem {
    type Ok = Item;
    type Error = ItemError;
    type SerializeSeq = Several;
    type SerializeTuple = Several;
    type SerializeTupleStruct = Several;
    type SerializeTupleVariant = Several;
    type SerializeMap = Pairs;
    type SerializeStruct = Pairs;
    type SerializeStructVariant = Pairs;

    ints! {
        serialize_i8 i8; serialize_i16 i16; serialize_i32 i32; serialize_i64 i64; serialize_i128 i128;
        serialize_u8 u8; serialize_u16 u16; serialize_u32 u32; serialize_u64 u64;
    }

    fn serialize_u128(self, number: u128) -> Result<Item, ItemError> {
        let fits = i128::try_from(number).map(Item::Int);
        fits.map_err(|_| ItemError(format!("{number} is too large for an item")))
    }

    fn serialize_bool(self, yes: bool) -> Result<Item, ItemError> {
        Ok(Item::Bool(yes))
    }

    fn serialize_f32(self, number: f32) -> Result<Item, ItemError> {
        Ok(Item::Float(number.into()))
    }

    fn serialize_f64(self, number: f64) -> Result<Item, ItemError> {
        Ok(Item::Float(number))
    }

    fn serialize_char(self, letter: char) -> Result<Item, ItemError> {
        Ok(Item::Str(letter.into()))
    }

    fn serialize_str(self, text: &str) -> Result<Item, ItemError> {
        Ok(text.into())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Item, ItemError> {
        Ok(Item::Bytes(bytes.to_vec()))
    }

    fn serialize_none(self) -> Result<Item, ItemError> {
        Ok(Item::None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Item, ItemError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Item, ItemError> {
        Ok(Item::None)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Item, ItemError> {
        Ok(Item::None)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
    ) -> Result<Item, ItemError> {
        Ok(name.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Item, ItemError> {
        if name == passing::PROXY {
            return passing::catch(|| value.serialize(self));
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<Item, ItemError> {
        Ok(variant(name, value.serialize(self)?))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Several, ItemError> {
        Ok(several(len, Shape::List))
    }

    fn serialize_tuple(self, len: usize) -> Result<Several, ItemError> {
        Ok(several(Some(len), Shape::Tuple))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Several, ItemError> {
        Ok(several(Some(len), Shape::Tuple))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        len: usize,
    ) -> Result<Several, ItemError> {
        Ok(several(Some(len), Shape::Variant(name)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Pairs, ItemError> {
        Ok(Pairs::named(None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Pairs, ItemError> {
        Ok(Pairs::named(None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Pairs, ItemError> {
        Ok(Pairs::named(Some(name)))
    }

    /// An item names things, as a text does.
    fn is_human_readable(&self) -> bool {
        true
    }
}

impl Several {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ItemError> {
        self.items.push(to_item(value)?);
        Ok(())
    }

    fn finish(self) -> Item {
        match self.shape {
            Shape::List => Item::List(self.items),
            Shape::Tuple => Item::Tuple(self.items),
            Shape::Variant(name) => variant(name, Item::Tuple(self.items)),
        }
    }
}

impl Pairs {
    fn named(variant: Option<&'static str>) -> Pairs {
        Pairs {
            dict: Dict::new(),
            key: None,
            variant,
        }
    }

    fn add(&mut self, key: Item, value: Item) -> Result<(), ItemError> {
        let inserted = self.dict.insert(key, value);
        inserted.map_err(|error| ItemError(error.to_string()))?;
        Ok(())
    }

    fn finish(self) -> Item {
        match self.variant {
            None => Item::Dict(self.dict),
            Some(name) => variant(name, Item::Dict(self.dict)),
        }
    }
}

macro_rules! sequences {
    ($($kind:ident $method:ident;)*) => { $(
        impl ser::$kind for Several {
            type Ok = Item;
            type Error = ItemError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ItemError> {
                self.add(value)
            }

            fn end(self) -> Result<Item, ItemError> {
                Ok(self.finish())
            }
        }
    )* };
}

sequences! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

impl ser::SerializeMap for Pairs {
    type Ok = Item;
    type Error = ItemError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ItemError> {
        self.key = Some(to_item(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ItemError> {
        let key = self.key.take();
        let key = key.ok_or_else(|| ItemError("a map's value without a key".into()))?;
        self.add(key, to_item(value)?)
    }

    fn end(self) -> Result<Item, ItemError> {
        Ok(self.finish())
    }
}

macro_rules! structs {
    ($($kind:ident)*) => { $(
        impl ser::$kind for Pairs {
            type Ok = Item;
            type Error = ItemError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), ItemError> {
                self.add(name.into(), to_item(value)?)
            }

            fn end(self) -> Result<Item, ItemError> {
                Ok(self.finish())
            }
        }
    )* };
}

structs! { SerializeStruct SerializeStructVariant }
