//! The operations, a module for each family of objects.
//!
//! # To add a family
//! 1. A module here with a type over the library's own, that implements [`Object`]: what it prints, its operations
//!    (`call`), its attributes (`attribute`, `set_attribute`), and how it travels.
//! 2. If it travels: a variant of [`Handle`], and its line in [`Handle::object`].
//! 3. Its constructors: lines in [`construct`], or a method of another object's `call` that returns
//!    [`Value::object`].
//! 4. Its errors under Python's names: a `From` in `raised.rs`.
//!
//! Arguments are taken apart with [`Args::bind`], as Python binds them. An operation calls the library and says
//! what the library said; it never answers in its place. Where Rust's types make a mistake impossible, the
//! operation raises what Python would, as a program with the mistake would not compile.

mod array;
mod barrier;
mod bytes;
mod codes;
mod condition;
mod event;
mod guarded;
mod held;
mod listener;
mod lock;
mod managed_pool;
mod manager;
mod module;
mod pipe;
mod plain;
mod pool;
mod process;
mod queue;
mod semaphore;
mod shared_memory;
mod slices;
mod value;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::raised::{Answer, Raised};
use super::value::Value;

pub use held::forget as forget_what_is_held;
pub use module::call as call_module;
pub use shared_memory::made as names_made;

/// An object of the library's, as the cases' language uses it.
pub trait Object: Send + Sync {
    /// The name of its type.
    fn kind(&self) -> String;

    /// As the library prints it.
    fn repr(&self) -> String;

    /// # Errors
    /// Those of the operation, under Python's names; AttributeError if there is none of that name.
    fn call(&self, op: &str, args: &Args) -> Answer;

    /// # Errors
    /// As [`call`](Object::call).
    fn attribute(&self, name: &str) -> Answer {
        Err(Raised::no_such(&self.kind(), name))
    }

    /// # Errors
    /// As [`call`](Object::call).
    fn set_attribute(&self, name: &str, _value: &Value) -> Answer<()> {
        Err(Raised::no_such(&self.kind(), name))
    }

    /// As an argument, and inside items.
    ///
    /// # Errors
    /// It does not travel, and why: under the name that Python raises for it.
    fn travel(&self) -> Answer<Handle>;

    fn as_any(&self) -> &dyn Any;

    /// As Python's `str()`.
    fn text(&self) -> Answer<String> {
        Ok(self.repr())
    }
}

/// An object on its way to another process.
#[derive(Serialize, Deserialize)]
pub enum Handle {
    Lock(crate::Lock),
    RLock(crate::RLock),
    Semaphore(crate::Semaphore),
    BoundedSemaphore(crate::BoundedSemaphore),
    Condition(condition::Travelling),
    Event(crate::Event),
    Barrier(barrier::Travelling),
    Value(guarded::Travelling<value::AnyCell>),
    Array(guarded::Travelling<array::AnyArray>),
    Pipe(pipe::Travelling),
    Queue(crate::Queue<Value>),
    JoinableQueue(crate::JoinableQueue<Value>),
    SimpleQueue(crate::SimpleQueue<Value>),
    SharedMemory(crate::SharedMemory),
    ShareableList(crate::ShareableList),
    Bytes(Vec<u8>),
    Listener(listener::Shared),
    Proxy(crate::AnyProxy),
    Pool(crate::manager::PoolProxy),
}

