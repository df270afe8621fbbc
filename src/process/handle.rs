//! `Process`: a process to be, running, or ended.

mod launch;

use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::children;
use super::current::{self, current_process};
use super::error::ProcessError;
use super::outcome::Outcome;
use super::start_method::StartMethod;
use super::target::{self, Argument, Call, Target};
use crate::data::Waitable;
use crate::data::wait::{Armed, Trouble, Watch};
use crate::sys::child::{Child, Signal};
use crate::sys::litter::Litter;
use crate::sys::per_process::Mark;
use crate::sys::zygote;
use crate::world::Deadline;

/// A process: a target and its arguments, then a running child, then an exit code. A clone is the same
/// process. Its methods may be called from any thread, several at once.
///
/// Dropping it does nothing to the process.
///
/// ```
/// use forkproof::{ExitCode, Process};
/// use std::time::Duration;
///
/// fn answer(question: String) -> ExitCode {
///     ExitCode(question.len() as u8)
/// }
///
/// let p = Process::new(answer, ("why?".to_owned(),)).named("oracle");
/// assert_eq!((p.name(), p.pid(), p.exit_code()), ("oracle".to_owned(), None, None));
/// p.start()?;
/// assert_eq!(p.join()?, 4);
/// assert_eq!(p.join_timeout(Duration::ZERO)?, Some(4));
/// # Ok::<(), forkproof::ProcessError>(())
/// ```
///
/// # Arguments
/// They are written when the process is started and read in the child: a change that the child makes to
/// them is not seen here, but for shared objects, which are the same objects there.
#[derive(Clone)]
pub struct Process {
    shared: Arc<Shared>,
}

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Not started.
    Made,
    /// Started, and not ended.
    Running,
    /// Ended, with this exit code: 0 to 255, or minus the number of the signal that killed it.
    Ended(i32),
}

struct Shared {
    maker: Mark,
    maker_pid: u32,
    identity: Vec<u32>,
    state: Mutex<State>,
}

struct State {
    name: String,
    daemon: bool,
    dies_with_parent: bool,
    method: Option<StartMethod>,
    phase: Phase,
}

enum Phase {
    Made(Work),
    Started(Arc<Child>),
    Closed,
}

enum Work {
    Call(Box<dyn Call>),
    /// `None` only in the child that runs it.
    Closure(Option<Box<dyn FnOnce() -> i32 + Send>>),
}

impl Process {
    /// A process that is to call `target` with `args`. It is started with the
    /// [default method](super::set_start_method) unless told otherwise, and is named `Process-N`, or
    /// `Process-N:M` for the M-th one that `Process-N` makes.
    ///
    /// The target is a function, or a closure that captures nothing: one that captures does not compile.
    /// ```compile_fail
    /// let captured = 5;
    /// let p = forkproof::Process::new(move || println!("{captured}"), ());
    /// ```
    pub fn new<F: Target<Args>, Args: Argument>(target: F, args: Args) -> Process {
        Process::made(Work::Call(target::call(target, args)), None)
    }

    /// A process that is to run a closure, whatever that captures. Only a fork has the closure, so the
    /// process is started with [`StartMethod::Fork`].
    ///
    /// ```
    /// use forkproof::{Process, ProcessError};
    ///
    /// let greeting = vec!["hello", "child"];
    /// let p = Process::from_closure(move || println!("{}", greeting.join(", ")));
    /// match p.start() {
    ///     Ok(()) => assert_eq!(p.join()?, 0),
    ///     Err(ProcessError::Threads { count }) => assert!(count > 1),
    ///     Err(other) => return Err(other),
    /// }
    /// # Ok::<(), ProcessError>(())
    /// ```
    pub fn from_closure<R: Outcome>(closure: impl FnOnce() -> R + Send + 'static) -> Process {
        let closure: Box<dyn FnOnce() -> i32 + Send> = Box::new(|| closure().code());
        Process::made(Work::Closure(Some(closure)), Some(StartMethod::Fork))
    }

