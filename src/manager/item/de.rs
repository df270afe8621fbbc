//! From an item to any value that has its form: a serde deserializer.

use std::fmt::Display;

use serde::Deserialize;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    self, DeserializeOwned, Deserializer, EnumAccess, IntoDeserializer, VariantAccess, Visitor,
};

use super::{Item, ItemError};
use crate::manager::passing;

/// The value that an item is.
///
/// # Errors
/// [`ItemError`]: it is no such value.
pub fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, ItemError> {
    T::deserialize(FromItem(item))
}

impl de::Error for ItemError {
    fn custom<T: Display>(text: T) -> ItemError {
        ItemError(text.to_string())
    }
}

/// Of one item.
pub struct FromItem(Item);

impl IntoDeserializer<'_, ItemError> for FromItem {
    type Deserializer = FromItem;

    fn into_deserializer(self) -> FromItem {
        self
    }
}

impl<'de> Deserializer<'de> for FromItem {
    type Error = ItemError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ItemError> {
        match self.0 {
            Item::None => visitor.visit_unit(),
            Item::Bool(yes) => visitor.visit_bool(yes),
            Item::Int(number) => int(number, visitor),
            Item::Float(number) => visitor.visit_f64(number),
            Item::Str(text) => visitor.visit_string(text),
            Item::Bytes(bytes) => visitor.visit_byte_buf(bytes),
            Item::List(items) | Item::Tuple(items) => {
                let mut rest = SeqDeserializer::new(items.into_iter().map(FromItem));
                let value = visitor.visit_seq(&mut rest)?;
                rest.end()?;
                Ok(value)
            }
            Item::Dict(dict) => {
                let pairs = dict.into_iter();
                let pairs = pairs.map(|(key, value)| (FromItem(key), FromItem(value)));
                let mut rest = MapDeserializer::new(pairs);
                let value = visitor.visit_map(&mut rest)?;
                rest.end()?;
                Ok(value)
            }
            Item::Proxy(proxy) => {
                let what = proxy.class_name();
                Err(ItemError(format!("a value was expected, not a {what}")))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ItemError> {
        match self.0 {
            Item::None => visitor.visit_none(),
            item => visitor.visit_some(FromItem(item)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ItemError> {
        match self.0 {
            item @ Item::Proxy(_) if name == passing::PROXY => {
                passing::offer(item, || visitor.visit_newtype_struct(FromItem(Item::None)))
            }
            item if name == passing::PROXY => {
                let what = item.type_name();
                Err(ItemError(format!("a proxy was expected, not '{what}'")))
            }
            item if name == passing::ITEM => {
                passing::offer(item, || visitor.visit_newtype_struct(FromItem(Item::None)))
            }
            item => visitor.visit_newtype_struct(FromItem(item)),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ItemError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ItemError> {
        match self.0 {
            Item::Str(name) => visitor.visit_enum(Variant {
                name,
                content: None,
            }),
            Item::Dict(mut dict) if dict.len() == 1 => match dict.pop_last() {
                Some((Item::Str(name), content)) => visitor.visit_enum(Variant {
                    name,
                    content: Some(content),
                }),
                _ => Err(ItemError("a variant is named by text".into())),
            },
            item => {
                let what = item.type_name();
                Err(ItemError(format!("a variant was expected, not '{what}'")))
            }
        }
    }

    fn is_human_readable(&self) -> bool {
        true
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// As the narrowest of serde's integers, as many types take no others.
fn int<'de, V: Visitor<'de>>(number: i128, visitor: V) -> Result<V::Value, ItemError> {
    if let Ok(number) = i64::try_from(number) {
        visitor.visit_i64(number)
    } else if let Ok(number) = u64::try_from(number) {
        visitor.visit_u64(number)
    } else {
        visitor.visit_i128(number)
    }
}

struct Variant {
    name: String,
    content: Option<Item>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = ItemError;
    type Variant = Content;

    fn variant_seed<V: de::DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Content), ItemError> {
        let name: de::value::StringDeserializer<ItemError> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, Content(self.content)))
    }
}

struct Content(Option<Item>);

impl Content {
    fn there(self) -> Result<FromItem, ItemError> {
        let missing = || ItemError("a variant without its content".into());
        self.0.map(FromItem).ok_or_else(missing)
    }
}

impl<'de> VariantAccess<'de> for Content {
    type Error = ItemError;

    fn unit_variant(self) -> Result<(), ItemError> {
        match self.0 {
            None => Ok(()),
            Some(content) => <()>::deserialize(FromItem(content)),
        }
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, ItemError> {
        seed.deserialize(self.there()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ItemError> {
        self.there()?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ItemError> {
        self.there()?.deserialize_any(visitor)
    }
}
