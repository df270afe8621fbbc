//! A namespace: values under names.

use std::any::Any;
use std::collections::BTreeMap;

use super::{Args, no_method};
use crate::manager::error::{Kind, Raised};
use crate::manager::item::Item;
use crate::manager::server::object::{Answer, Object, Turn};

pub struct Namespace(BTreeMap<String, Item>);

impl Namespace {
    pub fn new(mut args: Args<'_>) -> Result<Namespace, Raised> {
        let mut names = BTreeMap::new();
        match args.optional() {
            None => {}
            Some(Item::Dict(dict)) => {
                for (name, value) in dict {
                    match name {
                        Item::Str(name) => names.insert(name, value),
                        _ => return Err(Kind::TypeError.says("keywords must be strings")),
                    };
                }
            }
            Some(_) => return Err(Kind::TypeError.says("a namespace is made of names and values")),
        }
        args.end()?;
        Ok(Namespace(names))
    }

    fn perform(&mut self, method: &str, args: Vec<Item>) -> Result<Item, Raised> {
        let mut args = Args::of(method, args);
        let result = match method {
            "__getattribute__" => {
                let name = args.text()?;
                let value = self.0.get(&name).cloned();
                value.ok_or_else(|| no_method("Namespace", &name))?
            }
            "__setattr__" => {
                let (name, value) = (args.text()?, args.item()?);
                self.0.insert(name, value);
                Item::None
            }
            "__delattr__" => {
                let name = args.text()?;
                let former = self.0.remove(&name);
                former.ok_or_else(|| no_method("Namespace", &name))?;
                Item::None
            }
            _ => return Err(no_method("Namespace", method)),
        };
        args.end()?;
        Ok(result)
    }
}

impl Object for Namespace {
    fn call(&mut self, _: &mut Turn<'_>, method: &str, args: Vec<Item>) -> Answer {
        self.perform(method, args).into()
    }

    /// Without the names that begin with an underscore.
    fn text(&self) -> String {
        let public = self.0.iter().filter(|(name, _)| !name.starts_with('_'));
        let shown: Vec<String> = public
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!("Namespace({})", shown.join(", "))
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
