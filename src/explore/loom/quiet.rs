//! Panics that are an answer: caught with their message, and not printed.
//!
//! The panic hook belongs to the whole process. Ours is put before the one that is there, once, and passes
//! on everything but the panics of a thread that is inside [`catch`].

use std::any::Any;
use std::cell::Cell;
use std::panic::{UnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `act`; a panic comes back as its message, and nothing is printed of it.
pub(super) fn catch<R>(act: impl FnOnce() -> R + UnwindSafe) -> Result<R, String> {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let next = take_hook();
        set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                next(panic);
            }
        }));
    });
    let before = QUIET.replace(true);
    let result = catch_unwind(act);
    QUIET.set(before);
    result.map_err(|payload| text(&*payload))
}

/// What a panic says.
pub(super) fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message").to_owned()
}
