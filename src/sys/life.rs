//! A child's life, from the moment it has its order to its exit, alike for every way of starting it.
//!
//! settle into the surroundings → know the [`Origin`] → wait for the permit → run
//! the entry → exit(3), which flushes standard output and runs what was registered with atexit(3).
//!
//! A panic that leaves the entry is exit code 1; its message is on standard error, in one write and under
//! the process's name, as several processes share that stream:
//! `process 'Process-1' panicked at src/x.rs:3:5:` and the message in the next line. Where the program is
//! built with `panic = "abort"` the message is the same and the child ends by SIGABRT.

use std::backtrace::Backtrace;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use nix::unistd::{getpid, gettid};

use super::order::{Birth, Which};
use super::permit::Permit;
use super::poll::readable;
use super::{exec, image, oversight};

/// What a process that this library started knows of its start.
#[derive(Debug)]
pub struct Origin {
    pub name: String,
    pub daemon: bool,
    pub parent: Parent,
}

/// The process that started this one.
#[derive(Debug)]
pub struct Parent {
    pub pid: u32,
    pub(super) pidfd: OwnedFd,
}

impl Parent {
    /// Whether it has not ended yet.
    pub fn is_alive(&self) -> io::Result<bool> {
        self.wait(Some(Duration::ZERO)).map(|ended| !ended)
    }

    /// Readable once it has ended.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Waits until it has ended, at most so long (without a timeout: for ever). Whether it has.
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<bool> {
        readable(self.pidfd.as_fd(), timeout)
    }
}

static ORIGIN: RwLock<Option<&'static Origin>> = RwLock::new(None);

/// `None` in a process that this library did not start.
pub fn origin() -> Option<&'static Origin> {
    *ORIGIN.read().unwrap_or_else(PoisonError::into_inner)
}

/// From here on the calling process is a program of its own, whoever has started it.
pub fn begin_anew() {
    *ORIGIN.write().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Has a function called at exit(3), before those that were registered earlier. It must not panic.
pub fn at_exit(last_act: extern "C" fn()) -> io::Result<()> {
    // SAFETY: the function is a part of the program, and no panic leaves an `extern "C"` function.
    match unsafe { libc::atexit(last_act) } {
        0 => Ok(()),
        _ => Err(io::ErrorKind::OutOfMemory.into()),
    }
}

/// From here on this process, and the children that it starts, end silently when they write to a pipe that no one
/// reads any more, as programs in other languages do. (A Rust program ignores SIGPIPE, and `println!` panics.)
///
/// # Errors
/// The kernel refuses.
pub fn end_at_broken_pipe() -> io::Result<()> {
    // SAFETY: SIG_DFL runs no code of ours.
    match unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) } {
        libc::SIG_ERR => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// From here on neither SIGINT nor SIGTERM ends this process: what a terminal, or a shutdown, sends to all is for those
/// that it serves, and it ends after them.
pub fn ignore_interruptions() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: SIG_IGN runs no code of ours. It cannot fail for these two.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// The life of a child that was made with an order. It has one thread, and all signals wait.
pub(super) fn live(birth: Birth, parent: OwnedFd) -> ! {
    let Birth {
        order,
        daemon,
        places,
        permit,
        fds,
        payload,
    } = birth;
    if let Err(error) = order.surroundings.settle(places) {
        give_up(
            &order.name,
            &format!("cannot take over its parent's surroundings: {error}"),
        );
    }
    let entry = match &order.which {
        // SAFETY: the orderer runs this same image, and got the offset from offset_of().
        Which::At(offset) => unsafe { image::entry_at(*offset) },
        Which::Named(function) => {
            exec::spawnable(function).unwrap_or_else(|refusal| give_up(&order.name, &refusal))
        }
    };
    let parent = Parent {
        pid: order.parent,
        pidfd: parent,
    };
    let origin = Origin {
        name: order.name,
        daemon,
        parent,
    };
    begin(origin, permit, || entry(payload.bytes(), fds))
}

/// From the permit on. The calling thread is the only one.
pub(super) fn begin(origin: Origin, permit: Permit, entry: impl FnOnce() -> i32) -> ! {
    let origin: &'static Origin = Box::leak(Box::new(origin)); // it is as old as the process
    *ORIGIN.write().unwrap_or_else(PoisonError::into_inner) = Some(origin);
    if !permit.wait(origin.parent.pidfd()).unwrap_or(false) {
        // SAFETY: _exit takes a number. Nothing has run, so nothing is to be flushed or cleaned up.
        unsafe { libc::_exit(1) };
    }
    if let Err(error) = permit.hang_on() {
        give_up(&origin.name, &format!("cannot watch its parent: {error}"));
    }
    tell_panics(&origin.name);
    let code = panic::catch_unwind(AssertUnwindSafe(entry)).unwrap_or_else(|payload| {
        std::mem::forget(payload); // dropping it could panic again
        1
    });
    std::process::exit(code)
}

/// A child that cannot run its entry.
fn give_up(name: &str, why: &str) -> ! {
    say(&format!("process '{name}' {why}\n"));
    std::process::exit(1)
}

/// To standard error, in one write, so that lines of several processes do not mix. Under control, where the same is
/// said in run after run, to no one.
pub fn say(text: &str) {
    if oversight::is_overseen() {
        return;
    }
    let _ = io::stderr().lock().write_all(text.as_bytes()); // nobody is left to be told
}

fn tell_panics(name: &str) {
    let name = name.to_owned();
    panic::set_hook(Box::new(move |panic| {
        let which = match thread::current().name() {
            _ if gettid() == getpid() => String::new(),
            Some(name) => format!(", thread '{name}',"),
            None => ", a thread without a name,".to_owned(),
        };
        let mut text = format!("process '{name}'{which} panicked");
        if let Some(place) = panic.location() {
            text += &format!(" at {place}");
        }
        text += &format!(":\n{}\n", message_of(panic));
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|wish| wish != "0") {
            text += &format!("stack backtrace:\n{}\n", Backtrace::force_capture());
        }
        say(&text);
    }));
}

fn message_of<'a>(panic: &'a PanicHookInfo<'_>) -> &'a str {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is no text")
}
