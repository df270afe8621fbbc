//! The zygote's own side: one process with one thread that makes children for its parent and looks after
//! its daemons.
//!
//! It sleeps in poll(2) on the socket, the parent's pidfd and the daemons' pidfds; nothing is timed. It
//! has no standard streams and keeps no file of an order open once the child has it. All its signals are
//! blocked, so a Ctrl-C that ends the program cannot end the zygote before it has settled the daemons, and
//! a signal to a child that is not settled yet waits (a zygote that ignored them would have the child lose
//! them).
//!
//! A child is made with clone3(2):
//! - `CLONE_PARENT` makes it a child of the zygote's parent, which can wait for it as for its own.
//! - `CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID` on the place that the C library registered for this thread
//!   (`PR_GET_TID_ADDRESS`) keeps the library's remembered thread id right.
//! - The kernel gives a new process no robust list, so the child registers its C library's again.
//!
//! Sources: clone(2), PR_GET_TID_ADDRESS(2const), get_robust_list(2).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::child::{Signal, send_signal};
use super::conversation::{self, LEAVE, ORDER, Packet, Reply, SWEEP, WATCH, WATCHED};
use super::litter::Litter;
use super::order::{Birth, Delivery};
use super::{fork, message, surroundings};

/// Serves until there is nobody to serve. Returns in each child.
pub(super) fn serve(socket: OwnedFd, parent: OwnedFd) -> io::Result<(Birth, OwnedFd)> {
    raise_file_limit();
    let mut zygote = Zygote {
        socket,
        parent,
        daemons: Vec::new(),
        litter: Vec::new(),
    };
    zygote.answer(Ok((threads()?, None)));
    loop {
        let ready = zygote.sleep()?;
        if ready.parent_ended {
            zygote.settle();
            end();
        }
        if !ready.packet {
            continue;
        }
        let mut next = conversation::receive(zygote.socket.as_fd())?;
        if next.is_none() {
            zygote.settle(); // the parent's end is closed: it is about to end itself
            end();
        }
        while let Some(packet) = next.take() {
            match packet.header.kind {
                ORDER => match conversation::gather(zygote.socket.as_fd(), packet)? {
                    None => {}
                    Some(Err(other)) => {
                        next = Some(other); // its orderer gave up half-way and says something new
                        continue;
                    }
                    Some(Ok(delivery)) => {
                        if let Some(born) = zygote.make(delivery) {
                            return born.unpack().map(|birth| (birth, zygote.parent));
                        }
                    }
                },
                WATCH => zygote.watch(packet),
                SWEEP => zygote.sweep_after(packet),
                LEAVE => end(),
                _ => {} // the tail of an order that was given up
            }
        }
    }
}

struct Zygote {
    socket: OwnedFd,
    parent: OwnedFd,
    daemons: Vec<OwnedFd>,
    /// What is to be removed when a process has ended.
    litter: Vec<(OwnedFd, Litter)>,
}

struct Ready {
    parent_ended: bool,
    packet: bool,
}

impl Zygote {
    /// Sleeps until something happens. Forgets the daemons that have ended, and clears up after other processes.
    fn sleep(&mut self) -> io::Result<Ready> {
        let poll = |fd: BorrowedFd<'_>| libc::pollfd {
            fd: fd.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        let mut polls = vec![poll(self.parent.as_fd()), poll(self.socket.as_fd())];
        polls.extend(self.daemons.iter().map(|daemon| poll(daemon.as_fd())));
        polls.extend(self.litter.iter().map(|(process, _)| poll(process.as_fd())));
        let count = polls.len() as libc::nfds_t;
        // SAFETY: `count` pollfds; -1 is without a time limit.
        if unsafe { libc::poll(polls.as_mut_ptr(), count, -1) } < 0 {
            return Err(io::Error::last_os_error());
        }
        let mut happened = polls.iter().map(|poll| poll.revents != 0);
        let ready = Ready {
            parent_ended: happened.next() == Some(true),
            packet: happened.next() == Some(true),
        };
        self.daemons.retain(|_| happened.next() == Some(false));
        self.litter.retain(|(_, litter)| {
            let stays = happened.next() == Some(false);
            if !stays {
                litter.clear();
            }
            stays
        });
        Ok(ready)
    }

    /// Makes a child. `Some` in the child.
    fn make(&mut self, delivery: Delivery) -> Option<Delivery> {
        if delivery.fds_lost {
            self.answer(Err(io::Error::from_raw_os_error(libc::EMFILE)));
            return None;
        }
        let allowed = surroundings::allow_processes(delivery.header.processes);
        match allowed.and_then(|()| clone()) {
            Err(error) => self.answer(Err(error)),
            Ok(None) => return Some(delivery),
            Ok(Some((pid, pidfd))) => {
                let is_watched = delivery.header.flags & WATCHED != 0;
                drop(delivery); // from here on only the child holds its files
                self.answer(Ok((pid, Some(pidfd.as_fd()))));
                if is_watched {
                    self.daemons.push(pidfd);
                }
            }
        }
        None
    }

