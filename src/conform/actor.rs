//! An actor: does the steps that it is told, one after another, and tells what came of them.
//!
//! P is the case's process, `P.t1` a thread of it, A, B and C are its children. A child is forked, so it has
//! every object that was made before; if P has threads by then it is started, and what travels is sent.

use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::file::{Bind, Call, Expr};
use super::functions::{self, Function};
use super::ops::{self, Args};
use super::raised::{Answer, Raised};
use super::value::Value;
use crate::{Connection, Process};

/// What an actor is told.
#[derive(Serialize, Deserialize)]
pub enum Order {
    Call(Call),
    /// Start this thread of the actor's process.
    Thread(String),
    /// Start this child.
    Child(String),
    /// Kill this child.
    Kill(String),
    End,
}

/// What came of it.
pub type Told = Answer;

/// What an actor says.
#[derive(Serialize, Deserialize)]
pub struct Reply {
    pub told: Told,
    /// Names in the file system that the call has made, and that nobody else takes away.
    pub made: Vec<String>,
}

/// The director's end of the line to an actor, and the actor's.
pub type Line = Connection<Order, Reply>;
pub type ActorLine = Connection<Reply, Order>;

/// The lines of the actors that are to come, and whose they are.
pub type Lines = HashMap<String, ActorLine>;

/// What the threads of a process share.
struct Shared {
    names: Mutex<HashMap<String, Value>>,
    children: Mutex<HashMap<String, Process>>,
    lines: Mutex<Lines>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Plays P, until it is told to end.
pub fn play(line: &ActorLine, lines: Lines) {
    hush();
    perform(line, &Arc::new(Shared::new(HashMap::new(), lines)));
}

/// Plays a child that was not forked.
fn play_started(names: Vec<(String, Value)>, line: ActorLine, lines: Lines) {
    hush();
    perform(
        &line,
        &Arc::new(Shared::new(names.into_iter().collect(), lines)),
    );
}

/// What a case panics with is an answer; nothing is to be read of it on the terminal.
fn hush() {
    panic::set_hook(Box::new(|_| {}));
}

/// Until it is told to end, or there is no one who could tell it.
fn perform(line: &ActorLine, shared: &Arc<Shared>) {
    while let Ok(order) = line.recv() {
        let told = match order {
            Order::Call(call) => shared.perform(&call),
            Order::Thread(name) => shared.start_thread(name),
            Order::Child(name) => shared.start_child(&name),
            Order::Kill(name) => shared.kill(&name),
            Order::End => return,
        };
        let made = ops::names_made();
        if line.send(&Reply { told, made }).is_err() {
            return;
        }
    }
}

impl Shared {
    fn new(names: HashMap<String, Value>, lines: Lines) -> Shared {
        Shared {
            names: Mutex::new(names),
            children: Mutex::new(HashMap::new()),
            lines: Mutex::new(lines),
        }
    }

    fn perform(&self, call: &Call) -> Told {
        let work = AssertUnwindSafe(|| self.result_of(call));
        let result =
            panic::catch_unwind(work).unwrap_or_else(|panic| Err(functions::raised_by(panic)))?;
        self.bind(&call.bind, &result)?;
        Ok(result.told())
    }

    fn result_of(&self, call: &Call) -> Answer {
        let list = call.args.iter().map(|arg| self.value(arg));
        let kw = call.kw.iter();
        let kw = kw.map(|(name, value)| Ok((name.clone(), self.value(value)?)));
        let args = Args {
            list: list.collect::<Answer<_>>()?,
            kw: kw.collect::<Answer<_>>()?,
        };
        match &call.on {
            None => ops::call_module(&call.op, &args),
            Some(name) => ops::call(&self.named(name)?, &call.op, &args),
        }
    }

    fn bind(&self, bind: &Bind, result: &Value) -> Answer<()> {
        let mut names = lock(&self.names);
        match bind {
            Bind::Nothing => {}
            Bind::Name(name) => {
                names.insert(name.clone(), result.clone());
            }
            Bind::Names(to) => {
                let items = result.items()?;
                if items.len() != to.len() {
                    return Err(Raised::value_error(format!(
                        "{} values to unpack",
                        items.len()
                    )));
                }
                names.extend(to.iter().cloned().zip(items));
            }
        }
        Ok(())
    }

