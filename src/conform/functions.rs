//! The named functions of the file: they run in actors, in processes, and in pools.

use std::any::Any;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ops::{self, Args, int, need};
use super::raised::{Answer, Raised};
use super::value::Value;
use crate::sys::child::Signal;
use crate::{ExitCode, Process, current_process};

/// A named function, with the first of its arguments.
#[derive(Clone, Serialize, Deserialize)]
pub struct Function {
    pub name: String,
    args: Vec<Value>,
    kw: Vec<(String, Value)>,
    /// A method of the first argument.
    is_method: bool,
}

impl Function {
    pub fn named(name: &str) -> Function {
        Function {
            name: name.to_owned(),
            args: Vec::new(),
            kw: Vec::new(),
            is_method: false,
        }
    }

    pub fn method(object: Value, name: &str) -> Function {
        Function {
            name: name.to_owned(),
            args: vec![object],
            kw: Vec::new(),
            is_method: true,
        }
    }

    /// The same, with these arguments by name.
    pub fn with(mut self, kw: Vec<(String, Value)>) -> Function {
        self.kw.extend(kw);
        self
    }

    /// The `fn` of the file: a function with some of its arguments.
    pub fn construct(args: &Args) -> Answer {
        match args.list.split_first() {
            // Of the functions that make something, only this one's product is wanted.
            Some((Value::Str(name), _)) if name == "make_lambda" => Function::named(name).call(&[]),
            Some((Value::Str(name), rest)) => Ok(Value::Function(Function {
                args: rest.to_vec(),
                ..Function::named(name)
            })),
            _ => Err(Raised::unknown("`fn` without a name")),
        }
    }

    /// # Errors
    /// Those of the function.
    pub fn call(&self, more: &[Value]) -> Answer {
        if self.is_method {
            return ops::call(&self.args[0], &self.name, &Args::of(more));
        }
        let list = self.args.iter().chain(more).cloned().collect();
        let kw = self.kw.clone();
        call(&self.name, &Args { list, kw })
    }
}

/// What a `Process` of a case runs: an error is exit code 1.
pub fn run(function: Function, args: Vec<Value>) -> ExitCode {
    ExitCode(function.call(&args).is_err().into())
}
crate::spawnable!(run);

/// What was panicked with, as an error.
pub fn raised_by(panic: Box<dyn Any + Send>) -> Raised {
    match panic.downcast::<Raised>() {
        Ok(raised) => *raised,
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Raised::new("panic", text.unwrap_or_default())
        }
    }
}

/// What `setg` stores and `getg` reads: of each process its own.
static GLOBAL: Mutex<Value> = Mutex::new(Value::None);

fn call(name: &str, args: &Args) -> Answer {
    match name {
        "noop" => Ok(Value::None),
        "add" => {
            let [a, b] = args.bind(["a", "b"])?;
            number(int(&need(a, "a")?)?.checked_add(int(&need(b, "b")?)?))
        }
        "square" => {
            let [x] = args.bind(["x"])?;
            match need(x, "x")? {
                Value::Float(x) => Ok(Value::Float(x * x)),
                x => {
                    let x = int(&x)?;
                    number(x.checked_mul(x))
                }
            }
        }
        "fail_if_odd" => {
            let [n] = args.bind(["n"])?;
            let n = need(n, "n")?;
            match int(&n)? % 2 {
                0 => Ok(n),
                _ => Err(Raised::value_error(format!("odd {}", n.repr()))),
            }
        }
        "append_to" => {
            let [list, item] = args.bind(["l", "x"])?;
            ops::call(&need(list, "l")?, "append", &Args::of(&[need(item, "x")?]))
        }
        "less_than" | "not_less_than" => {
            let [items, limit] = args.bind(["items", "n"])?;
            let limit = int(&need(limit, "n")?)?;
            let mut found = Vec::new();
            for item in need(items, "items")?.items()? {
                if (int(&item)? < limit) == (name == "less_than") {
                    found.push(item);
                }
            }
            Ok(Value::List(found))
        }
        "value_of" | "value_is" => {
            let [value, expected] = args.bind(["v", "x"])?;
            let value = attribute(&need(value, "v")?, "value")?;
            Ok(match expected {
                Some(expected) => Value::Bool(super::compare::equal(&value, &expected)),
                None => value,
            })
        }
        "setg" => {
            let [value] = args.bind(["x"])?;
            *GLOBAL.lock().unwrap_or_else(PoisonError::into_inner) = need(value, "x")?;
            Ok(Value::None)
        }
        "getg" => Ok(GLOBAL
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()),
        "getpid" => Ok(Value::int(current_process().pid())),
        "name" => Ok(Value::Str(current_process().name().to_owned())),
        "is_daemon" => Ok(Value::Bool(current_process().is_daemon())),
        "sleep_ms" => {
            let [time] = args.bind(["ms"])?;
            let time = need(time, "ms")?;
            let milliseconds = u64::try_from(int(&time)?).map_err(Raised::value_error)?;
            std::thread::sleep(Duration::from_millis(milliseconds));
            Ok(time)
        }
        "raise_action" => Err(Raised::new("RuntimeError", "action failed")),
        "raise_value_error" => Err(Raised::value_error("boom")),
        "make_lambda" => Ok(Value::object(Lambda)),
        "start_child" => {
            let child = Process::new(run, (Function::named("noop"), Vec::new()));
            child.start()?;
            child.join()?;
            Ok(Value::None)
        }
        "exit_with" => {
            let [code] = args.bind(["arg"])?;
            // As sys.exit(): nothing is 0, and what is no number is 1.
            let code = code.map_or(0, |code| match code {
                Value::None => 0,
                code => code.as_int().map_or(1, |code| code as i32),
            });
            std::process::exit(code)
        }
        "hard_exit" => {
            let [code] = args.bind(["code"])?;
            crate::sys::child::exit_at_once(int(&need(code, "code")?)? as i32)
        }
        "kill_self" => {
            let [signal] = args.bind(["signal"])?;
            let signal = int(&need(signal, "signal")?)?;
            let signal = i32::try_from(signal).map_err(Raised::value_error)?;
            crate::sys::child::raise(Signal(signal))?;
            Ok(Value::None)
        }
        _ => with_objects(name, args),
    }
}

