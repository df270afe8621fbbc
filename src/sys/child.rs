//! A child process, held by its pidfd: waiting for it and signalling it can never reach another process
//! that came to bear the same number.
//!
//! ```
//! use forkproof::sys::child::{Child, ExitStatus, Request, Signal};
//! # use std::os::fd::OwnedFd;
//!
//! fn sleeper(_payload: &[u8], _fds: Vec<OwnedFd>) -> i32 {
//!     loop {
//!         std::thread::park();
//!     }
//! }
//!
//! let request = Request { entry: sleeper, payload: b"", fds: &[], daemon: true, ends_with_parent: true, name: "sleeper" };
//! let child: Child = forkproof::sys::zygote::start(&request)?;
//! child.signal(Signal::KILL)?;
//! assert_eq!(child.wait()?, ExitStatus::Signalled(Signal::KILL));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! A child that nobody waits for stays a zombie until its parent ends: whoever starts one waits for it.
//!
//! Sources: pidfd_open(2), pidfd_send_signal(2), waitid(2) with P_PIDFD (Linux 5.4).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::os::Os;
use super::permit::LifeLine;
use super::{oversight, poll, step};
use crate::world::World;

/// What a child runs: its return value is the exit code. It travels as an offset from the image's start.
pub type Entry = fn(payload: &[u8], fds: Vec<OwnedFd>) -> i32;

/// A child to be started.
pub struct Request<'a> {
    pub entry: Entry,
    /// Handed to the entry. Of any size.
    pub payload: &'a [u8],
    /// Handed to the entry as copies of its own, closed on exec. Any number that the limits allow.
    pub fds: &'a [BorrowedFd<'a>],
    /// Told to the child: it is to start no processes.
    pub daemon: bool,
    /// Killed when its parent is gone, however that ended.
    pub ends_with_parent: bool,
    /// Names the child in the messages of its panics.
    pub name: &'a str,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// By exit(3), or by returning from its entry: the low 8 bits of the code.
    Exited(i32),
    Signalled(Signal),
}

impl ExitStatus {
    /// The exit code, or minus the signal's number.
    pub fn code(self) -> i32 {
        match self {
            ExitStatus::Exited(code) => code,
            ExitStatus::Signalled(signal) => -signal.0,
        }
    }
}

/// A signal's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal(pub i32);

impl Signal {
    pub const HUP: Signal = Signal(libc::SIGHUP);
    pub const INT: Signal = Signal(libc::SIGINT);
    pub const QUIT: Signal = Signal(libc::SIGQUIT);
    pub const KILL: Signal = Signal(libc::SIGKILL);
    pub const USR1: Signal = Signal(libc::SIGUSR1);
    pub const USR2: Signal = Signal(libc::SIGUSR2);
    pub const PIPE: Signal = Signal(libc::SIGPIPE);
    pub const TERM: Signal = Signal(libc::SIGTERM);
    pub const CONT: Signal = Signal(libc::SIGCONT);
    pub const STOP: Signal = Signal(libc::SIGSTOP);
}

/// A child of this process. Its methods may be called from any thread, several at once.
#[derive(Debug)]
pub struct Child {
    pid: u32,
    pidfd: Arc<OwnedFd>,
    ended: Mutex<Option<Ended>>,
    /// Of one that ends with this process.
    line: Option<LifeLine>,
}

#[derive(Clone, Copy, Debug)]
enum Ended {
    As(ExitStatus),
    /// Someone else has waited for it, so how it ended is lost.
    Unseen,
}

impl Child {
    pub(super) fn new(pid: u32, pidfd: OwnedFd) -> Child {
        step::beyond();
        Child {
            pid,
            pidfd: Arc::new(pidfd),
            ended: Mutex::new(None),
            line: None,
        }
    }

    /// A process that another one has started, and that becomes this one's child when that is gone (see
    /// [`adopt_orphans`]).
    ///
    /// # Errors
    /// It is gone; no descriptors left.
    pub fn adopted(pid: u32) -> io::Result<Child> {
        Ok(Child::new(pid, pidfd_of(pid)?))
    }

    /// With a line, the kernel kills it when this process is gone: see [`LifeLine`].
    pub(super) fn hold(&mut self, line: Option<LifeLine>) {
        self.line = line;
    }

    /// Its number: stale once it has been waited for.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Readable (poll) when the child has ended.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// To look at the child as long as someone holds it.
    pub(super) fn pidfd_weak(&self) -> Weak<OwnedFd> {
        Arc::downgrade(&self.pidfd)
    }

    /// Waits until it ends. Later calls answer the same at once.
    ///
    /// # Errors
    /// How it ended is lost: another wait of this process took it (`waitpid(-1)`), or SIGCHLD is ignored.
    /// Called by a process that is not its parent.
    pub fn wait(&self) -> io::Result<ExitStatus> {
        self.ends_before(None)?;
        self.reap()
    }

    /// Whether it has, which is left to whoever asks how.
    ///
    /// # Errors
    /// poll(2) refuses.
    pub fn has_ended(&self) -> io::Result<bool> {
        poll::readable(self.pidfd(), Some(Duration::ZERO))
    }

    /// Waits until it ends, and leaves how it ended to whoever asks later.
    ///
    /// # Errors
    /// poll(2) refuses.
    pub fn await_end(&self) -> io::Result<()> {
        poll::readable(self.pidfd(), None).map(drop)
    }

