//! `Lock` and `RLock`.

use std::any::Any;

use super::{Args, Handle, Object, Patience, held};
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;
use crate::shm::Shared;
use crate::{Lock, LockError, RLock};

/// What `acquire` answers: whether the lock is held now. A lock that was taken over from the dead is an answer of its
/// own; it is held, and repaired, as there is nothing that it guards.
pub fn acquired<G: 'static>(
    taken: Result<G, LockError<G>>,
    patience: Patience,
    lock: usize,
    repair: impl FnOnce(&G),
) -> Answer {
    match taken {
        Ok(guard) => {
            held::keep(lock, guard);
            Ok(Value::Bool(true))
        }
        Err(LockError::OwnerDied(guard)) => {
            repair(&guard);
            held::keep(lock, guard);
            Err(crate::LockFailure::OwnerDied.into())
        }
        Err(LockError::WouldBlock | LockError::TimedOut) => Ok(Value::Bool(false)),
        // Who would have waited for itself is told at once that it does not get the lock.
        Err(LockError::AlreadyHeld) if !patience.is_endless() => Ok(Value::Bool(false)),
        Err(other) => Err(other.failure().into()),
    }
}

pub struct LockObject {
    pub lock: &'static Lock,
}

impl LockObject {
    pub fn construct(args: &Args) -> Answer {
        let [] = args.bind([])?;
        Ok(Value::object(LockObject::over(Lock::new()?)))
    }

    pub fn over(lock: Lock) -> LockObject {
        LockObject {
            // Its guards are kept between two steps; the process is as old as its case.
            lock: Box::leak(Box::new(lock)),
        }
    }

    pub fn place(&self) -> usize {
        self.lock.block().address()
    }

    pub fn acquire(&self, patience: Patience) -> Answer {
        let taken = match patience {
            Patience::Endless => self.lock.lock(),
            Patience::None => self.lock.try_lock(),
            Patience::Within(time) => self.lock.lock_timeout(time),
        };
        acquired(taken, patience, self.place(), |guard| {
            guard.mark_consistent()
        })
    }

    pub fn release(&self) -> Answer {
        if held::take(self.place()).is_some() {
            Ok(Value::None)
        } else if self.lock.is_locked() {
            let text = "a lock is given back by the thread that holds it: its guard is not Send";
            Err(Raised::new("NotHeld", text))
        } else {
            Err(Raised::value_error(
                "there is no guard to drop: no one holds the lock",
            ))
        }
    }
}

/// `block` and `timeout`.
pub fn patience(args: &Args) -> Answer<Patience> {
    let [block, timeout] = args.bind(["block", "timeout"])?;
    Patience::blocking(block.as_ref(), timeout.as_ref())
}

impl Object for LockObject {
    fn kind(&self) -> String {
        "Lock".into()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.lock)
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        match op {
            "acquire" => self.acquire(patience(args)?),
            "release" => {
                let [] = args.bind([])?;
                self.release()
            }
            "__enter__" => self.acquire(Patience::Endless),
            "__exit__" => self.release(),
            _ => Err(Raised::no_such(&self.kind(), op)),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        Ok(Handle::Lock(self.lock.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

pub struct RLockObject {
    pub rlock: &'static RLock,
}

impl RLockObject {
    pub fn construct(args: &Args) -> Answer {
        let [] = args.bind([])?;
        Ok(Value::object(RLockObject::over(RLock::new()?)))
    }

    pub fn over(rlock: RLock) -> RLockObject {
        RLockObject {
            rlock: Box::leak(Box::new(rlock)), // as a LockObject's
        }
    }

    pub fn place(&self) -> usize {
        self.rlock.block().address()
    }

    pub fn acquire(&self, patience: Patience) -> Answer {
        let taken = match patience {
            Patience::Endless => self.rlock.lock(),
            Patience::None => self.rlock.try_lock(),
            Patience::Within(time) => self.rlock.lock_timeout(time),
        };
        acquired(taken, patience, self.place(), |guard| {
            guard.mark_consistent()
        })
    }

    pub fn release(&self) -> Answer {
        match held::take(self.place()) {
            Some(_guard) => Ok(Value::None),
            None => Err(Raised::new(
                "AssertionError",
                "there is no guard to drop: this thread does not hold the lock",
            )),
        }
    }
}

impl Object for RLockObject {
    fn kind(&self) -> String {
        "RLock".into()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.rlock)
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        match op {
            "acquire" => self.acquire(patience(args)?),
            "release" => {
                let [] = args.bind([])?;
                self.release()
            }
            "__enter__" => self.acquire(Patience::Endless),
            "__exit__" => self.release(),
            _ => Err(Raised::no_such(&self.kind(), op)),
        }
    }

    fn travel(&self) -> Answer<Handle> {
        Ok(Handle::RLock(self.rlock.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
