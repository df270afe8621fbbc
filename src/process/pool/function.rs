//! What a pool can run: functions that are nothing but their types, by their place in the program, or by name.

use std::any::type_name;
use std::io;

use linkme::distributed_slice;
use serde::{Deserialize, Serialize};

use super::envelope::{Envelope, Holds};
use super::error::{PoolError, TaskPanic};
use super::panics::caught;
use super::worker::Shift;
use crate::process::target::{Argument, assert_captures_nothing, out_of_thin_air};
use crate::shm::passage::PassageError;
use crate::sys::image;

/// What a pool can run: functions, and closures that capture nothing, of up to eight arguments, all of whose
/// arguments and whose result serde can write and read. Implemented for all of them; there is no need to implement it.
pub trait Callable<Args>: Copy + 'static {
    /// What it returns.
    type Return: Argument;

    /// Calls it.
    fn call(self, args: Args) -> Self::Return;
}

macro_rules! callables {
    ($($(($arg:ident $Arg:ident))*;)+) => { $(
        impl<F, R, $($Arg,)*> Callable<($($Arg,)*)> for F
        where
            F: Fn($($Arg),*) -> R + Copy + 'static,
            R: Argument,
        {
            type Return = R;

            fn call(self, ($($arg,)*): ($($Arg,)*)) -> R {
                self($($arg),*)
            }
        }
    )+ };
}

callables! {
    ;
    (a A);
    (a A) (b B);
    (a A) (b B) (c C);
    (a A) (b B) (c C) (d D);
    (a A) (b B) (c C) (d D) (e E);
    (a A) (b B) (c C) (d D) (e E) (f G);
    (a A) (b B) (c C) (d D) (e E) (f G) (g H);
    (a A) (b B) (c C) (d D) (e E) (f G) (g H) (h I);
}

/// Runs a function for each of the arguments in an envelope, a `Vec<Args>`; returns a [`Returns`].
pub(crate) type Run = fn(Envelope, &Shift<'_>) -> Result<(Envelope, Holds), Fault>;

/// What a chunk of tasks has returned, in their order.
pub(crate) type Returns<R> = Vec<Result<R, Box<TaskPanic>>>;

/// What befell a whole chunk of tasks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Fault {
    Unreadable(String),
    Unsendable(String),
    /// There is no timer for its limit.
    Unlimited(String),
}

impl From<Fault> for PoolError {
    fn from(fault: Fault) -> PoolError {
        match fault {
            Fault::Unreadable(why) => PoolError::Unreadable(why),
            Fault::Unsendable(why) => PoolError::UnsendableResult(why),
            Fault::Unlimited(why) => PoolError::NoTimer(why),
        }
    }
}

/// A function that a pool can be told to run by its name.
pub struct Registered {
    /// Its full name: `std::any::type_name` of the function.
    pub name: fn() -> &'static str,
    run: Run,
}

/// All such functions of the program.
#[distributed_slice]
pub static CALLABLE: [Registered];

/// For `callable!`: an entry of the register.
pub const fn registered<F: Callable<Args>, Args: Argument>(_function: F) -> Registered {
    Registered {
        name: type_name::<F>,
        run: run::<F, Args>,
    }
}

/// A function that a pool runs: its full name, and the place of what runs it.
#[derive(Clone, Copy)]
pub(super) struct Function {
    pub name: &'static str,
    pub place: u64,
}

impl Function {
    /// # Errors
    /// It lies in a shared library.
    pub fn of<F: Callable<Args>, Args: Argument>() -> io::Result<Function> {
        Ok(Function {
            name: type_name::<F>(),
            place: place_of(run::<F, Args>)?,
        })
    }

    /// The one that is registered under a name; `None` if there is none, or there are several.
    ///
    /// # Errors
    /// It lies in a shared library.
    pub fn named(name: &str) -> io::Result<Option<Function>> {
        let named = CALLABLE.iter().filter(|entry| (entry.name)() == name);
        let function = |found: &Registered| {
            Ok(Function {
                name: (found.name)(),
                place: place_of(found.run)?,
            })
        };
        only_one(named, |entry| entry.run as *const ())
            .map(function)
            .transpose()
    }
}

/// The entry of a name: `None` if there is none, or if there are several of different code.
pub(super) fn only_one<'a, T>(
    mut named: impl Iterator<Item = &'a T>,
    code: impl Fn(&T) -> *const (),
) -> Option<&'a T> {
    let first = named.next()?;
    named
        .all(|other| code(other) == code(first))
        .then_some(first)
}

/// Registers functions that can be called by name, at the top level of any module: a pool that a manager's clients
/// share runs no others.
///
/// ```
/// fn square(number: i64) -> i64 {
///     number * number
/// }
/// forkproof::callable!(square);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! callable {
    ($($function:path),+ $(,)?) => { $(
        const _: () = {
            #[$crate::__private::linkme::distributed_slice($crate::__private::CALLABLE)]
            #[linkme(crate = $crate::__private::linkme)]
            static REGISTERED: $crate::__private::Registered =
                $crate::__private::registered($function);
        };
    )+ };
}

/// A function as it travels: workers are the same program.
///
/// # Errors
/// It lies in a shared library.
pub(crate) fn place_of(run: Run) -> io::Result<u64> {
    image::offset_of_code(run as *const ())
}

/// The function at a place.
///
/// # Safety
/// The place came from [`place_of`], in a process of this same program.
pub(super) unsafe fn function_at(place: u64) -> Run {
    // SAFETY: the caller's promise: a Run stands there.
    unsafe { std::mem::transmute::<*const (), Run>(image::code_at(place)) }
}

/// In a worker.
pub(crate) fn run<F: Callable<Args>, Args: Argument>(
    chunk: Envelope,
    shift: &Shift<'_>,
) -> Result<(Envelope, Holds), Fault> {
    const { assert_captures_nothing::<F>() };
    // SAFETY: the place of this instance was taken where there was a value of F.
    let function = unsafe { out_of_thin_air::<F>() };
    let chunk: Vec<Args> = told(|| chunk.open()).map_err(Fault::Unreadable)?;
    let call = |(task, args)| shift.during(task, || caught(|| function.call(args)));
    let returns = chunk.into_iter().enumerate().map(call);
    let returns = returns.collect::<io::Result<Returns<F::Return>>>();
    let returns = returns.map_err(|error| Fault::Unlimited(error.to_string()))?;
    told(|| Envelope::seal(&returns)).map_err(Fault::Unsendable)
}

/// Why a value was not written or read, be it by a panic.
pub(super) fn told<T>(act: impl FnOnce() -> Result<T, PassageError>) -> Result<T, String> {
    match caught(act) {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(panic) => Err(panic.to_string()),
    }
}
