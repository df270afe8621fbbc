//! A dictionary.

use std::any::Any;

use super::{Args, no_method};
use crate::manager::error::{Kind, Raised};
use crate::manager::item::{Dict, Item};
use crate::manager::server::args::elements;
use crate::manager::server::object::{Answer, Object, Turn};

pub struct Dictionary(Dict);

impl Dictionary {
    pub fn new(mut args: Args<'_>) -> Result<Dictionary, Raised> {
        let mut dict = Dict::new();
        if let Some(initial) = args.optional() {
            merge(&mut dict, initial)?;
        }
        args.end()?;
        Ok(Dictionary(dict))
    }

    fn perform(&mut self, method: &str, args: Vec<Item>) -> Result<Item, Raised> {
        let mut args = Args::of(method, args);
        let dict = &mut self.0;
        let mut result = Item::None;
        match method {
            "__getitem__" => {
                let key = args.item()?;
                result = dict.get(&key)?.cloned().ok_or_else(|| missing(&key))?;
            }
            "__setitem__" => {
                let (key, value) = (args.item()?, args.item()?);
                dict.insert(key, value)?;
            }
            "__delitem__" => {
                let key = args.item()?;
                dict.remove(&key)?.ok_or_else(|| missing(&key))?;
            }
            "__contains__" => result = Item::Bool(dict.get(&args.item()?)?.is_some()),
            "__len__" => result = Item::Int(dict.len() as i128),
            "get" => {
                let found = dict.get(&args.item()?)?.cloned();
                let default = args.optional().unwrap_or_default();
                result = found.unwrap_or(default);
            }
            "setdefault" => {
                let (key, default) = (args.item()?, args.optional().unwrap_or_default());
                result = match dict.get(&key)? {
                    Some(value) => value.clone(),
                    None => {
                        dict.insert(key, default.clone())?;
                        default
                    }
                };
            }
            "pop" => {
                let key = args.item()?;
                let taken = dict.remove(&key)?.or(args.optional());
                result = taken.ok_or_else(|| missing(&key))?;
            }
            "popitem" => {
                let empty = || Kind::KeyError.says("popitem(): dictionary is empty");
                let (key, value) = dict.pop_last().ok_or_else(empty)?;
                result = Item::Tuple(vec![key, value]);
            }
            "update" => merge(dict, args.item()?)?,
            "keys" | "__iter__" => {
                result = Item::List(dict.iter().map(|(key, _)| key.clone()).collect());
            }
            "values" => {
                result = Item::List(dict.iter().map(|(_, value)| value.clone()).collect());
            }
            "items" => {
                let pair =
                    |(key, value): (&Item, &Item)| Item::Tuple(vec![key.clone(), value.clone()]);
                result = Item::List(dict.iter().map(pair).collect());
            }
            "copy" => result = Item::Dict(dict.clone()),
            "clear" => dict.clear(),
            _ => return Err(no_method("dict", method)),
        }
        args.end()?;
        Ok(result)
    }
}

/// From a dictionary, or from pairs. All of it, or nothing.
fn merge(dict: &mut Dict, more: Item) -> Result<(), Raised> {
    let more = match more {
        Item::Dict(more) => more,
        other => {
            let mut pairs = Dict::new();
            for pair in elements(other)? {
                match <[Item; 2]>::try_from(elements(pair)?) {
                    Ok([key, value]) => pairs.insert(key, value)?,
                    Err(_) => return Err(Kind::ValueError.says("a dictionary is made of pairs")),
                };
            }
            pairs
        }
    };
    for (key, value) in more {
        dict.insert(key, value)?;
    }
    Ok(())
}

fn missing(key: &Item) -> Raised {
    Kind::KeyError.says(key.to_string())
}

impl Object for Dictionary {
    fn call(&mut self, _: &mut Turn<'_>, method: &str, args: Vec<Item>) -> Answer {
        self.perform(method, args).into()
    }

    fn text(&self) -> String {
        Item::Dict(self.0.clone()).to_string()
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