impl Handle {
    /// The object, where it has arrived.
    ///
    /// # Errors
    /// Those of its making.
    pub fn object(self) -> Answer<Arc<dyn Object>> {
        Ok(match self {
            Handle::Lock(lock) => Arc::new(lock::LockObject::over(lock)),
            Handle::RLock(rlock) => Arc::new(lock::LockObject::over(rlock)),
            Handle::Semaphore(semaphore) => Arc::new(semaphore::SemaphoreObject::over(semaphore)),
            Handle::BoundedSemaphore(semaphore) => {
                Arc::new(semaphore::BoundedObject::over(semaphore))
            }
            Handle::Condition(condition) => Arc::new(condition.object()),
            Handle::Event(event) => Arc::new(event::EventObject::over(event)),
            Handle::Barrier(barrier) => Arc::new(barrier.object()),
            Handle::Value(value) => Arc::new(value::ValueObject::from(value)),
            Handle::Array(array) => Arc::new(array::ArrayObject::from(array)),
            Handle::Pipe(end) => Arc::new(end.object()),
            Handle::Queue(queue) => Arc::new(queue::QueueObject::over(queue)),
            Handle::JoinableQueue(queue) => Arc::new(queue::JoinableObject::over(queue)),
            Handle::SimpleQueue(queue) => Arc::new(queue::SimpleObject::over(queue)),
            Handle::SharedMemory(memory) => Arc::new(shared_memory::MemoryObject::over(memory)),
            Handle::ShareableList(list) => Arc::new(shared_memory::ListObject::over(list)),
            Handle::Bytes(bytes) => Arc::new(bytes::ByteArray::over(bytes)),
            Handle::Listener(listener) => Arc::new(listener.object()),
            Handle::Pool(pool) => Arc::new(managed_pool::PoolObject(pool)),
            Handle::Proxy(proxy) => Arc::new(manager::ProxyObject::over(proxy)),
        })
    }
}

/// The `new` of the file: the first argument is the type.
///
/// # Errors
/// Those of the constructor.
pub fn construct(args: &Args) -> Answer {
    let Some((Value::Str(kind), rest)) = args.list.split_first() else {
        return Err(Raised::unknown("`new` without the name of a type"));
    };
    let args = &Args {
        list: rest.to_vec(),
        kw: args.kw.clone(),
    };
    match kind.as_str() {
        "Lock" => lock::LockObject::<crate::Lock>::construct(args),
        "RLock" => lock::LockObject::<crate::RLock>::construct(args),
        "Semaphore" => semaphore::SemaphoreObject::construct(args),
        "BoundedSemaphore" => semaphore::BoundedObject::construct(args),
        "Condition" => condition::ConditionObject::construct(args),
        "Event" => event::EventObject::construct(args),
        "Barrier" => barrier::BarrierObject::construct(args),
        "Value" => value::ValueObject::construct(args),
        "RawValue" => value::ValueObject::raw(args),
        "Array" => array::ArrayObject::construct(args),
        "RawArray" => array::ArrayObject::raw(args),
        "Pipe" => pipe::new(args),
        "Queue" => queue::QueueObject::construct(args),
        "JoinableQueue" => queue::JoinableObject::construct(args),
        "SimpleQueue" => queue::SimpleObject::construct(args),
        "Listener" => listener::ListenerObject::construct(args),
        "Client" => listener::client(args),
        "Process" => process::ProcessObject::construct(args),
        "SharedMemory" => shared_memory::MemoryObject::construct(args),
        "ShareableList" => shared_memory::ListObject::construct(args),
        "SharedMemoryManager" => shared_memory::MemoryManagerObject::construct(args),
        "Manager" => manager::ManagerObject::started(args),
        "SyncManager" => manager::ManagerObject::unstarted(args),
        "Pool" => pool::PoolObject::construct(args),
        "ThreadPool" => Err(Raised::new("NoThreadPool", "there is no pool of threads")),
        "bytearray" => bytes::ByteArray::construct(args),
        "fn" => super::functions::Function::construct(args),
        _ => Err(Raised::unknown(format!("new {kind}"))),
    }
}

