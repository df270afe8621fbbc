//! Starting the program again: for the zygote, and for a child by the start method *spawn*.
//!
//! The program is executed with its own arguments and one end of a pair of sockets as its standard input.
//! A variable in its environment says what it is to be; `at_load`, which the loader calls before main,
//! sees it, takes up that work and never returns. So main does not run a second time.
//!
//! The variable's value names this very copy of this code, by its offset in the image: another copy in the
//! same program (a second version of the crate) goes on to main's initialisers, and this one gets its turn.
//!
//! # Spawn
//! A spawned child shares no address with its parent, as if on another machine: it finds its entry by name
//! in [`SPAWNABLE`], which the linker gathers from all over the program. A name that is not there, or there
//! twice with different functions, ends the child with exit code 1 and one line on standard error, before
//! it touches anything.
//!
//! # Not covered
//! Initialisers (C++ constructors, `.init_array` entries) have run twice over when a program has a zygote:
//! once in each process, as they do whenever a program is executed.

use std::ffi::{CStr, c_char, c_int};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use linkme::distributed_slice;
use nix::sys::socket::{SockType, getsockopt, sockopt};

use super::child::{Child, Entry, Request, pidfd_of};
use super::order::{Order, Which};
use super::permit::Grant;
use super::{conversation, image, life, message, serve, surroundings, zygote};

const VARIABLE: &CStr = c"FORKPROOF_RELAUNCH";

/// What the program is started again for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Zygote,
    Spawned,
}

impl Role {
    fn value(self) -> String {
        let role = if self == Role::Zygote {
            "zygote"
        } else {
            "spawned"
        };
        format!("{role}@{:x}", image::offset_of_initialiser(at_load))
    }
}

/// A function that a spawned child may be told to run.
pub struct Spawnable {
    /// Its full name: `std::any::type_name` of the function.
    pub name: fn() -> &'static str,
    pub entry: Entry,
}

/// All spawnable functions of the program.
#[distributed_slice]
pub static SPAWNABLE: [Spawnable];

/// Starts a child by executing the program again; the child runs the function that is registered as
/// `function`.
///
/// # Errors
/// As [`zygote::start`].
pub fn start(request: &Request<'_>, function: &str) -> io::Result<Child> {
    image::check()?;
    let order = Order::new(request, Which::Named(function.to_owned()))?;
    let (here, there) = message::pair()?;
    conversation::greet(here.as_fd())?;
    let process = launch(Role::Spawned, there)?;
    // The child waits for its order, so nobody can have waited for it yet: the number is its.
    let mut child = Child::new(process.id(), pidfd_of(process.id())?);
    let started = commission(&mut child, request.ends_with_parent, &order, here.as_fd());
    if started.is_err() {
        drop(here); // it ends, as no order will come
        let _ = child.wait();
    }
    started.map(|()| child)
}

fn commission(
    child: &mut Child,
    ends_with_parent: bool,
    order: &Order<'_>,
    socket: BorrowedFd<'_>,
) -> io::Result<()> {
    if ends_with_parent {
        zygote::watch(child)?;
    }
    let grant = Grant::new(ends_with_parent)?;
    match order.send(socket, &grant) {
        // killed already: a child all the same, and its status says so
        Err(error) if !conversation::is_gone(&error) => return Err(error),
        _ => {}
    }
    child.hold(grant.give()?);
    Ok(())
}

/// The function registered under a name; or what the child says before it ends.
pub(super) fn spawnable(name: &str) -> Result<Entry, String> {
    let mut named = SPAWNABLE
        .iter()
        .filter(|spawnable| (spawnable.name)() == name);
    let Some(found) = named.next() else {
        return Err(format!(
            "cannot find its target: `{name}` is not registered with `forkproof::spawnable!`"
        ));
    };
    if named.any(|other| !std::ptr::fn_addr_eq(other.entry, found.entry)) {
        return Err(format!(
            "cannot tell its target: several functions are named `{name}`"
        ));
    }
    Ok(found.entry)
}

/// Executes the program again, with `socket` as its standard input.
pub(super) fn launch(role: Role, socket: OwnedFd) -> io::Result<std::process::Child> {
    let mut arguments = std::env::args_os();
    let mut command = Command::new("/proc/self/exe");
    if let Some(own_name) = arguments.next() {
        command.arg0(own_name);
    }
    command.args(arguments).env(variable_name(), role.value());
    if role == Role::Zygote {
        command.env("LD_BIND_NOW", "1"); // what it has bound, no child of its need bind again
    }
    command
        .stdin(Stdio::from(socket))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn()
}

fn variable_name() -> &'static str {
    VARIABLE.to_str().expect("plain ASCII")
}

#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: image::Initialiser = at_load;

/// Called by the loader in every program that has this code: a look at one variable, and back.
extern "C" fn at_load(
    count: c_int,
    arguments: *const *const c_char,
    environment: *const *const c_char,
) {
    let Some(role) = asked_for() else { return };
    // From here on there is no way back to main, whatever happens.
    let Ok((socket, parent)) = take_up(role) else {
        std::process::exit(1)
    };
    image::run_initialisers_behind(at_load, count, arguments, environment);
    let birth = match role {
        Role::Zygote => serve::serve(socket, parent),
        Role::Spawned => conversation::one_order(socket).map(|birth| (birth, parent)),
    };
    match birth {
        Ok((birth, parent)) => life::live(birth, parent),
        Err(_) => std::process::exit(1), // the parent notices the end
    }
}

fn asked_for() -> Option<Role> {
    // SAFETY: the process has one thread, in the loader: nobody changes the environment.
    let value = unsafe { libc::getenv(VARIABLE.as_ptr()) };
    if value.is_null() || !image::in_main_executable() {
        return None;
    }
    // SAFETY: getenv gave a string that ends with 0 and stays as long as the environment.
    let value = unsafe { CStr::from_ptr(value) };
    let roles = [Role::Zygote, Role::Spawned];
    let role = roles
        .into_iter()
        .find(|role| value.to_bytes() == role.value().as_bytes())?;
    let socket = getsockopt(&io::stdin().as_fd(), sockopt::SockType);
    (socket == Ok(SockType::SeqPacket)).then_some(role)
}

/// Turns the process from one about to run main into one at our service: returns the socket and the
/// parent's pidfd.
fn take_up(role: Role) -> io::Result<(OwnedFd, OwnedFd)> {
    surroundings::hold_signals()?;
    // SAFETY: the process has one thread.
    unsafe { libc::unsetenv(VARIABLE.as_ptr()) };
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    let null = std::fs::File::open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    drop(null);
    close_inherited()?;
    if role == Role::Zygote {
        nix::sys::prctl::set_name(c"forkproof-zyg")?;
    }
    let parent = conversation::meet(socket.as_fd())?;
    Ok((socket, parent))
}

/// Closes what the program was given by its own parent, which is what an exec leaves open: nobody should
/// wait for an end of file that we hold up. What an initialiser has opened since stays open.
fn close_inherited() -> io::Result<()> {
    let numbers: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for fd in numbers.into_iter().filter(|fd| *fd > libc::STDERR_FILENO) {
        // SAFETY: F_GETFD asks for a descriptor's flags.
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
        if flags >= 0 && flags & libc::FD_CLOEXEC == 0 {
            // SAFETY: it came through the exec, so nothing of this process owns it.
            unsafe { libc::close(fd) };
        }
    }
    Ok(())
}
