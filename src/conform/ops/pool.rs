//! `Pool`, its results, and its iterators.

use std::any::Any;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::process::{by_name, function};
use super::{Args, Handle, Object, Patience, int, need};
use crate::conform::functions::Function;
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;
use crate::{AsyncResult, Imap, Pool, PoolError};

pub struct PoolObject(Pool);

/// What a worker runs; its error comes back as it is.
pub(super) fn task(function: Function, args: Vec<Value>) -> Answer {
    function.call(&args)
}

pub(super) fn initialize(function: Function, args: Vec<Value>) -> Answer<()> {
    function.call(&args).map(drop)
}

/// How a pool is to be, here or in a manager.
pub(super) struct Plan {
    pub processes: Option<usize>,
    pub most_tasks: Option<u64>,
    pub initializer: Option<(Function, Vec<Value>)>,
}

impl Plan {
    pub fn of(
        processes: Option<Value>,
        initializer: Option<Value>,
        initargs: Option<Value>,
        most_tasks: Option<Value>,
    ) -> Answer<Plan> {
        let workers = |processes: Value| {
            let processes = usize::try_from(int(&processes)?);
            Ok::<_, Raised>(processes.map_err(|_| PoolError::NoWorkers)?)
        };
        let most = |most_tasks: Value| {
            let most_tasks = u64::try_from(int(&most_tasks)?).ok();
            let most_tasks = most_tasks.filter(|most| *most > 0);
            // The builder panics, as it is written in the program.
            let error = || Raised::value_error("maxtasksperchild must be a positive int or None");
            most_tasks.ok_or_else(error)
        };
        let first = |initializer: Value| {
            let initializer = function(Some(initializer), "initializer")?;
            let args = initargs.map_or(Ok(Vec::new()), |args| args.items())?;
            Ok::<_, Raised>((initializer, args))
        };
        Ok(Plan {
            processes: given(processes).map(workers).transpose()?,
            most_tasks: given(most_tasks).map(most).transpose()?,
            initializer: given(initializer).map(first).transpose()?,
        })
    }
}

impl PoolObject {
    pub fn construct(args: &Args) -> Answer {
        let [processes, initializer, initargs, most_tasks, _context] = args.bind([
            "processes",
            "initializer",
            "initargs",
            "maxtasksperchild",
            "context",
        ])?;
        let plan = Plan::of(processes, initializer, initargs, most_tasks)?;
        let mut builder = Pool::builder();
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

    /// One call of a function.
    fn apply(&self, args: &Args) -> Answer<AsyncResult<Answer>> {
        let [func, list, kw, callback, error_callback] =
            args.bind(["func", "args", "kwds", "callback", "error_callback"])?;
        let func = function(func, "func")?;
        let list = list.map_or(Ok(Vec::new()), |list| list.items())?;
        let func = func.with(by_name(kw)?);
        let result = self.0.apply_async(task, (func, list)).map_err(refused)?;
        let callbacks = Callbacks::of(callback, error_callback)?;
        Ok(callbacks.added_to(result, |answer: &Answer| answer.clone()))
    }

    /// Many calls; the items are tuples of the arguments, or arguments.
    fn map(&self, op: &str, args: &Args) -> Answer<AsyncResult<Vec<Answer>>> {
        let [func, items, size, callback, error_callback] = args.bind([
            "func",
            "iterable",
            "chunksize",
            "callback",
            "error_callback",
        ])?;
        let func = function(func, "func")?;
        let items = need(items, "iterable")?.items()?;
        let each = |item: Value| match op.starts_with("star") {
            true => item.items(),
            false => Ok(vec![item]),
        };
        let items = items.into_iter().map(each).collect::<Answer<Vec<_>>>()?;
        let tasks = items.into_iter().map(|args| (func.clone(), args));
        let result = match given(size) {
            None => self.0.starmap_async(task, tasks),
            Some(size) => self.0.chunks(chunk(&size)?)?.starmap_async(task, tasks),
        };
        let result = result.map_err(refused)?;
        let callbacks = Callbacks::of(callback, error_callback)?;
        Ok(callbacks.added_to(result, |answers: &Vec<Answer>| all(answers.clone())))
    }

    fn imap(&self, op: &str, args: &Args) -> Answer {
        let [func, items, size] = args.bind(["func", "iterable", "chunksize"])?;
        let func = function(func, "func")?;
        let items = need(items, "iterable")?.items()?;
        let items = items
            .into_iter()
            .map(move |item| (func.clone(), vec![item]));
        let chunks = self.0.chunks(size.as_ref().map_or(Ok(1), chunk)?)?;
        let call = |(function, args)| task(function, args);
        let imap = match op {
            "imap" => chunks.imap(call, items),
            _ => chunks.imap_unordered(call, items),
        };
        Ok(Value::object(ImapObject(Mutex::new(
            imap.map_err(refused)?,
        ))))
    }
}

/// Python makes no difference between a pool that was closed and one that was terminated.
pub(super) fn refused(error: PoolError) -> Raised {
    match error {
        PoolError::Terminated => Raised::value_error(error),
        other => other.into(),
    }
}

/// An argument that is not None.
pub(super) fn given(argument: Option<Value>) -> Option<Value> {
    argument.filter(|argument| !matches!(argument, Value::None))
}

pub(super) fn chunk(size: &Value) -> Answer<usize> {
    let size = int(size)?;
    Ok(usize::try_from(size).map_err(|_| PoolError::EmptyChunks)?)
}

/// The values; or the first error.
pub(super) fn all(answers: Vec<Answer>) -> Answer {
    answers.into_iter().collect::<Answer<_>>().map(Value::List)
}

struct Callbacks {
    value: Option<Function>,
    error: Option<Function>,
}

impl Callbacks {
    fn of(value: Option<Value>, error: Option<Value>) -> Answer<Callbacks> {
        let callback = |it: Option<Value>| {
            let it = given(it).map(|it| function(Some(it), "callback"));
            it.transpose()
        };
        Ok(Callbacks {
            value: callback(value)?,
            error: callback(error)?,
        })
    }

