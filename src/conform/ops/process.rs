//! `Process`.

use std::any::Any;
use std::os::fd::OwnedFd;

use super::{Args, Handle, Object, Patience, need};
use crate::conform::functions::{self, Function};
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;
use crate::{Process, ProcessError, Status};

pub struct ProcessObject {
    pub process: Process,
    target: Function,
    args: Vec<Value>,
}

impl ProcessObject {
    pub fn construct(args: &Args) -> Answer {
        let [group, target, name, list, kw, daemon] =
            args.bind(["group", "target", "name", "args", "kwargs", "daemon"])?;
        if group.is_some_and(|group| !matches!(group, Value::None)) {
            return Err(Raised::new(
                "AssertionError",
                "there are no groups of processes",
            ));
        }
        let target = match target {
            None | Some(Value::None) => None,
            Some(Value::Function(function)) => Some(function),
            // It turns out when it is called, in the child.
            Some(other) => Some(Function::named(&other.repr())),
        };
        let list = list.map_or(Ok(Vec::new()), |list| list.items())?;
        let target = target.unwrap_or_else(|| Function::named("noop"));
        let target = target.with(by_name(kw)?);
        let process = Process::new(functions::run, (target.clone(), list.clone()));
        match name {
            None | Some(Value::None) => {}
            Some(Value::Str(name)) => process.set_name(name)?,
            Some(other) => {
                return Err(Raised::new(
                    "AssertionError",
                    format!("{} is no name", other.repr()),
                ));
            }
        }
        if let Some(daemon) = daemon.filter(|daemon| !matches!(daemon, Value::None)) {
            process.set_daemon(daemon.is_true())?;
        }
        Ok(Value::object(ProcessObject {
            process,
            target,
            args: list,
        }))
    }

    fn join(&self, patience: Patience) -> Answer {
        match patience.time() {
            None => {
                self.process.join()?;
            }
            Some(time) => {
                self.process.join_timeout(time)?;
            }
        }
        Ok(Value::None)
    }
}

/// What Python raises for a process that was not started, where that is not an AssertionError.
fn unstarted(name: &'static str) -> impl Fn(ProcessError) -> Raised {
    move |error| match error {
        ProcessError::NotStarted => Raised::new(name, error),
        other => other.into(),
    }
}

impl Object for ProcessObject {
    fn kind(&self) -> String {
        "Process".into()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.process)
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        if op == "join" {
            let [timeout] = args.bind(["timeout"])?;
            return self.join(Patience::of(timeout.as_ref())?);
        }
        let [] = args.bind([])?;
        match op {
            "start" => self.process.start()?,
            "is_alive" => return Ok(Value::Bool(self.process.status()? == Status::Running)),
            "terminate" => self
                .process
                .terminate()
                .map_err(unstarted("AttributeError"))?,
            "kill" => self.process.kill().map_err(unstarted("AttributeError"))?,
            "close" => self.process.close()?,
            "run" => {
                self.target.call(&self.args)?;
            }
            _ => return Err(Raised::no_such(&self.kind(), op)),
        }
        Ok(Value::None)
    }

    fn attribute(&self, name: &str) -> Answer {
        let process = &self.process;
        match name {
            "name" => Ok(Value::Str(process.name())),
            "daemon" => Ok(Value::Bool(process.is_daemon())),
            "pid" | "ident" => match process.status() {
                Err(ProcessError::Closed) => Err(ProcessError::Closed.into()),
                _ => Ok(process.pid().map_or(Value::None, Value::int)),
            },
            "exitcode" => Ok(match process.status()? {
                Status::Ended(code) => Value::int(code),
                _ => Value::None,
            }),
            "sentinel" => {
                let sentinel = process.sentinel().map_err(unstarted("ValueError"))?;
                Ok(Value::object(Sentinel(sentinel)))
            }
            _ => Err(Raised::no_such(&self.kind(), name)),
        }
    }

    fn set_attribute(&self, name: &str, value: &Value) -> Answer<()> {
        match (name, value) {
            ("name", Value::Str(name)) => Ok(self.process.set_name(name.as_str())?),
            ("name", other) => Err(Raised::new(
                "AssertionError",
                format!("{} is no name", other.repr()),
            )),
            ("daemon", value) => Ok(self.process.set_daemon(value.is_true())?),
            _ => Err(Raised::no_such(&self.kind(), name)),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        Err(Raised::type_error(
            "only the process that made a Process can use it: it does not travel",
        ))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The descriptor that is readable once a process has ended.
pub struct Sentinel(pub OwnedFd);

impl Object for Sentinel {
    fn kind(&self) -> String {
        "int".into()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.0)
    }

    fn call(&self, op: &str, _args: &Args) -> Answer {
        Err(Raised::no_such(&self.kind(), op))
    }

    fn travel(&self) -> Answer<Handle> {
        Err(Raised::type_error(
            "a descriptor's number means nothing in another process",
        ))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The arguments by name, of a dictionary of them.
///
/// # Errors
/// TypeError: it is none.
pub fn by_name(kw: Option<Value>) -> Answer<Vec<(String, Value)>> {
    let pairs = match kw {
        None | Some(Value::None) => Vec::new(),
        Some(Value::Dict(pairs)) => pairs,
        Some(other) => {
            return Err(Raised::type_error(format!(
                "{} is no dictionary",
                other.repr()
            )));
        }
    };
    let pairs = pairs.into_iter().map(|(name, value)| match name {
        Value::Str(name) => Ok((name, value)),
        other => Err(Raised::type_error(format!("{} is no name", other.repr()))),
    });
    pairs.collect()
}

/// Of the argument that a function needs.
///
/// # Errors
/// TypeError: it is no function.
pub fn function(value: Option<Value>, name: &str) -> Answer<Function> {
    match need(value, name)? {
        Value::Function(function) => Ok(function),
        other => Err(Raised::type_error(format!(
            "'{}' object is not callable",
            other.kind()
        ))),
    }
}
