//! What a process holds and has set into the world: to see that a run leaves nothing behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use super::Fallible;

/// Does some work, and sees to it that nothing is left of it. `warm_up` comes first: what that leaves may stay.
///
/// # Errors
/// What goes wrong in either, and what is left behind.
pub fn leaving_nothing(
    work: impl FnOnce() -> Fallible,
    warm_up: impl FnOnce() -> Fallible,
) -> Fallible {
    let take = || Inventory::take().map_err(|error| format!("no inventory: {error}"));
    warm_up()?;
    let before = take()?;
    work()?;
    let after = take()?;
    if before == after {
        Ok(())
    } else {
        Err(format!("something was left behind:\n  before {before:?}\n  after  {after:?}").into())
    }
}

/// What can be left behind. To be taken in a process that does nothing else, or what others do would count.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Inventory {
    /// Zombies among them.
    children: BTreeSet<String>,
    threads: usize,
    /// How many of each kind.
    descriptors: BTreeMap<String, usize>,
    /// How many mappings are shared with other processes.
    shared_mappings: usize,
    /// Those of a file that has a name.
    named_mappings: BTreeSet<String>,
    /// Names of this library's in the places for temporary ones.
    names: BTreeSet<String>,
}

impl Inventory {
    fn take() -> io::Result<Inventory> {
        let (shared_mappings, named_mappings) = mappings()?;
        Ok(Inventory {
            children: children()?,
            threads: fs::read_dir("/proc/self/task")?.count(),
            descriptors: descriptors()?,
            shared_mappings,
            named_mappings,
            names: names(),
        })
    }
}

fn children() -> io::Result<BTreeSet<String>> {
    let me = std::process::id().to_string();
    let mut children = BTreeSet::new();
    for entry in fs::read_dir("/proc")? {
        // A process that ends meanwhile is none of ours: ours have been waited for, or stay as zombies.
        let Ok(stat) = fs::read_to_string(entry?.path().join("stat")) else {
            continue;
        };
        // pid (name) state parent ...; the name may hold anything.
        let Some((head, tail)) = stat.rsplit_once(')') else {
            continue;
        };
        let mut fields = tail.split_whitespace();
        let (state, parent) = (fields.next(), fields.next());
        if parent == Some(&me) {
            // A zombie is left behind; what sleeps and what runs is the same.
            let state = if state == Some("Z") { "zombie" } else { "" };
            children.insert(format!("{head}) {state}"));
        }
    }
    Ok(children)
}

fn descriptors() -> io::Result<BTreeMap<String, usize>> {
    let mut descriptors = BTreeMap::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        // As in `socket:[4711]`.
        let target = fs::read_link(entry?.path())?.to_string_lossy().into_owned();
        let kind = target.split('[').next().unwrap_or_default();
        *descriptors.entry(kind.to_owned()).or_insert(0) += 1;
    }
    Ok(descriptors)
}

fn mappings() -> io::Result<(usize, BTreeSet<String>)> {
    let (mut shared, mut named) = (0, BTreeSet::new());
    for line in fs::read_to_string("/proc/self/maps")?.lines() {
        // address permissions offset device inode path; a shared mapping has an s in its permissions.
        let mut fields = line.split_whitespace();
        if !fields
            .nth(1)
            .is_some_and(|permissions| permissions.contains('s'))
        {
            continue;
        }
        shared += 1;
        let path = fields.nth(3).unwrap_or("(no file)");
        if !path.starts_with("/memfd:") {
            named.insert(path.to_owned());
        }
    }
    Ok((shared, named))
}

fn names() -> BTreeSet<String> {
    let places = [std::env::temp_dir(), "/dev/shm".into()];
    let entries = places.iter().filter_map(|place| fs::read_dir(place).ok());
    let names = entries
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    names
        .filter(|name| name.to_lowercase().contains("forkproof"))
        .collect()
}
