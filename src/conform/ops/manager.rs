//! Managers, and the proxies of what they make.
//!
//! The server's methods are named as Python's, and take and give values that say of themselves what they are: so an
//! operation is the call of the method, and the errors are those that the server raises.

use std::any::Any;
use std::time::{Duration, Instant};

use super::managed_pool::PoolObject;
use super::{Args, Handle, Object, Patience, need};
use crate::conform::functions::Function;
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;
use crate::manager::{AnyProxy, Dict, Item, Manager, ManagerError};

/// A manager, started or not.
pub struct ManagerObject {
    manager: Manager,
}

impl ManagerObject {
    /// `Manager()`: its server runs.
    pub fn started(args: &Args) -> Answer {
        let [] = args.bind([])?;
        let manager = Manager::start()?;
        Ok(Value::object(ManagerObject { manager }))
    }

    /// `SyncManager()`: it is to be started.
    pub fn unstarted(args: &Args) -> Answer {
        let [] = args.bind([])?;
        let manager = Manager::new();
        Ok(Value::object(ManagerObject { manager }))
    }

    fn make(&self, typeid: &str, args: &Args) -> Answer {
        if typeid == "Pool" {
            return PoolObject::make(&self.manager, args);
        }
        let args = match typeid {
            "list" => args.bind(["sequence"])?.to_vec(),
            "dict" => {
                let mut bound = positional(args, 1)?;
                if !args.kw.is_empty() {
                    bound = vec![Some(with_keywords(bound, args)?)];
                }
                bound
            }
            "Namespace" => {
                let none = positional(args, 0)?;
                vec![Some(with_keywords(none, args)?)]
            }
            "Semaphore" | "BoundedSemaphore" => args.bind(["value"])?.to_vec(),
            "Condition" => args.bind(["lock"])?.to_vec(),
            "Barrier" => {
                let [parties, action, timeout] = args.bind(["parties", "action", "timeout"])?;
                if action.is_some_and(|action| !matches!(action, Value::None)) {
                    return Err(Raised::unknown("the action of a manager's barrier"));
                }
                vec![parties, timeout]
            }
            "Queue" | "JoinableQueue" => args.bind(["maxsize"])?.to_vec(),
            "Value" | "Array" => args.bind(["typecode", "value"])?.to_vec(),
            "Lock" | "RLock" | "Event" => args.bind([])?.to_vec(),
            _ => return Err(Raised::no_such("SyncManager", typeid)),
        };
        let args: Vec<Item> = items(&given(args))?;
        let proxy = self.manager.object(typeid, Item::Tuple(args))?;
        Ok(Value::object(ProxyObject { proxy }))
    }
}

impl Object for ManagerObject {
    fn kind(&self) -> String {
        "SyncManager".into()
    }

