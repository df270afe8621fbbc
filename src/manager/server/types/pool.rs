//! A pool, and the result of tasks in it. A client names a registered function, and writes its arguments; what comes
//! back is for it to read.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use super::{Args, no_method};
use crate::manager::error::{Kind, Raised};
use crate::manager::item::{Item, from_item};
use crate::manager::server::args::duration;
use crate::manager::server::core::Caller;
use crate::manager::server::object::{Answer, Object, Turn};
use crate::manager::server::request::Reply;
use crate::process::{self, PoolError, PoolWatch};

pub struct Pool {
    pool: Arc<process::Pool>,
    joining: Vec<Caller>,
    is_terminated: bool,
    /// What had happened when it was last looked whether the pool has ended.
    looked: u64,
}

impl Pool {
    /// The number of workers, and of tasks for each; how they are started; the name of the initializer, and its
    /// arguments in postcard's format. What is left out, or is `None`, is not said.
    pub fn new(mut args: Args<'_>) -> Result<Pool, Reply> {
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
        if let Some(method) = args.given() {
            builder = builder.start_method(from_item(method).map_err(Raised::from)?);
        }
        let (name, initargs) = (args.optional_text()?, args.optional_bytes()?);
        if let Some(name) = name {
            builder = builder.initializer_named(&name, initargs.unwrap_or_default())?;
        }
        args.end()?;
        Ok(Pool {
            pool: Arc::new(builder.build()?),
            joining: Vec::new(),
            is_terminated: false,
            looked: 0,
        })
    }

    fn perform(&mut self, turn: &Turn<'_>, method: &str, args: Vec<Item>) -> Result<Answer, Reply> {
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
            _ => return Err(no_method("Pool", method).into()),
        }
        Ok(Ok(Item::None).into())
    }
}

