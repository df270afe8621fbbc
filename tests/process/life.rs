//! Exit codes, names, states, and the messages of those who fail.

use std::io::Read;
use std::os::fd::AsFd;
use std::time::Duration;

use forkproof::{
    ExitCode, Process, ProcessError, Status, active_children, current_process, parent_process,
};

use crate::wire::{Exchange, Wire, in_child, stay, stay_for_ever};

fn nothing() {}

fn code(n: u8) -> ExitCode {
    ExitCode(n)
}

fn exits(n: i32) {
    std::process::exit(n)
}

fn fails(why: String) -> Result<(), String> {
    Err(why)
}

fn panics(why: String) {
    panic!("{why}")
}

fn ended<F: forkproof::process::Target<Args>, Args: forkproof::process::Argument>(
    target: F,
    args: Args,
) -> i32 {
    let p = Process::new(target, args);
    p.start().unwrap();
    p.join().unwrap()
}

#[test]
fn what_a_target_returns_is_its_exit_code() {
    assert_eq!(ended(nothing, ()), 0);
    assert_eq!(ended(code, (200,)), 200);
    assert_eq!(ended(exits, (3,)), 3);
    assert_eq!(ended(exits, (256 + 4,)), 4, "the kernel keeps 8 bits");
    assert_eq!(ended(|| Ok::<_, String>(ExitCode(5)), ()), 5);
    assert_eq!(ended(|a: u8, b: u8| ExitCode(a + b), (3, 4)), 7);
}

#[test]
fn up_to_eight_arguments_arrive_in_order() {
    #[allow(clippy::too_many_arguments)]
    fn digits(a: u8, b: u16, c: u32, d: u64, e: String, f: Vec<u8>, g: Option<bool>, h: char) {
        assert_eq!((a, b, c, d, e.as_str()), (1, 2, 3, 4, "5"));
        assert_eq!((f, g, h), (vec![6], Some(true), '8'));
    }
    let args = (1, 2, 3, 4, "5".to_owned(), vec![6], Some(true), '8');
    assert_eq!(ended(digits, args), 0);
}

#[test]
fn ten_megabytes_arrive_whole() {
    fn sum(bytes: Vec<u8>, expected: u64) {
        assert_eq!(
            bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>(),
            expected
        );
    }
    let bytes: Vec<u8> = (0..10_000_000_u32).map(|n| (n % 251) as u8).collect();
    let expected = bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    assert_eq!(ended(sum, (bytes, expected)), 0);
}

#[test]
fn failures_are_told_on_standard_error() {
    in_child(
        || {
            let said = |target: fn() -> Process| {
                let (mut read, write) = std::io::pipe().unwrap();
                nix::unistd::dup2_stderr(&write).unwrap();
                drop(write);
                let p = target();
                p.start().unwrap();
                assert_eq!(p.join().unwrap(), 1);
                // Nobody but this process may hold the pipe now, the zygote least of all.
                nix::unistd::dup2_stderr(std::io::stdout().as_fd()).unwrap();
                let mut said = String::new();
                read.read_to_string(&mut said).unwrap();
                said
            };
            // SAFETY: this process has one thread.
            unsafe { std::env::remove_var("RUST_BACKTRACE") };
            let panicked = said(|| Process::new(panics, ("oh no".to_owned(),)).named("one"));
            let (head, message) = panicked.split_once('\n').unwrap();
            assert_eq!(message, "oh no\n");
            let place = head.strip_prefix("process 'one' panicked at ").unwrap();
            assert!(place.starts_with("tests/process/life.rs:"), "{place}");
            let failed = said(|| Process::new(fails, ("no luck".to_owned(),)).named("two"));
            assert_eq!(failed, "process 'two' failed: no luck\n");
            // SAFETY: this process has one thread.
            unsafe { std::env::set_var("RUST_BACKTRACE", "1") };
            let traced = said(|| Process::new(panics, ("oh no".to_owned(),)));
            assert!(
                traced.contains("stack backtrace:") && traced.contains("panics"),
                "{traced}"
            );
        },
        (),
    );
}