    fn made(work: Work, method: Option<StartMethod>) -> Process {
        let identity = current::next_identity();
        let name = default_name(&identity);
        // As in CPython: what a daemon makes would be a daemon, if it could start it.
        let daemon = current_process().is_daemon();
        let state = State {
            name,
            daemon,
            dies_with_parent: false,
            method,
            phase: Phase::Made(work),
        };
        Process {
            shared: Arc::new(Shared {
                maker: Mark::here(),
                maker_pid: std::process::id(),
                identity,
                state: Mutex::new(state),
            }),
        }
    }

    /// The same process under another name. To be called before it is started.
    ///
    /// # Panics
    /// If it has been started.
    pub fn named(self, name: impl Into<String>) -> Process {
        self.set_name(name)
            .expect("named() is for a process that has not been started");
        self
    }

    /// The same process, as a daemon or not: a daemon is killed when its parent ends, however that ends.
    /// To be called before it is started.
    ///
    /// # Panics
    /// If it has been started.
    pub fn daemon(self, daemon: bool) -> Process {
        self.set_daemon(daemon)
            .expect("daemon() is for a process that has not been started");
        self
    }

    /// The same process, that is killed (SIGKILL) when its parent is gone, be it by a kill; or not. A daemon is so
    /// anyway. Otherwise it is a process like others: at its normal end the parent waits for it, and it may start
    /// processes, which go on without it unless they are to die with it, too. To be called before it is started.
    ///
    /// ```
    /// use forkproof::Process;
    ///
    /// fn work() {
    ///     std::thread::park();
    /// }
    ///
    /// let p = Process::new(work, ()).dies_with_parent(true);
    /// p.start()?; // whatever becomes of this program, it leaves no one behind
    /// # p.kill()?;
    /// # p.join()?;
    /// # Ok::<(), forkproof::ProcessError>(())
    /// ```
    ///
    /// # Panics
    /// If it has been started.
    pub fn dies_with_parent(self, dies: bool) -> Process {
        let mut state = self.unstarted();
        let state_ref = state.as_mut();
        state_ref
            .expect("dies_with_parent() is for a process that has not been started")
            .dies_with_parent = dies;
        drop(state);
        self
    }

    /// The same process, to be started in this way. To be called before it is started.
    ///
    /// # Panics
    /// If it has been started.
    pub fn start_method(self, method: StartMethod) -> Process {
        let mut state = self.unstarted();
        let state_ref = state.as_mut();
        state_ref
            .expect("start_method() is for a process that has not been started")
            .method = Some(method);
        drop(state);
        self
    }

    /// Names it.
    ///
    /// # Errors
    /// [`AlreadyStarted`](ProcessError::AlreadyStarted): the child has its name.
    pub fn set_name(&self, name: impl Into<String>) -> Result<(), ProcessError> {
        self.unstarted()?.name = name.into();
        Ok(())
    }

    /// Makes it a daemon, or not.
    ///
    /// # Errors
    /// [`AlreadyStarted`](ProcessError::AlreadyStarted).
    pub fn set_daemon(&self, daemon: bool) -> Result<(), ProcessError> {
        self.unstarted()?.daemon = daemon;
        Ok(())
    }

    /// Starts it. When this returns, the child exists.
    ///
    /// # Errors
    /// [`AlreadyStarted`](ProcessError::AlreadyStarted), [`Closed`](ProcessError::Closed),
    /// [`NotTheParent`](ProcessError::NotTheParent); [`Args`](ProcessError::Args) if an argument cannot be
    /// written; [`DaemonHasNoChildren`](ProcessError::DaemonHasNoChildren) in a daemon;
    /// [`Threads`](ProcessError::Threads) and [`ClosureNeedsFork`](ProcessError::ClosureNeedsFork) with
    /// regard to the start method; [`Io`](ProcessError::Io) if the kernel has no processes, memory or
    /// descriptors left, or the program cannot be executed again as itself. After an error it may be tried
    /// again.
    pub fn start(&self) -> Result<(), ProcessError> {
        self.check_maker()?;
        if current_process().is_daemon() {
            return Err(ProcessError::DaemonHasNoChildren);
        }
        children::settle_at_exit()?;
        children::reap();
        let mut state = self.unstarted()?;
        let child = Arc::new(self.launch(&mut state)?);
        let former = std::mem::replace(&mut state.phase, Phase::Started(child.clone()));
        children::add(self.clone(), child, state.daemon);
        drop(state);
        drop(former); // the arguments: their Drop is the user's, so not under our lock
        Ok(())
    }

