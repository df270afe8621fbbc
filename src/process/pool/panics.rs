//! A task's panic as a value: its message, its place and its backtrace, instead of lines on standard error.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

use super::error::TaskPanic;

enum Watch {
    /// No task runs on this thread.
    Off,
    On,
    Seen(Box<TaskPanic>),
}

thread_local! {
    static WATCH: RefCell<Watch> = const { RefCell::new(Watch::Off) };
}

/// From now on a panic within [`caught`] is not told on standard error. Other threads' are, as before.
pub(super) fn keep_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| hook(panic::take_hook()));
}

fn hook(former: Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>) {
    panic::set_hook(Box::new(move |panic| {
        let ours = WATCH.with_borrow_mut(|watch| {
            let ours = !matches!(watch, Watch::Off);
            if ours {
                *watch = Watch::Seen(Box::new(seen(panic)));
            }
            ours
        });
        // One that aborts comes back as a worker's death only.
        if !ours || cfg!(panic = "abort") {
            former(panic);
        }
    }));
}

/// What `act` returns, or how it panicked.
pub(super) fn caught<R>(act: impl FnOnce() -> R) -> Result<R, Box<TaskPanic>> {
    let outer = WATCH.replace(Watch::On);
    let outcome = panic::catch_unwind(AssertUnwindSafe(act));
    let watch = WATCH.replace(outer);
    outcome.map_err(|payload| {
        let panic = match watch {
            Watch::Seen(panic) => panic,
            _ => Box::new(bare(message_of(&*payload))),
        };
        std::mem::forget(payload); // dropping it could panic again
        panic
    })
}

fn seen(panic: &PanicHookInfo<'_>) -> TaskPanic {
    TaskPanic {
        place: panic.location().map(ToString::to_string),
        backtrace: Backtrace::force_capture().to_string(),
        ..bare(message_of(panic.payload()))
    }
}

fn bare(message: &str) -> TaskPanic {
    TaskPanic {
        message: message.to_owned(),
        place: None,
        backtrace: String::new(),
    }
}

fn message_of(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is no text")
}
