//! What a child finds around it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use forkproof::{Process, StartMethod};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};
use nix::sys::stat::{Mode, umask};

use crate::wire::in_child;

/// A line of /proc/self/status.
fn status(field: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .unwrap();
    line.trim_start_matches(':').trim().to_owned()
}

fn signals(field: &str) -> u64 {
    u64::from_str_radix(&status(field), 16).unwrap()
}

/// All of it, in a form that travels.
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Around {
    environment: Vec<(Vec<u8>, Vec<u8>)>,
    arguments: Vec<Vec<u8>>,
    directory: PathBuf,
    umask: String,
    comm: String,
    ignored: u64,
    blocked: u64,
    files: (u64, u64),
    processors: String,
    groups: Vec<i32>,
    streams: Vec<PathBuf>,
}

impl Around {
    fn here() -> Around {
        let mut environment: Vec<_> = std::env::vars_os()
            .map(|(k, v)| (k.into_vec(), v.into_vec()))
            .collect();
        environment.sort();
        let stream = |fd: u32| std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap();
        Around {
            environment,
            arguments: std::env::args_os().map(OsString::into_vec).collect(),
            directory: std::env::current_dir().unwrap(),
            umask: status("Umask"),
            comm: std::fs::read_to_string("/proc/self/comm").unwrap(),
            ignored: signals("SigIgn"),
            blocked: signals("SigBlk"),
            files: getrlimit(Resource::RLIMIT_NOFILE).unwrap(),
            processors: status("Cpus_allowed"),
            groups: vec![
                nix::unistd::getpgrp().as_raw(),
                nix::unistd::getsid(None).unwrap().as_raw(),
            ],
            streams: (0..3).map(stream).collect(),
        }
    }
}

fn compare(mut expected: Around) {
    // The C library keeps these two for itself, and posix_spawn leaves them ignored.
    let internal = 1 << 31 | 1 << 32;
    let mut found = Around::here();
    found.ignored &= !internal;
    expected.ignored &= !internal;
    assert_eq!(found, expected);
}
forkproof::spawnable!(compare);

fn check_all() {
    for method in [StartMethod::Zygote, StartMethod::Spawn, StartMethod::Fork] {
        let p = Process::new(compare, (Around::here(),)).start_method(method);
        p.start().unwrap();
        assert_eq!(p.join().unwrap(), 0, "{method:?}");
    }
}

#[test]
fn a_child_finds_what_its_parent_has_and_what_it_changed_since() {
    in_child(
        || {
            check_all(); // from here on there is a zygote, which must not hand on what it knew first
            // SAFETY: this process has one thread.
            unsafe {
                std::env::set_var("FORKPROOF_TEST", OsStr::from_bytes(b"\xff\xfe=\n"));
                std::env::remove_var("PATH");
                std::env::set_var("EMPTY", "");
            }
            check_all();
            umask(Mode::from_bits_truncate(0o027));
            check_all();
            let before = std::env::current_dir().unwrap();
            std::env::set_current_dir("/proc").unwrap();
            check_all();
            std::env::set_current_dir(before).unwrap();
            // SAFETY: SIG_DFL and SIG_IGN run no code.
            unsafe {
                signal(Signal::SIGPIPE, SigHandler::SigDfl).unwrap();
                signal(Signal::SIGUSR2, SigHandler::SigIgn).unwrap();
            }
            check_all();
            let mut set = SigSet::empty();
            set.add(Signal::SIGUSR1);
            sigprocmask(SigmaskHow::SIG_BLOCK, Some(&set), None).unwrap();
            check_all();
            let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
            setrlimit(Resource::RLIMIT_NOFILE, 200, hard).unwrap();
            check_all();
            std::fs::write("/proc/self/comm", "other name").unwrap();
            check_all();
            let mut one = nix::sched::CpuSet::new();
            one.set(0).unwrap();
            nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &one).unwrap();
            check_all();
            let null = std::fs::File::open("/dev/null").unwrap();
            nix::unistd::dup2_stdin(&null).unwrap();
            drop(null);
            check_all();
            nix::unistd::setsid().unwrap(); // a new session: the zygote of the old one will not do
            check_all();
        },
        (),
    );
}

#[test]
fn the_program_ignores_sigpipe_and_so_does_a_child() {
    // Rust's main ignores it; a child never comes through main.
    assert_ne!(signals("SigIgn") & (1 << 12), 0);
    in_child(|| assert_ne!(signals("SigIgn") & (1 << 12), 0), ());
}

#[test]
fn a_removed_working_directory_is_carried_as_well() {
    in_child(
        || {
            let directory = std::env::temp_dir().join(format!("forkproof-{}", std::process::id()));
            std::fs::create_dir(&directory).unwrap();
            std::env::set_current_dir(&directory).unwrap();
            std::fs::remove_dir(&directory).unwrap();
            in_child(|| assert!(std::env::current_dir().is_err()), ());
        },
        (),
    );
}

#[test]
fn closed_streams_become_dev_null() {
    in_child(
        || {
            // SAFETY: nothing in this process owns descriptor 0.
            unsafe { libc::close(0) };
            in_child(
                || {
                    let stdin = std::fs::read_link("/proc/self/fd/0").unwrap();
                    assert_eq!(stdin, PathBuf::from("/dev/null"));
                },
                (),
            );
        },
        (),
    );
}

#[test]
fn no_other_open_files_are_carried() {
    fn check() {
        let open: Vec<PathBuf> = std::fs::read_dir("/proc/self/fd")
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_name().to_str().unwrap().parse::<u32>().unwrap() > 2)
            .filter_map(|entry| std::fs::read_link(entry.path()).ok())
            .filter(|to| !to.starts_with("/proc")) // the directory being read
            .collect();
        assert_eq!(
            open,
            [PathBuf::from("anon_inode:[pidfd]")],
            "its parent's, and nothing else"
        );
    }
    in_child(
        || {
            // One that an exec hands on, one that it does not.
            let kept = std::fs::File::open("/dev/zero").unwrap();
            // SAFETY: the number is one of ours.
            unsafe { libc::dup(std::os::fd::AsRawFd::as_raw_fd(&kept)) };
            in_child(check, ());
        },
        (),
    );
}
