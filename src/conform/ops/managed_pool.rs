//! A manager's pool, its results, and its iterators.

use std::any::Any;
use std::sync::{Mutex, PoisonError};

use super::pool::{self, Plan, all, chunk, given, initialize, iterate, task};
use super::process::{by_name, function};
use super::{Args, Handle, Object, Patience, need};
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;
use crate::manager::{ImapProxy, Manager, ManagerError, PoolProxy, PoolResultProxy};

crate::callable!(task);
crate::initializer!(initialize);

pub struct PoolObject(pub PoolProxy);

impl PoolObject {
    pub fn make(manager: &Manager, args: &Args) -> Answer {
        let [processes, initializer, initargs, most_tasks] =
            args.bind(["processes", "initializer", "initargs", "maxtasksperchild"])?;
        let plan = Plan::of(processes, initializer, initargs, most_tasks)?;
        let mut builder = manager.pool_builder();
        if let Some(processes) = plan.processes {
            builder = builder.processes(processes);
        }
        if let Some(most_tasks) = plan.most_tasks {
            builder = builder.max_tasks_per_child(most_tasks);
        }
        if let Some(initializer) = plan.initializer {
            builder = builder.initializer(initialize, initializer)?;
        }
        Ok(Value::object(PoolObject(builder.build()?)))
    }

    fn apply(&self, args: &Args) -> Answer<PoolResultProxy<Answer>> {
        let [func, list, kw, callback, error_callback] =
            args.bind(["func", "args", "kwds", "callback", "error_callback"])?;
        no_callbacks([callback, error_callback])?;
        let func = function(func, "func")?.with(by_name(kw)?);
        let list = list.map_or(Ok(Vec::new()), |list| list.items())?;
        self.0.apply_async(task, (func, list)).map_err(refused)
    }

    fn map(&self, op: &str, args: &Args) -> Answer<PoolResultProxy<Vec<Answer>>> {
        let [func, items, size, callback, error_callback] = args.bind([
            "func",
            "iterable",
            "chunksize",
            "callback",
            "error_callback",
        ])?;
        no_callbacks([callback, error_callback])?;
        let func = function(func, "func")?;
        let items = need(items, "iterable")?.items()?;
        let each = |item: Value| match op.starts_with("star") {
            true => item.items(),
            false => Ok(vec![item]),
        };
        let items = items.into_iter().map(each).collect::<Answer<Vec<_>>>()?;
        let tasks = items.into_iter().map(|args| (func.clone(), args));
        match given(size) {
            None => self.0.starmap_async(task, tasks),
            Some(size) => self.0.chunks(chunk(&size)?)?.starmap_async(task, tasks),
        }
        .map_err(refused)
    }

    fn imap(&self, op: &str, args: &Args) -> Answer {
        let [func, items, size] = args.bind(["func", "iterable", "chunksize"])?;
        let func = function(func, "func")?;
        let items = need(items, "iterable")?.items()?;
        let tasks = items.into_iter().map(|item| (func.clone(), vec![item]));
        let chunks = self.0.chunks(size.as_ref().map_or(Ok(1), chunk)?)?;
        let imap = chunks.stream(task, tasks, op == "imap").map_err(refused)?;
        Ok(Value::object(ImapObject(Mutex::new(imap))))
    }
}

/// As of a pool of one's own.
fn refused(error: ManagerError) -> Raised {
    match error {
        ManagerError::Pool(error) => pool::refused(error),
        other => other.into(),
    }
}

/// A server calls no functions of its clients.
fn no_callbacks(callbacks: [Option<Value>; 2]) -> Answer<()> {
    match callbacks.into_iter().find_map(given) {
        None => Ok(()),
        Some(_) => Err(Raised::unknown("a callback of a manager's pool")),
    }
}

impl Object for PoolObject {
    fn kind(&self) -> String {
        "PoolProxy".into()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.0)
    }

    fn text(&self) -> Answer<String> {
        Ok(self.0.to_string())
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        match op {
            "apply" => return self.apply(args)?.get()?,
            "map" | "starmap" => return all(self.map(op, args)?.get()?),
            "apply_async" => {
                return Ok(Value::object(ResultObject {
                    result: self.apply(args)?,
                    answer: |answer| answer,
                }));
            }
            "map_async" | "starmap_async" => {
                return Ok(Value::object(ResultObject {
                    result: self.map(op, args)?,
                    answer: all,
                }));
            }
            "imap" | "imap_unordered" => return self.imap(op, args),
            _ => {}
        }
        let [] = args.bind([])?;
        match op {
            "close" => self.0.close()?,
            "join" => self.0.join()?,
            "terminate" => self.0.terminate()?,
            _ => return Err(Raised::no_such(&self.kind(), op)),
        }
        Ok(Value::None)
    }

    fn travel(&self) -> Answer<Handle> {
        Ok(Handle::Pool(self.0.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct ResultObject<V> {
    result: PoolResultProxy<V>,
    answer: fn(V) -> Answer,
}

impl<V: 'static> Object for ResultObject<V> {
    fn kind(&self) -> String {
        "AsyncResult".into()
    }

    fn repr(&self) -> String {
        "<AsyncResult>".into()
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        if let "get" | "wait" = op {
            let [timeout] = args.bind(["timeout"])?;
            let time = Patience::of(timeout.as_ref())?.time();
            return match (op, time) {
                ("get", None) => (self.answer)(self.result.get()?),
                ("get", Some(time)) => (self.answer)(self.result.get_timeout(time)?),
                (_, None) => Ok(self.result.wait().map(|()| Value::None)?),
                (_, Some(time)) => Ok(self.result.wait_timeout(time).map(|_| Value::None)?),
            };
        }
        let [] = args.bind([])?;
        match op {
            "ready" => Ok(Value::Bool(self.result.ready()?)),
            "successful" => {
                let is_success = self.result.successful()?;
                let is_ok = is_success && (self.answer)(self.result.get()?).is_ok();
                Ok(Value::Bool(is_ok))
            }
            _ => Err(Raised::no_such(&self.kind(), op)),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        Err(Raised::type_error("a result stays with who asked for it"))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct ImapObject(Mutex<ImapProxy<Answer>>);

impl Object for ImapObject {
    fn kind(&self) -> String {
        "IMapIterator".into()
    }

    fn repr(&self) -> String {
        "<IMapIterator>".into()
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        let mut imap = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        iterate(&mut *imap, ImapProxy::next_timeout, op, args)
            .unwrap_or_else(|| Err(Raised::no_such(&self.kind(), op)))
    }

    fn travel(&self) -> Answer<Handle> {
        Err(Raised::type_error(
            "an iterator stays with who asked for it",
        ))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
