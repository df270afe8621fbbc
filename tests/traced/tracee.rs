//! A forked process that this one traces: resumed a little at a time, and looked at in between.
//!
//! All calls come from the one thread that forked it: ptrace(2) takes them from no other.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use forkproof::sys::child::{self, Signal};
use forkproof::sys::fork;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal as Sent;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// Ids below are counts and sizes in shared memory as well: no process that takes part bears one.
const LEAST_ID: i32 = 4_096;

/// How a process ends whose code panicked.
const PANICKED: i32 = 101;

/// The system calls in which the library waits for others.
const WAITS: [i64; 5] = [
    nix::libc::SYS_futex,
    nix::libc::SYS_futex_waitv,
    nix::libc::SYS_ppoll,
    nix::libc::SYS_recvmsg,
    nix::libc::SYS_sendmsg,
];

/// A child of this process, by its number: nobody else waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracee(pub Pid);

/// What became of a process that was told to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It has reached a [`mark`].
    AtMark,
    /// It has taken the step that it was told to take.
    Stepped,
    /// At the door of a system call, coming or going.
    AtCall,
    /// It sleeps in the kernel.
    Asleep,
    /// Its exit code, or minus the signal's number.
    Ended(i32),
}

/// Tells the tracer where its caller has got.
pub fn mark() {
    child::raise(Signal::STOP).expect("a process may stop itself");
}

/// Forks a process that runs `code` and ends; it dies with this one.
///
/// # Errors
/// Those of fork(2); this process has other threads.
pub fn start(code: impl FnOnce()) -> io::Result<Pid> {
    let mut code = Some(code);
    loop {
        let high = || std::process::id() as i32 >= LEAST_ID;
        let child = fork::child(|| match code.take() {
            Some(code) if high() => match catch_unwind(AssertUnwindSafe(code)) {
                Ok(()) => 0,
                Err(_) => PANICKED,
            },
            _ => 0,
        })?;
        let pid = Pid::from_raw(child.pid() as i32);
        if pid.as_raw() >= LEAST_ID {
            return Ok(pid);
        }
        child.wait()?;
    }
}

impl Tracee {
    /// Forks a process that is traced, and stands at a mark before `code`.
    ///
    /// # Errors
    /// ptrace(2) is refused here; no process can be forked.
    pub fn start(code: impl FnOnce()) -> io::Result<Tracee> {
        let pid = start(|| match ptrace::traceme() {
            Ok(()) => {
                mark();
                code();
            }
            Err(refused) => child::exit_at_once(refused as i32),
        })?;
        match waitpid(pid, Some(WaitPidFlag::__WALL))? {
            WaitStatus::Stopped(_, Sent::SIGSTOP) => {}
            WaitStatus::Exited(_, errno) => return Err(io::Error::from_raw_os_error(errno)),
            other => return Err(io::Error::other(format!("a tracee began with {other:?}"))),
        }
        ptrace::setoptions(
            pid,
            Options::PTRACE_O_EXITKILL | Options::PTRACE_O_TRACESYSGOOD,
        )?;
        Ok(Tracee(pid))
    }

    /// Lets it take one instruction.
    ///
    /// # Errors
    /// It is not stopped.
    pub fn step(self) -> io::Result<()> {
        Ok(ptrace::step(self.0, None)?)
    }

    /// Lets it go on to its next mark, of either kind.
    ///
    /// # Errors
    /// It is not stopped.
    pub fn go_on(self) -> io::Result<()> {
        Ok(ptrace::cont(self.0, None)?)
    }

    /// Waits until it has stopped, has ended, or sleeps where only others can wake it.
    ///
    /// # Errors
    /// It is no child of this process any more.
    pub fn settle(self) -> io::Result<Settled> {
        for turn in 1u64.. {
            let flags = WaitPidFlag::WNOHANG | WaitPidFlag::__WALL;
            if let Some(settled) = settled(waitpid(self.0, Some(flags))?)? {
                return Ok(settled);
            }
            std::thread::yield_now();
            if turn % 16 == 0 && self.sleeps()? {
                return Ok(Settled::Asleep);
            }
        }
        unreachable!("a loop without an end");
    }

    /// Kills it, wherever it is, and waits for its end.
    ///
    /// # Errors
    /// It ended otherwise.
    pub fn kill(self) -> io::Result<()> {
        nix::sys::signal::kill(self.0, Sent::SIGKILL)?;
        loop {
            match waitpid(self.0, Some(WaitPidFlag::__WALL))? {
                WaitStatus::Signaled(_, Sent::SIGKILL, _) => return Ok(()),
                WaitStatus::Exited(_, code) => {
                    let text = format!("it exited with {code} before it was killed");
                    return Err(io::Error::other(text));
                }
                _ => {}
            }
        }
    }

    /// In the state `S` of proc(5), in a call that waits for others; in two looks with a chance in between to go on.
    fn sleeps(self) -> io::Result<bool> {
        let looks_asleep = || {
            let read = |file| std::fs::read_to_string(format!("/proc/{}/{file}", self.0));
            let (stat, call) = (read("stat")?, read("syscall")?);
            let (_, fields) = stat.rsplit_once(") ").unwrap_or_default();
            let number = call.split_whitespace().next().map(str::parse::<i64>);
            let waits = number.is_some_and(|number| number.is_ok_and(|it| WAITS.contains(&it)));
            io::Result::Ok(fields.starts_with('S') && waits)
        };
        if !looks_asleep()? {
            return Ok(false);
        }
        std::thread::yield_now();
        looks_asleep()
    }
}

/// A place in a stopped process's code at which it will stop again.
pub struct Breakpoint {
    tracee: Tracee,
    address: u64,
    /// The code that belongs there.
    code: i64,
}

/// The instruction INT3.
const INT3: i64 = 0xcc;

impl Breakpoint {
    /// # Errors
    /// It is not stopped, or there is no code.
    pub fn set(tracee: Tracee, address: u64) -> io::Result<Breakpoint> {
        let code = ptrace::read(tracee.0, address as ptrace::AddressType)?;
        let breakpoint = Breakpoint {
            tracee,
            address,
            code,
        };
        breakpoint.write(code & !0xff | INT3)?;
        Ok(breakpoint)
    }

    /// Takes it away from a process that has just met it, and stands before the instruction that belongs there.
    ///
    /// # Errors
    /// It is not stopped.
    pub fn take_back(self) -> io::Result<()> {
        self.write(self.code)?;
        let mut registers = ptrace::getregs(self.tracee.0)?;
        registers.rip = self.address;
        Ok(ptrace::setregs(self.tracee.0, registers)?)
    }

    fn write(&self, code: i64) -> io::Result<()> {
        let address = self.address as ptrace::AddressType;
        Ok(ptrace::write(self.tracee.0, address, code)?)
    }
}

/// What a status says; `None` if nothing has happened.
///
/// # Errors
/// A signal that no one here sends.
pub fn settled(status: WaitStatus) -> io::Result<Option<Settled>> {
    Ok(Some(match status {
        WaitStatus::StillAlive => return Ok(None),
        WaitStatus::Stopped(_, Sent::SIGSTOP) => Settled::AtMark,
        WaitStatus::Stopped(_, Sent::SIGTRAP | Sent::SIGUSR1) => Settled::Stepped,
        WaitStatus::PtraceSyscall(_) => Settled::AtCall,
        WaitStatus::Exited(_, code) => Settled::Ended(code),
        WaitStatus::Signaled(_, signal, _) => Settled::Ended(-(signal as i32)),
        other => return Err(io::Error::other(format!("not expected here: {other:?}"))),
    }))
}
