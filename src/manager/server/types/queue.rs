//! A queue, whose tasks can be waited for.

use std::any::Any;
use std::collections::{HashMap, VecDeque};

use super::{Args, no_method};
use crate::manager::error::{Kind, Raised};
use crate::manager::item::Item;
use crate::manager::server::args::duration;
use crate::manager::server::core::Caller;
use crate::manager::server::object::{Answer, Object, Turn};
use crate::manager::server::request::Reply;

/// # Invariants
/// 1. Someone waits to get only while there is no item, and to put only while there is no room.
/// 2. Someone waits in `join` only while a task is unfinished.
pub struct Queue {
    /// 0: any number.
    size_max: usize,
    items: VecDeque<Item>,
    getters: VecDeque<Caller>,
    putters: VecDeque<(Caller, Item)>,
    joiners: Vec<Caller>,
    /// Items that were put, and not done.
    unfinished: u64,
    /// What each caller took in its last call: if it dies before it has seen it, it goes back.
    last_taken: HashMap<Caller, Item>,
}

impl Queue {
    pub fn new(mut args: Args<'_>) -> Result<Queue, Raised> {
        let size_max = args.optional_int()?.unwrap_or(0);
        args.end()?;
        Ok(Queue {
            size_max: usize::try_from(size_max).unwrap_or(0),
            items: VecDeque::new(),
            getters: VecDeque::new(),
            putters: VecDeque::new(),
            joiners: Vec::new(),
            unfinished: 0,
            last_taken: HashMap::new(),
        })
    }

    fn is_full(&self) -> bool {
        self.size_max > 0 && self.items.len() >= self.size_max
    }

    fn perform(
        &mut self,
        turn: &mut Turn<'_>,
        method: &str,
        args: Vec<Item>,
    ) -> Result<Answer, Raised> {
        // Whoever calls again has seen what it got.
        self.last_taken.remove(&turn.caller);
        let mut args = Args::of(method, args);
        let result = match method {
            "put" => {
                let item = args.item()?;
                let patience = patience(&mut args)?;
                args.end()?;
                return self.put(turn, item, patience);
            }
            "put_nowait" => {
                let item = args.item()?;
                args.end()?;
                return self.put(turn, item, Patience::None);
            }
            "get" => {
                let patience = patience(&mut args)?;
                args.end()?;
                return self.get(turn, patience);
            }
            "get_nowait" => {
                args.end()?;
                return self.get(turn, Patience::None);
            }
            "join" if self.unfinished > 0 => {
                let timeout = args.seconds()?;
                args.end()?;
                self.joiners.push(turn.caller);
                return Ok(Answer::Later(timeout.and_then(duration)));
            }
            "join" => {
                args.seconds()?;
                Item::Bool(true)
            }
            "task_done" => {
                let too_many = || Kind::ValueError.says("task_done() called too many times");
                self.unfinished = self.unfinished.checked_sub(1).ok_or_else(too_many)?;
                if self.unfinished == 0 {
                    for joiner in self.joiners.drain(..) {
                        turn.answer(joiner, Reply::Value(Item::Bool(true)));
                    }
                }
                Item::None
            }
            "qsize" => Item::Int(self.items.len() as i128),
            "empty" => Item::Bool(self.items.is_empty()),
            "full" => Item::Bool(self.is_full()),
            _ => return Err(no_method("Queue", method)),
        };
        args.end()?;
        Ok(Ok(result).into())
    }

    fn put(
        &mut self,
        turn: &mut Turn<'_>,
        item: Item,
        patience: Patience,
    ) -> Result<Answer, Raised> {
        if self.is_full() {
            return match patience {
                Patience::None => Err(full()),
                Patience::For(timeout) => {
                    self.putters.push_back((turn.caller, item));
                    Ok(Answer::Later(timeout))
                }
            };
        }
        self.unfinished += 1;
        self.items.push_back(item);
        self.serve_getters(turn);
        Ok(Ok(Item::None).into())
    }

    fn get(&mut self, turn: &mut Turn<'_>, patience: Patience) -> Result<Answer, Raised> {
        match (self.items.pop_front(), patience) {
            (Some(item), _) => {
                self.last_taken.insert(turn.caller, item.clone());
                self.admit_putter(turn);
                Ok(Ok(item).into())
            }
            (None, Patience::None) => Err(empty()),
            (None, Patience::For(timeout)) => {
                self.getters.push_back(turn.caller);
                Ok(Answer::Later(timeout))
            }
        }
    }

    /// An item came: to the getter that has waited longest.
    fn serve_getters(&mut self, turn: &mut Turn<'_>) {
        while !self.items.is_empty() {
            let Some(getter) = self.getters.pop_front() else {
                return;
            };
            if let Some(item) = self.items.pop_front() {
                self.last_taken.insert(getter, item.clone());
                turn.answer(getter, Reply::Value(item));
                self.admit_putter(turn);
            }
        }
    }

    /// There is room: for the putter that has waited longest.
    fn admit_putter(&mut self, turn: &mut Turn<'_>) {
        while !self.is_full() {
            let Some((putter, item)) = self.putters.pop_front() else {
                return;
            };
            self.unfinished += 1;
            self.items.push_back(item);
            turn.answer(putter, Reply::Value(Item::None));
        }
    }
}

enum Patience {
    None,
    For(Option<std::time::Duration>),
}

/// From whether to wait, and how long.
fn patience(args: &mut Args<'_>) -> Result<Patience, Raised> {
    let (block, timeout) = (args.flag(), args.seconds()?);
    match timeout {
        _ if !block => Ok(Patience::None),
        Some(seconds) if seconds < 0.0 => {
            Err(Kind::ValueError.says("'timeout' must be a non-negative number"))
        }
        timeout => Ok(Patience::For(timeout.and_then(duration))),
    }
}

fn full() -> Raised {
    Kind::Full.says("the queue is full")
}

fn empty() -> Raised {
    Kind::Empty.says("the queue is empty")
}

impl Object for Queue {
    fn call(&mut self, turn: &mut Turn<'_>, method: &str, args: Vec<Item>) -> Answer {
        self.perform(turn, method, args)
            .unwrap_or_else(|raised| Answer::from(Err(raised)))
    }

    fn text(&self) -> String {
        format!("<Queue of {} items>", self.items.len())
    }

    fn late(&mut self, turn: &mut Turn<'_>, caller: Caller) {
        let reply = if self.getters.contains(&caller) {
            Reply::Raised(empty())
        } else if self.joiners.contains(&caller) {
            Reply::Value(Item::Bool(false))
        } else {
            Reply::Raised(full())
        };
        self.forget(caller);
        turn.answer(caller, reply);
    }

    fn left(&mut self, turn: &mut Turn<'_>, caller: Caller, unread: bool) {
        self.forget(caller);
        if let Some(item) = self.last_taken.remove(&caller).filter(|_| unread) {
            self.items.push_front(item);
            self.serve_getters(turn);
        }
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

impl Queue {
    /// Waits for nothing any more.
    fn forget(&mut self, caller: Caller) {
        self.getters.retain(|getter| *getter != caller);
        self.putters.retain(|(putter, _)| *putter != caller);
        self.joiners.retain(|joiner| *joiner != caller);
    }
}
