//! A pool, and the result of tasks in it. A client names a registered function, and writes its arguments; what comes
//! back is for it to read.

use std::any::Any;
use std::sync::Arc;

use super::{Args, no_method};
use crate::manager::error::{Kind, Raised};
use crate::manager::item::Item;
use crate::manager::server::args::duration;
use crate::manager::server::core::Caller;
use crate::manager::server::object::{Answer, Object, Turn};
use crate::manager::server::request::Reply;
use crate::process::{self, PoolError, PoolWatch};

pub struct Pool {
    pool: Arc<process::Pool>,
    joining: Vec<Caller>,
    is_terminated: bool,
}

impl Pool {
    /// The number of workers, and of tasks for each.
    pub fn new(mut args: Args<'_>) -> Result<Pool, Raised> {
        let mut builder = process::Pool::builder();
        if let Some(processes) = args.optional_int()? {
            let processes = usize::try_from(processes).map_err(|_| PoolError::NoWorkers)?;
            builder = builder.processes(processes);
        }
        if let Some(most_tasks) = args.optional_int()? {
            let most_tasks = u64::try_from(most_tasks).ok().filter(|most| *most > 0);
            let refused = || Kind::ValueError.says("maxtasksperchild must be a positive int");
            builder = builder.max_tasks_per_child(most_tasks.ok_or_else(refused)?);
        }
        args.end()?;
        Ok(Pool {
            pool: Arc::new(builder.build()?),
            joining: Vec::new(),
            is_terminated: false,
        })
    }

    fn perform(
        &mut self,
        turn: &Turn<'_>,
        method: &str,
        args: Vec<Item>,
    ) -> Result<Answer, Raised> {
        let args = Args::of(method, args);
        args.end()?;
        match method {
            "close" => self.pool.close()?,
            "terminate" => {
                self.pool.terminate();
                self.is_terminated = true;
            }
            "join" if self.pool.try_join()? => {}
            "join" => {
                self.joining.push(turn.caller);
                return Ok(Answer::Later(None));
            }
            _ => return Err(no_method("Pool", method)),
        }
        Ok(Ok(Item::None).into())
    }
}

impl Object for Pool {
    fn call(&mut self, turn: &mut Turn<'_>, method: &str, args: Vec<Item>) -> Answer {
        self.perform(turn, method, args)
            .unwrap_or_else(|raised| Answer::from(Err(raised)))
    }

    fn text(&self) -> String {
        format!("{:?}", self.pool)
    }

    fn is_tended(&self) -> bool {
        true
    }

    fn watch(&mut self) -> Option<PoolWatch> {
        match self.is_terminated {
            true => None, // nothing is done any more
            false => self.pool.watch().ok(),
        }
    }

    fn stirred(&mut self, turn: &mut Turn<'_>) {
        // If a worker cannot be started now, the next call tries again, and tells.
        let _ = self.pool.tend();
        if self.joining.is_empty() {
            return;
        }
        let joined = self.pool.try_join();
        if matches!(joined, Ok(false)) {
            return;
        }
        for caller in self.joining.drain(..) {
            let reply = match &joined {
                Ok(_) => Reply::Value(Item::None),
                Err(error) => Reply::Raised(error.clone().into()),
            };
            turn.answer(caller, reply);
        }
    }

