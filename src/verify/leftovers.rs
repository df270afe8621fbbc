//! What a process holds and has set into the world: to see that a run leaves nothing behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use super::Fallible;
use super::census::{Stat, children};

/// Does some work, and sees to it that nothing is left of it. `warm_up` comes first: what that leaves may stay.
/// The work says how many bytes of shared objects those held that it killed: they do not come back before the
/// process ends (see [`shm`](crate::shm)).
///
/// # Errors
/// What goes wrong in either, and what is left behind.
pub fn leaving_nothing(
    warm_up: impl FnOnce() -> Fallible,
    work: impl FnOnce() -> Fallible<u64>,
) -> Fallible {
    warm_up()?;
    let before = Inventory::take()?;
    let held_by_the_dead = work()?;
    let after = Inventory::take()?;
    // Memory grows by arenas, each twice the size of the last.
    let allowed = before.shared_bytes + 4 * held_by_the_dead;
    let most = if held_by_the_dead == 0 {
        before.shared_bytes
    } else {
        allowed + (64 << 10)
    };
    if after.shared_bytes <= most && after.but_for_memory() == before.but_for_memory() {
        Ok(())
    } else {
        let text = "something was left behind";
        Err(format!(
            "{text} (at most {most} bytes may be shared):\n  before {before:?}\n  after  {after:?}"
        )
        .into())
    }
}

/// What can be left behind. To be taken in a process that does nothing else, or what others do would count.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Inventory {
    /// Zombies among them.
    children: BTreeSet<String>,
    threads: usize,
    /// How many of each kind.
    descriptors: BTreeMap<String, i64>,
    /// What is mapped and shared with other processes.
    shared_bytes: u64,
    shared_mappings: i64,
}

impl Inventory {
    fn take() -> io::Result<Inventory> {
        let maps = fs::read_to_string("/proc/self/maps")?;
        let shared = shared_mappings(&maps);
        Ok(Inventory {
            children: own_children(),
            threads: crate::sys::fork::threads()?,
            descriptors: descriptors()?,
            shared_bytes: shared.iter().map(|mapping| mapping.bytes).sum(),
            shared_mappings: shared.len() as i64,
        })
    }

    /// The same, whatever the number of arenas: each is one descriptor and one mapping.
    fn but_for_memory(&self) -> Inventory {
        let mut same = self.clone();
        let arenas: i64 = same
            .descriptors
            .extract_if(.., |kind, _| kind.starts_with(MEMFD))
            .map(|(_, count)| count)
            .sum();
        same.shared_mappings -= arenas;
        same.shared_bytes = 0;
        same
    }
}

const MEMFD: &str = "/memfd:";

fn own_children() -> BTreeSet<String> {
    // A zombie is left behind; what sleeps and what runs is the same.
    let describe = |child: Stat| match child.is_zombie() {
        true => format!("{} ({}) zombie", child.pid, child.name),
        false => format!("{} ({})", child.pid, child.name),
    };
    children(std::process::id()).map(describe).collect()
}

fn descriptors() -> io::Result<BTreeMap<String, i64>> {
    let mut descriptors = BTreeMap::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        // As in `socket:[4711]`.
        let target = fs::read_link(entry?.path())?.to_string_lossy().into_owned();
        let kind = target.split('[').next().unwrap_or_default();
        *descriptors.entry(kind.to_owned()).or_insert(0) += 1;
    }
    Ok(descriptors)
}

/// How many bytes this process shares with others.
///
/// # Errors
/// `/proc` cannot be read.
pub fn shared_bytes() -> io::Result<u64> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let shared = shared_mappings(&maps);
    Ok(shared.iter().map(|mapping| mapping.bytes).sum())
}

/// Sees to it that what a process shares has no name but those that it should have, so that nothing else can be left
/// behind however it ends.
///
/// # Errors
/// What has one.
pub fn shares_no_names(pid: u32, but_for: &[String]) -> Fallible {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let shared = shared_mappings(&maps).into_iter();
    let named: BTreeSet<_> = shared
        .map(|mapping| mapping.path)
        .filter(|path| !path.starts_with(MEMFD))
        .filter(|path| {
            !but_for.iter().any(|name| {
                path.strip_prefix("/dev/shm/")
                    .is_some_and(|it| it.starts_with(name.as_str()))
            })
        })
        .collect();
    if named.is_empty() {
        Ok(())
    } else {
        Err(format!("process {pid} maps {named:?}").into())
    }
}

struct SharedMapping<'a> {
    bytes: u64,
    path: &'a str,
}

fn shared_mappings(maps: &str) -> Vec<SharedMapping<'_>> {
    // Each line: addresses, permissions (an `s` if shared), offset, device, inode, path.
    maps.lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (start, end) = fields.next()?.split_once('-')?;
            let [start, end] = [start, end].map(|hex| u64::from_str_radix(hex, 16).ok());
            let shared = fields.next()?.contains('s');
            let path = fields.nth(3).unwrap_or("(no file)");
            shared.then_some(SharedMapping {
                bytes: end? - start?,
                path,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Process;

    /// Each in a process of its own, as other tests run in this one.
    #[test]
    fn what_is_left_behind_is_noticed() {
        let noticed = |left| {
            let process = Process::new(leave, (left,));
            process.start().unwrap();
            process.join().unwrap() == i32::from(NOTICED)
        };
        for left in ["descriptor", "thread", "zombie", "memory"] {
            assert!(noticed(left.to_owned()), "{left}");
        }
        assert!(!noticed("nothing".to_owned()));
    }

    const NOTICED: u8 = 42;

    fn leave(what: String) -> Fallible<crate::ExitCode> {
        let child = || std::process::Command::new("true").spawn();
        let work = || {
            match what.as_str() {
                "descriptor" => std::mem::forget(fs::File::open("/dev/null")?),
                "thread" => drop(std::thread::spawn(std::thread::park)),
                "zombie" => drop(child()?),
                "memory" => std::mem::forget(crate::Array::<u64>::new(100_000)?),
                _ => child()?.wait().map(|_| ())?,
            }
            Ok(0)
        };
        let outcome = leaving_nothing(|| Ok(()), work);
        Ok(crate::ExitCode(if outcome.is_err() { NOTICED } else { 0 }))
    }

    #[test]
    fn shared_memory_is_told_from_private() {
        let maps = "\
7f00-8000 rw-s 00000000 00:01 4711 /memfd:forkproof (deleted)
8000-9000 rw-p 00000000 00:01 4711 /usr/lib/libc.so
9000-9100 r--s 00000000 00:01 4712 /dev/shm/left
";
        let shared: Vec<_> = shared_mappings(maps)
            .into_iter()
            .map(|it| (it.bytes, it.path))
            .collect();
        assert_eq!(
            shared,
            [(0x100, "/memfd:forkproof"), (0x100, "/dev/shm/left")]
        );
    }
}
