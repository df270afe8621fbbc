//! A list.

use std::any::Any;

use super::order;
use super::slice::{Slice, place};
use super::{Args, no_method};
use crate::manager::error::{Kind, Raised};
use crate::manager::item::{Item, repr};
use crate::manager::server::args::elements;
use crate::manager::server::object::{Answer, Object, Turn};

pub struct List(Vec<Item>);

/// The most elements that repeating a list may give.
const REPEATED_MAX: usize = 1 << 24;

impl List {
    pub fn new(mut args: Args<'_>) -> Result<List, Raised> {
        let items = args.optional().map_or(Ok(Vec::new()), elements)?;
        args.end()?;
        Ok(List(items))
    }

    fn place(&self, index: i128, doing: &str) -> Result<usize, Raised> {
        let text = || Kind::IndexError.says(format!("{doing} index out of range"));
        place(index, self.0.len()).ok_or_else(text)
    }

    fn perform(&mut self, method: &str, args: Vec<Item>) -> Result<Item, Raised> {
        let mut args = Args::of(method, args);
        let items = &mut self.0;
        let mut result = Item::None;
        match method {
            "append" => items.push(args.item()?),
            "extend" | "__iadd__" => items.append(&mut args.items()?),
            "insert" => {
                let (index, item) = (args.int()?, args.item()?);
                // As a slice's start: cut to fit.
                let len = items.len() as i128;
                let from_start = if index < 0 {
                    index.saturating_add(len)
                } else {
                    index
                };
                items.insert(from_start.clamp(0, len) as usize, item);
            }
            "pop" => {
                if items.is_empty() {
                    return Err(Kind::IndexError.says("pop from empty list"));
                }
                let index = args.optional_int()?.unwrap_or(-1);
                let place = self.place(index, "pop")?;
                result = self.0.remove(place);
            }
            "remove" => {
                let item = args.item()?;
                let place = items.iter().position(|other| *other == item);
                let missing = || Kind::ValueError.says("list.remove(x): x not in list");
                items.remove(place.ok_or_else(missing)?);
            }
            "__getitem__" => {
                let place = self.place(args.int()?, "list")?;
                result = self.0[place].clone();
            }
            "__setitem__" => {
                let place = self.place(args.int()?, "list assignment")?;
                self.0[place] = args.item()?;
            }
            "__delitem__" => {
                let place = self.place(args.int()?, "list assignment")?;
                self.0.remove(place);
            }
            "slice" => {
                let slice = Slice::of(&mut args, items.len())?;
                result = Item::List(slice.places().map(|place| items[place].clone()).collect());
            }
            "set_slice" => {
                let replacement = args.items()?;
                let slice = Slice::of(&mut args, items.len())?;
                self.set_slice(&slice, replacement)?;
            }
            "del_slice" => {
                let slice = Slice::of(&mut args, items.len())?;
                let mut out = vec![false; items.len()];
                slice.places().for_each(|place| out[place] = true);
                let mut out = out.into_iter();
                items.retain(|_| !out.next().unwrap_or(false));
            }
            "index" => {
                let item = args.item()?;
                let (start, stop) = (args.optional_int()?, args.optional_int()?);
                let range = [start, stop, None]
                    .map(|index| index.map_or(Item::None, Item::Int))
                    .to_vec();
                let slice = Slice::of(&mut Args::of(method, range), items.len())?;
                let place = slice.places().find(|place| items[*place] == item);
                let missing = || Kind::ValueError.says(format!("{item} is not in list"));
                result = Item::Int(place.ok_or_else(missing)? as i128);
            }
            "count" => {
                let item = args.item()?;
                let count = items.iter().filter(|other| **other == item).count();
                result = Item::Int(count as i128);
            }
            "__contains__" => result = Item::Bool(items.contains(&args.item()?)),
            "__len__" => result = Item::Int(items.len() as i128),
            "reverse" => items.reverse(),
            "__reversed__" => result = Item::List(items.iter().rev().cloned().collect()),
            "sort" => {
                let reverse = args.optional().is_some_and(|reverse| reverse.is_true());
                order::sort(items, reverse)?;
            }
            "__add__" => {
                let more = args.items()?;
                result = Item::List(items.iter().cloned().chain(more).collect());
            }
            "__mul__" | "__rmul__" => result = Item::List(repeated(items, args.int()?)?),
            "__imul__" => *items = repeated(items, args.int()?)?,
            _ => return Err(no_method("list", method)),
        }
        args.end()?;
        Ok(result)
    }

    fn set_slice(&mut self, slice: &Slice, replacement: Vec<Item>) -> Result<(), Raised> {
        if slice.step == 1 {
            let start = slice.start as usize;
            self.0.splice(start..start + slice.count, replacement);
            return Ok(());
        }
        if replacement.len() != slice.count {
            let text = format!(
                "attempt to assign sequence of size {} to extended slice of size {}",
                replacement.len(),
                slice.count
            );
            return Err(Kind::ValueError.says(text));
        }
        for (place, item) in slice.places().zip(replacement) {
            self.0[place] = item;
        }
        Ok(())
    }
}

fn repeated(items: &[Item], times: i128) -> Result<Vec<Item>, Raised> {
    let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
    match items.len().checked_mul(times) {
        Some(..=REPEATED_MAX) => Ok(items
            .iter()
            .cycle()
            .take(items.len() * times)
            .cloned()
            .collect()),
        _ => Err(Kind::ValueError.says("the list would be too long")),
    }
}

impl Object for List {
    fn call(&mut self, _: &mut Turn<'_>, method: &str, args: Vec<Item>) -> Answer {
        self.perform(method, args).into()
    }

    fn text(&self) -> String {
        repr(&self.0)
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
