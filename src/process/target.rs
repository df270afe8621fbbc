//! What a process can run, and how it gets there: a function is nothing but its type, so only its arguments
//! travel.
//!
//! A function's *entry* is an instance of [`enter`], made by the compiler for that function and its
//! arguments. The zygote's children find it by its offset in the program, spawned ones by the function's
//! name ([`spawnable!`](crate::spawnable)). It unpacks the arguments, takes the function out of thin air,
//! as it has no bytes, and calls it.

use std::any::type_name;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::current::{self, Ticket};
use super::outcome::Outcome;
use crate::shm::passage::{self, Parcel, PassageError};
use crate::sys::child::Entry;
use crate::sys::exec::Spawnable;
use crate::sys::life;

/// What a [`Process`](super::Process) can run: functions, and closures that capture nothing, of up to eight
/// arguments. Implemented for all of them; there is no need to implement it.
pub trait Target<Args>: Copy + 'static {
    /// What it returns.
    type Outcome: Outcome;

    /// Calls it.
    fn call(self, args: Args) -> Self::Outcome;
}

/// What can be an argument: anything that serde can write and read, with the shared objects in it.
pub trait Argument: Serialize + DeserializeOwned + Send + 'static {}

impl<T: Serialize + DeserializeOwned + Send + 'static> Argument for T {}

macro_rules! targets {
    ($($(($arg:ident $Arg:ident))*;)+) => { $(
        impl<F, R, $($Arg,)*> Target<($($Arg,)*)> for F
        where
            F: Fn($($Arg),*) -> R + Copy + 'static,
            R: Outcome,
        {
            type Outcome = R;

            fn call(self, ($($arg,)*): ($($Arg,)*)) -> R {
                self($($arg),*)
            }
        }
    )+ };
}

targets! {
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

/// A function and its arguments, whatever their types.
pub(super) trait Call: Send {
    fn pack(&self, ticket: &Ticket) -> Result<Parcel, PassageError>;
    fn entry(&self) -> Entry;
    /// The function's full name.
    fn function(&self) -> &'static str;
}

struct Typed<F, Args> {
    args: Args,
    function: PhantomData<fn() -> F>,
}

pub(super) fn call<F: Target<Args>, Args: Argument>(_function: F, args: Args) -> Box<dyn Call> {
    const { assert_captures_nothing::<F>() };
    Box::new(Typed {
        args,
        function: PhantomData::<fn() -> F>,
    })
}

impl<F: Target<Args>, Args: Argument> Call for Typed<F, Args> {
    fn pack(&self, ticket: &Ticket) -> Result<Parcel, PassageError> {
        passage::pack(&(ticket, &self.args))
    }

    fn entry(&self) -> Entry {
        enter::<F, Args>
    }

    fn function(&self) -> &'static str {
        type_name::<F>()
    }
}

/// For `spawnable!`: an entry of the register.
pub const fn spawnable<F: Target<Args>, Args: Argument>(_function: F) -> Spawnable {
    const { assert_captures_nothing::<F>() };
    Spawnable {
        name: type_name::<F>,
        entry: enter::<F, Args>,
    }
}

pub(super) const fn assert_captures_nothing<F>() {
    assert!(
        size_of::<F>() == 0,
        "a process's target captures nothing: give it what it needs as arguments"
    );
}

/// What the child runs.
fn enter<F: Target<Args>, Args: Argument>(payload: &[u8], fds: Vec<OwnedFd>) -> i32 {
    let (ticket, args) = match passage::unpack::<(Ticket, Args)>(payload, fds) {
        Ok(unpacked) => unpacked,
        Err(error) => {
            let name = current::current_process().name();
            life::say(&format!("process '{name}': an argument {error}\n"));
            return 1;
        }
    };
    current::admit(ticket);
    // SAFETY: a value of it was given to call() or to spawnable(), in another process of the same program.
    let function = unsafe { out_of_thin_air::<F>() };
    function.call(args).code()
}

/// A function by nothing but its type.
///
/// # Safety
/// A value of the type was there once, of which this is a copy.
pub(super) unsafe fn out_of_thin_air<F: Copy>() -> F {
    const { assert_captures_nothing::<F>() };
    // SAFETY: F has no bytes, so every address holds it; it is Copy; the caller has had one.
    unsafe { NonNull::<F>::dangling().as_ptr().read() }
}

/// Registers functions that [`StartMethod::Spawn`](crate::StartMethod::Spawn) may start: a spawned child
/// finds its function by name. At the top level of any module.
///
/// ```
/// use forkproof::{Process, StartMethod};
///
/// fn greet(name: String) {
///     println!("hello, {name}");
/// }
/// forkproof::spawnable!(greet);
///
/// fn main() -> Result<(), forkproof::ProcessError> {
///     let p = Process::new(greet, ("you".to_owned(),)).start_method(StartMethod::Spawn);
///     p.start()?;
///     assert_eq!(p.join()?, 0);
///     Ok(())
/// }
/// ```
/// A child whose function is not registered says so on standard error and ends with exit code 1, before it
/// touches anything.
#[macro_export]
macro_rules! spawnable {
    ($($function:path),+ $(,)?) => { $(
        const _: () = {
            #[$crate::__private::linkme::distributed_slice($crate::__private::SPAWNABLE)]
            #[linkme(crate = $crate::__private::linkme)]
            static REGISTERED: $crate::__private::Spawnable =
                $crate::__private::spawnable($function);
        };
    )+ };
}