    fn named(&self, name: &str) -> Answer {
        let value = lock(&self.names).get(name).cloned();
        value.ok_or_else(|| Raised::unknown(format!("the name {name}: nothing is bound to it")))
    }

    fn value(&self, expr: &Expr) -> Answer {
        let all = |exprs: &[Expr]| {
            exprs
                .iter()
                .map(|expr| self.value(expr))
                .collect::<Answer<_>>()
        };
        Ok(match expr {
            Expr::None => Value::None,
            Expr::Bool(value) => Value::Bool(*value),
            Expr::Int(number) => Value::int(*number),
            Expr::Big(digits) => match digits.parse() {
                Ok(number) => Value::Int(number),
                Err(_) => Value::Huge(digits.clone()),
            },
            Expr::Float(number) => Value::Float(*number),
            Expr::Str(text) => Value::Str(text.clone()),
            Expr::Bytes(bytes) => Value::Bytes(bytes.clone()),
            Expr::BytesLen(len) | Expr::Zeros(len) => Value::Bytes(vec![0; *len]),
            Expr::List(items) | Expr::Generator(items) => Value::List(all(items)?),
            Expr::Tuple(items) => Value::Tuple(all(items)?),
            Expr::Dict(pairs) => {
                let pairs = pairs.iter();
                let pairs = pairs.map(|(key, value)| Ok((self.value(key)?, self.value(value)?)));
                Value::Dict(pairs.collect::<Answer<_>>()?)
            }
            Expr::Var(name) => self.named(name)?,
            Expr::Method(name, method) => {
                Value::Function(Function::method(self.named(name)?, method))
            }
            Expr::Function(name) => Value::Function(Function::named(name)),
            Expr::Range(bounds) => Value::List(range(bounds)),
            Expr::Repr(text) => Value::Told(text.clone()),
        })
    }

    fn start_thread(self: &Arc<Shared>, name: String) -> Told {
        let line = self.line(&name)?;
        let shared = self.clone();
        let thread = std::thread::Builder::new().name(name);
        thread.spawn(move || perform(&line, &shared))?;
        Ok(Value::None)
    }

    fn start_child(self: &Arc<Shared>, name: &str) -> Told {
        let line = self.line(name)?;
        let own = format!("{name}.");
        let is_own = |thread: &String| thread.starts_with(&own);
        let lines: Lines = lock(&self.lines)
            .extract_if(|thread, _| is_own(thread))
            .collect();
        let process = if crate::sys::fork::threads()? == 1 {
            let shared = self.clone();
            Process::from_closure(move || {
                hush();
                // What is its parent's own is dropped; the names, and what they stand for, stay.
                ops::forget_what_is_held();
                *lock(&shared.lines) = lines;
                perform(&line, &shared);
            })
        } else {
            let names = lock(&self.names);
            let travels = names.iter().filter(|(_, value)| match value {
                Value::Object(object) => object.travel().is_ok(),
                _ => true,
            });
            let names: Vec<_> = travels
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            Process::new(play_started, (names, line, lines))
        };
        process.start()?;
        lock(&self.children).insert(name.to_owned(), process);
        Ok(Value::None)
    }

    fn kill(&self, name: &str) -> Told {
        let process = lock(&self.children).remove(name);
        let process = process.ok_or_else(|| Raised::unknown(format!("the actor {name}")))?;
        process.kill()?;
        process.join()?;
        Ok(Value::None)
    }

    fn line(&self, name: &str) -> Answer<ActorLine> {
        let line = lock(&self.lines).remove(name);
        line.ok_or_else(|| Raised::unknown(format!("the actor {name}")))
    }
}

fn range(bounds: &[i64]) -> Vec<Value> {
    let (start, stop, step) = match *bounds {
        [stop] => (0, stop, 1),
        [start, stop] => (start, stop, 1),
        [start, stop, step] => (start, stop, step),
        _ => return Vec::new(), // the file's form has no such range
    };
    let within = |at: &i64| if step > 0 { *at < stop } else { *at > stop };
    let numbers = std::iter::successors(Some(start), |at| at.checked_add(step));
    numbers.take_while(within).map(Value::int).collect()
}
