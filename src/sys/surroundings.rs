//! What a child finds around it: everything that fork(2) would have handed down and that a child started
//! in another way must be given.
//!
//! | carried | not carried |
//! |---|---|
//! | environment, working directory, umask, limits, processor affinity | open files that are not passed |
//! | standard input, output and error | memory, signal handlers, timers |
//! | the program's name (`comm`) | niceness and scheduling policy of one thread |
//! | ignored signals, the calling thread's blocked signals | namespaces entered later than the zygote's start |
//!
//! The process that asks takes the picture ([`Surroundings::here`]), without changing anything: umask(2)
//! would for a moment set another mask for all threads, so the umask is read from /proc. The child puts it
//! up ([`Surroundings::settle`]) while it has one thread.

use std::ffi::{CString, OsString};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use serde::{Deserialize, Serialize};

const LAST_SIGNAL: i32 = 64;
const LIMITS: u32 = 16; // RLIMIT_CPU to RLIMIT_RTTIME
const PROCESSOR_WORDS: usize = size_of::<libc::cpu_set_t>() / size_of::<u64>();

#[derive(Serialize, Deserialize)]
pub(super) struct Surroundings {
    /// `NAME=value`, as environ(7).
    environment: Vec<CString>,
    umask: u32,
    /// Bit n - 1 for signal n.
    ignored: u64,
    blocked: u64,
    /// Soft and hard, by number.
    limits: Vec<(u64, u64)>,
    /// A bit a processor; empty if there are too many to tell.
    processors: Vec<u64>,
    comm: CString,
}

/// The files of one's surroundings.
pub(super) struct Places<Fd> {
    pub cwd: Fd,
    /// Standard input, output, error: `None` where it is closed.
    pub stdio: [Option<Fd>; 3],
}

unsafe extern "C" {
    static mut environ: *mut *mut libc::c_char;
}

impl Surroundings {
    /// The calling thread's.
    ///
    /// # Errors
    /// /proc is not mounted.
    pub fn here() -> io::Result<Surroundings> {
        let status = read_at_once("/proc/thread-self/status")?;
        let status = String::from_utf8_lossy(&status);
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.map(str::trim)
                .ok_or_else(|| io::Error::other(format!("no {name} in /proc")))
        };
        let number =
            |name: &str, radix| u64::from_str_radix(field(name)?, radix).map_err(io::Error::other);
        Ok(Surroundings {
            environment: std::env::vars_os()
                .map(assignment)
                .collect::<io::Result<_>>()?,
            umask: number("Umask:", 8)? as u32,
            ignored: number("SigIgn:", 16)?,
            blocked: blocked_signals()?,
            limits: (0..LIMITS).map(limit).collect::<io::Result<_>>()?,
            processors: processors(),
            comm: comm()?,
        })
    }

    /// How many processes the user may have.
    pub fn processes(&self) -> u64 {
        self.limits[libc::RLIMIT_NPROC as usize].0
    }

    /// Makes them the calling process's own, which has one thread, blocks all signals, and ignores none.
    /// Signals that came in the meantime take effect at the end, as its parent's settings say.
    pub fn settle(self, places: Places<OwnedFd>) -> io::Result<()> {
        for (number, limit) in (0..LIMITS).zip(self.limits) {
            set_limit(number, limit)?;
        }
        set_processors(&self.processors)?;
        // SAFETY: umask takes a number and cannot fail.
        unsafe { libc::umask(self.umask as libc::mode_t) };
        nix::unistd::fchdir(&places.cwd)?;
        set_environment(self.environment);
        for (place, file) in (0..).zip(&places.stdio) {
            let Some(file) = file else { continue }; // stays /dev/null, as Rust's own start would have it
            // SAFETY: both are descriptor numbers; what stood at `place` is closed, and nobody owns it.
            if unsafe { libc::dup2(file.as_raw_fd(), place) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        nix::sys::prctl::set_name(&self.comm)?;
        for signal in (1..=LAST_SIGNAL).filter(|signal| self.ignored & bit(*signal) != 0) {
            set_disposition(signal, libc::SIG_IGN)?;
        }
        block_signals(self.blocked)
    }
}

impl Places<OwnedFd> {
    /// The directory that the process works in, opened.
    pub fn working_directory() -> io::Result<OwnedFd> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(open(".", flags, Mode::empty())?)
    }
}

/// Standard input, output and error, as far as they are open.
pub(super) fn stdio() -> [Option<BorrowedFd<'static>>; 3] {
    [0, 1, 2].map(|fd| {
        // SAFETY: F_GETFD asks whether the number is a descriptor.
        let open = unsafe { libc::fcntl(fd, libc::F_GETFD) } >= 0;
        // SAFETY: the standard streams stay open as long as a program writes to them; a program that
        // closes one just now sends what came to stand in its place, or nothing.
        open.then(|| unsafe { BorrowedFd::borrow_raw(fd) })
    })
}

/// Blocks every signal that can be blocked, and has none ignored: what comes from now on waits.
pub(super) fn hold_signals() -> io::Result<()> {
    block_signals(u64::MAX)?;
    (1..=LAST_SIGNAL).try_for_each(|signal| set_disposition(signal, libc::SIG_DFL))
}

