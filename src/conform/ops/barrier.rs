//! `Barrier`.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Args, Handle, Object, Patience, int, need};
use crate::Barrier;
use crate::conform::functions::{self, Function};
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;

#[derive(Clone)]
pub struct BarrierObject {
    barrier: Barrier,
    /// Of a wait that names none.
    time: Option<Duration>,
}

#[derive(Serialize, Deserialize)]
pub struct Travelling {
    barrier: Barrier,
    time: Option<Duration>,
}

impl Travelling {
    pub fn object(self) -> BarrierObject {
        BarrierObject {
            barrier: self.barrier,
            time: self.time,
        }
    }
}

/// What the last party runs. An error is a panic, as the action of a barrier returns nothing.
fn act(action: Function) {
    if let Err(raised) = action.call(&[]) {
        panic::panic_any(raised);
    }
}

impl BarrierObject {
    pub fn construct(args: &Args) -> Answer {
        let [parties, action, timeout] = args.bind(["parties", "action", "timeout"])?;
        let parties = int(&need(parties, "parties")?)?;
        let parties = usize::try_from(parties).map_err(Raised::value_error)?;
        let refused = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::InvalidInput => Raised::value_error(error),
            _ => error.into(),
        };
        let barrier = match action {
            None | Some(Value::None) => Barrier::new(parties),
            Some(Value::Function(action)) => Barrier::with_action(parties, act, action),
            Some(other) => {
                let kind = other.kind();
                return Err(Raised::type_error(format!(
                    "'{kind}' object is not callable"
                )));
            }
        };
        Ok(Value::object(BarrierObject {
            barrier: barrier.map_err(refused)?,
            time: Patience::of(timeout.as_ref())?.time(),
        }))
    }

    fn wait(&self, time: Option<Duration>) -> Answer {
        let wait = AssertUnwindSafe(|| match time {
            None => self.barrier.wait(),
            Some(time) => self.barrier.wait_timeout(time),
        });
        match panic::catch_unwind(wait) {
            Ok(passed) => Ok(Value::int(passed?)),
            Err(panic) => Err(functions::raised_by(panic)),
        }
    }
}

impl Object for BarrierObject {
    fn kind(&self) -> String {
        "Barrier".into()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.barrier)
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        if op == "wait" {
            let [timeout] = args.bind(["timeout"])?;
            return match Patience::of(timeout.as_ref())? {
                Patience::Endless => self.wait(self.time),
                limited => self.wait(limited.time()),
            };
        }
        let [] = args.bind([])?;
        match op {
            "abort" => self.barrier.abort()?,
            "reset" => self.barrier.reset()?,
            _ => return Err(Raised::no_such(&self.kind(), op)),
        }
        Ok(Value::None)
    }

    fn attribute(&self, name: &str) -> Answer {
        match name {
            "parties" => Ok(Value::int(self.barrier.parties())),
            "n_waiting" => Ok(Value::int(self.barrier.n_waiting())),
            "broken" => Ok(Value::Bool(self.barrier.broken())),
            _ => Err(Raised::no_such(&self.kind(), name)),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        Ok(Handle::Barrier(Travelling {
            barrier: self.barrier.clone(),
            time: self.time,
        }))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
