//! The children that a process has started and not seen the end of, and what becomes of them at its own.
//!
//! At a normal end of the program (exit(3): a return from main, `std::process::exit`) the daemons get
//! SIGTERM and all children are waited for, as in CPython. A program that is killed or aborts does none of
//! this: its daemons are killed, the others go on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Process;
use super::error::ProcessError;
use crate::sys::child::{Child, Signal};
use crate::sys::per_process::PerProcess;
use crate::sys::{life, zygote};

struct Started {
    process: Process,
    child: Arc<Child>,
    daemon: bool,
}

static CHILDREN: PerProcess<Mutex<Vec<Started>>> = PerProcess::new(|| Mutex::new(Vec::new()));

/// The processes that the calling one has started and that still run, in the order of their starts. Waits
/// for those that have ended, so that none stays a zombie.
///
/// ```
/// use forkproof::{Process, active_children};
///
/// let p = Process::new(std::thread::park, ());
/// p.start()?;
/// assert_eq!(active_children().len(), 1);
/// p.kill()?;
/// p.join()?;
/// assert!(active_children().is_empty());
/// # Ok::<(), forkproof::ProcessError>(())
/// ```
pub fn active_children() -> Vec<Process> {
    reap();
    let children = children();
    children
        .iter()
        .map(|started| started.process.clone())
        .collect()
}

/// Waits for those that have ended.
pub(super) fn reap() {
    // A child whose status was lost has ended as well.
    children().retain(|started| matches!(started.child.try_wait(), Ok(None)));
}

/// To be called before the first child is started.
pub(super) fn settle_at_exit() -> Result<(), ProcessError> {
    static REGISTERED: Mutex<bool> = Mutex::new(false);
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    if !*registered {
        // In this order: what is registered last is called first, and the zygote ends after the daemons.
        let register = || zygote::retire_at_exit().and_then(|()| life::at_exit(settle));
        register().map_err(ProcessError::io("start"))?;
        *registered = true;
    }
    Ok(())
}

pub(super) fn add(process: Process, child: Arc<Child>, daemon: bool) {
    children().push(Started {
        process,
        child,
        daemon,
    });
}

/// One that was waited for.
pub(super) fn forget(child: &Arc<Child>) {
    children().retain(|started| !Arc::ptr_eq(&started.child, child));
}

fn children() -> MutexGuard<'static, Vec<Started>> {
    CHILDREN
        .get()
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// At exit(3). Must not panic.
extern "C" fn settle() {
    loop {
        // Taken out, so that no lock is held while waiting; another thread may start more meanwhile.
        let children = std::mem::take(&mut *children());
        if children.is_empty() {
            return;
        }
        for started in children.iter().filter(|started| started.daemon) {
            let _ = started.child.signal(Signal::TERM); // it may have become another user
        }
        for started in &children {
            let _ = started.child.wait(); // a lost status is an end too
        }
    }
}
