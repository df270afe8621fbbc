//! An object of a type of the user's own.

use std::any::Any;

use super::no_method;
use crate::manager::error::Raised;
use crate::manager::item::Item;
use crate::manager::own::Managed;
use crate::manager::server::object::{Answer, Object, Turn};

pub struct Own {
    managed: &'static Managed,
    object: Box<dyn Any + Send>,
}

impl Own {
    pub fn new(managed: &'static Managed, args: Vec<Item>) -> Result<Own, Raised> {
        let object = (managed.make)(args)?;
        Ok(Own { managed, object })
    }
}

impl Object for Own {
    fn call(&mut self, _: &mut Turn<'_>, method: &str, args: Vec<Item>) -> Answer {
        let mut methods = self.managed.methods.iter();
        match methods.find(|known| known.name == method) {
            Some(known) => (known.call)(self.object.as_mut(), args).into(),
            None => Answer::from(Err(no_method(self.managed.name, method))),
        }
    }

    fn text(&self) -> String {
        format!("<{} object>", self.managed.name)
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
