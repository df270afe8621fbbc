//! What a process holds and has set into the world: to see that a run leaves nothing behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use super::{Fallible, stuck};

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
    /// Shared mappings of a file that has a name.
    named_mappings: BTreeSet<String>,
    /// Names of this library's in the places for temporary ones.
    names: BTreeSet<String>,
}

impl Inventory {
    fn take() -> io::Result<Inventory> {
        let mut inventory = Inventory {
            children: children()?,
            threads: fs::read_dir("/proc/self/task")?.count(),
            descriptors: descriptors()?,
            shared_bytes: 0,
            shared_mappings: 0,
            named_mappings: BTreeSet::new(),
            names: names(),
        };
        inventory.count_mappings(&fs::read_to_string("/proc/self/maps")?);
        Ok(inventory)
    }

    /// Each line: addresses, permissions (an `s` if shared), offset, device, inode, path.
    fn count_mappings(&mut self, maps: &str) {
        for line in maps.lines() {
            let mut fields = line.split_whitespace();
            let addresses = fields
                .next()
                .and_then(|addresses| addresses.split_once('-'));
            if !fields
                .next()
                .is_some_and(|permissions| permissions.contains('s'))
            {
                continue;
            }
            let [start, end] = addresses.map_or([0, 0], |(start, end)| {
                [start, end].map(|hex| u64::from_str_radix(hex, 16).unwrap_or(0))
            });
            self.shared_mappings += 1;
            self.shared_bytes += end - start;
            let path = fields.nth(3).unwrap_or("(no file)");
            if !path.starts_with(MEMFD) {
                self.named_mappings.insert(path.to_owned());
            }
        }
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

fn children() -> io::Result<BTreeSet<String>> {
    let family = stuck::family("", std::process::id());
    let children = family.into_iter().skip(1).filter_map(|(_, pid)| pid);
    // pid (name) state ...: a zombie is left behind; what sleeps and what runs is the same.
    let describe = |pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let (who, fields) = stat.rsplit_once(')').unwrap_or((&stat, ""));
        let state = fields.trim_start().chars().next().unwrap_or('?');
        let state = if state == 'Z' { "zombie" } else { "" };
        Ok(format!("{who}) {state}"))
    };
    children.map(describe).collect()
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
