//! What this test asks of a [`Tracee`] beyond what others do: that it goes from call to call, or free, or beside
//! this process.

use std::io;

#[cfg(feature = "harness")]
use forkproof::sys::child::{self, Signal};
use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

pub use crate::traced::tracee::{Breakpoint, Settled, Tracee, mark, settled, start};

/// Tells the tracer of a step of the library's.
#[cfg(feature = "harness")]
pub fn mark_step() {
    child::raise(Signal::USR1).expect("a process may send itself a signal");
}

/// Has the calling process run on the other cores, if there are any: truly beside those on this one.
pub fn leave_this_core() {
    let here = sched_getcpu().expect("a process runs on some core");
    let mut others = CpuSet::new();
    for core in (0..CpuSet::count()).filter(|core| *core != here) {
        others.set(core).expect("a core's number");
    }
    let _there_is_but_one = sched_setaffinity(Pid::from_raw(0), &others);
}

impl Tracee {
    /// Lets it go on to the door of its next system call.
    ///
    /// # Errors
    /// It is not stopped.
    pub fn go_on_to_call(self) -> io::Result<()> {
        Ok(ptrace::syscall(self.0, None)?)
    }

    /// Where its next instruction lies.
    ///
    /// # Errors
    /// It is not stopped.
    pub fn at(self) -> io::Result<u64> {
        Ok(ptrace::getregs(self.0)?.rip)
    }

    /// Lets it run free.
    ///
    /// # Errors
    /// It is not stopped.
    pub fn let_go(self) -> io::Result<()> {
        Ok(ptrace::detach(self.0, None)?)
    }

    /// Waits until it has stopped or has ended.
    ///
    /// # Errors
    /// As [`settle`](Tracee::settle).
    pub fn stopped(self) -> io::Result<Settled> {
        loop {
            if let Some(settled) = settled(waitpid(self.0, Some(WaitPidFlag::__WALL))?)? {
                return Ok(settled);
            }
        }
    }
}