/// An operation on a value.
///
/// # Errors
/// Those of the operation.
pub fn call(value: &Value, op: &str, args: &Args) -> Answer {
    let Value::Object(object) = value else {
        return plain::call(value, op, args);
    };
    match (op, args.list.as_slice()) {
        ("__repr__", []) => Ok(Value::Str(object.repr())),
        ("__str__", []) => object.text().map(Value::Str),
        ("__type__", []) => Ok(Value::Str(object.kind())),
        ("getattr", [Value::Str(name)]) => object.attribute(name),
        ("setattr", [Value::Str(name), value]) => {
            object.set_attribute(name, value).map(|()| Value::None)
        }
        _ => object.call(op, args),
    }
}

/// The arguments of an operation.
#[derive(Clone)]
pub struct Args {
    pub list: Vec<Value>,
    pub kw: Vec<(String, Value)>,
}

impl Args {
    pub fn none() -> Args {
        Args {
            list: Vec::new(),
            kw: Vec::new(),
        }
    }

    pub fn of(list: &[Value]) -> Args {
        Args {
            list: list.to_vec(),
            kw: Vec::new(),
        }
    }

    /// The argument for each name, given by place or by name.
    ///
    /// # Errors
    /// TypeError: too many, an unknown name, or one argument twice.
    pub fn bind<const N: usize>(&self, names: [&str; N]) -> Answer<[Option<Value>; N]> {
        if self.list.len() > N {
            let given = self.list.len();
            return Err(Raised::type_error(format!(
                "takes at most {N} arguments ({given} given)"
            )));
        }
        let mut bound = std::array::from_fn(|at| self.list.get(at).cloned());
        for (name, value) in &self.kw {
            let at = names.iter().position(|known| known == name);
            let place: &mut Option<Value> = at.map(|at| &mut bound[at]).ok_or_else(|| {
                Raised::type_error(format!("got an unexpected keyword argument '{name}'"))
            })?;
            if place.replace(value.clone()).is_some() {
                return Err(Raised::type_error(format!(
                    "got multiple values for argument '{name}'"
                )));
            }
        }
        Ok(bound)
    }
}

/// An argument that must be given.
///
/// # Errors
/// TypeError if it is not.
pub fn need(value: Option<Value>, name: &str) -> Answer {
    value.ok_or_else(|| Raised::type_error(format!("missing a required argument: '{name}'")))
}

/// # Errors
/// TypeError if it is no integer.
pub fn int(value: &Value) -> Answer<i128> {
    value.as_int().ok_or_else(|| {
        Raised::type_error(format!(
            "'{}' object cannot be interpreted as an integer",
            value.kind()
        ))
    })
}

/// How long an operation may take.
#[derive(Clone, Copy)]
pub enum Patience {
    Endless,
    /// It does not wait.
    None,
    Within(Duration),
}

impl Patience {
    /// Of a time-out in seconds: none, or None, is endless, and a negative one has passed.
    ///
    /// # Errors
    /// TypeError if it is no number.
    pub fn of(timeout: Option<&Value>) -> Answer<Patience> {
        match timeout {
            None | Some(Value::None) => Ok(Patience::Endless),
            Some(value) => {
                let seconds = value
                    .as_float()
                    .ok_or_else(|| Raised::type_error("a time-out is a number"))?;
                let time = Duration::try_from_secs_f64(seconds.max(0.0));
                Ok(time.map_or(Patience::Endless, Patience::Within))
            }
        }
    }

    /// Of `block` and `timeout`: who does not block does not look at the time.
    ///
    /// # Errors
    /// As [`of`](Patience::of).
    pub fn blocking(block: Option<&Value>, timeout: Option<&Value>) -> Answer<Patience> {
        if block.is_none_or(Value::is_true) {
            Patience::of(timeout)
        } else {
            Ok(Patience::None)
        }
    }

    /// The time, if there is an end to it.
    pub fn time(self) -> Option<Duration> {
        match self {
            Patience::Endless => None,
            Patience::None => Some(Duration::ZERO),
            Patience::Within(time) => Some(time),
        }
    }

    pub fn is_endless(self) -> bool {
        matches!(self, Patience::Endless)
    }
}
