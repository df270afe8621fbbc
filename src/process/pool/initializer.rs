//! What each worker does before its first task: a function that is nothing but its type, by its place in the program,
//! or by name; and its arguments, written anew for each worker.

use std::any::type_name;
use std::io;

use linkme::distributed_slice;
use serde::{Deserialize, Serialize};

use super::envelope::{Envelope, Holds};
use super::error::PoolError;
use super::function::{only_one, told};
use super::panics::caught;
use crate::process::outcome::Outcome;
use crate::process::target::{Argument, Target, assert_captures_nothing, out_of_thin_air};
use crate::sys::image;

/// Runs an initializer; or why it failed.
type Initialize = fn(Envelope) -> Result<(), String>;

/// An initializer that a pool can be told to run by its name.
pub struct RegisteredInitializer {
    /// Its full name: `std::any::type_name` of the function.
    pub name: fn() -> &'static str,
    initialize: Initialize,
}

/// All such functions of the program.
#[distributed_slice]
pub static INITIALIZERS: [RegisteredInitializer];

/// For `initializer!`: an entry of the register.
pub const fn registered_initializer<F: Target<Args>, Args: Argument>(
    _function: F,
) -> RegisteredInitializer {
    RegisteredInitializer {
        name: type_name::<F>,
        initialize: initialize::<F, Args>,
    }
}

/// Registers functions that can initialize workers by name, at the top level of any module: a
/// [pool of a manager's](crate::manager::PoolProxyBuilder::initializer) runs no others.
///
/// ```
/// fn connect(database: String) -> Result<(), String> {
///     Err(format!("no {database}"))
/// }
/// forkproof::initializer!(connect);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! initializer {
    ($($function:path),+ $(,)?) => { $(
        const _: () = {
            #[$crate::__private::linkme::distributed_slice($crate::__private::INITIALIZERS)]
            #[linkme(crate = $crate::__private::linkme)]
            static REGISTERED: $crate::__private::RegisteredInitializer =
                $crate::__private::registered_initializer($function);
        };
    )+ };
}

/// An initializer, for all workers.
pub(super) struct Prepared {
    function: u64,
    seal: Box<dyn Fn() -> Result<(Envelope, Holds), String> + Send + Sync>,
}

/// As it travels to a worker.
#[derive(Serialize, Deserialize)]
pub(crate) struct Initializer {
    /// Its place in the program.
    function: u64,
    args: Envelope,
}

impl Prepared {
    /// # Errors
    /// The function lies in a shared library.
    pub fn new<F: Target<Args>, Args: Argument + Sync>(args: Args) -> Result<Prepared, PoolError> {
        Ok(Prepared {
            function: place_of(initialize::<F, Args>)?,
            seal: Box::new(move || told(|| Envelope::seal(&args))),
        })
    }

    /// The one that is registered under a name, with its arguments as postcard has written them: a tuple, without
    /// shared objects.
    ///
    /// # Errors
    /// There is none of that name, or there are several; it lies in a shared library.
    pub fn named(name: &str, args: Vec<u8>) -> Result<Prepared, PoolError> {
        let named = INITIALIZERS.iter().filter(|entry| (entry.name)() == name);
        let unknown = || PoolError::UnknownInitializer { name: name.into() };
        let found = only_one(named, |entry| entry.initialize as *const ());
        Ok(Prepared {
            function: place_of(found.ok_or_else(unknown)?.initialize)?,
            seal: Box::new(move || told(|| Ok((Envelope::of_bytes(args.clone())?, Holds::none())))),
        })
    }

    /// For one worker.
    ///
    /// # Errors
    /// [`PoolError::Unsendable`].
    pub fn sealed(&self) -> Result<(Initializer, Holds), PoolError> {
        let (args, holds) = (self.seal)().map_err(PoolError::Unsendable)?;
        let function = self.function;
        Ok((Initializer { function, args }, holds))
    }
}

impl Initializer {
    /// In a worker.
    ///
    /// # Errors
    /// Why it failed.
    ///
    /// # Safety
    /// It came from [`Prepared::sealed`], in a process of this same program.
    pub(super) unsafe fn run(self) -> Result<(), String> {
        let place = image::code_at(self.function);
        // SAFETY: the caller's promise: an Initialize stands there.
        let initialize = unsafe { std::mem::transmute::<*const (), Initialize>(place) };
        initialize(self.args)
    }
}

fn place_of(initialize: Initialize) -> io::Result<u64> {
    image::offset_of_code(initialize as *const ())
}

fn initialize<F: Target<Args>, Args: Argument>(args: Envelope) -> Result<(), String> {
    const { assert_captures_nothing::<F>() };
    // SAFETY: the place of this instance was taken where there was a value of F.
    let function = unsafe { out_of_thin_air::<F>() };
    let args: Args = told(|| args.open())?;
    match caught(|| function.call(args).told()) {
        Ok((0, _)) => Ok(()),
        Ok((_, Some(said))) => Err(format!("failed: {said}")),
        Ok((code, None)) => Err(format!("returned exit code {code}")),
        Err(panic) => Err(panic.to_string()),
    }
}
