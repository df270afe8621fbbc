//! A lock, recursive or not.

use std::any::Any;

use super::ownership::Shared;
use super::{Args, no_method};
use crate::manager::error::{Kind, Raised};
use crate::manager::item::Item;
use crate::manager::server::args::duration;
use crate::manager::server::core::Caller;
use crate::manager::server::object::{Answer, Object, Turn};
use crate::manager::server::request::Reply;

pub struct Lock {
    ownership: Shared,
    is_recursive: bool,
}

impl Lock {
    pub fn new(args: Args<'_>, is_recursive: bool) -> Result<Lock, Raised> {
        args.end()?;
        Ok(Lock::over(Shared::default(), is_recursive))
    }

    pub fn over(ownership: Shared, is_recursive: bool) -> Lock {
        Lock {
            ownership,
            is_recursive,
        }
    }

    pub fn ownership(&self) -> &Shared {
        &self.ownership
    }

    pub fn is_recursive(&self) -> bool {
        self.is_recursive
    }

    pub fn acquire(&mut self, turn: &mut Turn<'_>, mut args: Args<'_>) -> Result<Answer, Raised> {
        let (blocking, timeout) = (args.flag(), args.seconds()?);
        args.end()?;
        let timeout = timeout.filter(|seconds| *seconds != -1.0);
        if !blocking && timeout.is_some() {
            let text = "can't specify a timeout for a non-blocking call";
            return Err(Kind::ValueError.says(text));
        }
        if timeout.is_some_and(|seconds| seconds < 0.0) {
            return Err(Kind::ValueError.says("timeout value must be a non-negative number"));
        }
        let caller = turn.caller;
        Ok(self.ownership.with(|ownership| {
            if self.is_recursive && ownership.is_owned_by(caller) {
                ownership.deepen();
                return Answer::Now(Reply::Value(Item::Bool(true)));
            }
            if let Some(reply) = ownership.try_acquire(caller) {
                return Answer::Now(reply);
            }
            if !blocking || timeout == Some(0.0) {
                return Answer::Now(Reply::Value(Item::Bool(false)));
            }
            ownership.wait(caller);
            Answer::Later(timeout.and_then(duration))
        }))
    }

    pub fn release(&mut self, turn: &mut Turn<'_>, args: Args<'_>) -> Result<Item, Raised> {
        args.end()?;
        self.ownership.with(|ownership| {
            let refused = match (self.is_recursive, ownership.is_owned()) {
                (true, _) if !ownership.is_owned_by(turn.caller) => {
                    "cannot release un-acquired lock"
                }
                (false, false) => "release unlocked lock",
                _ => {
                    ownership.release(turn);
                    return Ok(Item::None);
                }
            };
            Err(Kind::RuntimeError.says(refused))
        })
    }
}

impl Object for Lock {
    fn call(&mut self, turn: &mut Turn<'_>, method: &str, args: Vec<Item>) -> Answer {
        let args = Args::of(method, args);
        match method {
            "acquire" => self
                .acquire(turn, args)
                .unwrap_or_else(|raised| Answer::from(Err(raised))),
            "release" => self.release(turn, args).into(),
            "locked" => Answer::from(
                args.end()
                    .map(|()| Item::Bool(self.ownership.with(|ownership| ownership.is_owned()))),
            ),
            _ => Answer::from(Err(no_method("lock", method))),
        }
    }

    fn text(&self) -> String {
        let name = if self.is_recursive { "RLock" } else { "lock" };
        let state = self.ownership.with(|ownership| match ownership.depth() {
            0 => "unlocked".to_owned(),
            1 => "locked".to_owned(),
            depth => format!("locked {depth} times"),
        });
        format!("<{state} {name}>")
    }

    fn late(&mut self, turn: &mut Turn<'_>, caller: Caller) {
        self.ownership.with(|ownership| ownership.give_up(caller));
        turn.answer(caller, Reply::Value(Item::Bool(false)));
    }

    fn left(&mut self, turn: &mut Turn<'_>, caller: Caller, _: bool) {
        self.ownership
            .with(|ownership| ownership.left(turn, caller));
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
