//! A condition variable, over a lock of its own or a given one.

use std::any::Any;
use std::collections::VecDeque;

use super::lock::Lock;
use super::ownership::Shared;
use super::{Args, no_method};
use crate::manager::error::{Kind, Raised};
use crate::manager::item::Item;
use crate::manager::server::args::duration;
use crate::manager::server::core::Caller;
use crate::manager::server::object::{Answer, Object, Turn};

pub struct Condition {
    lock: Lock,
    /// Those that wait to be notified, and how often they had acquired the lock.
    waiters: VecDeque<(Caller, u64)>,
}

impl Condition {
    pub fn new(mut args: Args<'_>) -> Result<Condition, Raised> {
        let lock = match args.optional() {
            None | Some(Item::None) => Lock::over(Shared::default(), true),
            Some(item) => shared_lock(&item)?,
        };
        args.end()?;
        let waiters = VecDeque::new();
        Ok(Condition { lock, waiters })
    }

    fn perform(
        &mut self,
        turn: &mut Turn<'_>,
        method: &str,
        args: Vec<Item>,
    ) -> Result<Answer, Raised> {
        let mut args = Args::of(method, args);
        match method {
            "acquire" => self.lock.acquire(turn, args),
            "release" => self.lock.release(turn, args).map(|item| Ok(item).into()),
            "wait" => {
                let timeout = args.seconds()?;
                args.end()?;
                self.check_owned(turn, "wait on")?;
                let depth = self.lock.ownership().with(|lock| lock.release_all(turn));
                self.waiters.push_back((turn.caller, depth));
                Ok(Answer::Later(timeout.and_then(duration)))
            }
            "notify" => {
                let count = args.optional_int()?.unwrap_or(1);
                args.end()?;
                self.check_owned(turn, "notify on")?;
                self.notify(turn, usize::try_from(count.max(0)).unwrap_or(usize::MAX))
            }
            "notify_all" => {
                args.end()?;
                self.check_owned(turn, "notify on")?;
                self.notify(turn, usize::MAX)
            }
            _ => Err(no_method("Condition", method)),
        }
    }

    fn check_owned(&self, turn: &Turn<'_>, doing: &str) -> Result<(), Raised> {
        let is_owner = self
            .lock
            .ownership()
            .with(|lock| lock.is_owned_by(turn.caller));
        let refused = || Kind::RuntimeError.says(format!("cannot {doing} un-acquired lock"));
        is_owner.then_some(()).ok_or_else(refused)
    }

    fn notify(&mut self, turn: &mut Turn<'_>, count: usize) -> Result<Answer, Raised> {
        for _ in 0..count {
            let Some((caller, depth)) = self.waiters.pop_front() else {
                break;
            };
            self.lock
                .ownership()
                .with(|lock| lock.return_to(turn, caller, depth, true));
        }
        Ok(Ok(Item::None).into())
    }
}

/// The lock that a proxy stands for.
fn shared_lock(item: &Item) -> Result<Lock, Raised> {
    let refused =
        || Kind::TypeError.says("a condition needs a Lock or an RLock of the same manager");
    let Item::Proxy(proxy) = item else {
        return Err(refused());
    };
    let entry = proxy.entry().ok_or_else(refused)?;
    entry.with(|object| {
        let lock = object.as_any().downcast_ref::<Lock>().ok_or_else(refused)?;
        Ok(Lock::over(lock.ownership().clone(), lock.is_recursive()))
    })?
}

impl Object for Condition {
    fn call(&mut self, turn: &mut Turn<'_>, method: &str, args: Vec<Item>) -> Answer {
        self.perform(turn, method, args)
            .unwrap_or_else(|raised| Answer::from(Err(raised)))
    }

    fn text(&self) -> String {
        format!("<Condition({}, {})>", self.lock.text(), self.waiters.len())
    }

    /// One that waited to be notified goes on when it has the lock again; one that waited for the lock gives up.
    fn late(&mut self, turn: &mut Turn<'_>, caller: Caller) {
        let waiter = self
            .waiters
            .iter()
            .position(|(waiter, _)| *waiter == caller);
        let Some((_, depth)) = waiter.and_then(|place| self.waiters.remove(place)) else {
            // Notified, it has no deadline any more: it comes back with the lock.
            if self.lock.ownership().with(|lock| lock.returns_to(caller)) {
                return;
            }
            return self.lock.late(turn, caller);
        };
        self.lock
            .ownership()
            .with(|lock| lock.return_to(turn, caller, depth, false));
    }

    fn left(&mut self, turn: &mut Turn<'_>, caller: Caller, unread: bool) {
        self.waiters.retain(|(waiter, _)| *waiter != caller);
        self.lock.left(turn, caller, unread);
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
