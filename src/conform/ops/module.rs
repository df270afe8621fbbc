//! Operations without an object: the functions of the module, and a few of Python's own.

use std::path::Path;
use std::sync::Arc;

use super::array::ArrayObject;
use super::pipe::{self, Travelling};
use super::process::{ProcessObject, Sentinel, function};
use super::value::ValueObject;
use super::{Args, Object, Patience, need};
use crate::conform::compare;
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;
use crate::{Waitable, active_children, current_process, parent_process, wait};

/// # Errors
/// Those of the function; [`UNKNOWN`](crate::conform::raised::UNKNOWN) if there is none of that name.
pub fn call(op: &str, args: &Args) -> Answer {
    match op {
        "new" => super::construct(args),
        "call" => {
            let (first, rest) = args.list.split_first().unzip();
            function(first.cloned(), "function")?.call(rest.unwrap_or_default())
        }
        "mp.wait" => {
            let [objects, timeout] = args.bind(["object_list", "timeout"])?;
            ready(
                &need(objects, "object_list")?.items()?,
                Patience::of(timeout.as_ref())?,
            )
        }
        "mp.copy" => {
            let [value] = args.bind(["obj"])?;
            copy(&need(value, "obj")?)
        }
        "mp.current_process.name" => Ok(Value::Str(current_process().name().to_owned())),
        "mp.current_process.daemon" => Ok(Value::Bool(current_process().is_daemon())),
        "mp.current_process.pid" | "os.getpid" => Ok(Value::int(current_process().pid())),
        "mp.parent_process" => Ok(parent_process().map_or(Value::None, |parent| {
            Value::Told(format!("<parent {}>", parent.name()))
        })),
        "mp.parent_process.name" => {
            let parent = parent_process();
            let parent = parent.ok_or_else(|| Raised::no_such("NoneType", "name"))?;
            Ok(Value::Str(parent.name().to_owned()))
        }
        "mp.parent_process.is_alive" => {
            let parent = parent_process();
            let parent = parent.ok_or_else(|| Raised::no_such("NoneType", "is_alive"))?;
            Ok(Value::Bool(parent.is_alive()))
        }
        "mp.cpu_count" => Ok(Value::int(cpus()?)),
        "mp.cpu_count_ge_1" => Ok(Value::Bool(cpus()? >= 1)),
        "mp.active_children" => {
            let children = active_children();
            let children = children
                .iter()
                .map(|child| Value::Told(format!("{child:?}")));
            Ok(Value::List(children.collect()))
        }
        "mp.active_children.count" => Ok(Value::int(active_children().len())),
        "os.path.exists" => {
            let [path] = args.bind(["path"])?;
            match need(path, "path")? {
                Value::Str(path) => Ok(Value::Bool(Path::new(&path).exists())),
                other => Err(Raised::type_error(format!("{} is no path", other.repr()))),
            }
        }
        // Beneath the library: in a stream of CPython's, which ours is not.
        "raw_write" => Err(Raised::new(
            "ForeignWire",
            "a message is one packet of a socket, and no part of a stream",
        )),
        "sorted" => {
            let [items] = args.bind(["iterable"])?;
            sorted(need(items, "iterable")?.items()?).map(Value::List)
        }
        "count_distinct" => {
            let [items] = args.bind(["iterable"])?;
            let mut distinct: Vec<Value> = Vec::new();
            for item in need(items, "iterable")?.items()? {
                if !distinct.iter().any(|other| compare::equal(other, &item)) {
                    distinct.push(item);
                }
            }
            Ok(Value::int(distinct.len()))
        }
        "sum" => {
            let [items] = args.bind(["iterable"])?;
            let items = need(items, "iterable")?.items()?;
            let sum = items.iter().map(super::int).sum::<Answer<i128>>()?;
            Ok(Value::Int(sum))
        }
        "len" | "list" | "bytes" | "type" | "repr" | "str" => {
            let [value] = args.bind(["value"])?;
            let method = match op {
                "len" => "__len__",
                "list" => "__iter__",
                "bytes" => "__bytes__",
                "type" => "__type__",
                "repr" => "__repr__",
                _ => "__str__",
            };
            super::call(&need(value, "value")?, method, &Args::none())
        }
        _ => Err(Raised::unknown(op)),
    }
}

fn cpus() -> Answer<usize> {
    Ok(std::thread::available_parallelism()?.get())
}

/// The places of those that are ready.
fn ready(objects: &[Value], patience: Patience) -> Answer {
    /// What stays alive while it is waited for.
    enum Held<'a> {
        End(Travelling),
        Other(&'a dyn Waitable),
    }
    let held = objects.iter().map(|value| {
        let refuse = || Raised::type_error(format!("{} cannot be waited for", value.repr()));
        let Value::Object(object) = value else {
            return Err(refuse());
        };
        let object: &Arc<dyn Object> = object;
        if let Some(end) = pipe::end_of(object) {
            return Ok(Held::End(end.open()?));
        }
        let any = object.as_any();
        if let Some(Sentinel(file)) = any.downcast_ref() {
            return Ok(Held::Other(file));
        }
        if let Some(process) = any.downcast_ref::<ProcessObject>() {
            return Ok(Held::Other(&process.process));
        }
        if let Some(queue) = super::queue::waitable(object) {
            return Ok(Held::Other(queue));
        }
        Err(refuse())
    });
    let held: Vec<Held> = held.collect::<Answer<_>>()?;
    let waitables: Vec<&dyn Waitable> = held
        .iter()
        .map(|held| match held {
            Held::End(end) => end.waitable(),
            Held::Other(object) => *object,
        })
        .collect();
    let ready = wait(&waitables, patience.time())?;
    Ok(Value::List(ready.into_iter().map(Value::int).collect()))
}

fn copy(value: &Value) -> Answer {
    let Value::Object(object) = value else {
        return Err(Raised::type_error(format!(
            "{} cannot be copied",
            value.repr()
        )));
    };
    let any = object.as_any();
    if let Some(value) = any.downcast_ref::<ValueObject>() {
        value.copy()
    } else if let Some(array) = any.downcast_ref::<ArrayObject>() {
        array.copy()
    } else {
        Err(Raised::type_error(format!(
            "{} cannot be copied",
            object.repr()
        )))
    }
}

fn sorted(mut items: Vec<Value>) -> Answer<Vec<Value>> {
    let mut refused = None;
    items.sort_by(|one, other| {
        compare::order(one, other).unwrap_or_else(|| {
            refused = Some(Raised::type_error(format!(
                "'<' not supported between instances of '{}' and '{}'",
                one.kind(),
                other.kind()
            )));
            std::cmp::Ordering::Equal
        })
    });
    refused.map_or(Ok(items), Err)
}