/// Sets that, as far as it may be raised.
pub(super) fn allow_processes(count: u64) -> io::Result<()> {
    let (_, hard) = limit(libc::RLIMIT_NPROC)?;
    set_limit(libc::RLIMIT_NPROC, (count.min(hard), hard))
}

/// Of a file that the kernel makes up when it is read: the fewer pieces, the less it does.
fn read_at_once(path: &str) -> io::Result<Vec<u8>> {
    let mut content = Vec::with_capacity(8 << 10);
    std::fs::File::open(path)?.read_to_end(&mut content)?;
    Ok(content)
}

/// The program's name: that of its first thread.
fn comm() -> io::Result<CString> {
    if nix::unistd::gettid() == nix::unistd::getpid() {
        return Ok(nix::sys::prctl::get_name()?);
    }
    let mut comm = read_at_once("/proc/self/comm")?;
    comm.pop_if(|last| *last == b'\n');
    Ok(CString::new(comm)?)
}

fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

fn assignment((name, value): (OsString, OsString)) -> io::Result<CString> {
    let mut assignment = name.into_vec();
    assignment.push(b'=');
    assignment.extend(value.into_vec());
    Ok(CString::new(assignment)?)
}

/// Replaces the environment: nothing of the former one is left.
fn set_environment(assignments: Vec<CString>) {
    let assignments = assignments.into_iter().map(CString::into_raw); // leaked: they belong to the environment now
    let mut list: Vec<_> = assignments.collect();
    list.push(std::ptr::null_mut());
    // SAFETY: the process has one thread, so nobody reads the environment now; the list is as environ(7)
    // asks and lives for ever. The C library copies a list that is not its own before it changes it.
    unsafe { environ = list.leak().as_mut_ptr() };
}

fn limit(number: u32) -> io::Result<(u64, u64)> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a place for the answer.
    if unsafe { libc::getrlimit(number as _, &mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((limit.rlim_cur, limit.rlim_max))
}

fn set_limit(number: u32, (soft, hard): (u64, u64)) -> io::Result<()> {
    if limit(number)? == (soft, hard) {
        return Ok(()); // most are: and setting one needs the right to
    }
    let limit = libc::rlimit {
        rlim_cur: soft,
        rlim_max: hard,
    };
    // SAFETY: `limit` is a whole rlimit.
    if unsafe { libc::setrlimit(number as _, &limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn processors() -> Vec<u64> {
    let mut words = vec![0; PROCESSOR_WORDS];
    let bytes = size_of::<libc::cpu_set_t>();
    // SAFETY: `words` is as large and as aligned as a cpu_set_t; 0 is the calling thread.
    let failed = unsafe { libc::sched_getaffinity(0, bytes, words.as_mut_ptr().cast()) };
    if failed != 0 {
        words.clear();
    }
    words
}

fn set_processors(words: &[u64]) -> io::Result<()> {
    if words.len() != PROCESSOR_WORDS || processors() == words {
        return Ok(());
    }
    let bytes = size_of::<libc::cpu_set_t>();
    // SAFETY: `words` is as large and as aligned as a cpu_set_t; 0 is the calling thread.
    if unsafe { libc::sched_setaffinity(0, bytes, words.as_ptr().cast()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn set_disposition(signal: i32, handler: libc::sighandler_t) -> io::Result<()> {
    // SAFETY: zero is a sigaction without flags and mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler;
    // SAFETY: SIG_IGN and SIG_DFL run no code of ours.
    if unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) } == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        // KILL and STOP cannot be set, nor the two that the C library keeps for itself (which
        // posix_spawn of glibc leaves ignored)
        error if error.raw_os_error() == Some(libc::EINVAL) => Ok(()),
        error => Err(error),
    }
}

fn blocked_signals() -> io::Result<u64> {
    // SAFETY: zero is an empty set here, to be overwritten.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: with no new set the call only fills in the old one.
    let failed = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), &mut set) };
    if failed != 0 {
        return Err(io::Error::from_raw_os_error(failed));
    }
    // SAFETY: `set` was filled in.
    let member = |signal: &i32| unsafe { libc::sigismember(&set, *signal) } == 1;
    Ok((1..=LAST_SIGNAL).filter(member).map(bit).sum())
}

fn block_signals(blocked: u64) -> io::Result<()> {
    // SAFETY: zero is a place for a set; sigemptyset makes it one.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: `set` is a place for a set.
    unsafe { libc::sigemptyset(&mut set) };
    for signal in (1..=LAST_SIGNAL).filter(|signal| blocked & bit(*signal) != 0) {
        // SAFETY: `set` is a set. The C library refuses the signals that are its own, as it should.
        unsafe { libc::sigaddset(&mut set, signal) };
    }
    // SAFETY: `set` is a set; the old one is not asked for.
    let failed = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &set, std::ptr::null_mut()) };
    if failed != 0 {
        return Err(io::Error::from_raw_os_error(failed));
    }
    Ok(())
}
