//! After kills of everything nothing is left: no file, no memory with a name, no socket, no process. Seen from outside,
//! around a program that has a folder for temporary files to itself.

#![cfg(feature = "harness")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Until what is about to go is called left.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder for temporary files, which is to be empty in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let name = format!("forkproof-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn verify(&self, arguments: &[&str], report: Stdio) -> Child {
        Command::new(env!("CARGO_BIN_EXE_forkproof"))
            .arg("verify")
            .args(arguments)
            .env("TMPDIR", &self.0)
            .stdin(Stdio::null())
            .stdout(report)
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// The processes that have it as theirs. A zombie has nothing.
    fn processes(&self) -> BTreeSet<i32> {
        let own = format!("TMPDIR={}", self.0.display());
        let pids = names_in(Path::new("/proc"));
        let pids = pids.into_iter().filter_map(|name| name.parse().ok());
        pids.filter(|pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|byte| *byte == 0)
                .any(|entry| entry == own.as_bytes())
        })
        .collect()
    }

    /// What is left, of that and of everything that has a name: what was there before is someone else's.
    fn left(&self, before: &BTreeSet<String>) -> BTreeSet<String> {
        let processes = self.processes().into_iter();
        let processes = processes.map(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            format!("process {pid} {}", String::from_utf8_lossy(&line))
        });
        let files = names_in(&self.0).into_iter();
        let files = files.map(|name| format!("file {name}"));
        let named = everything_with_a_name();
        let named = named.difference(before).cloned();
        processes.chain(files).chain(named).collect()
    }

    fn assert_nothing_is_left(&self, before: &BTreeSet<String>, after: &str) {
        let deadline = Instant::now() + PATIENCE;
        // Other programs' things come, and go.
        loop {
            let left = self.left(before);
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "after {after}: {left:#?}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for pid in self.processes() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL); // after a failure
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.collect()
}

/// Memory in /dev/shm, and sockets, by the names that this library gives.
fn everything_with_a_name() -> BTreeSet<String> {
    let memory = names_in(Path::new("/dev/shm")).into_iter();
    let memory = memory.map(|name| format!("/dev/shm/{name}"));
    let sockets = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let sockets = sockets
        .lines()
        .filter_map(|line| line.split_whitespace().nth(7));
    let sockets: Vec<String> = sockets.map(|name| format!("socket {name}")).collect();
    let ours = |name: &String| name.contains("forkproof");
    memory.chain(sockets).filter(ours).collect()
}

/// One after the other, as each would see the other's.
#[test]
fn kills_of_everything_leave_nothing() {
    a_campaign_leaves_nothing();
    a_campaign_that_is_killed_leaves_nothing();
}

fn a_campaign_leaves_nothing() {
    let folder = Folder::new("campaign");
    let before = everything_with_a_name();
    let campaign = folder.verify(&["--only", "random kills", "--kills", "12"], Stdio::piped());
    let output = campaign.wait_with_output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}");
    folder.assert_nothing_is_left(&before, "the campaign");
}

/// In the middle of its work the program is killed, and right after it some of the others. (Memory with a name stays,
/// by its contract, when all that could unlink it are killed; and so does the path of a socket, when the server and the
/// process that started it are: their campaigns are not among these.)
fn a_campaign_that_is_killed_leaves_nothing() {
    for row in ["Queue", "Manager", "Pool", "Process"] {
        let folder = Folder::new("killed");
        let before = everything_with_a_name();
        let row = format!("{row} random kills");
        let mut campaign = folder.verify(&["--only", &row, "--kills", "100000"], Stdio::null());
        // The program, its zygote, the process that does the work and its zygote, and two of its lanes.
        while folder.processes().len() < 6 {
            assert_eq!(
                campaign.try_wait().unwrap(),
                None,
                "{row}: it ended by itself"
            );
            std::thread::yield_now();
        }
        let others = folder.processes();
        campaign.kill().unwrap();
        for pid in others.into_iter().step_by(2) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL); // it may have ended
        }
        campaign.wait().unwrap();
        folder.assert_nothing_is_left(&before, &row);
    }
}
