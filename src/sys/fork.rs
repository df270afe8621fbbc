//! What a direct fork changes, noticed: fork(2) copies memory, so a process may find in its own memory
//! what belongs to its parent.
//!
//! Two counters, kept by `pthread_atfork(3)` handlers (a raw `clone` runs none of them: whoever calls it
//! in a process that shares memory says so with [`born_by_clone`]):
//! - [`forks`] counts the forks that this process has taken part in, on either side. What was alive at a
//!   fork is held by two processes from then on.
//! - [`births`] counts the forks on the child's side. What was recorded under another count belongs to an
//!   ancestor.

use std::io::{self, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use nix::unistd::ForkResult;

use super::child::Child;

// Relaxed throughout: the handlers run on the thread that forks, and a child starts with that thread alone.
static FORKS: AtomicU32 = AtomicU32::new(0);
static BIRTHS: AtomicU32 = AtomicU32::new(0);

/// The forks so far, as parent or child.
pub fn forks() -> u32 {
    watch();
    FORKS.load(Relaxed)
}

/// The forks so far in which this process was the child, counted down its line of ancestors.
pub fn births() -> u32 {
    watch();
    BIRTHS.load(Relaxed)
}

/// For a child made by a raw `clone`, which runs no fork handlers. Call it first thing in the child.
pub fn born_by_clone() {
    FORKS.fetch_add(1, Relaxed);
    born();
}

/// Starts counting. Cheap to call again; a fork before the first call needs no noticing, as nothing was
/// recorded yet.
pub(super) fn watch() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| {
        // SAFETY: the handlers touch atomics and const-initialised thread-locals without destructors,
        // nothing else: sound in the one thread of a forked child.
        let failed = unsafe { libc::pthread_atfork(Some(forking), None, Some(born)) };
        assert_eq!(failed, 0, "pthread_atfork: out of memory at the start");
    });
}

/// Has `take` called before each fork of this process from here on, on the thread that forks, and `give` after it, there
/// and in the child: for a lock that another thread may hold, and that the child must find free. Neither may panic.
pub fn around_forks(take: extern "C" fn(), give: extern "C" fn()) {
    // SAFETY: the functions are parts of the program, and no panic leaves an `extern "C"` function.
    let failed = unsafe { libc::pthread_atfork(Some(take), Some(give), Some(give)) };
    assert_eq!(failed, 0, "pthread_atfork: out of memory at the start");
}

extern "C" fn forking() {
    FORKS.fetch_add(1, Relaxed);
}

extern "C" fn born() {
    BIRTHS.fetch_add(1, Relaxed);
    super::robust::refresh();
}

/// Forks a child that runs `code`, and that is killed when this thread ends. Its exit code is `code`'s; no
/// exit handlers run.
///
/// # Errors
/// This process has other threads: their locks would stay held in the child for ever. Those of fork(2).
pub fn child(code: impl FnOnce() -> i32) -> io::Result<Child> {
    let threads = threads()?;
    if threads != 1 {
        return Err(io::Error::other(format!(
            "fork is unsafe in a process of {threads} threads"
        )));
    }
    let parent = std::process::id();
    // SAFETY: this process has one thread, so that no lock is held by another.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => {
            let pid = child.as_raw().unsigned_abs();
            Ok(Child::new(pid, super::child::pidfd_of(pid)?))
        }
        ForkResult::Child => {
            let armed = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
            let orphaned = std::os::unix::process::parent_id() != parent;
            let exit_code = if armed.is_err() || orphaned {
                1
            } else {
                code()
            };
            let _unwritable = io::stdout().flush();
            // SAFETY: ends the process; this one thread runs nothing else.
            unsafe { libc::_exit(exit_code) }
        }
    }
}

/// The threads of this process.
///
/// # Errors
/// `/proc` cannot be read.
pub fn threads() -> io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}

/// Keeps this thread, and those it makes, on the core where it is: processes that hand a turn to each other
/// do so in a tenth of the time if they share one.
///
/// # Errors
/// Those of sched_setaffinity(2).
pub fn stay_on_this_core() -> io::Result<()> {
    let mut cores = nix::sched::CpuSet::new();
    cores.set(nix::sched::sched_getcpu()?)?;
    Ok(nix::sched::sched_setaffinity(
        nix::unistd::Pid::from_raw(0),
        &cores,
    )?)
}