impl Object for Pool {
    fn call(&mut self, turn: &mut Turn<'_>, method: &str, args: Vec<Item>) -> Answer {
        self.perform(turn, method, args).unwrap_or_else(Answer::Now)
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
            false => self.pool.watch(self.looked).ok(),
        }
    }

    fn stirred(&mut self, turn: &mut Turn<'_>) {
        // If a worker cannot be started now, the next call tries again, and tells.
        let _ = self.pool.tend();
        self.looked = self.pool.happened();
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
                Err(error) => Reply::Pool(error.clone()),
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

/// What some tasks have returned.
type Chunk = process::AsyncResult<Vec<u8>>;

/// Of tasks that were submitted together, in chunks.
pub struct PoolResult {
    pool: Arc<process::Pool>,
    chunks: Vec<Chunk>,
    /// Those that `next_of_any` has given.
    given: Vec<bool>,
    waiting: Vec<(Caller, Wanted)>,
    /// What had happened in the pool when it was last looked for those who wait.
    looked: u64,
}

#[derive(Clone, Copy)]
enum Wanted {
    /// The bytes of all, in their order.
    All,
    /// That all are there.
    End,
    /// The bytes of one.
    Chunk(usize),
    /// The place and the bytes of one that was not given; its place and `None`, if it has an error.
    Any,
}

impl PoolResult {
    /// A pool, the name of a function, its arguments for each task in postcard's format; how many tasks travel together,
    /// how often they are run again if their worker dies, and how many seconds each may take: each of these may be
    /// `None`.
    pub fn new(mut args: Args<'_>) -> Result<PoolResult, Reply> {
        let pool = shared_pool(&args.item()?)?;
        let name = args.text()?;
        let tasks = args.items()?;
        let size = args.optional_int()?;
        let retries = args.optional_int()?.unwrap_or(0);
        let limit = args.seconds()?;
        args.end()?;
        let size = match size {
            None => pool.share(tasks.len()).max(1),
            Some(size) => usize::try_from(size).unwrap_or(0),
        };
        let refused = |_| Kind::ValueError.says("retries are counted with 32 bits");
        let mut calls = pool
            .chunks(size)?
            .retries(u32::try_from(retries).map_err(refused)?);
        if let Some(limit) = limit.and_then(duration) {
            calls = calls.time_limit(limit);
        }
        let chunks: Result<Vec<_>, Raised> = tasks.chunks(size).map(chunk).collect();
        let chunks = calls.run_chunks(&name, chunks?)?;
        Ok(PoolResult {
            pool,
            given: vec![false; chunks.len()],
            chunks,
            waiting: Vec::new(),
            looked: 0,
        })
    }

    fn perform(&mut self, turn: &Turn<'_>, method: &str, args: Vec<Item>) -> Result<Answer, Reply> {
        let mut args = Args::of(method, args);
        let wanted = match method {
            "get" => Wanted::All,
            "wait" => Wanted::End,
            "chunk" => Wanted::Chunk(usize::try_from(args.int()?).unwrap_or(usize::MAX)),
            "next_of_any" => Wanted::Any,
            "ready" => {
                args.end()?;
                return Ok(Ok(Item::Bool(self.is_ready().unwrap_or(false))).into());
            }
            "successful" => {
                args.end()?;
                if !self.is_ready().unwrap_or(false) {
                    return Err(PoolError::NotReady.into());
                }
                let mut all = self.chunks.iter();
                let is_success = all.all(|chunk| matches!(chunk.successful(), Ok(true)));
                return Ok(Ok(Item::Bool(is_success)).into());
            }
            _ => return Err(no_method("AsyncResult", method).into()),
        };
        let timeout = args.seconds()?;
        args.end()?;
        Ok(match self.answer(wanted) {
            Some(reply) => Answer::Now(reply),
            None => {
                self.waiting.push((turn.caller, wanted));
                Answer::Later(timeout.and_then(duration))
            }
        })
    }

    /// # Errors
    /// Nothing more will come, or nothing can now.
    fn is_ready(&self) -> Result<bool, PoolError> {
        for chunk in &self.chunks {
            if !is_there(chunk)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// `None`: it is not there yet.
    fn answer(&mut self, wanted: Wanted) -> Option<Reply> {
        self.found(wanted)
            .map_or_else(Some, |item| item.map(Reply::Value))
    }

    fn found(&mut self, wanted: Wanted) -> Result<Option<Item>, Reply> {
        let bytes = |chunk: &Chunk| chunk.get().map(Item::Bytes);
        let at_its_end = || Kind::StopIteration.says("");
        match wanted {
            Wanted::All | Wanted::End if !self.is_ready()? => Ok(None),
            Wanted::End => Ok(Some(Item::Bool(true))),
            Wanted::All => {
                let all = self.chunks.iter().map(bytes);
                let all = all.collect::<Result<Vec<Item>, PoolError>>();
                Ok(Some(Item::List(all?)))
            }
            Wanted::Chunk(place) => {
                let chunk = self.chunks.get(place).ok_or_else(at_its_end)?;
                Ok(match is_there(chunk)? {
                    true => Some(bytes(chunk)?),
                    false => None,
                })
            }
            Wanted::Any => {
                let mut left = (0..self.chunks.len()).filter(|place| !self.given[*place]);
                let first = left.next().ok_or_else(at_its_end)?;
                let mut left = std::iter::once(first).chain(left);
                let Some(place) = left.find(|place| self.chunks[*place].ready()) else {
                    is_there(&self.chunks[first])?;
                    return Ok(None);
                };
                self.given[place] = true;
                let answer = bytes(&self.chunks[place]).unwrap_or(Item::None);
                Ok(Some(Item::Tuple(vec![(place as u64).into(), answer])))
            }
        }
    }
}

/// Whether it has a result, be it an error. Takes up what has arrived.
///
/// # Errors
/// Nothing more will come, or nothing can now.
fn is_there(chunk: &Chunk) -> Result<bool, PoolError> {
    chunk.wait_timeout(Duration::ZERO)
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

impl Object for PoolResult {
    fn call(&mut self, turn: &mut Turn<'_>, method: &str, args: Vec<Item>) -> Answer {
        self.perform(turn, method, args).unwrap_or_else(Answer::Now)
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
            Some(reply) => reply,
            None if matches!(wanted, Wanted::End) => Reply::Value(Item::Bool(false)),
            None => Reply::Pool(PoolError::TimedOut),
        };
        turn.answer(caller, reply);
    }

    fn watch(&mut self) -> Option<PoolWatch> {
        self.pool.watch(self.looked).ok()
    }

    /// Looking at one chunk takes up what has arrived of all: what comes so for one that was looked at before, here or
    /// elsewhere, makes the watch ready.
    fn stirred(&mut self, turn: &mut Turn<'_>) {
        self.looked = self.pool.happened();
        for (caller, wanted) in std::mem::take(&mut self.waiting) {
            match self.answer(wanted) {
                Some(reply) => turn.answer(caller, reply),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn seven() -> Vec<u8> {
        vec![7]
    }

    /// Results come in the order of the tasks, as there is one worker.
    #[test]
    fn what_another_call_takes_up_is_told_to_who_waits() -> Result<(), PoolError> {
        let pool = Arc::new(process::Pool::builder().processes(1).build()?);
        let waits = |chunk| PoolResult {
            pool: pool.clone(),
            chunks: vec![chunk],
            given: vec![false],
            waiting: vec![(Caller(1), Wanted::Any)],
            looked: pool.happened(),
        };
        let mut first = waits(pool.apply_async(seven, ())?);
        assert_eq!(pool.apply(seven, ())?, [7]);
        assert!(first.watch().expect("files").is_ready());
        let mut answers = Vec::new();
        first.stirred(&mut Turn::new(Caller(1), &mut answers));
        assert_eq!(answers.len(), 1);
        assert!(!first.watch().expect("files").is_ready());
        Ok(())
    }
}
