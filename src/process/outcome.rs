//! What a target may return, and which exit code that is.

use std::fmt::Display;

use super::current::current_process;
use crate::sys::life;

/// What a target returns: nothing, an [`ExitCode`], or a `Result` of these whose error can be shown.
///
/// | returned | exit code |
/// |---|---|
/// | `()`, `Ok(())` | 0 |
/// | `ExitCode(n)`, `Ok(ExitCode(n))` | n |
/// | `Err(error)` | 1, and `process 'NAME' failed: ERROR` on standard error |
///
/// A target may also call `std::process::exit(n)`. A panic is exit code 1.
pub trait Outcome {
    /// The exit code; what is to be said about it has been said.
    fn code(self) -> i32;

    /// The exit code, and what is to be said about it.
    #[doc(hidden)]
    fn told(self) -> (i32, Option<String>)
    where
        Self: Sized,
    {
        (self.code(), None)
    }
}

/// An exit code of the target's choice: the kernel keeps 8 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitCode(pub u8);

impl Outcome for () {
    fn code(self) -> i32 {
        0
    }
}

impl Outcome for ExitCode {
    fn code(self) -> i32 {
        self.0.into()
    }
}

impl<T: Outcome, E: Display> Outcome for Result<T, E> {
    fn code(self) -> i32 {
        let (code, said) = self.told();
        if let Some(said) = said {
            let name = current_process().name();
            life::say(&format!("process '{name}' failed: {said}\n"));
        }
        code
    }

    fn told(self) -> (i32, Option<String>) {
        match self {
            Ok(outcome) => outcome.told(),
            Err(error) => (1, Some(error.to_string())),
        }
    }
}

/// `!`, the outcome of a function that does not return; it has no name on stable Rust.
type Never = <fn() -> ! as Returns>::Return;

#[doc(hidden)]
pub trait Returns {
    type Return;
}

impl<R> Returns for fn() -> R {
    type Return = R;
}

impl Outcome for Never {
    fn code(self) -> i32 {
        self
    }
}
