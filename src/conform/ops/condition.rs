//! `Condition`.

use std::any::Any;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::lock::{self, Holding, LockObject, hold};
use super::{Args, Handle, Object, Patience, held, int, need};
use crate::conform::functions::Function;
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;
use crate::shm::Shared;
use crate::{Condition, ConditionError, ConditionGuard, Lock, RLock};

pub struct ConditionObject {
    condition: &'static Condition,
    with: With,
}

/// The lock that it goes with.
#[derive(Clone, Serialize, Deserialize)]
enum With {
    Lock(Lock),
    RLock(RLock),
}

#[derive(Serialize, Deserialize)]
pub struct Travelling {
    condition: Condition,
    with: With,
}

impl Travelling {
    pub fn object(self) -> ConditionObject {
        ConditionObject {
            condition: Box::leak(Box::new(self.condition)), // its guards are kept between steps
            with: self.with,
        }
    }
}

type Guard = ConditionGuard<'static>;

impl ConditionObject {
    pub fn construct(args: &Args) -> Answer {
        let [lock] = args.bind(["lock"])?;
        let with = match lock {
            None | Some(Value::None) => With::RLock(RLock::new()?),
            Some(Value::Object(object)) => {
                let any = object.as_any();
                if let Some(lock) = any.downcast_ref::<LockObject<Lock>>() {
                    With::Lock(lock.lock.clone())
                } else if let Some(rlock) = any.downcast_ref::<LockObject<RLock>>() {
                    With::RLock(rlock.lock.clone())
                } else {
                    return Err(Raised::no_such(&object.kind(), "acquire"));
                }
            }
            Some(other) => return Err(Raised::no_such(&other.kind(), "acquire")),
        };
        let condition = match &with {
            With::Lock(lock) => Condition::with_lock(lock.clone())?,
            With::RLock(rlock) => Condition::with_rlock(rlock.clone())?,
        };
        Ok(Value::object(Travelling { condition, with }.object()))
    }

    fn place(&self) -> usize {
        match &self.with {
            With::Lock(lock) => lock.block().address(),
            With::RLock(rlock) => rlock.block().address(),
        }
    }

    /// Works with a guard of this thread's; `wait` and `notify` are methods of the guard, so without one a program
    /// does not compile.
    fn with_guard<R>(
        &self,
        work: impl FnOnce(Guard) -> Result<(Guard, R), ConditionError<Guard>>,
    ) -> Answer<R> {
        let guard = held::take_as::<Guard>(self.place());
        // Taken through the RLock itself: it may be taken again, through the condition.
        let again = || match held::count(self.place()) {
            0 => None,
            _ => self.condition.try_lock().ok(),
        };
        let (guard, is_ours) = match guard {
            Some(guard) => (Some(guard), true),
            None => (again(), false),
        };
        let guard = guard.ok_or_else(|| {
            Raised::new(
                "AssertionError",
                "this thread does not hold the condition's lock",
            )
        })?;
        let keep = |guard: Guard| {
            if is_ours {
                held::keep(self.place(), guard);
            }
        };
        match work(guard) {
            Ok((guard, result)) => {
                keep(guard);
                Ok(result)
            }
            Err(error) => {
                let failure = error.failure();
                match error {
                    ConditionError::OwnerDied(guard) => {
                        guard.mark_consistent();
                        keep(guard);
                    }
                    ConditionError::TooManyWaiters(guard) | ConditionError::TooManyHeld(guard) => {
                        keep(guard);
                    }
                    ConditionError::NotRecoverable => {}
                }
                Err(failure.into())
            }
        }
    }

    fn wait(&self, time: Option<Duration>) -> Answer {
        self.with_guard(|guard| match time {
            None => guard.wait().map(|guard| (guard, true)),
            Some(time) => guard.wait_timeout(time),
        })
        .map(Value::Bool)
    }

    /// Returns what the predicate returned last.
    fn wait_for(&self, predicate: &Function, time: Option<Duration>) -> Answer {
        let mut last = Ok(Value::None);
        let mut holds = || {
            last = predicate.call(&[]);
            last.as_ref().map_or(true, Value::is_true)
        };
        self.with_guard(|guard| match time {
            None => guard.wait_for(&mut holds).map(|guard| (guard, ())),
            Some(time) => {
                let waited = guard.wait_for_timeout(&mut holds, time);
                waited.map(|(guard, _)| (guard, ()))
            }
        })?;
        last
    }

    fn notify(&self, count: usize) -> Answer {
        self.with_guard(|guard| {
            guard.notify(count);
            Ok((guard, ()))
        })
        .map(|()| Value::None)
    }
}

impl Holding for ConditionObject {
    fn acquire(&self, patience: Patience) -> Answer {
        lock::acquire(self.condition, self.place(), patience)
    }

    fn release(&self) -> Answer {
        match (held::take(self.place()), &self.with) {
            (Some(_guard), _) => Ok(Value::None),
            (None, With::Lock(lock)) => LockObject::over(lock.clone()).release(),
            (None, With::RLock(rlock)) => LockObject::over(rlock.clone()).release(),
        }
    }
}

impl Object for ConditionObject {
    fn kind(&self) -> String {
        "Condition".into()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.condition)
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        match op {
            "wait" => {
                let [timeout] = args.bind(["timeout"])?;
                self.wait(Patience::of(timeout.as_ref())?.time())
            }
            "wait_for" => {
                let [predicate, timeout] = args.bind(["predicate", "timeout"])?;
                let time = Patience::of(timeout.as_ref())?.time();
                match need(predicate, "predicate")? {
                    Value::Function(predicate) => self.wait_for(&predicate, time),
                    other => Err(Raised::type_error(format!(
                        "'{}' object is not callable",
                        other.kind()
                    ))),
                }
            }
            "notify" => {
                let [n] = args.bind(["n"])?;
                let n = n.as_ref().map_or(Ok(1), int)?;
                self.notify(usize::try_from(n).map_err(Raised::value_error)?)
            }
            "notify_all" => {
                let [] = args.bind([])?;
                self.notify(usize::MAX)
            }
            _ => hold(self, op, args).unwrap_or_else(|| Err(Raised::no_such(&self.kind(), op))),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        Ok(Handle::Condition(Travelling {
            condition: self.condition.clone(),
            with: self.with.clone(),
        }))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
