//! A line between a test and the processes that it starts, one socket a process, without a name in any
//! directory.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The test's end: its name goes to the children as an argument.
pub struct Exchange {
    listener: UnixListener,
    pub name: String,
}

impl Exchange {
    pub fn new() -> Exchange {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "forkproof-test-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Relaxed)
        );
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        Exchange {
            listener: UnixListener::bind_addr(&address).unwrap(),
            name,
        }
    }

    /// The next process that calls.
    pub fn accept(&self) -> Wire {
        let stream = self.listener.accept().unwrap().0;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Wire::new(stream)
    }
}

/// One end of a connection.
pub struct Wire {
    read: BufReader<UnixStream>,
}

impl Wire {
    /// From a child.
    pub fn call(name: &str) -> Wire {
        let address = SocketAddr::from_abstract_name(name).unwrap();
        Wire::new(UnixStream::connect_addr(&address).unwrap())
    }

    fn new(stream: UnixStream) -> Wire {
        Wire {
            read: BufReader::new(stream),
        }
    }

    pub fn say(&mut self, line: impl std::fmt::Display) {
        writeln!(self.read.get_mut(), "{line}").unwrap();
    }

    /// The next line; empty at the end.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        let heard = self.read.read_line(&mut line);
        heard.expect("a line, or the end, in time");
        line.trim_end().to_owned()
    }

    /// Waits until nobody holds the other end.
    pub fn hear_the_end(mut self) {
        let mut rest = Vec::new();
        let heard = self.read.read_to_end(&mut rest);
        heard.expect("the other end is let go in time");
        assert!(
            rest.is_empty(),
            "unheard: {}",
            String::from_utf8_lossy(&rest)
        );
    }
}

/// A target: tells its number, runs until it hears something, and answers "bye".
pub fn stay(exchange: String) {
    let mut wire = Wire::call(&exchange);
    wire.say(std::process::id());
    if !wire.hear().is_empty() {
        wire.say("bye");
    }
}

/// A target: tells its number, and never ends by itself.
pub fn stay_for_ever(exchange: String) {
    let mut wire = Wire::call(&exchange);
    wire.say(std::process::id());
    loop {
        std::thread::park();
    }
}

/// Runs a part of a test in a process of its own, of one thread, as the program's main would be.
pub fn in_child<F: forkproof::process::Target<Args>, Args: forkproof::process::Argument>(
    part: F,
    args: Args,
) {
    let p = forkproof::Process::new(part, args);
    p.start().unwrap();
    assert_eq!(
        p.join().unwrap(),
        0,
        "see the message of {} on standard error",
        p.name()
    );
}

/// The children of this process: number, name and state, as proc_pid_stat(5).
pub fn children() -> Vec<(i32, String, char)> {
    let numbers = std::fs::read_dir("/proc").unwrap();
    let numbers = numbers.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let mut found = Vec::new();
    for pid in numbers {
        let pid: i32 = pid;
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
            continue;
        };
        let (head, rest) = stat.rsplit_once(") ").unwrap();
        let name = head.split_once('(').unwrap().1;
        let mut fields = rest.split(' ');
        let state = fields.next().unwrap().chars().next().unwrap();
        if fields.next().unwrap() == std::process::id().to_string() {
            found.push((pid, name.to_owned(), state));
        }
    }
    found
}

/// The number of this process's zygote, if it has one that runs.
pub fn zygote() -> Option<nix::unistd::Pid> {
    let mut children = children().into_iter();
    let found = children.find(|(_, name, state)| name == "forkproof-zyg" && *state != 'Z')?;
    Some(nix::unistd::Pid::from_raw(found.0))
}