#[test]
fn a_thread_that_panics_is_named_and_ends_nothing() {
    fn target() -> ExitCode {
        let thread = std::thread::Builder::new().name("worker".to_owned());
        let ended = thread.spawn(|| panic!("only the thread")).unwrap().join();
        ExitCode(if ended.is_err() { 9 } else { 0 })
    }
    assert_eq!(ended(target, ()), 9);
}

#[test]
fn a_killed_process_has_minus_the_signal() {
    let exchange = Exchange::new();
    for (end, code) in [
        (Process::terminate as fn(&Process) -> _, -15),
        (Process::kill, -9),
    ] {
        let p = Process::new(stay_for_ever, (exchange.name.clone(),));
        p.start().unwrap();
        let mut wire = exchange.accept();
        assert_eq!(wire.hear(), p.pid().unwrap().to_string());
        assert_eq!((p.exit_code(), p.is_alive()), (None, true));
        end(&p).unwrap();
        assert_eq!(p.join().unwrap(), code);
        assert_eq!((p.exit_code(), p.is_alive()), (Some(code), false));
        end(&p).unwrap(); // nobody is hit
    }
}

#[test]
fn terminate_right_after_start_is_not_lost() {
    // The signal may come before the child has settled: it waits.
    for _ in 0..100 {
        let p = Process::new(std::thread::park, ());
        p.start().unwrap();
        p.terminate().unwrap();
        assert_eq!(p.join().unwrap(), -15);
    }
}

#[test]
fn join_timeout_tells_running_from_ended() {
    let exchange = Exchange::new();
    let p = Process::new(stay, (exchange.name.clone(),));
    p.start().unwrap();
    let mut wire = exchange.accept();
    assert_eq!(p.join_timeout(Duration::ZERO).unwrap(), None);
    assert_eq!(p.join_timeout(Duration::from_millis(1)).unwrap(), None);
    wire.say("end");
    assert_eq!(p.join_timeout(Duration::MAX).unwrap(), Some(0));
    assert_eq!(p.join_timeout(Duration::ZERO).unwrap(), Some(0));
}

#[test]
fn several_threads_join_one_process() {
    let exchange = Exchange::new();
    let p = Process::new(stay, (exchange.name.clone(),));
    p.start().unwrap();
    let mut wire = exchange.accept();
    let waiting: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn({
                let p = p.clone();
                move || p.join().unwrap()
            })
        })
        .collect();
    wire.say("end");
    for thread in waiting {
        assert_eq!(thread.join().unwrap(), 0);
    }
}

#[test]
fn misuse_is_a_typed_error() {
    let p = Process::new(nothing, ());
    assert_eq!(p.status().unwrap(), Status::Made);
    assert!(matches!(p.join(), Err(ProcessError::NotStarted)));
    assert!(matches!(p.terminate(), Err(ProcessError::NotStarted)));
    assert!(matches!(p.sentinel(), Err(ProcessError::NotStarted)));
    assert_eq!((p.pid(), p.is_alive(), p.exit_code()), (None, false, None));
    p.start().unwrap();
    assert!(matches!(p.start(), Err(ProcessError::AlreadyStarted)));
    assert!(matches!(
        p.set_daemon(true),
        Err(ProcessError::AlreadyStarted)
    ));
    assert!(matches!(
        p.set_name("late"),
        Err(ProcessError::AlreadyStarted)
    ));
    p.join().unwrap();
    assert!(matches!(p.start(), Err(ProcessError::AlreadyStarted)));
    assert_eq!(p.status().unwrap(), Status::Ended(0));
    p.close().unwrap();
    p.close().unwrap();
    assert!(matches!(p.join(), Err(ProcessError::Closed)));
    assert!(matches!(p.start(), Err(ProcessError::Closed)));
    assert!(matches!(p.status(), Err(ProcessError::Closed)));
    assert_eq!((p.pid(), p.is_alive(), p.exit_code()), (None, false, None));
}

#[test]
fn a_running_process_cannot_be_closed() {
    let exchange = Exchange::new();
    let p = Process::new(stay, (exchange.name.clone(),));
    p.start().unwrap();
    let mut wire = exchange.accept();
    assert!(matches!(p.close(), Err(ProcessError::StillRunning)));
    wire.say("end");
    p.join().unwrap();
    p.close().unwrap();
}