    /// Waits until it ends; returns its exit code. Any number of times, from any thread.
    ///
    /// # Errors
    /// [`NotStarted`](ProcessError::NotStarted), [`Closed`](ProcessError::Closed),
    /// [`NotTheParent`](ProcessError::NotTheParent); [`Io`](ProcessError::Io) if how it ended is lost,
    /// because something else in this program has waited for it.
    pub fn join(&self) -> Result<i32, ProcessError> {
        let child = self.child()?;
        let ended = child.wait();
        children::forget(&child);
        ended
            .map(|status| status.code())
            .map_err(ProcessError::io("join"))
    }

    /// Waits until it ends, at most so long; returns its exit code, or `None` if it still runs.
    ///
    /// # Errors
    /// As [`join`](Process::join).
    pub fn join_timeout(&self, timeout: Duration) -> Result<Option<i32>, ProcessError> {
        let child = self.child()?;
        let ended = child.wait_timeout(timeout);
        if !matches!(ended, Ok(None)) {
            children::forget(&child);
        }
        ended
            .map(|status| status.map(|status| status.code()))
            .map_err(ProcessError::io("join"))
    }

    /// Where it is in its life.
    ///
    /// # Errors
    /// [`Closed`](ProcessError::Closed), [`NotTheParent`](ProcessError::NotTheParent);
    /// [`Io`](ProcessError::Io) as in [`join`](Process::join).
    pub fn status(&self) -> Result<Status, ProcessError> {
        match self.child() {
            Err(ProcessError::NotStarted) => Ok(Status::Made),
            Err(error) => Err(error),
            Ok(child) => match child.try_wait() {
                Ok(None) => Ok(Status::Running),
                Ok(Some(ended)) => Ok(Status::Ended(ended.code())),
                Err(error) => Err(ProcessError::io("ask after")(error)),
            },
        }
    }

    /// Its exit code: 0 to 255, or minus the number of the signal that killed it. `None` while it runs,
    /// before that, after `close`, and in a process that is not its parent; [`status`](Process::status)
    /// tells these apart.
    pub fn exit_code(&self) -> Option<i32> {
        match self.status() {
            Ok(Status::Ended(code)) => Some(code),
            _ => None,
        }
    }

    /// Whether it has been started and has not ended, as far as the calling process, its parent, can tell.
    pub fn is_alive(&self) -> bool {
        matches!(self.status(), Ok(Status::Running))
    }

    /// Its number: `None` before it is started and after `close`. Once it has been joined, another process
    /// may come to bear the number.
    pub fn pid(&self) -> Option<u32> {
        match &self.state().phase {
            Phase::Started(child) => Some(child.pid()),
            _ => None,
        }
    }

    pub fn name(&self) -> String {
        self.state().name.clone()
    }

    /// Whether it is killed when its parent ends.
    pub fn is_daemon(&self) -> bool {
        self.state().daemon
    }

    /// Sends it SIGTERM, which ends it unless it arranged otherwise. What it holds is recovered as after
    /// any death. To one that has ended it does nothing.
    ///
    /// # Errors
    /// [`NotStarted`](ProcessError::NotStarted), [`Closed`](ProcessError::Closed),
    /// [`NotTheParent`](ProcessError::NotTheParent); [`Io`](ProcessError::Io) if it has become another
    /// user.
    pub fn terminate(&self) -> Result<(), ProcessError> {
        self.child()?
            .signal(Signal::TERM)
            .map_err(ProcessError::io("terminate"))
    }