    fn watch(&mut self, packet: Packet) {
        let answer = match packet.fds.into_iter().next() {
            Some(daemon) => {
                self.daemons.push(daemon);
                Ok((0, None))
            }
            None => Err(io::Error::from_raw_os_error(libc::EMFILE)),
        };
        self.answer(answer);
    }

    fn sweep_after(&mut self, packet: Packet) {
        let mut fds = packet.fds.into_iter();
        let answer = match (fds.next(), fds.next()) {
            (Some(process), Some(memfd)) => litter_in(&memfd).map(|litter| {
                self.litter.push((process, litter));
                (0, None)
            }),
            _ => Err(io::Error::from_raw_os_error(libc::EMFILE)),
        };
        self.answer(answer);
    }

    fn answer(&self, answer: io::Result<(i32, Option<BorrowedFd<'_>>)>) {
        let (reply, fd) = match answer {
            Ok((number, fd)) => (Reply { error: 0, number }, fd),
            Err(error) => (
                Reply {
                    error: error.raw_os_error().unwrap_or(libc::EIO),
                    number: 0,
                },
                None,
            ),
        };
        // A parent that is gone needs no answer: the next poll tells.
        let _ = message::send(
            self.socket.as_fd(),
            bytemuck::bytes_of(&reply),
            fd.as_slice(),
        );
    }

    /// The parent is gone, or goes.
    fn settle(&self) {
        for daemon in &self.daemons {
            let _ = send_signal(daemon.as_fd(), Signal::KILL); // one that has ended just now
        }
        for (_, litter) in &self.litter {
            litter.clear();
        }
    }
}

/// The memfd is sealed.
fn litter_in(memfd: &OwnedFd) -> io::Result<Litter> {
    // SAFETY: nobody can change its bytes.
    let bytes = unsafe { memmap2::Mmap::map(memfd.as_raw_fd()) }?;
    postcard::from_bytes(&bytes).map_err(io::Error::other)
}

/// A copy of this process, as its sibling. `None` in the child.
fn clone() -> io::Result<Option<(i32, OwnedFd)>> {
    let tid = thread_id_place()?;
    let robust = robust_list()?;
    let mut pidfd: RawFd = -1;
    let flags = libc::CLONE_PARENT
        | libc::CLONE_CHILD_SETTID
        | libc::CLONE_CHILD_CLEARTID
        | libc::CLONE_PIDFD;
    // SAFETY: zero is a clone without any request. The exit signal stays 0: CLONE_PARENT takes the
    // zygote's own, SIGCHLD.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = flags as u64;
    arguments.pidfd = (&raw mut pidfd) as u64;
    arguments.child_tid = tid as u64;
    let bytes = size_of::<libc::clone_args>();
    // SAFETY: no memory is shared and the stack stays as it is, so this is a fork; the process has one
    // thread, so no lock is held by another; `pidfd` is a place for a descriptor.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, bytes) };
    match pid {
        ..0 => Err(io::Error::last_os_error()),
        0 => {
            let (head, bytes) = robust;
            // SAFETY: the list of this thread in the zygote, and the child's memory is a copy of it.
            unsafe { libc::syscall(libc::SYS_set_robust_list, head, bytes) };
            fork::born_by_clone();
            Ok(None)
        }
        // SAFETY: the kernel stored a new descriptor there, owned by no one else.
        pid => Ok(Some((pid as i32, unsafe { OwnedFd::from_raw_fd(pidfd) }))),
    }
}

/// Where the C library keeps this thread's id.
fn thread_id_place() -> io::Result<*mut libc::c_int> {
    const PR_GET_TID_ADDRESS: libc::c_int = 40;
    let mut place: *mut libc::c_int = std::ptr::null_mut();
    // SAFETY: the second argument is a place for a pointer.
    if unsafe { libc::prctl(PR_GET_TID_ADDRESS, &raw mut place) } != 0 {
        return Err(io::Error::last_os_error()); // a kernel without CONFIG_CHECKPOINT_RESTORE
    }
    Ok(place)
}

fn robust_list() -> io::Result<(*mut libc::c_void, usize)> {
    let (mut head, mut bytes) = (std::ptr::null_mut(), 0_usize);
    // SAFETY: 0 is the calling thread; both results are places of the right type.
    let failed =
        unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &raw mut head, &raw mut bytes) };
    if failed != 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok((head, bytes))
    }
}

fn threads() -> io::Result<i32> {
    Ok(super::fork::threads()? as i32)
}

/// The zygote holds the files of an order and of every daemon: not to be bound by what its parent thinks
/// is enough. Children get their parent's limit back.
fn raise_file_limit() {
    if let Ok((_, hard)) =
        nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE)
    {
        // If it fails, the lower limit holds, and going beyond it is an error of that order.
        let _ =
            nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, hard, hard);
    }
}

fn end() -> ! {
    // SAFETY: _exit takes a number. The zygote has written nothing that waits in a buffer, and what the
    // program registered for its end is not the zygote's to do.
    unsafe { libc::_exit(0) }
}
