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
        match self {
            Ok(outcome) => outcome.code(),
            Err(error) => {
                life::say(&format!(
                    "process '{}' failed: {error}\n",
                    current_process().name()
                ));
                1
            }
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
