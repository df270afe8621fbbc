//! Whether the processes of a case have come to rest: by looking where each of their threads sleeps, not by a clock.
//!
//! Two looks that find every thread asleep, and none of them switched to between its own two looks, prove that there
//! was a moment, between the looks, at which all were asleep. (proc(5): `stat`, `status` and `syscall` of each task.)
//! What could wake one of them then is a time-out of its own, of which the kernel tells too, or the world outside.

use std::collections::BTreeMap;
use std::fs;

/// How the processes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Someone runs, or ran between the looks.
    None,
    /// All sleep, and someone will wake by itself.
    UntilATime,
    /// All sleep, and none will wake unless someone wakes it.
    Complete,
}

/// A thread that sleeps: how often it was switched to, and whether its sleep ends by itself.
#[derive(PartialEq, Eq)]
struct Asleep {
    switches: u64,
    timed: bool,
}

/// Looks twice at the processes of a group.
pub fn look(group: u32) -> Rest {
    let Some(first) = sleepers(group) else {
        return Rest::None;
    };
    let Some(second) = sleepers(group) else {
        return Rest::None;
    };
    if first != second {
        Rest::None
    } else if second.values().any(|asleep| asleep.timed) {
        Rest::UntilATime
    } else {
        Rest::Complete
    }
}

/// Where the threads of a group sleep: for the report of a call that does not return.
pub fn describe(group: u32) -> String {
    let tasks = members(group).into_iter().flat_map(tasks);
    let lines = tasks.map(|(process, task)| {
        let read = |file: &str| {
            let text = fs::read_to_string(format!("/proc/{process}/task/{task}/{file}"));
            text.unwrap_or_default().trim().to_owned()
        };
        format!("{process}/{task} {} in {}", read("comm"), read("wchan"))
    });
    lines.collect::<Vec<_>>().join(", ")
}

/// All threads of the group's processes; `None` if one of them is awake.
fn sleepers(group: u32) -> Option<BTreeMap<(u32, u32), Asleep>> {
    let mut all = BTreeMap::new();
    let members = members(group);
    if members.is_empty() {
        return None; // its first process is on its way
    }
    for process in members {
        for (process, task) in tasks(process) {
            let at = format!("/proc/{process}/task/{task}");
            let Ok(stat) = fs::read_to_string(format!("{at}/stat")) else {
                return None; // it has ended just now, and may have woken someone
            };
            match stat_field(&stat, 0)? {
                "S" | "T" | "t" => {}
                "Z" | "X" => continue,
                _ => return None,
            }
            let status = fs::read_to_string(format!("{at}/status")).ok()?;
            let switches = status.lines().filter_map(|line| {
                let (name, count) = line.split_once(':')?;
                name.ends_with("voluntary_ctxt_switches")
                    .then(|| count.trim().parse::<u64>().ok())?
            });
            let switches = switches.sum();
            // What cannot be read may end by itself.
            let call = fs::read_to_string(format!("{at}/syscall"));
            let timed = call.map_or(true, |call| sleeps_for_a_time(&call));
            all.insert((process, task), Asleep { switches, timed });
        }
    }
    Some(all)
}

fn members(group: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_member = |process: &u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"));
        let stat = stat.unwrap_or_default();
        stat_field(&stat, 2).is_some_and(|of| of == group.to_string())
    };
    processes.filter(is_member).collect()
}

fn tasks(process: u32) -> Vec<(u32, u32)> {
    let entries = fs::read_dir(format!("/proc/{process}/task"));
    let entries = entries.into_iter().flatten().flatten();
    let tasks = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    tasks.map(|task| (process, task)).collect()
}

/// Behind the name, which is in parentheses and may hold anything: state, parent, group.
fn stat_field(stat: &str, field: usize) -> Option<&str> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(field)
}

/// Which argument of a system call says how long it sleeps, and what it is if that is for ever.
const TIMES: &[(u32, usize, u64)] = &[
    #[cfg(target_arch = "x86_64")]
    (202, 3, 0), // futex
    #[cfg(target_arch = "aarch64")]
    (98, 3, 0),
    (449, 3, 0), // futex_waitv
    #[cfg(target_arch = "x86_64")]
    (7, 2, u64::MAX), // poll: -1, of which the kernel shows 32 or 64 bits
    #[cfg(target_arch = "x86_64")]
    (271, 2, 0), // ppoll
    #[cfg(target_arch = "aarch64")]
    (73, 2, 0),
    #[cfg(target_arch = "x86_64")]
    (232, 3, u64::MAX), // epoll_wait
    #[cfg(target_arch = "x86_64")]
    (281, 3, u64::MAX), // epoll_pwait
    #[cfg(target_arch = "aarch64")]
    (22, 3, u64::MAX),
    #[cfg(target_arch = "x86_64")]
    (270, 4, 0), // pselect6
    #[cfg(target_arch = "aarch64")]
    (72, 4, 0),
];

/// nanosleep and clock_nanosleep.
#[cfg(target_arch = "x86_64")]
const SLEEPS: [u32; 2] = [35, 230];
#[cfg(target_arch = "aarch64")]
const SLEEPS: [u32; 2] = [101, 115];

/// Of a line of `/proc/PID/syscall`: number, then arguments.
fn sleeps_for_a_time(call: &str) -> bool {
    let mut fields = call.split_whitespace();
    let Some(number) = fields.next().and_then(|number| number.parse::<u32>().ok()) else {
        return true; // "running": it was awake for the question
    };
    let arguments: Vec<u64> = fields
        .filter_map(|argument| u64::from_str_radix(argument.trim_start_matches("0x"), 16).ok())
        .collect();
    if SLEEPS.contains(&number) {
        return true;
    }
    let time = TIMES.iter().find(|(call, _, _)| *call == number);
    time.is_some_and(|&(_, argument, endless)| {
        let given = arguments.get(argument).copied().unwrap_or(endless);
        let same_32_bits = endless == u64::MAX && given as u32 == u32::MAX;
        given != endless && !same_32_bits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn a_sleep_has_an_end_or_it_has_not() {
        let futex =
            |time: &str| sleeps_for_a_time(&format!("202 0x7f00 0x0 0x2 {time} 0x0 0x0 0x1 0x2"));
        assert!(futex("0x7ffe0010"));
        assert!(!futex("0x0"));
        assert!(!sleeps_for_a_time(
            "7 0x7f00 0x1 0xffffffff 0x0 0x0 0x0 0x1 0x2"
        ));
        assert!(sleeps_for_a_time("7 0x7f00 0x1 0x64 0x0 0x0 0x0 0x1 0x2"));
        assert!(sleeps_for_a_time("230 0x0 0x0 0x1 0x0 0x0 0x0 0x1 0x2"));
        assert!(sleeps_for_a_time("running"));
        assert!(
            !sleeps_for_a_time("45 0x3 0x1 0x1 0x0 0x0 0x0 0x1 0x2"),
            "recvfrom"
        );
    }
}
