//! `Semaphore` and `BoundedSemaphore`.

use std::any::Any;

use super::lock::{Holding, hold};
use super::{Args, Handle, Object, Patience, held, int};
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;
use crate::shm::Shared;
use crate::{BoundedSemaphore, Permit, Semaphore, SemaphoreError};

/// The number of permits that a constructor is given.
fn permits(args: &Args) -> Answer<u32> {
    let [value] = args.bind(["value"])?;
    let value = value.as_ref().map_or(Ok(1), int)?;
    u32::try_from(value).map_err(|error| {
        let name = if value < 0 {
            "OSError"
        } else {
            "OverflowError"
        };
        Raised::new(name, error)
    })
}

/// Beyond what a semaphore may have.
fn refused(error: std::io::Error) -> Raised {
    match error.kind() {
        std::io::ErrorKind::InvalidInput => Raised::new("OverflowError", error),
        _ => error.into(),
    }
}

/// Whether there is a permit now; what becomes of it, `keep` says.
fn acquired(
    taken: Result<Permit<'static>, SemaphoreError>,
    keep: impl FnOnce(Permit<'static>),
) -> Answer {
    match taken {
        Ok(permit) => {
            keep(permit);
            Ok(Value::Bool(true))
        }
        Err(SemaphoreError::WouldBlock | SemaphoreError::TimedOut) => Ok(Value::Bool(false)),
        Err(other) => Err(other.into()),
    }
}

macro_rules! semaphores {
    ($($Object:ident, $Semaphore:ident, $keep:expr;)+) => { $(
        pub struct $Object {
            semaphore: &'static $Semaphore,
        }

        impl $Object {
            pub fn construct(args: &Args) -> Answer {
                let semaphore = $Semaphore::new(permits(args)?).map_err(refused)?;
                Ok(Value::object($Object::over(semaphore)))
            }

            pub fn over(semaphore: $Semaphore) -> $Object {
                $Object {
                    semaphore: Box::leak(Box::new(semaphore)), // its permits are kept between steps
                }
            }
        }

        impl Holding for $Object {
            fn acquire(&self, patience: Patience) -> Answer {
                let taken = match patience {
                    Patience::Endless => self.semaphore.acquire(),
                    Patience::None => self.semaphore.try_acquire(),
                    Patience::Within(time) => self.semaphore.acquire_timeout(time),
                };
                acquired(taken, |permit| $keep(self.semaphore.block().address(), permit))
            }

            /// A permit of this thread's goes back; without one, there is one more.
            fn release(&self) -> Answer {
                if held::take(self.semaphore.block().address()).is_none() {
                    self.semaphore.release(1)?;
                }
                Ok(Value::None)
            }
        }

        impl Object for $Object {
            fn kind(&self) -> String {
                stringify!($Semaphore).into()
            }

            fn repr(&self) -> String {
                format!("{:?}", self.semaphore)
            }

            fn call(&self, op: &str, args: &Args) -> Answer {
                match op {
                    "get_value" => Ok(Value::int(self.semaphore.value())),
                    _ => hold(self, op, args)
                        .unwrap_or_else(|| Err(Raised::no_such(&self.kind(), op))),
                }
            }

            fn travel(&self) -> Answer<Handle> {
                Ok(Handle::$Semaphore(self.semaphore.clone()))
            }

            fn as_any(&self) -> &dyn Any {
                self
            }
        }
    )+ };
}

semaphores! {
    SemaphoreObject, Semaphore, held::keep;
    // Any thread may give a permit of Python's back, and no more than were taken: so it is nobody's.
    BoundedObject, BoundedSemaphore, |_, permit: Permit| permit.forget();
}