    fn left(&mut self, _: &mut Turn<'_>, caller: Caller, _: bool) {
        self.joining.retain(|other| *other != caller);
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// Of tasks that were submitted together, in chunks.
pub struct PoolResult {
    pool: Arc<process::Pool>,
    chunks: Vec<process::AsyncResult<Vec<u8>>>,
    /// Those that `next_of_any` has given.
    given: Vec<bool>,
    waiting: Vec<(Caller, Wanted)>,
}

#[derive(Clone, Copy)]
enum Wanted {
    /// The bytes of all, in their order.
    All,
    /// That all are there.
    End,
    /// The bytes of one.
    Chunk(usize),
    /// The bytes of one that was not given.
    Any,
}

impl PoolResult {
    /// A pool, the name of a function, its arguments for each task in postcard's format, and how many tasks travel
    /// together, or `None`.
    pub fn new(mut args: Args<'_>) -> Result<PoolResult, Raised> {
        let pool = shared_pool(&args.item()?)?;
        let name = args.text()?;
        let tasks = args.items()?;
        let size = args.optional_int()?;
        args.end()?;
        let size = match size {
            None => pool.share(tasks.len()).max(1),
            Some(size) => usize::try_from(size).unwrap_or(0),
        };
        if size == 0 {
            return Err(PoolError::EmptyChunks.into());
        }
        let submit = |tasks: &[Item]| Ok(pool.run_named(&name, chunk(tasks)?)?);
        let chunks: Result<Vec<_>, Raised> = tasks.chunks(size).map(submit).collect();
        let chunks = chunks?;
        Ok(PoolResult {
            pool,
            given: vec![false; chunks.len()],
            chunks,
            waiting: Vec::new(),
        })
    }

    fn perform(
        &mut self,
        turn: &Turn<'_>,
        method: &str,
        args: Vec<Item>,
    ) -> Result<Answer, Raised> {
        let mut args = Args::of(method, args);
        let wanted = match method {
            "get" => Wanted::All,
            "wait" => Wanted::End,
            "chunk" => Wanted::Chunk(usize::try_from(args.int()?).unwrap_or(usize::MAX)),
            "next_of_any" => Wanted::Any,
            "ready" => {
                args.end()?;
                return Ok(Ok(Item::Bool(self.is_ready())).into());
            }
            "successful" => {
                args.end()?;
                if !self.is_ready() {
                    return Err(PoolError::NotReady.into());
                }
                let mut all = self.chunks.iter();
                let is_success = all.all(|chunk| matches!(chunk.successful(), Ok(true)));
                return Ok(Ok(Item::Bool(is_success)).into());
            }
            _ => return Err(no_method("AsyncResult", method)),
        };
        let timeout = args.seconds()?;
        args.end()?;
        Ok(match self.answer(wanted) {
            Some(answer) => answer.into(),
            None => {
                self.waiting.push((turn.caller, wanted));
                Answer::Later(timeout.and_then(duration))
            }
        })
    }

    fn is_ready(&self) -> bool {
        self.chunks.iter().all(process::AsyncResult::ready)
    }

    /// `None`: it is not there yet.
    fn answer(&mut self, wanted: Wanted) -> Option<Result<Item, Raised>> {
        let bytes = |chunk: &process::AsyncResult<Vec<u8>>| Ok(Item::Bytes(chunk.get()?));
        match wanted {
            Wanted::All | Wanted::End if !self.is_ready() => None,
            Wanted::End => Some(Ok(Item::Bool(true))),
            Wanted::All => {
                let all: Result<Vec<Item>, Raised> = self.chunks.iter().map(bytes).collect();
                Some(all.map(Item::List))
            }
            Wanted::Chunk(place) => match self.chunks.get(place) {
                None => Some(Err(Kind::StopIteration.says(""))),
                Some(chunk) => chunk.ready().then(|| bytes(chunk)),
            },
            Wanted::Any => {
                let mut left = (0..self.chunks.len()).filter(|place| !self.given[*place]);
                let Some(first) = left.next() else {
                    return Some(Err(Kind::StopIteration.says("")));
                };
                let mut left = std::iter::once(first).chain(left);
                let place = left.find(|place| self.chunks[*place].ready())?;
                self.given[place] = true;
                Some(bytes(&self.chunks[place]))
            }
        }
    }
}

/// As one writes a `Vec` of them.
fn chunk(tasks: &[Item]) -> Result<Vec<u8>, Raised> {
    let refused = || Kind::TypeError.says("a task's arguments are bytes");
    let mut chunk = postcard::to_allocvec(&tasks.len()).map_err(|_| refused())?;
    for task in tasks {
        match task {
            Item::Bytes(bytes) => chunk.extend_from_slice(bytes),
            _ => return Err(refused()),
        }
    }
    Ok(chunk)
}

/// The pool that a proxy stands for.
fn shared_pool(item: &Item) -> Result<Arc<process::Pool>, Raised> {
    let refused = || Kind::TypeError.says("tasks need a Pool of the same manager");
    let Item::Proxy(proxy) = item else {
        return Err(refused());
    };
    let entry = proxy.entry().ok_or_else(refused)?;
    entry.with(|object| {
        let pool = object.as_any().downcast_ref::<Pool>();
        pool.map(|pool| pool.pool.clone()).ok_or_else(refused)
    })?
}

impl From<PoolError> for Raised {
    fn from(error: PoolError) -> Raised {
        let kind = match &error {
            PoolError::NoWorkers
            | PoolError::EmptyChunks
            | PoolError::Closed
            | PoolError::Terminated
            | PoolError::StillOpen
            | PoolError::NotReady => Kind::ValueError,
            PoolError::Unknown { .. } => Kind::AttributeError,
            PoolError::TimedOut => Kind::TimeoutError,
            _ => Kind::RemoteError,
        };
        kind.says(error.to_string())
    }
}

impl Object for PoolResult {
    fn call(&mut self, turn: &mut Turn<'_>, method: &str, args: Vec<Item>) -> Answer {
        self.perform(turn, method, args)
            .unwrap_or_else(|raised| Answer::from(Err(raised)))
    }

    fn text(&self) -> String {
        format!("<AsyncResult of {} chunks>", self.chunks.len())
    }

    fn late(&mut self, turn: &mut Turn<'_>, caller: Caller) {
        let place = self.waiting.iter().position(|(other, _)| *other == caller);
        let Some((_, wanted)) = place.map(|place| self.waiting.swap_remove(place)) else {
            return;
        };
        let reply = match self.answer(wanted) {
            Some(answer) => answer.map_or_else(Reply::Raised, Reply::Value),
            None if matches!(wanted, Wanted::End) => Reply::Value(Item::Bool(false)),
            None => Reply::Raised(PoolError::TimedOut.into()),
        };
        turn.answer(caller, reply);
    }

    fn watch(&mut self) -> Option<PoolWatch> {
        self.pool.watch().ok()
    }

    fn stirred(&mut self, turn: &mut Turn<'_>) {
        for (caller, wanted) in std::mem::take(&mut self.waiting) {
            match self.answer(wanted) {
                Some(answer) => {
                    turn.answer(caller, answer.map_or_else(Reply::Raised, Reply::Value));
                }
                None => self.waiting.push((caller, wanted)),
            }
        }
    }

    fn left(&mut self, _: &mut Turn<'_>, caller: Caller, _: bool) {
        self.waiting.retain(|(other, _)| *other != caller);
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