/// Those that work on shared objects.
fn with_objects(name: &str, args: &Args) -> Answer {
    match name {
        "inc_locked" => {
            let [value, times] = args.bind(["v", "n"])?;
            let value = need(value, "v")?;
            let lock = ops::call(&value, "get_lock", &Args::none())?;
            change(&lock, &value, times, 1)
        }
        "inc_action" => {
            let [value] = args.bind(["v"])?;
            let value = need(value, "v")?;
            let lock = ops::call(&value, "get_lock", &Args::none())?;
            change(&lock, &value, None, 1)
        }
        "inc_with_lock" | "dec_with_lock" => {
            let [lock, value, times] = args.bind(["lock", "v", "n"])?;
            let by = if name == "inc_with_lock" { 1 } else { -1 };
            change(&need(lock, "lock")?, &need(value, "v")?, times, by)
        }
        "fill_squares" | "fill_squares_sum" => {
            let [numbers, array, value] = args.bind(["nums", "arr", "val"])?;
            let array = need(array, "arr")?;
            for (at, number) in need(numbers, "nums")?.items()?.into_iter().enumerate() {
                let square = call("square", &Args::of(&[number]))?;
                ops::call(&array, "setitem", &Args::of(&[Value::int(at), square]))?;
            }
            let Some(value) = value else {
                return Ok(Value::None);
            };
            let sum = array.items()?.iter().map(int).sum::<Answer<i128>>()?;
            set_attribute(&value, "value", Value::Int(sum))
        }
        "put_all" => {
            let [queue, items] = args.bind(["q", "xs"])?;
            let queue = need(queue, "q")?;
            for item in need(items, "xs")?.items()? {
                ops::call(&queue, "put", &Args::of(&[item]))?;
            }
            Ok(Value::None)
        }
        "put_cancelled" => {
            let [queue, item] = args.bind(["q", "x"])?;
            let queue = need(queue, "q")?;
            ops::call(&queue, "cancel_join_thread", &Args::none())?;
            ops::call(&queue, "put", &Args::of(&[need(item, "x")?]))?;
            std::thread::sleep(Duration::from_millis(100)); // so the function is described
            Ok(Value::None)
        }
        "drain" => {
            let [queue, count, timeout] = args.bind(["q", "n", "t"])?;
            let queue = need(queue, "q")?;
            let timeout = timeout.unwrap_or(Value::None);
            let get = Args::of(&[Value::Bool(true), timeout]);
            let items = (0..int(&need(count, "n")?)?).map(|_| ops::call(&queue, "get", &get));
            items.collect::<Answer<_>>().map(Value::List)
        }
        "drain_while_not_empty" => {
            let [queue] = args.bind(["q"])?;
            let queue = need(queue, "q")?;
            let mut items = Vec::new();
            while !ops::call(&queue, "empty", &Args::none())?.is_true() {
                items.push(ops::call(&queue, "get", &Args::none())?);
            }
            Ok(Value::List(items))
        }
        _ => Err(Raised::unknown(format!("function {name}"))),
    }
}

fn number(result: Option<i128>) -> Answer {
    result
        .map(Value::Int)
        .ok_or_else(|| Raised::new("OverflowError", "beyond 128 bits"))
}

fn attribute(object: &Value, name: &str) -> Answer {
    ops::call(object, "getattr", &Args::of(&[Value::Str(name.to_owned())]))
}

fn set_attribute(object: &Value, name: &str, value: Value) -> Answer {
    let args = Args::of(&[Value::Str(name.to_owned()), value]);
    ops::call(object, "setattr", &args)
}

/// Adds to a value so many times, each with the lock held.
fn change(lock: &Value, value: &Value, times: Option<Value>, by: i128) -> Answer {
    for _ in 0..times.as_ref().map_or(Ok(1), int)? {
        ops::call(lock, "acquire", &Args::none())?;
        let sum = int(&attribute(value, "value")?)? + by;
        set_attribute(value, "value", Value::Int(sum))?;
        ops::call(lock, "release", &Args::none())?;
    }
    Ok(Value::None)
}

/// A closure: nothing that could travel.
struct Lambda;

impl ops::Object for Lambda {
    fn kind(&self) -> String {
        "function".into()
    }

    fn repr(&self) -> String {
        "<function <lambda>>".into()
    }

    fn call(&self, op: &str, _args: &Args) -> Answer {
        Err(Raised::no_such(&self.kind(), op))
    }

    fn travel(&self) -> Answer<ops::Handle> {
        Err(Raised::new(
            "AttributeError",
            "a closure has no name under which it could be sent",
        ))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
