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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Value;
    use crate::process::{ExitCode, StartMethod, current_process};
    use crate::sys::child::{ExitStatus, Request};
    use crate::sys::{exec, random, zygote};

    /// What the child returns that gets what was sent.
    const WHOLE: u8 = 42;

    fn sum(numbers: Vec<u64>, text: String, counter: Value<u64>) -> ExitCode {
        let sum = counter.update(|counter| {
            *counter += 1;
            let sum = numbers
                .iter()
                .fold(0, |sum: u64, number| sum.wrapping_add(*number));
            sum.wrapping_add(text.len() as u64)
        });
        ExitCode(if sum.unwrap() == 11 { WHOLE } else { 43 })
    }
    crate::spawnable!(sum);

    fn ticket() -> Ticket {
        Ticket {
            identity: vec![1],
            parent_name: "parent".to_owned(),
            default_method: StartMethod::Zygote,
            authkey: current_process().authkey().unwrap().into(),
        }
    }

    /// The end of a child that gets this instead of the bytes, and so many of the files.
    fn end_of(
        work: &dyn Call,
        method: StartMethod,
        files: usize,
        lie: impl Fn(&mut Vec<u8>),
    ) -> u8 {
        let parcel = work.pack(&ticket()).unwrap();
        let mut payload = parcel.bytes.clone();
        lie(&mut payload);
        let fds = parcel.fds();
        let request = Request {
            entry: work.entry(),
            payload: &payload,
            fds: &fds[..files],
            daemon: false,
            ends_with_parent: false,
            name: "deceived",
        };
        let child = match method {
            StartMethod::Spawn => exec::start(&request, work.function()),
            _ => zygote::start(&request),
        };
        let status = child.unwrap().wait().unwrap();
        drop(fds);
        parcel.delivered(); // what it held on to is not given back twice
        match status {
            ExitStatus::Exited(code) => u8::try_from(code).unwrap(),
            other => panic!("{other:?} of {payload:?}"),
        }
    }

    #[test]
    fn arguments_that_lie_end_their_child_alone() {
        let counter = Value::new(0).unwrap();
        let work = call(sum, (vec![1, 2, 3], "hello".to_owned(), counter.clone()));
        let bytes = work.pack(&ticket()).unwrap().bytes.len();
        // Spawning takes longer.
        for (method, step) in [(StartMethod::Zygote, 1), (StartMethod::Spawn, 16)] {
            let end = |lie: &dyn Fn(&mut Vec<u8>)| end_of(&*work, method, 1, lie);
            assert_eq!(end(&|_| {}), WHOLE);
            for length in (0..bytes).step_by(step) {
                let code = end(&|bytes| bytes.truncate(length));
                assert_eq!(code, 1, "{length} of {bytes} bytes");
            }
            assert_eq!(end_of(&*work, method, 0, |_| {}), 1, "without its file");
            for place in (0..bytes).step_by(step) {
                let code = end(&|bytes| bytes[place] ^= 0xff);
                assert!([1, WHOLE, 43].contains(&code), "byte {place}: {code}");
            }
            // A length of 2^64 - 1 in front.
            let code = end(&|bytes| {
                bytes.splice(0..1, [[0xff; 9].as_slice(), &[1]].concat());
            });
            assert_eq!(code, 1);
            for _ in 0..256 / step {
                let mut junk = vec![0; 100];
                random::fill(&mut junk).unwrap();
                assert_eq!(end(&|bytes| bytes.clone_from(&junk)), 1, "{junk:?}");
            }
            assert_eq!(end(&|_| {}), WHOLE, "the next one has what was sent");
        }
        assert!(counter.get().unwrap() >= 4, "and its lock is free");
    }
}
