//! A barrier.

use std::any::Any;

use super::{Args, no_method};
use crate::manager::error::{Kind, Raised};
use crate::manager::item::Item;
use crate::manager::server::args::duration;
use crate::manager::server::core::Caller;
use crate::manager::server::object::{Answer, Object, Turn};
use crate::manager::server::request::Reply;

/// The last one to come frees all in one turn, so no round can run into the next.
pub struct Barrier {
    parties: usize,
    /// Of each wait that does not say.
    timeout: Option<f64>,
    waiters: Vec<Caller>,
    is_broken: bool,
}

impl Barrier {
    pub fn new(mut args: Args<'_>) -> Result<Barrier, Raised> {
        let (parties, timeout) = (args.int()?, args.seconds()?);
        args.end()?;
        let parties = usize::try_from(parties).ok().filter(|parties| *parties > 0);
        let parties = parties.ok_or_else(|| Kind::ValueError.says("parties must be > 0"))?;
        Ok(Barrier {
            parties,
            timeout,
            waiters: Vec::new(),
            is_broken: false,
        })
    }

    fn perform(
        &mut self,
        turn: &mut Turn<'_>,
        method: &str,
        args: Vec<Item>,
    ) -> Result<Answer, Raised> {
        let mut args = Args::of(method, args);
        let timeout = if method == "wait" {
            args.seconds()?.or(self.timeout)
        } else {
            None
        };
        args.end()?;
        let result = match method {
            "wait" if self.is_broken => return Err(broken()),
            "wait" if self.waiters.len() + 1 == self.parties => {
                for (number, waiter) in self.waiters.drain(..).enumerate() {
                    turn.answer(waiter, Reply::Value(Item::Int(number as i128)));
                }
                Item::Int(self.parties as i128 - 1)
            }
            "wait" => {
                self.waiters.push(turn.caller);
                return Ok(Answer::Later(timeout.and_then(duration)));
            }
            "abort" => {
                self.break_up(turn);
                Item::None
            }
            "reset" => {
                self.break_up(turn);
                self.is_broken = false;
                Item::None
            }
            "parties" => Item::Int(self.parties as i128),
            "n_waiting" => Item::Int(self.waiters.len() as i128),
            "broken" => Item::Bool(self.is_broken),
            _ => return Err(no_method("Barrier", method)),
        };
        Ok(Ok(result).into())
    }

    fn break_up(&mut self, turn: &mut Turn<'_>) {
        self.is_broken = true;
        for waiter in self.waiters.drain(..) {
            turn.answer(waiter, Reply::Raised(broken()));
        }
    }
}

fn broken() -> Raised {
    Kind::BrokenBarrierError.says("the barrier is broken")
}

impl Object for Barrier {
    fn call(&mut self, turn: &mut Turn<'_>, method: &str, args: Vec<Item>) -> Answer {
        self.perform(turn, method, args)
            .unwrap_or_else(|raised| Answer::from(Err(raised)))
    }

    fn text(&self) -> String {
        let (waiting, parties) = (self.waiters.len(), self.parties);
        match self.is_broken {
            true => "<Barrier: broken>".to_owned(),
            false => format!("<Barrier: waiters={waiting}/{parties}>"),
        }
    }

    /// One that does not wait any longer breaks it for all.
    fn late(&mut self, turn: &mut Turn<'_>, _: Caller) {
        self.break_up(turn);
    }

    /// So does one that dies.
    fn left(&mut self, turn: &mut Turn<'_>, caller: Caller, _: bool) {
        let before = self.waiters.len();
        self.waiters.retain(|waiter| *waiter != caller);
        if self.waiters.len() < before {
            self.break_up(turn);
        }
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
