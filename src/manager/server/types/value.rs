//! One value.

use std::any::Any;

use super::{Args, no_method};
use crate::manager::error::Raised;
use crate::manager::item::Item;
use crate::manager::server::object::{Answer, Object, Turn};

/// The type's letter is kept to be shown; any value is taken, as in CPython.
pub struct Value {
    typecode: String,
    value: Item,
}

impl Value {
    pub fn new(mut args: Args<'_>) -> Result<Value, Raised> {
        let (typecode, value) = (args.text()?, args.item()?);
        args.end()?;
        Ok(Value { typecode, value })
    }

    fn perform(&mut self, method: &str, args: Vec<Item>) -> Result<Item, Raised> {
        let mut args = Args::of(method, args);
        let result = match method {
            "get" => self.value.clone(),
            "set" => {
                self.value = args.item()?;
                Item::None
            }
            _ => return Err(no_method("Value", method)),
        };
        args.end()?;
        Ok(result)
    }
}

impl Object for Value {
    fn call(&mut self, _: &mut Turn<'_>, method: &str, args: Vec<Item>) -> Answer {
        self.perform(method, args).into()
    }

    fn text(&self) -> String {
        format!("Value('{}', {})", self.typecode, self.value)
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
