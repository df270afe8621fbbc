//! Starting a child from any thread of any process, by way of a zygote.
//!
//! fork(2) copies one thread and the locks of all of them: in a program with several threads the child may
//! find standard output, the environment or a lock of its own held for ever. So the copy is made of a
//! process that has one thread and holds nothing, the *zygote*: this program, executed again at the first
//! need, which stops before main and serves (`serve`). Its children are children of the
//! process that asks, whatever size that has grown to.
//!
//! A process has at most one zygote, and a child does not use its parent's. What the zygote has from its
//! own start and cannot pass on in another form (user, groups, process group, session) is compared at each
//! start of a child; where it changed, a new zygote takes over.
//!
//! ```
//! use forkproof::sys::child::{ExitStatus, Request};
//! # use std::os::fd::OwnedFd;
//!
//! fn entry(payload: &[u8], _fds: Vec<OwnedFd>) -> i32 {
//!     payload.len() as i32
//! }
//!
//! let request = Request { entry, payload: b"seven b", fds: &[], daemon: false, ends_with_parent: false, name: "counter" };
//! let child = forkproof::sys::zygote::start(&request)?;
//! assert_eq!(child.wait()?, ExitStatus::Exited(7));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # After a crash
//! - The zygote is killed: the next start notices, waits for it, starts another and gives the order anew;
//!   an order is carried out once (`order`). What the first may have brought into the world
//!   unseen ends at once, but stays a zombie until the program ends. The new one watches the daemons that
//!   someone still holds. If the program is killed in between, the kernel kills its daemons alone
//!   (by their life lines: see `permit.rs`).
//! - The program is killed: the zygote kills the daemons, removes what is to go with it ([`sweep_after`]) and ends. If
//!   both are killed, such a file is left.
//!
//! # Not covered
//! A program that waits for *any* child (`waitpid(-1)`) meets the zygote among them, and must not wait for
//! the last. A namespace, a root directory or a filter of system calls entered after the zygote's start
//! holds for the caller but not for its children.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

use super::child::{Child, Request};
use super::conversation::{self, Header, LEAVE, SWEEP, WATCH};
use super::exec::{Role, launch};
use super::litter::Litter;
use super::order::{Order, Which, sealed};
use super::per_process::PerProcess;
use super::permit::Grant;
use super::{child, image, life, message};

/// Starts a child. Safe from any thread, in a forked child as well.
///
/// When it returns, the child exists and may already have ended.
///
/// # Errors
/// Those of clone(2) and of opening files: no processes, memory or descriptors left. `Unsupported` if this
/// code or the entry is in a shared library, or if the program cannot be executed again as itself.
pub fn start(request: &Request<'_>) -> io::Result<Child> {
    let order = Order::new(request, Which::At(image::offset_of(request.entry)?))?;
    let mut keeper = keeper();
    let ends_with_parent = request.ends_with_parent;
    let child = keeper.with_zygote(|zygote| zygote.make(&order, ends_with_parent))?;
    if ends_with_parent {
        keeper.daemons.push(child.pidfd_weak());
    }
    Ok(child)
}

/// Has a child that was made in another way killed when this process is gone, like a daemon of the
/// zygote's own.
///
/// # Errors
/// As [`start`].
pub fn watch(child: &Child) -> io::Result<()> {
    let mut keeper = keeper();
    keeper.with_zygote(|zygote| zygote.watch(child.pidfd()))?;
    keeper.daemons.push(child.pidfd_weak());
    Ok(())
}

/// Has a file removed when a child has ended, or this process has, if it is still there then.
///
/// # Errors
/// As [`start`].
pub fn sweep_after(child: &Child, litter: &Litter) -> io::Result<()> {
    let mut keeper = keeper();
    keeper.with_zygote(|zygote| zygote.sweep(child.pidfd(), litter))?;
    keeper.litter.push((child.pidfd_weak(), litter.clone()));
    Ok(())
}

/// Has the zygote ended and waited for at exit(3), so that nothing is left of the process in the table of
/// processes. The daemons that still run then are killed. Whoever wants to do something with them first
/// registers that with [`life::at_exit`] after this call.
///
/// # Errors
/// No memory.
pub fn retire_at_exit() -> io::Result<()> {
    // A forked child has the registration too, and retires its own.
    static REGISTERED: Mutex<bool> = Mutex::new(false);
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    if !*registered {
        life::at_exit(retire)?;
        *registered = true;
    }
    Ok(())
}

