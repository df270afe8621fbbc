//! An array: numbers of one type.

use std::any::Any;

use super::slice::{Slice, place};
use super::{Args, no_method};
use crate::manager::error::{Kind, Raised};
use crate::manager::item::{Item, repr};
use crate::manager::server::object::{Answer, Object, Turn};

pub struct Array {
    typecode: String,
    of: Element,
    items: Vec<Item>,
}

#[derive(Clone, Copy)]
enum Element {
    Int { least: i128, most: i128 },
    Float,
    Letter,
}

impl Element {
    fn of(typecode: &str) -> Result<Element, Raised> {
        fn int<T: Into<i128>>(least: T, most: T) -> Element {
            let (least, most) = (least.into(), most.into());
            Element::Int { least, most }
        }
        Ok(match typecode {
            "b" => int(i8::MIN, i8::MAX),
            "B" => int(u8::MIN, u8::MAX),
            "h" => int(i16::MIN, i16::MAX),
            "H" => int(u16::MIN, u16::MAX),
            "i" => int(i32::MIN, i32::MAX),
            "I" => int(u32::MIN, u32::MAX),
            "l" | "q" => int(i64::MIN, i64::MAX),
            "L" | "Q" => int(u64::MIN, u64::MAX),
            "f" | "d" => Element::Float,
            "u" => Element::Letter,
            _ => {
                let text = "bad typecode (must be b, B, u, h, H, i, I, l, L, q, Q, f or d)";
                return Err(Kind::ValueError.says(text));
            }
        })
    }

    /// The element that an item becomes.
    fn from(self, item: Item) -> Result<Item, Raised> {
        let wrong = |item: &Item| {
            let text = format!("'{}' is no element of this array", item.type_name());
            Err(Kind::TypeError.says(text))
        };
        match (self, item) {
            (Element::Int { least, most }, Item::Int(number)) => {
                if (least..=most).contains(&number) {
                    Ok(Item::Int(number))
                } else {
                    let text = format!("{number} is not between {least} and {most}");
                    Err(Kind::OverflowError.says(text))
                }
            }
            (Element::Int { .. }, Item::Bool(yes)) => Ok(Item::Int(i128::from(yes))),
            (Element::Float, Item::Float(number)) => Ok(Item::Float(number)),
            (Element::Float, Item::Int(number)) => Ok(Item::Float(number as f64)),
            (Element::Float, Item::Bool(yes)) => Ok(Item::Float(f64::from(u8::from(yes)))),
            (Element::Letter, Item::Str(text)) if text.chars().count() == 1 => Ok(Item::Str(text)),
            (_, item) => wrong(&item),
        }
    }
}

impl Array {
    pub fn new(mut args: Args<'_>) -> Result<Array, Raised> {
        let typecode = args.text()?;
        let of = Element::of(&typecode)?;
        let items = args.items()?.into_iter().map(|item| of.from(item));
        let items = items.collect::<Result<_, _>>()?;
        args.end()?;
        Ok(Array {
            typecode,
            of,
            items,
        })
    }

    fn place(&self, index: i128) -> Result<usize, Raised> {
        let outside = || Kind::IndexError.says("array index out of range");
        place(index, self.items.len()).ok_or_else(outside)
    }

    fn perform(&mut self, method: &str, args: Vec<Item>) -> Result<Item, Raised> {
        let mut args = Args::of(method, args);
        let result = match method {
            "__len__" => Item::Int(self.items.len() as i128),
            "__getitem__" => self.items[self.place(args.int()?)?].clone(),
            "__setitem__" => {
                let place = self.place(args.int()?)?;
                self.items[place] = self.of.from(args.item()?)?;
                Item::None
            }
            "slice" => {
                let slice = Slice::of(&mut args, self.items.len())?;
                Item::List(
                    slice
                        .places()
                        .map(|place| self.items[place].clone())
                        .collect(),
                )
            }
            _ => return Err(no_method("array.array", method)),
        };
        args.end()?;
        Ok(result)
    }
}

impl Object for Array {
    fn call(&mut self, _: &mut Turn<'_>, method: &str, args: Vec<Item>) -> Answer {
        self.perform(method, args).into()
    }

    fn text(&self) -> String {
        format!("array('{}', {})", self.typecode, repr(&self.items))
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
