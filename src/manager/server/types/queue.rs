//! A queue, whose tasks can be waited for.

use std::any::Any;
use std::collections::{BTreeMap, HashMap, VecDeque};

use super::{Args, no_method};
use crate::manager::error::{Kind, Raised};
use crate::manager::item::Item;
use crate::manager::server::args::duration;
use crate::manager::server::core::Caller;
use crate::manager::server::object::{Answer, Object, Turn};
use crate::manager::server::request::Reply;

/// # Invariants
/// 1. Someone waits to get only while there is no item, and to put only while there is no room.
/// 2. Someone waits in `join` only while a task is unfinished, and none is a dead one's.
/// 3. No more tasks are the dead's than are unfinished.
pub struct Queue {
    /// 0: any number.
    size_max: usize,
    items: VecDeque<Item>,
    getters: VecDeque<Caller>,
    putters: VecDeque<(Caller, Item)>,
    joiners: Vec<Caller>,
    /// Items that were put, and not done.
    unfinished: u64,
    /// How many of them each caller has taken, or more.
    in_hand: BTreeMap<Caller, u64>,
    /// Of these, how many callers had taken that are gone.
    of_the_dead: u64,
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
            in_hand: BTreeMap::new(),
            of_the_dead: 0,
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
            "join" if self.of_the_dead > 0 => {
                args.seconds()?;
                return Err(self.worker_died());
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
                if self.unfinished == 0 {
                    return Err(Kind::ValueError.says("task_done() called too many times"));
                }
                self.take_from_a_hand(turn.caller);
                self.are_done(turn, 1);
                Item::None
            }
            "write_off" => {
                let tasks = std::mem::take(&mut self.of_the_dead);
                self.are_done(turn, tasks);
                Item::Int(tasks.into())
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
                self.is_taken(turn.caller, item.clone());
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

    /// Of this caller, or else of another one, or of one that is gone.
    fn take_from_a_hand(&mut self, caller: Caller) {
        let own = self.in_hand.contains_key(&caller).then_some(caller);
        let someone = own.or_else(|| self.in_hand.keys().next().copied());
        match someone.and_then(|caller| Some((caller, self.in_hand.get_mut(&caller)?))) {
            Some((caller, 1)) => drop(self.in_hand.remove(&caller)),
            Some((_, tasks)) => *tasks -= 1,
            None => self.of_the_dead = self.of_the_dead.saturating_sub(1),
        }
    }

    fn are_done(&mut self, turn: &mut Turn<'_>, tasks: u64) {
        self.unfinished -= tasks;
        // Of what was done before anyone had it, someone may have it still.
        self.of_the_dead = self.of_the_dead.min(self.unfinished);
        if self.unfinished == 0 {
            for joiner in self.joiners.drain(..) {
                turn.answer(joiner, Reply::Value(Item::Bool(true)));
            }
        }
    }

    fn worker_died(&self) -> Raised {
        let tasks = self.of_the_dead;
        Kind::WorkerDied.says(format!("tasks whose worker has died: {tasks}"))
    }

    /// A caller is given an item.
    fn is_taken(&mut self, caller: Caller, item: Item) {
        *self.in_hand.entry(caller).or_default() += 1;
        self.last_taken.insert(caller, item);
    }

    /// An item came: to the getter that has waited longest.
    fn serve_getters(&mut self, turn: &mut Turn<'_>) {
        while !self.items.is_empty() {
            let Some(getter) = self.getters.pop_front() else {
                return;
            };
            if let Some(item) = self.items.pop_front() {
                self.is_taken(getter, item.clone());
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
        let mut tasks = self.in_hand.remove(&caller).unwrap_or(0);
        if let Some(item) = self.last_taken.remove(&caller).filter(|_| unread) {
            tasks = tasks.saturating_sub(1);
            self.items.push_front(item);
            self.serve_getters(turn);
        }
        self.of_the_dead = (self.of_the_dead + tasks).min(self.unfinished);
        if self.of_the_dead > 0 {
            for joiner in std::mem::take(&mut self.joiners) {
                turn.answer(joiner, Reply::Raised(self.worker_died()));
            }
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
