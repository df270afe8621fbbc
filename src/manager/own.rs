//! Types of the user's own in a manager's server: registered by name, with the methods that clients may call.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use linkme::distributed_slice;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Kind, Raised};
use super::item::{Item, from_item, to_item};

/// A new object, or why there is none.
pub type Made = Result<Box<dyn Any + Send>, Raised>;

/// A registered type.
pub struct Managed {
    pub name: &'static str,
    pub make: fn(Vec<Item>) -> Made,
    pub methods: &'static [ManagedMethod],
}

/// One of its methods.
pub struct ManagedMethod {
    pub name: &'static str,
    pub call: fn(&mut dyn Any, Vec<Item>) -> Result<Item, Raised>,
}

/// All of the program.
#[distributed_slice]
pub static MANAGED: [Managed];

/// The type that is registered under a name.
pub fn find(name: &str) -> Result<Option<&'static Managed>, Raised> {
    let mut found = MANAGED.iter().filter(|managed| managed.name == name);
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        _ => Err(Kind::TypeError.says(format!("several types are registered as '{name}'"))),
    }
}

/// What makes an object: a function of up to four arguments that serde can read.
pub trait Maker<Kind> {
    fn make(&self, args: Vec<Item>) -> Made;
}

/// A method of up to four arguments that serde can read, on `&self` or `&mut self`, with a result that it can write.
pub trait Method<Kind> {
    fn call(&self, object: &mut dyn Any, args: Vec<Item>) -> Result<Item, Raised>;
}

/// Of a method on `&self`.
pub struct Reads;
/// Of a method on `&mut self`.
pub struct Changes;

macro_rules! methods {
    ($(($($arg:ident $Arg:ident)*))+) => { $(
        impl<F, T, $($Arg,)*> Maker<(T, $($Arg,)*)> for F
        where
            F: Fn($($Arg),*) -> T,
            T: Any + Send,
            $($Arg: DeserializeOwned,)*
        {
            fn make(&self, args: Vec<Item>) -> Made {
                let ($($arg,)*): ($($Arg,)*) = arguments(args)?;
                guarded(|| Ok(Box::new(self($($arg),*)) as Box<dyn Any + Send>))
            }
        }

        impl<F, T, R, $($Arg,)*> Method<(Reads, T, R, $($Arg,)*)> for F
        where
            F: Fn(&T, $($Arg),*) -> R,
            T: Any,
            R: Serialize,
            $($Arg: DeserializeOwned,)*
        {
            fn call(&self, object: &mut dyn Any, args: Vec<Item>) -> Result<Item, Raised> {
                let ($($arg,)*): ($($Arg,)*) = arguments(args)?;
                let object = object.downcast_ref::<T>().ok_or_else(of_another_type)?;
                guarded(|| Ok(to_item(&self(object, $($arg),*))?))
            }
        }

        impl<F, T, R, $($Arg,)*> Method<(Changes, T, R, $($Arg,)*)> for F
        where
            F: Fn(&mut T, $($Arg),*) -> R,
            T: Any,
            R: Serialize,
            $($Arg: DeserializeOwned,)*
        {
            fn call(&self, object: &mut dyn Any, args: Vec<Item>) -> Result<Item, Raised> {
                let ($($arg,)*): ($($Arg,)*) = arguments(args)?;
                let object = object.downcast_mut::<T>().ok_or_else(of_another_type)?;
                guarded(|| Ok(to_item(&self(object, $($arg),*))?))
            }
        }
    )+ };
}

methods! {
    ()
    (a A)
    (a A b B)
    (a A b B c C)
    (a A b B c C d D)
}

fn arguments<Args: DeserializeOwned>(args: Vec<Item>) -> Result<Args, Raised> {
    let args = if args.is_empty() {
        Item::None
    } else {
        Item::Tuple(args)
    };
    Ok(from_item(args)?)
}

fn of_another_type() -> Raised {
    Kind::TypeError.says("an object of another type")
}

/// A panic is the caller's error, not the server's end.
fn guarded<R>(work: impl FnOnce() -> Result<R, Raised>) -> Result<R, Raised> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("a value that is no text").to_owned();
        std::mem::forget(payload); // dropping it could panic again
        Err(Kind::RemoteError.says(format!("the method panicked: {text}")))
    })
}

/// Registers a type whose objects a [`Manager`](crate::manager::Manager) can make in its server: its name, the
/// function that makes one, and the methods that clients may call. Clients find them by name, so they can call nothing
/// else. At the top level of any module.
///
/// ```
/// use forkproof::manager::Manager;
///
/// struct Account {
///     balance: i64,
/// }
///
/// impl Account {
///     fn new(balance: i64) -> Account {
///         Account { balance }
///     }
///
///     fn deposit(&mut self, amount: i64) -> i64 {
///         self.balance += amount;
///         self.balance
///     }
///
///     fn withdraw(&mut self, amount: i64) -> Result<i64, String> {
///         let left = self.balance.checked_sub(amount).filter(|left| *left >= 0);
///         self.balance = left.ok_or("not so much is there")?;
///         Ok(self.balance)
///     }
///
///     fn balance(&self) -> i64 {
///         self.balance
///     }
/// }
/// forkproof::managed!(Account { new, deposit, withdraw, balance });
///
/// fn main() -> Result<(), forkproof::ManagerError> {
///     let manager = Manager::start()?;
///     let account = manager.object("Account", (200,))?;
///     assert_eq!(account.call::<i64>("deposit", (5,))?, 205);
///     let refused: Result<i64, String> = account.call("withdraw", (1_000,))?;
///     assert_eq!(refused, Err("not so much is there".to_owned()));
///     assert_eq!(account.call::<i64>("balance", ())?, 205);
///     Ok(())
/// }
/// ```
///
/// The function and the methods have up to four arguments, of any types that serde can read; a method is on `&self` or
/// `&mut self`, and its result is anything of its own that serde can write, a `Result` too. The object is in the server, which has
/// one thread: each method is done as a whole, and holds up all others meanwhile.
///
/// A method that panics is a `RemoteError` of its caller's; the object stays as the panic left it.
#[macro_export]
macro_rules! managed {
    ($Type:ident { $new:ident $(, $method:ident)* $(,)? }) => {
        const _: () = {
            #[$crate::__private::linkme::distributed_slice($crate::__private::MANAGED)]
            #[linkme(crate = $crate::__private::linkme)]
            static REGISTERED: $crate::__private::Managed = $crate::__private::Managed {
                name: stringify!($Type),
                make: |args| $crate::__private::Maker::make(&<$Type>::$new, args),
                methods: &[$(
                    $crate::__private::ManagedMethod {
                        name: stringify!($method),
                        call: |object, args| {
                            $crate::__private::Method::call(&<$Type>::$method, object, args)
                        },
                    },
                )*],
            };
        };
    };
}
