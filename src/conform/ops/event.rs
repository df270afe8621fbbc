//! `Event`.

use std::any::Any;

use super::{Args, Handle, Object, Patience};
use crate::Event;
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;

pub struct EventObject {
    event: Event,
}

impl EventObject {
    pub fn construct(args: &Args) -> Answer {
        let [] = args.bind([])?;
        Ok(Value::object(EventObject::over(Event::new()?)))
    }

    pub fn over(event: Event) -> EventObject {
        EventObject { event }
    }
}

impl Object for EventObject {
    fn kind(&self) -> String {
        "Event".into()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.event)
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        if op == "wait" {
            let [timeout] = args.bind(["timeout"])?;
            return Ok(Value::Bool(match Patience::of(timeout.as_ref())?.time() {
                None => {
                    self.event.wait();
                    true
                }
                Some(time) => self.event.wait_timeout(time),
            }));
        }
        let [] = args.bind([])?;
        match op {
            "is_set" => return Ok(Value::Bool(self.event.is_set())),
            "set" => self.event.set(),
            "clear" => self.event.clear(),
            _ => return Err(Raised::no_such(&self.kind(), op)),
        }
        Ok(Value::None)
    }

    fn travel(&self) -> Answer<Handle> {
        Ok(Handle::Event(self.event.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