    /// A task's own error is a value for the library.
    fn added_to<V: 'static>(
        self,
        result: AsyncResult<V>,
        answer: fn(&V) -> Answer,
    ) -> AsyncResult<V> {
        let Callbacks { value, error } = self;
        let on_error = error.clone();
        // As Python, which prints what a callback raises, and goes on.
        let call = |function: &Option<Function>, argument: &dyn Fn() -> Value| {
            if let Some(function) = function {
                let _ = function.call(&[argument()]);
            }
        };
        // Not made unless it is asked for: the making takes what is remembered of a refusal.
        let told = |raised: Raised| Value::Told(raised.to_string());
        result
            .callback(move |result| match answer(result) {
                Ok(answer) => call(&value, &|| answer.clone()),
                Err(raised) => call(&error, &|| told(raised.clone())),
            })
            .error_callback(move |error| call(&on_error, &|| told(error.clone().into())))
    }
}

impl Object for PoolObject {
    fn kind(&self) -> String {
        "Pool".into()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.0)
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        match op {
            "apply" => return self.apply(args)?.into_inner()?,
            "apply_async" => {
                return Ok(Value::object(ResultObject {
                    result: self.apply(args)?,
                    answer: |answer| answer,
                }));
            }
            "map" | "starmap" => return all(self.map(op, args)?.into_inner()?),
            "map_async" | "starmap_async" => {
                return Ok(Value::object(ResultObject {
                    result: self.map(op, args)?,
                    answer: all,
                }));
            }
            "imap" | "imap_unordered" => return self.imap(op, args),
            "__exit__" => {
                self.0.terminate();
                return Ok(Value::None);
            }
            _ => {}
        }
        let [] = args.bind([])?;
        match op {
            "close" => self.0.close()?,
            "join" => self.0.join()?,
            "terminate" | "__exit__" => self.0.terminate(),
            // The pool itself, which cannot be in two places here.
            "__enter__" => return Ok(Value::Told(self.repr())),
            _ => return Err(Raised::no_such(&self.kind(), op)),
        }
        Ok(Value::None)
    }

    fn travel(&self) -> Answer<Handle> {
        Err(Raised::new(
            "NotImplementedError",
            "only the process that made a pool can use it: it does not travel",
        ))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A result that may be under way.
struct ResultObject<V> {
    result: AsyncResult<V>,
    answer: fn(V) -> Answer,
}

impl<V: Clone + Send + 'static> ResultObject<V> {
    fn waited(&self, args: &Args) -> Answer<bool> {
        let [timeout] = args.bind(["timeout"])?;
        Ok(match Patience::of(timeout.as_ref())?.time() {
            None => {
                self.result.wait()?;
                true
            }
            Some(time) => self.result.wait_timeout(time)?,
        })
    }
}

impl<V: Clone + Send + 'static> Object for ResultObject<V> {
    fn kind(&self) -> String {
        "AsyncResult".into()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.result)
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        match op {
            "get" if self.waited(args)? => return (self.answer)(self.result.get()?),
            "get" => return Err(PoolError::TimedOut.into()),
            "wait" => return self.waited(args).map(|_| Value::None),
            _ => {}
        }
        let [] = args.bind([])?;
        match op {
            "ready" => Ok(Value::Bool(self.result.ready())),
            "successful" => {
                let is_success = self.result.successful()?;
                let is_ok = is_success && (self.answer)(self.result.get()?).is_ok();
                Ok(Value::Bool(is_ok))
            }
            _ => Err(Raised::no_such(&self.kind(), op)),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        Err(Raised::type_error(
            "only the process that made a pool has its results",
        ))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The operations of an iterator over answers, here or in a manager; nothing, if it is another operation.
pub(super) fn iterate<I, E>(
    imap: &mut I,
    next_timeout: fn(&mut I, Duration) -> Result<Option<Answer>, E>,
    op: &str,
    args: &Args,
) -> Option<Answer>
where
    I: Iterator<Item = Result<Answer, E>>,
    Raised: From<E>,
{
    let answer = match op {
        "next" => args.bind(["timeout"]).and_then(|[timeout]| {
            let next = match Patience::of(timeout.as_ref())?.time() {
                None => imap.next().transpose()?,
                Some(time) => next_timeout(imap, time)?,
            };
            next.unwrap_or_else(at_its_end)
        }),
        "__next__" => args.bind([]).and_then(|[]| {
            let next = imap.next().transpose()?;
            next.unwrap_or_else(at_its_end)
        }),
        "__iter__" => args
            .bind([])
            .and_then(|[]| all(imap.by_ref().collect::<Result<_, _>>()?)),
        _ => return None,
    };
    Some(answer)
}

fn at_its_end() -> Answer {
    Err(Raised::new("StopIteration", ""))
}

struct ImapObject(Mutex<Imap<Answer>>);

impl Object for ImapObject {
    fn kind(&self) -> String {
        "IMapIterator".into()
    }

    fn repr(&self) -> String {
        format!(
            "{:?}",
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        )
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        let mut imap = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        iterate(&mut *imap, Imap::next_timeout, op, args)
            .unwrap_or_else(|| Err(Raised::no_such(&self.kind(), op)))
    }

    fn travel(&self) -> Answer<Handle> {
        Err(Raised::type_error(
            "only the process that made a pool has its results",
        ))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