    fn repr(&self) -> String {
        "<SyncManager>".into()
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        match op {
            "start" => {
                let [] = args.bind([])?;
                self.manager.launch()?;
                Ok(Value::None)
            }
            "__enter__" => {
                let [] = args.bind([])?;
                match self.manager.launch() {
                    Ok(()) | Err(ManagerError::AlreadyStarted) => {}
                    Err(other) => return Err(other.into()),
                }
                let manager = self.manager.clone();
                Ok(Value::object(ManagerObject { manager }))
            }
            "shutdown" | "__exit__" => {
                self.manager.shutdown()?;
                Ok(Value::None)
            }
            _ => self.make(op, args),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        let text = "a manager stays in its process: send proxies";
        Err(Raised::new("RuntimeError", text))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A proxy of any kind.
pub struct ProxyObject {
    proxy: AnyProxy,
}

impl ProxyObject {
    pub fn over(proxy: AnyProxy) -> ProxyObject {
        ProxyObject { proxy }
    }

    fn invoke(&self, method: &str, args: &[Value]) -> Answer {
        let args = Item::Tuple(items(args)?);
        Ok(value(self.proxy.call(method, args)?))
    }

    /// Element by element, as Python goes through a list that has no iterator.
    fn elements(&self) -> Answer {
        let mut elements = Vec::new();
        loop {
            let index = Value::int(elements.len());
            match self.invoke("__getitem__", &[index]) {
                Ok(element) => elements.push(element),
                Err(raised) if raised.name == "IndexError" => return Ok(Value::List(elements)),
                Err(raised) => return Err(raised),
            }
        }
    }

    /// In the caller's process, as in Python: the server cannot run it.
    fn wait_for(&self, args: &Args) -> Answer {
        let [predicate, timeout] = args.bind(["predicate", "timeout"])?;
        let Value::Function(predicate) = need(predicate, "predicate")? else {
            return Err(Raised::type_error("a predicate is a function"));
        };
        let until = Patience::of(timeout.as_ref())?.time();
        let until = until.and_then(|time| Instant::now().checked_add(time));
        loop {
            let outcome = Function::call(&predicate, &[])?;
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if outcome.is_true() || left == Some(Duration::ZERO) {
                return Ok(outcome);
            }
            let left = left.map(|left| Value::Float(left.as_secs_f64()));
            self.invoke("wait", &given(vec![left]))?;
        }
    }
}

impl Object for ProxyObject {
    fn kind(&self) -> String {
        self.proxy.class_name().to_owned()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.proxy)
    }

    fn text(&self) -> Answer<String> {
        Ok(self.proxy.to_string())
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        let typeid = self.proxy.typeid();
        let args = match (typeid, op) {
            ("list" | "Array", "__iter__") => return self.elements(),
            ("Condition", "wait_for") => return self.wait_for(args),
            (_, "__enter__") => return self.invoke("acquire", &[]),
            (_, "__exit__") => return self.invoke("release", &[]),
            ("Lock" | "RLock" | "Condition", "acquire") => {
                args.bind(["blocking", "timeout"])?.to_vec()
            }
            ("Semaphore" | "BoundedSemaphore", "acquire") => {
                args.bind(["blocking", "timeout"])?.to_vec()
            }
            // Python's proxies of locks show no more than these.
            ("Lock" | "RLock" | "Semaphore" | "BoundedSemaphore", _) if op != "release" => {
                return Err(Raised::no_such("AcquirerProxy", op));
            }
            ("Semaphore" | "BoundedSemaphore", "release") => args.bind(["n"])?.to_vec(),
            ("Queue" | "JoinableQueue", "put") => args.bind(["item", "block", "timeout"])?.to_vec(),
            ("Queue" | "JoinableQueue", "get") => args.bind(["block", "timeout"])?.to_vec(),
            // Ours alone has a time to it.
            ("Queue" | "JoinableQueue", "join") => args.bind([])?.to_vec(),
            ("Condition", "notify") => args.bind(["n"])?.to_vec(),
            (_, "wait") => args.bind(["timeout"])?.to_vec(),
            ("Barrier", "parties" | "n_waiting" | "broken") => {
                return Err(Raised::type_error("it is an attribute, and no method"));
            }
            ("list", "sort") => {
                let [key, reverse] = args.bind(["key", "reverse"])?;
                if key.is_some_and(|key| !matches!(key, Value::None)) {
                    return Err(Raised::unknown("the key of a manager's list's sort"));
                }
                vec![reverse]
            }
            ("dict", "update") if !args.kw.is_empty() => {
                vec![Some(with_keywords(positional(args, 1)?, args)?)]
            }
            ("Namespace", "delattr") => {
                let [name] = args.bind(["name"])?;
                return self.invoke("__delattr__", &given(vec![name]));
            }
            _ => positional(args, usize::MAX)?,
        };
        let method = match op {
            "setitem" | "getitem" | "delitem" | "contains" => format!("__{op}__"),
            "getslice" => "slice".to_owned(),
            "setslice" => "set_slice".to_owned(),
            "delslice" => "del_slice".to_owned(),
            // Not what ours has beside Python's.
            "slice" | "set_slice" | "del_slice" => return Err(Raised::no_such(&self.kind(), op)),
            _ => op.to_owned(),
        };
        let mut args = given(args);
        if method == "set_slice" {
            args.rotate_right(1); // what is put there comes first
        }
        let answer = self.invoke(&method, &args)?;
        // Python's join tells nothing.
        Ok(if op == "join" { Value::None } else { answer })
    }

    fn attribute(&self, name: &str) -> Answer {
        match (self.proxy.typeid(), name) {
            ("Namespace", _) => self.invoke("__getattribute__", &[Value::Str(name.to_owned())]),
            ("Value", "value") => self.invoke("get", &[]),
            ("Barrier", "parties" | "n_waiting" | "broken") => self.invoke(name, &[]),
            _ => Err(Raised::no_such(&self.kind(), name)),
        }
    }

    fn set_attribute(&self, name: &str, value: &Value) -> Answer<()> {
        match (self.proxy.typeid(), name) {
            ("Namespace", _) => {
                self.invoke("__setattr__", &[Value::Str(name.to_owned()), value.clone()])
            }
            ("Value", "value") => self.invoke("set", std::slice::from_ref(value)),
            _ => Err(Raised::no_such(&self.kind(), name)),
        }
        .map(|_| ())
    }

    fn travel(&self) -> Answer<Handle> {
        Ok(Handle::Proxy(self.proxy.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Those that were given, up to the first that was not; a gap before one that was given is None.
fn given(mut args: Vec<Option<Value>>) -> Vec<Value> {
    while args.last().is_some_and(Option::is_none) {
        args.pop();
    }
    let args = args.into_iter();
    args.map(|arg| arg.unwrap_or(Value::None)).collect()
}

/// No more than `most`.
fn positional(args: &Args, most: usize) -> Answer<Vec<Option<Value>>> {
    if args.list.len() > most {
        return Err(Raised::type_error(format!(
            "takes at most {most} arguments"
        )));
    }
    Ok(args.list.iter().cloned().map(Some).collect())
}

/// A dictionary, and the keywords in it.
fn with_keywords(first: Vec<Option<Value>>, args: &Args) -> Answer {
    let mut pairs = match first.into_iter().flatten().next() {
        None => Vec::new(),
        Some(Value::Dict(pairs)) => pairs,
        Some(_) => return Err(Raised::unknown("keywords beside what is no dictionary")),
    };
    for (name, value) in &args.kw {
        pairs.push((Value::Str(name.clone()), value.clone()));
    }
    Ok(Value::Dict(pairs))
}

fn items(values: &[Value]) -> Answer<Vec<Item>> {
    values.iter().map(item).collect()
}

fn item(value: &Value) -> Answer<Item> {
    Ok(match value {
        Value::None => Item::None,
        Value::Bool(yes) => Item::Bool(*yes),
        Value::Int(number) => Item::Int(*number),
        Value::Float(number) => Item::Float(*number),
        Value::Str(text) => Item::Str(text.clone()),
        Value::Bytes(bytes) => Item::Bytes(bytes.clone()),
        Value::List(values) => Item::List(items(values)?),
        Value::Tuple(values) => Item::Tuple(items(values)?),
        Value::Dict(pairs) => {
            let mut dict = Dict::new();
            for (key, value) in pairs {
                let inserted = dict.insert(item(key)?, item(value)?);
                inserted.map_err(Raised::type_error)?;
            }
            Item::Dict(dict)
        }
        Value::Object(object) => match object.as_any().downcast_ref::<ProxyObject>() {
            Some(object) => Item::Proxy(object.proxy.clone()),
            None => {
                let text = format!("a {} cannot be kept by a manager", object.kind());
                return Err(Raised::new("RuntimeError", text));
            }
        },
        Value::Huge(_) => {
            let text = "a manager's integers have 128 bits";
            return Err(Raised::new("OverflowError", text));
        }
        Value::Function(_) | Value::Told(_) => {
            let text = "a manager keeps no functions";
            return Err(Raised::type_error(text));
        }
    })
}

fn value(item: Item) -> Value {
    let values = |items: Vec<Item>| items.into_iter().map(value).collect();
    match item {
        Item::None => Value::None,
        Item::Bool(yes) => Value::Bool(yes),
        Item::Int(number) => Value::Int(number),
        Item::Float(number) => Value::Float(number),
        Item::Str(text) => Value::Str(text),
        Item::Bytes(bytes) => Value::Bytes(bytes),
        Item::List(items) => Value::List(values(items)),
        Item::Tuple(items) => Value::Tuple(values(items)),
        Item::Dict(dict) => {
            let pairs = dict.into_iter();
            Value::Dict(pairs.map(|(key, item)| (value(key), value(item))).collect())
        }
        Item::Proxy(proxy) => Value::object(ProxyObject { proxy }),
    }
}

impl From<ManagerError> for Raised {
    fn from(error: ManagerError) -> Raised {
        let name = match &error {
            ManagerError::Raised(raised) => format!("{:?}", raised.kind),
            ManagerError::Pool(error) => return error.clone().into(),
            ManagerError::NotRunning => "AssertionError".to_owned(),
            ManagerError::AlreadyStarted => "ProcessError".to_owned(),
            // The way to it is gone.
            ManagerError::ServerGone => "FileNotFoundError".to_owned(),
            ManagerError::Item(_) => "TypeError".to_owned(),
            _ => "OSError".to_owned(),
        };
        Raised::new(&name, error)
    }
}