#[test]
fn a_sentinel_is_readable_at_the_end() {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let exchange = Exchange::new();
    let p = Process::new(stay, (exchange.name.clone(),));
    p.start().unwrap();
    let sentinel = p.sentinel().unwrap();
    let ready = |timeout| {
        poll(
            &mut [PollFd::new(sentinel.as_fd(), PollFlags::POLLIN)],
            timeout,
        )
        .unwrap()
    };
    let mut wire = exchange.accept();
    assert_eq!(ready(PollTimeout::ZERO), 0);
    wire.say("end");
    assert_eq!(ready(PollTimeout::NONE), 1);
    assert_eq!(p.exit_code(), Some(0));
}

#[test]
fn names_number_the_processes_of_each_parent() {
    fn tell(exchange: String, depth: u32) {
        let parent = parent_process().unwrap();
        assert!(parent.is_alive());
        let mut wire = Wire::call(&exchange);
        wire.say(format!("{} of {}", current_process().name(), parent.name()));
        if depth > 0 {
            for _ in 0..2 {
                let p = Process::new(tell, (exchange.clone(), depth - 1));
                p.start().unwrap();
                assert_eq!(p.join().unwrap(), 0);
            }
        }
    }
    in_child(
        || {
            let own = current_process().name();
            let exchange = Exchange::new();
            let p = Process::new(tell, (exchange.name.clone(), 1));
            p.start().unwrap();
            assert_eq!(p.join().unwrap(), 0);
            assert_eq!(p.name(), format!("{own}:1"));
            let heard = [(); 3].map(|()| exchange.accept().hear());
            let expected = [
                format!("{own}:1 of {own}"),
                format!("{own}:1:1 of {own}:1"),
                format!("{own}:1:2 of {own}:1"),
            ];
            assert_eq!(heard, expected);
        },
        (),
    );
    assert_eq!(current_process().name(), "MainProcess");
    assert!(parent_process().is_none());
}

#[test]
fn a_given_name_arrives() {
    fn named() {
        assert_eq!(current_process().name(), "worker-x");
        assert!(!current_process().is_daemon());
    }
    let p = Process::new(named, ()).named("worker-x");
    p.start().unwrap();
    assert_eq!((p.join().unwrap(), p.name()), (0, "worker-x".to_owned()));
}

#[test]
fn a_process_shows_as_in_cpython() {
    let p = Process::new(nothing, ()).named("n").daemon(true);
    let me = std::process::id();
    assert_eq!(
        format!("{p:?}"),
        format!("<Process name='n' parent={me} initial daemon>")
    );
    p.start().unwrap();
    p.join().unwrap();
    let pid = p.pid().unwrap();
    let shown = format!("<Process name='n' pid={pid} parent={me} stopped exitcode=0 daemon>");
    assert_eq!(format!("{p:?}"), shown);
}

#[test]
fn active_children_are_those_that_run() {
    in_child(
        || {
            let exchange = Exchange::new();
            let make = || Process::new(stay, (exchange.name.clone(),));
            let (first, second) = (make(), make());
            assert!(active_children().is_empty());
            first.start().unwrap();
            let mut wire = exchange.accept();
            second.start().unwrap();
            let names = || {
                active_children()
                    .iter()
                    .map(Process::name)
                    .collect::<Vec<_>>()
            };
            assert_eq!(names(), [first.name(), second.name()]);
            wire.say("end");
            first.join().unwrap();
            assert_eq!(names(), [second.name()]);
            second.kill().unwrap();
            second.join().unwrap();
            assert!(active_children().is_empty());
        },
        (),
    );
}

#[test]
fn a_target_that_cannot_read_its_arguments_ends_with_1() {
    #[derive(serde::Serialize)]
    struct Odd;
    impl<'de> serde::Deserialize<'de> for Odd {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Odd, D::Error> {
            Err(serde::de::Error::custom("odd"))
        }
    }
    assert_eq!(ended(|_: Odd| {}, (Odd,)), 1);
}

#[test]
fn arguments_that_cannot_be_written_are_an_error_here() {
    #[derive(serde::Deserialize)]
    struct Silent;
    impl serde::Serialize for Silent {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("silent"))
        }
    }
    let p = Process::new(|_: Silent| {}, (Silent,));
    assert!(matches!(p.start(), Err(ProcessError::Args(_))));
    assert_eq!(p.status().unwrap(), Status::Made);
}