extern "C" fn retire() {
    if let Some(keeper) = KEEPER.existing()
        && let Some(zygote) = lock(keeper).zygote.take()
    {
        zygote.end();
    }
}

/// In a forked child: closes its copy of the parent's end, which is not its to use.
pub(super) fn disown() {
    if let Some(inherited) = KEEPER.inherited()
        && let Some(zygote) = lock(inherited).zygote.take()
    {
        drop(zygote); // the socket only: the process is not this one's child
    }
}

/// One zygote may have died since the last order, another be killed on the way; a third death is no accident.
const TRIES: u32 = 3;

static KEEPER: PerProcess<Mutex<Keeper>> = PerProcess::new(|| Mutex::new(Keeper::default()));

fn keeper() -> MutexGuard<'static, Keeper> {
    lock(KEEPER.get())
}

/// A panic between two packets leaves a zygote that answers what nobody asked: whoever meets it starts
/// a new one, so the poison is of no use.
fn lock(keeper: &Mutex<Keeper>) -> MutexGuard<'_, Keeper> {
    keeper.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Keeper {
    zygote: Option<Zygote>,
    /// For the next zygote, should this one die.
    daemons: Vec<Weak<OwnedFd>>,
    litter: Vec<(Weak<OwnedFd>, Litter)>,
}

impl Keeper {
    /// Does something with a zygote that is as this process is now; with another if it is found dead.
    fn with_zygote<T>(&mut self, act: impl Fn(&Zygote) -> io::Result<T>) -> io::Result<T> {
        self.daemons.retain(|daemon| daemon.strong_count() > 0);
        self.litter.retain(|(child, _)| child.strong_count() > 0);
        let standing = Standing::here()?;
        if let Some(former) = self.zygote.take_if(|zygote| zygote.standing != standing) {
            former.leave();
        }
        let mut tries = 0;
        loop {
            tries += 1;
            match self.zygote_as(&standing).and_then(&act) {
                Err(error) if conversation::is_gone(&error) && tries < TRIES => {}
                done => return done,
            }
            if let Some(dead) = self.zygote.take() {
                dead.end();
            }
        }
    }

    fn zygote_as(&mut self, standing: &Standing) -> io::Result<&Zygote> {
        if self.zygote.is_none() {
            let zygote = Zygote::start(standing.clone())?;
            for daemon in self.daemons.iter().filter_map(Weak::upgrade) {
                zygote.watch(daemon.as_fd())?;
            }
            for (child, litter) in &self.litter {
                if let Some(child) = child.upgrade() {
                    zygote.sweep(child.as_fd(), litter)?;
                }
            }
            self.zygote = Some(zygote);
        }
        Ok(self.zygote.as_ref().expect("just set"))
    }
}

struct Zygote {
    process: std::process::Child,
    socket: OwnedFd,
    standing: Standing,
}

impl Zygote {
    fn start(standing: Standing) -> io::Result<Zygote> {
        image::check()?;
        retire_at_exit()?;
        let (socket, there) = message::pair()?;
        conversation::greet(socket.as_fd())?;
        let process = launch(Role::Zygote, there)?;
        let zygote = Zygote {
            process,
            socket,
            standing,
        };
        match conversation::ask(zygote.socket.as_fd(), || Ok(())) {
            Ok((1, _)) => Ok(zygote),
            Ok((threads, _)) => {
                zygote.end();
                Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    format!(
                        "{threads} threads run before main here: no child can be copied from that"
                    ),
                ))
            }
            Err(error) => {
                zygote.end();
                Err(error)
            }
        }
    }

    fn make(&self, order: &Order<'_>, ends_with_parent: bool) -> io::Result<Child> {
        let grant = Grant::new(ends_with_parent)?;
        let socket = self.socket.as_fd();
        let (pid, pidfd) = conversation::ask(socket, || order.send(socket, &grant))?;
        let Some(pidfd) = pidfd else {
            drop(grant); // without its permit the child ends
            child::wait_for_number(pid)?;
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        };
        let mut child = Child::new(pid as u32, pidfd);
        child.hold(grant.give()?);
        Ok(child)
    }

    fn watch(&self, daemon: BorrowedFd<'_>) -> io::Result<()> {
        let socket = self.socket.as_fd();
        let packet = Header::of(WATCH);
        conversation::ask(socket, || {
            message::send(socket, bytemuck::bytes_of(&packet), &[daemon])
        })
        .map(|_| ())
    }

    fn sweep(&self, child: BorrowedFd<'_>, litter: &Litter) -> io::Result<()> {
        let socket = self.socket.as_fd();
        let packet = Header::of(SWEEP);
        let litter = postcard::to_stdvec(litter).map_err(io::Error::other)?;
        let litter = sealed(&[&litter])?;
        conversation::ask(socket, || {
            let files = [child, litter.as_fd()];
            message::send(socket, bytemuck::bytes_of(&packet), &files)
        })
        .map(|_| ())
    }

    /// Ends it, the daemons that it watches with it.
    fn end(mut self) {
        // Shut down rather than closed: a forked child may hold a copy of this end.
        // SAFETY: shutdown takes a descriptor and a number.
        unsafe { libc::shutdown(self.socket.as_raw_fd(), libc::SHUT_RDWR) };
        let _ = self.process.wait(); // someone else may have waited for it
    }

    /// Ends it without touching the daemons.
    fn leave(self) {
        let packet = Header::of(LEAVE);
        let _ = message::send(self.socket.as_fd(), bytemuck::bytes_of(&packet), &[]);
        self.end();
    }
}