    /// Whether a signal would end it, as it neither ignores nor handles it.
    ///
    /// # Errors
    /// It is gone, or `/proc` cannot be read.
    pub fn would_end_by(&self, signal: Signal) -> io::Result<bool> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let mask = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        };
        let kept = mask("SigIgn:").unwrap_or(0) | mask("SigCgt:").unwrap_or(0);
        let passed_over = matches!(
            signal.0,
            libc::SIGCHLD | libc::SIGCONT | libc::SIGURG | libc::SIGWINCH
        );
        Ok(kept & 1 << (signal.0 - 1) == 0 && !passed_over)
    }

    /// Waits until it ends, at most so long: `None` if it still runs.
    ///
    /// # Errors
    /// As [`wait`](Child::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> io::Result<Option<ExitStatus>> {
        if !self.ends_before(Some(timeout))? {
            return Ok(None);
        }
        self.reap().map(Some)
    }

    /// Waits until it ends, at most so long: whether it has.
    fn ends_before(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let until = timeout.and_then(Os::deadline);
        if self.has_ended_before() {
            return Ok(true);
        }
        match oversight::await_end(self.pid, until) {
            Some(ended) => Ok(ended),
            None => Ok(poll::ready(&[(self.pidfd(), poll::For::Input)], until)?[0]),
        }
    }

    /// This process has waited for it already.
    fn has_ended_before(&self) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.is_some()
    }

    /// How it ended, or `None` if it still runs.
    ///
    /// # Errors
    /// As [`wait`](Child::wait).
    pub fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        self.wait_timeout(Duration::ZERO)
    }

    /// Sends it a signal. A child that has ended takes it without effect.
    ///
    /// # Errors
    /// The signal does not exist; or the child has become another user.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        if !self.has_ended_before() && oversight::signal(self.pid, signal) {
            return Ok(());
        }
        match send_signal(self.pidfd(), signal) {
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            sent => sent,
        }
    }

    /// Takes the status of a child that has ended; the first caller's is remembered for the others.
    fn reap(&self) -> io::Result<ExitStatus> {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = match *ended {
            Some(seen) => seen,
            None => {
                let seen = wait_for(self.pidfd())?;
                *ended = Some(seen);
                seen
            }
        };
        match seen {
            Ended::As(status) => Ok(status),
            Ended::Unseen => Err(io::Error::other(
                "how the process ended is lost: another wait of this program took it, or SIGCHLD is \
                 ignored",
            )),
        }
    }
}

/// One that still runs outlives its handle.
impl Drop for Child {
    fn drop(&mut self) {
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        if ended.is_none()
            && let Some(line) = self.line.take()
        {
            line.leave();
        }
    }
}

/// A process by its number. The caller makes sure that the number is still its.
pub fn pidfd_of(pid: u32) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_open takes two numbers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid as libc::pid_t, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a new descriptor, owned by no one else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Sends a signal to the process behind a pidfd.
pub fn send_signal(pidfd: BorrowedFd<'_>, signal: Signal) -> io::Result<()> {
    let none = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: without a siginfo the kernel fills in the sender, as kill(2) does.
    let sent = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal.0,
            none,
            0,
        )
    };
    if sent == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Sends the calling process a signal.
///
/// # Errors
/// The signal does not exist.
pub fn raise(signal: Signal) -> io::Result<()> {
    // SAFETY: kill takes two numbers, and the process's own is its own.
    match unsafe { libc::kill(libc::getpid(), signal.0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// From here on, processes whose parents are gone become children of this one, if it is their nearest ancestor that says
/// so (`PR_SET_CHILD_SUBREAPER`).
///
/// # Errors
/// None that is known of: the kernel's.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(nix::sys::prctl::set_child_subreaper(true)?)
}

/// Ends the calling process, without what is to be done at its exit.
pub fn exit_at_once(code: i32) -> ! {
    // SAFETY: _exit takes a number; nothing of the process is used any more.
    unsafe { libc::_exit(code) }
}

/// Makes the calling process, and those that it will start, a group of their own.
///
/// # Errors
/// The process leads a session.
pub fn lead_a_group() -> io::Result<()> {
    // SAFETY: setpgid takes two numbers.
    match unsafe { libc::setpgid(0, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Kills a group. The caller makes sure that the number is still its: its leader has not been waited for.
///
/// # Errors
/// None of its processes is left.
pub fn kill_group(leader: u32) -> io::Result<()> {
    // SAFETY: killpg takes two numbers.
    match unsafe { libc::killpg(leader as libc::pid_t, libc::SIGKILL) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Waits for a child that is known by its number only, and that nobody else can have waited for.
pub(super) fn wait_for_number(pid: i32) -> io::Result<()> {
    loop {
        // SAFETY: waitpid without a place for the status.
        if unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) } == pid {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// waitid(2) on a process that has ended.
fn wait_for(pidfd: BorrowedFd<'_>) -> io::Result<Ended> {
    loop {
        // SAFETY: zero is a siginfo without content.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let id = pidfd.as_raw_fd() as libc::id_t;
        // SAFETY: `info` is a siginfo to be filled.
        if unsafe { libc::waitid(libc::P_PIDFD, id, &mut info, libc::WEXITED) } == 0 {
            // SAFETY: waitid has filled in the fields of a SIGCHLD.
            let status = unsafe { info.si_status() };
            return Ok(Ended::As(match info.si_code {
                libc::CLD_EXITED => ExitStatus::Exited(status),
                _ => ExitStatus::Signalled(Signal(status)),
            }));
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::ECHILD) => return Ok(Ended::Unseen),
            _ => return Err(error),
        }
    }
}
