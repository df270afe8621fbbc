//! A semaphore, bounded or not.

use std::any::Any;
use std::collections::{HashMap, VecDeque};

use super::{Args, no_method};
use crate::manager::error::{Kind, Raised};
use crate::manager::item::Item;
use crate::manager::server::args::duration;
use crate::manager::server::core::Caller;
use crate::manager::server::object::{Answer, Object, Turn};
use crate::manager::server::request::Reply;

pub struct Semaphore {
    free: u64,
    /// Of a bounded one: the most that may be free.
    bound: Option<u64>,
    /// How many permits a caller has acquired and not released: they come back when it dies. What someone else
    /// releases counts for no one.
    taken: HashMap<Caller, u64>,
    waiters: VecDeque<Caller>,
}

impl Semaphore {
    pub fn new(mut args: Args<'_>, is_bounded: bool) -> Result<Semaphore, Raised> {
        let value = args.optional_int()?.unwrap_or(1);
        args.end()?;
        let refused = |_| Kind::ValueError.says("semaphore initial value must be >= 0");
        let free = u64::try_from(value).map_err(refused)?;
        Ok(Semaphore {
            free,
            bound: is_bounded.then_some(free),
            taken: HashMap::new(),
            waiters: VecDeque::new(),
        })
    }

    fn perform(
        &mut self,
        turn: &mut Turn<'_>,
        method: &str,
        args: Vec<Item>,
    ) -> Result<Answer, Raised> {
        let mut args = Args::of(method, args);
        match method {
            "acquire" => {
                let (blocking, timeout) = (args.flag(), args.seconds()?);
                args.end()?;
                if !blocking && timeout.is_some() {
                    let text = "can't specify timeout for non-blocking acquire";
                    return Err(Kind::ValueError.says(text));
                }
                if self.free > 0 {
                    self.free -= 1;
                    *self.taken.entry(turn.caller).or_default() += 1;
                    return Ok(Ok(Item::Bool(true)).into());
                }
                if !blocking || timeout.is_some_and(|seconds| seconds <= 0.0) {
                    return Ok(Ok(Item::Bool(false)).into());
                }
                self.waiters.push_back(turn.caller);
                Ok(Answer::Later(timeout.and_then(duration)))
            }
            "release" => {
                let count = args.optional_int()?.unwrap_or(1);
                args.end()?;
                let count = u64::try_from(count).ok().filter(|count| *count > 0);
                let count = count.ok_or_else(|| Kind::ValueError.says("n must be one or more"))?;
                self.release(turn, count)?;
                Ok(Ok(Item::None).into())
            }
            "get_value" => {
                args.end()?;
                Ok(Ok(Item::Int(self.free.into())).into())
            }
            _ => Err(no_method("Semaphore", method)),
        }
    }

    fn release(&mut self, turn: &mut Turn<'_>, count: u64) -> Result<(), Raised> {
        let most = self.bound.unwrap_or(u64::MAX);
        let fits = self
            .free
            .checked_add(count)
            .is_some_and(|free| free <= most);
        if !fits {
            return Err(Kind::ValueError.says("Semaphore released too many times"));
        }
        if let Some(taken) = self.taken.get_mut(&turn.caller) {
            *taken = taken.saturating_sub(count);
            if *taken == 0 {
                self.taken.remove(&turn.caller);
            }
        }
        self.give(turn, count);
        Ok(())
    }

    /// To those who wait, in order; what is left over is free.
    fn give(&mut self, turn: &mut Turn<'_>, count: u64) {
        self.free += count;
        while self.free > 0 {
            let Some(next) = self.waiters.pop_front() else {
                return;
            };
            self.free -= 1;
            *self.taken.entry(next).or_default() += 1;
            turn.answer(next, Reply::Value(Item::Bool(true)));
        }
    }
}

impl Object for Semaphore {
    fn call(&mut self, turn: &mut Turn<'_>, method: &str, args: Vec<Item>) -> Answer {
        self.perform(turn, method, args)
            .unwrap_or_else(|raised| Answer::from(Err(raised)))
    }

    fn text(&self) -> String {
        let name = match self.bound {
            Some(_) => "BoundedSemaphore",
            None => "Semaphore",
        };
        format!("<{name}: value={}>", self.free)
    }

    fn late(&mut self, turn: &mut Turn<'_>, caller: Caller) {
        self.waiters.retain(|waiter| *waiter != caller);
        turn.answer(caller, Reply::Value(Item::Bool(false)));
    }

    fn left(&mut self, turn: &mut Turn<'_>, caller: Caller, _: bool) {
        self.waiters.retain(|waiter| *waiter != caller);
        let back = self.taken.remove(&caller).unwrap_or(0);
        // Others may have released on its behalf.
        let room = self
            .bound
            .map_or(back, |bound| bound.saturating_sub(self.free));
        self.give(turn, back.min(room));
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
