//! What a process waits for, when it should not: for the report of a hang.
//!
//! A check waits for what others must do. A broken lock would have it wait for ever, so it gives up after
//! [`PATIENCE`] and says who waited where: each process's state, the kernel function that it sleeps in, and
//! for a futex the word: what the sleeper saw in it and what it holds now.

use std::fmt::Write;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use super::census::children;
use crate::world::{OWNER_DIED, TID_MASK, WAITERS};

/// How long something that takes microseconds may take on a loaded machine before it is called a hang.
pub const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(target_arch = "x86_64")]
const FUTEX: &str = "202";
#[cfg(target_arch = "aarch64")]
const FUTEX: &str = "98";

/// What the processes of a run are doing, a line each.
pub fn describe(what: &str, processes: &[(String, Option<u32>)]) -> String {
    let mut text = format!("hung: {what} did not come in {} s", PATIENCE.as_secs());
    for (name, pid) in processes {
        let doing = pid.map_or_else(|| "has not started".into(), doing);
        let _ = write!(text, "\n  {name}: {doing}"); // writing to a String cannot fail
    }
    text
}

/// A process and its children, to be described.
pub fn family(name: &str, pid: u32) -> Vec<(String, Option<u32>)> {
    let children = children(pid);
    let children = children.map(|child| ("  its child".to_owned(), Some(child.pid)));
    std::iter::once((name.to_owned(), Some(pid)))
        .chain(children)
        .collect()
}

fn doing(pid: u32) -> String {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}"));
    let Ok(status) = read("status") else {
        return format!("pid {pid} is gone");
    };
    let state = status.lines().find_map(|line| line.strip_prefix("State:"));
    let mut text = format!(
        "pid {pid} is in state{}",
        state.unwrap_or(" unknown").replace('\t', " ")
    );
    if let Ok(wchan) = read("wchan") {
        let _ = write!(text, ", in {wchan}");
    }
    if let Some(wait) = read("syscall").ok().and_then(|call| futex_wait(pid, &call)) {
        let _ = write!(text, ", {wait}");
    }
    text
}

/// The futex that a process sleeps on, from its line in /proc/PID/syscall: number, then arguments.
fn futex_wait(pid: u32, call: &str) -> Option<String> {
    let mut fields = call.split_whitespace();
    if fields.next()? != FUTEX {
        return None;
    }
    let mut argument = || u64::from_str_radix(fields.next()?.strip_prefix("0x")?, 16).ok();
    let (address, _operation, expected) = (argument()?, argument()?, argument()?);
    let now = word(pid, address).map_or_else(|| "unreadable".into(), show);
    Some(format!(
        "asleep on the word at {address:#x}: saw {}, it is {now} now",
        show(expected as u32)
    ))
}

fn word(pid: u32, address: u64) -> Option<u32> {
    let mut bytes = [0; 4];
    let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
    memory.read_exact_at(&mut bytes, address).ok()?;
    Some(u32::from_ne_bytes(bytes))
}

/// A robust word in words.
fn show(word: u32) -> String {
    let mut text = match word & TID_MASK {
        0 => "no owner".into(),
        owner if std::fs::exists(format!("/proc/{owner}")).unwrap_or(true) => {
            format!("owner {owner}")
        }
        owner => format!("owner {owner}, who is dead"),
    };
    for (bit, name) in [(WAITERS, "WAITERS"), (OWNER_DIED, "OWNER_DIED")] {
        if word & bit != 0 {
            let _ = write!(text, " + {name}");
        }
    }
    text
}
