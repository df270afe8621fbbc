//! Who owns a lock, and who waits for it, in order.
//!
//! | state | acquire | release by the owner | the owner's death |
//! |---|---|---|---|
//! | free | the caller owns it | refused | |
//! | owned | waits; if it is recursive and the caller's, one level deeper | free, or the next owns it | as a release; whoever owns it next is told, once |

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::manager::item::Item;
use crate::manager::server::core::Caller;
use crate::manager::server::object::Turn;
use crate::manager::server::request::Reply;

/// Of a lock, which a condition may share with it.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<Ownership>>);

impl Shared {
    pub fn with<R>(&self, work: impl FnOnce(&mut Ownership) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Default)]
pub struct Ownership {
    owner: Option<Caller>,
    /// How often the owner has acquired it.
    depth: u64,
    /// The last owner died with it, and no one knows yet.
    died: bool,
    waiters: VecDeque<Waiter>,
}

struct Waiter {
    caller: Caller,
    depth: u64,
    /// What it is told when it owns the lock.
    told: Item,
    /// It owned the lock before, and cannot go on without it.
    returns: bool,
}

impl Ownership {
    pub fn is_owned(&self) -> bool {
        self.owner.is_some()
    }

    pub fn is_owned_by(&self, caller: Caller) -> bool {
        self.owner == Some(caller)
    }

    pub fn depth(&self) -> u64 {
        self.depth
    }

    /// Acquires a lock that is free: what to tell the caller.
    pub fn try_acquire(&mut self, caller: Caller) -> Option<Reply> {
        if self.owner.is_some() {
            return None;
        }
        Some(self.give(caller, 1, Item::Bool(true)))
    }

    /// One level deeper, for the owner.
    pub fn deepen(&mut self) {
        self.depth += 1;
    }

    /// The caller owns it next, after those who wait.
    pub fn wait(&mut self, caller: Caller) {
        self.waiters.push_back(Waiter {
            caller,
            depth: 1,
            told: Item::Bool(true),
            returns: false,
        });
    }

    /// The caller had given it up, at this depth, and owns it again as soon as it is free; then it is told.
    pub fn return_to(&mut self, turn: &mut Turn<'_>, caller: Caller, depth: u64, told: bool) {
        self.waiters.push_back(Waiter {
            caller,
            depth,
            told: Item::Bool(told),
            returns: true,
        });
        if self.owner.is_none() {
            self.hand_on(turn);
        }
    }

    pub fn returns_to(&self, caller: Caller) -> bool {
        let mut waiters = self.waiters.iter();
        waiters.any(|waiter| waiter.caller == caller && waiter.returns)
    }

    /// Waits no more: whether it did.
    pub fn give_up(&mut self, caller: Caller) -> bool {
        let before = self.waiters.len();
        self.waiters.retain(|waiter| waiter.caller != caller);
        self.waiters.len() < before
    }

    /// Up by one level.
    pub fn release(&mut self, turn: &mut Turn<'_>) {
        self.depth -= 1;
        if self.depth == 0 {
            self.hand_on(turn);
        }
    }

    /// All levels at once: how many there were.
    pub fn release_all(&mut self, turn: &mut Turn<'_>) -> u64 {
        let depth = std::mem::take(&mut self.depth);
        self.hand_on(turn);
        depth
    }

    /// A caller is gone.
    pub fn left(&mut self, turn: &mut Turn<'_>, caller: Caller) {
        self.give_up(caller);
        if self.owner == Some(caller) {
            self.died = true;
            self.depth = 0;
            self.hand_on(turn);
        }
    }

    /// To the one that has waited longest.
    fn hand_on(&mut self, turn: &mut Turn<'_>) {
        self.owner = None;
        if let Some(next) = self.waiters.pop_front() {
            let reply = self.give(next.caller, next.depth, next.told);
            turn.answer(next.caller, reply);
        }
    }

    fn give(&mut self, caller: Caller, depth: u64, told: Item) -> Reply {
        self.owner = Some(caller);
        self.depth = depth;
        if std::mem::take(&mut self.died) {
            Reply::OwnerDied(told)
        } else {
            Reply::Value(told)
        }
    }
}