/// What a zygote has from its start and its children from it.
#[derive(Clone, PartialEq, Eq)]
struct Standing {
    /// Real, effective, saved.
    users: [libc::uid_t; 3],
    groups: [libc::gid_t; 3],
    more_groups: Vec<libc::gid_t>,
    process_group: libc::pid_t,
    session: libc::pid_t,
}

impl Standing {
    fn here() -> io::Result<Standing> {
        let users = nix::unistd::getresuid()?;
        let groups = nix::unistd::getresgid()?;
        Ok(Standing {
            users: [users.real, users.effective, users.saved].map(nix::unistd::Uid::as_raw),
            groups: [groups.real, groups.effective, groups.saved].map(nix::unistd::Gid::as_raw),
            more_groups: more_groups()?,
            process_group: nix::unistd::getpgrp().as_raw(),
            session: nix::unistd::getsid(None)?.as_raw(),
        })
    }
}

/// As `nix::unistd::getgroups`, without its look into /proc for how many there may be.
fn more_groups() -> io::Result<Vec<libc::gid_t>> {
    loop {
        // SAFETY: of a size of 0 the call only says how many there are.
        let count = unsafe { libc::getgroups(0, std::ptr::null_mut()) };
        let mut groups = vec![0; usize::try_from(count).map_err(|_| io::Error::last_os_error())?];
        if groups.is_empty() {
            return Ok(groups);
        }
        // SAFETY: there is room for so many.
        let count = unsafe { libc::getgroups(count, groups.as_mut_ptr()) };
        match usize::try_from(count) {
            Ok(count) => {
                groups.truncate(count);
                return Ok(groups);
            }
            // There are more now.
            Err(_) if io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL) => {}
            Err(_) => return Err(io::Error::last_os_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::sys::child::ExitStatus;

    fn leave_a_trace(_: &[u8], fds: Vec<OwnedFd>) -> i32 {
        for fd in fds {
            std::fs::File::from(fd).write_all(b"was here").unwrap();
        }
        0
    }

    /// What a child leaves whose orderer ends, or has another zygote carry out the order, before it has
    /// said that the child may run.
    fn trace_of_a_child(permitted: bool) -> (ExitStatus, String) {
        let zygote = Zygote::start(Standing::here().unwrap()).unwrap();
        let (mut read, write) = io::pipe().unwrap();
        let request = Request {
            entry: leave_a_trace,
            payload: &[],
            fds: &[write.as_fd()],
            daemon: false,
            ends_with_parent: false,
            name: "tracer",
        };
        let which = Which::At(image::offset_of(request.entry).unwrap());
        let order = Order::new(&request, which).unwrap();
        let grant = Grant::new(request.ends_with_parent).unwrap();
        let socket = zygote.socket.as_fd();
        let made = conversation::ask(socket, || order.send(socket, &grant));
        let (pid, pidfd) = made.unwrap();
        if permitted {
            grant.give().unwrap();
        } else {
            drop(grant);
        }
        let ended = Child::new(pid as u32, pidfd.unwrap()).wait().unwrap();
        zygote.end();
        drop(write);
        let mut trace = String::new();
        read.read_to_string(&mut trace).unwrap();
        (ended, trace)
    }

    #[test]
    fn a_child_without_a_permit_leaves_no_trace() {
        assert_eq!(
            trace_of_a_child(false),
            (ExitStatus::Exited(1), String::new())
        );
        assert_eq!(
            trace_of_a_child(true),
            (ExitStatus::Exited(0), "was here".to_owned())
        );
    }
}
