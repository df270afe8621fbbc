//! `Lock` and `RLock`; and how whatever has a lock is taken, kept between two steps, and given back.

use std::any::Any;
use std::fmt;
use std::io;

use super::codes::Native;
use super::{Args, Handle, Object, Patience, held};
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;
use crate::shm::Shared;
use crate::{
    Array, ArrayGuard, Condition, ConditionGuard, Lock, LockError, LockGuard, RLock, RLockGuard,
    Value as Cell, ValueGuard,
};

/// What is acquired and released in two calls.
pub trait Holding {
    /// # Errors
    /// Those of the lock.
    fn acquire(&self, patience: Patience) -> Answer;

    /// # Errors
    /// This thread does not hold it.
    fn release(&self) -> Answer;
}

/// The operations of what can be held; nothing, if it is another operation.
pub fn hold(holding: &(impl Holding + ?Sized), op: &str, args: &Args) -> Option<Answer> {
    Some(match op {
        "acquire" => patience(args).and_then(|patience| holding.acquire(patience)),
        "release" => args.bind([]).and_then(|[]| holding.release()),
        "__enter__" => holding.acquire(Patience::Endless),
        "__exit__" => holding.release(),
        _ => return None,
    })
}

/// `block` and `timeout`.
fn patience(args: &Args) -> Answer<Patience> {
    let [block, timeout] = args.bind(["block", "timeout"])?;
    Patience::blocking(block.as_ref(), timeout.as_ref())
}

/// What has a lock.
pub trait Lockable: 'static {
    type Guard: 'static;

    fn take(&'static self, patience: Patience) -> Result<Self::Guard, LockError<Self::Guard>>;
    fn repair(guard: &Self::Guard);
}

macro_rules! lockable {
    ($($Type:ty, $Guard:ty $(, $T:ident)?;)+) => { $(
        impl $(<$T: Native>)? Lockable for $Type {
            type Guard = $Guard;

            fn take(&'static self, patience: Patience) -> Result<$Guard, LockError<$Guard>> {
                match patience {
                    Patience::Endless => self.lock(),
                    Patience::None => self.try_lock(),
                    Patience::Within(time) => self.lock_timeout(time),
                }
            }

            fn repair(guard: &$Guard) {
                guard.mark_consistent();
            }
        }
    )+ };
}

lockable! {
    Lock, LockGuard<'static>;
    RLock, RLockGuard<'static>;
    Condition, ConditionGuard<'static>;
    Cell<T>, ValueGuard<'static, T>, T;
    Array<T>, ArrayGuard<'static, T>, T;
}

/// What `acquire` answers: whether the lock is held now. A lock that was taken over from the dead is an answer of its
/// own; it is held, and repaired, as there is nothing that it guards. The guard is kept under `place`.
///
/// # Errors
/// Those of the lock.
pub fn acquire<L: Lockable>(lock: &'static L, place: usize, patience: Patience) -> Answer {
    match lock.take(patience) {
        Ok(guard) => {
            held::keep(place, guard);
            Ok(Value::Bool(true))
        }
        Err(LockError::OwnerDied(guard)) => {
            L::repair(&guard);
            held::keep(place, guard);
            Err(crate::LockFailure::OwnerDied.into())
        }
        Err(LockError::WouldBlock | LockError::TimedOut) => Ok(Value::Bool(false)),
        // Who would have waited for itself is told at once that it does not get the lock.
        Err(LockError::AlreadyHeld) if !patience.is_endless() => Ok(Value::Bool(false)),
        Err(other) => Err(other.failure().into()),
    }
}

/// A lock of either kind.
pub trait AnyLock: Lockable + Shared + Clone + fmt::Debug + Send + Sync {
    const NAME: &str;

    /// # Errors
    /// No memory.
    fn make() -> io::Result<Self>;
    /// Why there is no guard to drop.
    fn not_held(&self) -> Raised;
    fn handle(self) -> Handle;
}

impl AnyLock for Lock {
    const NAME: &str = "Lock";

    fn make() -> io::Result<Lock> {
        Lock::new()
    }

    fn not_held(&self) -> Raised {
        if self.is_locked() {
            let text = "a lock is given back by the thread that holds it: its guard is not Send";
            Raised::new("NotHeld", text)
        } else {
            Raised::value_error("there is no guard to drop: no one holds the lock")
        }
    }

    fn handle(self) -> Handle {
        Handle::Lock(self)
    }
}

impl AnyLock for RLock {
    const NAME: &str = "RLock";

    fn make() -> io::Result<RLock> {
        RLock::new()
    }

    fn not_held(&self) -> Raised {
        let text = "there is no guard to drop: this thread does not hold the lock";
        Raised::new("AssertionError", text)
    }

    fn handle(self) -> Handle {
        Handle::RLock(self)
    }
}

pub struct LockObject<L: 'static> {
    pub lock: &'static L,
}

impl<L: AnyLock> LockObject<L> {
    pub fn construct(args: &Args) -> Answer {
        let [] = args.bind([])?;
        Ok(Value::object(LockObject::over(L::make()?)))
    }

    pub fn over(lock: L) -> LockObject<L> {
        LockObject {
            // Its guards are kept between two steps; the process is as old as its case.
            lock: Box::leak(Box::new(lock)),
        }
    }

    fn place(&self) -> usize {
        self.lock.block().address()
    }
}

impl<L: AnyLock> Holding for LockObject<L> {
    fn acquire(&self, patience: Patience) -> Answer {
        acquire(self.lock, self.place(), patience)
    }

    fn release(&self) -> Answer {
        match held::take(self.place()) {
            Some(_guard) => Ok(Value::None),
            None => Err(self.lock.not_held()),
        }
    }
}

impl<L: AnyLock> Object for LockObject<L> {
    fn kind(&self) -> String {
        L::NAME.into()
    }

    fn repr(&self) -> String {
        format!("{:?}", self.lock)
    }

    fn call(&self, op: &str, args: &Args) -> Answer {
        hold(self, op, args).unwrap_or_else(|| Err(Raised::no_such(L::NAME, op)))
    }

    fn travel(&self) -> Answer<Handle> {
        Ok(self.lock.clone().handle())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
