//! An event.

use std::any::Any;

use super::{Args, no_method};
use crate::manager::error::Raised;
use crate::manager::item::Item;
use crate::manager::server::args::duration;
use crate::manager::server::core::Caller;
use crate::manager::server::object::{Answer, Object, Turn};
use crate::manager::server::request::Reply;

pub struct Event {
    is_set: bool,
    waiters: Vec<Caller>,
}

impl Event {
    pub fn new(args: Args<'_>) -> Result<Event, Raised> {
        args.end()?;
        Ok(Event {
            is_set: false,
            waiters: Vec::new(),
        })
    }

    fn perform(
        &mut self,
        turn: &mut Turn<'_>,
        method: &str,
        args: Vec<Item>,
    ) -> Result<Answer, Raised> {
        let mut args = Args::of(method, args);
        let timeout = if method == "wait" {
            args.seconds()?
        } else {
            None
        };
        args.end()?;
        let result = match method {
            "set" => {
                self.is_set = true;
                for waiter in self.waiters.drain(..) {
                    turn.answer(waiter, Reply::Value(Item::Bool(true)));
                }
                Item::None
            }
            "clear" => {
                self.is_set = false;
                Item::None
            }
            "is_set" => Item::Bool(self.is_set),
            "wait" if self.is_set => Item::Bool(true),
            "wait" => {
                self.waiters.push(turn.caller);
                return Ok(Answer::Later(timeout.and_then(duration)));
            }
            _ => return Err(no_method("Event", method)),
        };
        Ok(Ok(result).into())
    }
}

impl Object for Event {
    fn call(&mut self, turn: &mut Turn<'_>, method: &str, args: Vec<Item>) -> Answer {
        self.perform(turn, method, args)
            .unwrap_or_else(|raised| Answer::from(Err(raised)))
    }

    fn text(&self) -> String {
        format!("<Event: {}>", if self.is_set { "set" } else { "unset" })
    }

    fn late(&mut self, turn: &mut Turn<'_>, caller: Caller) {
        self.waiters.retain(|waiter| *waiter != caller);
        turn.answer(caller, Reply::Value(Item::Bool(false)));
    }

    fn left(&mut self, _: &mut Turn<'_>, caller: Caller, _: bool) {
        self.waiters.retain(|waiter| *waiter != caller);
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