    /// Sends it SIGKILL, which ends it.
    ///
    /// # Errors
    /// As [`terminate`](Process::terminate).
    pub fn kill(&self) -> Result<(), ProcessError> {
        self.child()?
            .signal(Signal::KILL)
            .map_err(ProcessError::io("kill"))
    }

    /// Gives back the descriptor that stands for the child. Later calls answer
    /// [`Closed`](ProcessError::Closed); a second `close` does nothing.
    ///
    /// # Errors
    /// [`StillRunning`](ProcessError::StillRunning), [`NotTheParent`](ProcessError::NotTheParent).
    pub fn close(&self) -> Result<(), ProcessError> {
        self.check_maker()?;
        let mut state = self.state();
        if let Phase::Started(child) = &state.phase {
            if let Ok(None) = child.try_wait() {
                return Err(ProcessError::StillRunning);
            }
            children::forget(child);
        }
        let former = std::mem::replace(&mut state.phase, Phase::Closed);
        drop(state);
        drop(former); // as in start()
        Ok(())
    }

    /// A descriptor that is readable (poll, epoll) once the process has ended: its pidfd.
    ///
    /// # Errors
    /// [`NotStarted`](ProcessError::NotStarted), [`Closed`](ProcessError::Closed),
    /// [`NotTheParent`](ProcessError::NotTheParent); [`Io`](ProcessError::Io) without descriptors left.
    pub fn sentinel(&self) -> Result<OwnedFd, ProcessError> {
        self.child()?
            .pidfd()
            .try_clone_to_owned()
            .map_err(ProcessError::io("watch"))
    }

    /// Has a file removed when it has ended, or this process has, whoever is killed.
    pub(crate) fn sweep_after(&self, litter: &Litter) -> Result<(), ProcessError> {
        let swept = zygote::sweep_after(&*self.child()?, litter);
        swept.map_err(ProcessError::io("watch"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn has_default_name(&self, name: &str) -> bool {
        name == default_name(&self.shared.identity)
    }

    fn check_maker(&self) -> Result<(), ProcessError> {
        if self.shared.maker == Mark::here() {
            Ok(())
        } else {
            Err(ProcessError::NotTheParent)
        }
    }

    fn unstarted(&self) -> Result<MutexGuard<'_, State>, ProcessError> {
        let state = self.state();
        match state.phase {
            Phase::Made(_) => Ok(state),
            Phase::Started(_) => Err(ProcessError::AlreadyStarted),
            Phase::Closed => Err(ProcessError::Closed),
        }
    }

    /// The running or ended child, to be waited for without holding the state.
    fn child(&self) -> Result<Arc<Child>, ProcessError> {
        self.check_maker()?;
        match &self.state().phase {
            Phase::Made(_) => Err(ProcessError::NotStarted),
            Phase::Started(child) => Ok(child.clone()),
            Phase::Closed => Err(ProcessError::Closed),
        }
    }
}

fn default_name(identity: &[u32]) -> String {
    let numbers: Vec<String> = identity.iter().map(u32::to_string).collect();
    format!("Process-{}", numbers.join(":"))
}

/// Ready once it has ended.
impl Waitable for Process {
    fn arm(&self, _: Option<Deadline>) -> Result<Armed<'_>, Trouble> {
        Ok(Armed::Not(Watch::Own(self.sentinel()?)))
    }
}

/// As CPython's repr: `<Process name='Process-1' pid=7 parent=3 started>`.
impl fmt::Debug for Process {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "<Process name='{}'", self.name())?;
        if let Some(pid) = self.pid() {
            write!(out, " pid={pid}")?;
        }
        write!(out, " parent={}", self.shared.maker_pid)?;
        match self.status() {
            Ok(Status::Made) => write!(out, " initial")?,
            Ok(Status::Running) => write!(out, " started")?,
            Ok(Status::Ended(code)) => write!(out, " stopped exitcode={code}")?,
            Err(ProcessError::Closed) => write!(out, " closed")?,
            Err(_) => write!(out, " unknown")?,
        }
        write!(out, "{}>", if self.is_daemon() { " daemon" } else { "" })
    }
}
