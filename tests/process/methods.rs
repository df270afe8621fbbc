//! The start methods: what each can do and refuses, and what the child finds.

use std::io::Read;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use forkproof::{
    ExitCode, Lock, Process, ProcessError, StartMethod, Value, current_process, parent_process,
    set_start_method,
};

use crate::wire::in_child;

const ALL: [StartMethod; 3] = [StartMethod::Zygote, StartMethod::Fork, StartMethod::Spawn];

fn deposit(balance: Value<i32>, lock: Lock, amount: i32) {
    let _held = lock.lock().unwrap();
    balance.update(|sum| *sum += amount).unwrap();
}
forkproof::spawnable!(deposit, look_around);

fn unregistered(balance: Value<i32>) {
    balance.update(|sum| *sum += 1_000).unwrap();
}

fn look_around(parent: u32) {
    assert_eq!(parent_process().unwrap().pid(), parent);
    assert_eq!(std::os::unix::process::parent_id(), parent);
    assert_eq!(current_process().name(), "looker");
    assert_eq!(std::fs::read_dir("/proc/self/task").unwrap().count(), 1);
    // SAFETY: gettid takes nothing.
    let tid = unsafe { libc::gettid() };
    assert_eq!(tid as u32, std::process::id());
    // The C library's own idea of the thread's id, which a robust or recursive mutex of it relies on.
    // SAFETY: the attributes and the mutex are made before they are used, and used by one thread.
    unsafe {
        let mut attributes = std::mem::zeroed();
        libc::pthread_mutexattr_init(&mut attributes);
        libc::pthread_mutexattr_settype(&mut attributes, libc::PTHREAD_MUTEX_ERRORCHECK);
        let mut mutex = std::mem::zeroed();
        libc::pthread_mutex_init(&mut mutex, &attributes);
        assert_eq!(libc::pthread_mutex_lock(&mut mutex), 0);
        let owner = (&raw const mutex).cast::<i32>().add(2).read();
        assert_eq!(owner, tid, "__owner");
        assert_eq!(libc::pthread_mutex_unlock(&mut mutex), 0);
        let mut head: *mut libc::c_void = std::ptr::null_mut();
        let mut bytes = 0_usize;
        libc::syscall(libc::SYS_get_robust_list, 0, &raw mut head, &raw mut bytes);
        assert!(
            !head.is_null() && bytes == 24,
            "the robust list is registered"
        );
    }
    assert_eq!(std::thread::spawn(|| 7).join().unwrap(), 7);
}

#[test]
fn every_method_runs_a_target_on_shared_objects() {
    in_child(
        || {
            let (balance, lock) = (Value::new(0).unwrap(), Lock::new().unwrap());
            for method in ALL {
                let p = Process::new(deposit, (balance.clone(), lock.clone(), 10));
                let p = p.start_method(method);
                p.start().unwrap();
                assert_eq!(p.join().unwrap(), 0, "{method:?}");
            }
            assert_eq!(balance.get().unwrap(), 30);
        },
        (),
    );
}

#[test]
fn every_method_makes_a_direct_child_with_one_thread() {
    in_child(
        || {
            for method in ALL {
                let p = Process::new(look_around, (std::process::id(),)).named("looker");
                let p = p.start_method(method);
                p.start().unwrap();
                assert_eq!(p.join().unwrap(), 0, "{method:?}");
            }
        },
        (),
    );
}

#[test]
fn fork_is_refused_beside_other_threads() {
    // The test harness has its own thread, always.
    let p = Process::new(deposit, (Value::new(0).unwrap(), Lock::new().unwrap(), 1));
    let p = p.start_method(StartMethod::Fork);
    match p.start() {
        Err(ProcessError::Threads { count }) => assert!(count >= 2),
        other => panic!("{other:?}"),
    }
    let message = p.start().unwrap_err().to_string();
    assert!(
        message.starts_with("fork is unsafe here: the process has "),
        "{message}"
    );
    let p = Process::from_closure(|| {});
    assert!(matches!(p.start(), Err(ProcessError::Threads { .. })));
}

#[test]
fn a_fork_has_the_memory_and_runs_a_closure() {
    static GLOBAL: AtomicI32 = AtomicI32::new(0);
    fn global() -> ExitCode {
        ExitCode(GLOBAL.load(Relaxed) as u8)
    }
    in_child(
        || {
            GLOBAL.store(40, Relaxed);
            let captured = [1, 1];
            let p = Process::from_closure(move || {
                let sum: i32 = captured.iter().sum();
                ExitCode((GLOBAL.fetch_add(sum, Relaxed) + sum) as u8)
            });
            p.start().unwrap();
            assert_eq!(p.join().unwrap(), 42);
            assert_eq!(GLOBAL.load(Relaxed), 40, "the child had its own");
            for (method, seen) in [(StartMethod::Fork, 40), (StartMethod::Zygote, 0)] {
                let p = Process::new(global, ()).start_method(method);
                p.start().unwrap();
                assert_eq!(p.join().unwrap(), seen);
            }
        },
        (),
    );
}

#[test]
fn a_fork_does_not_use_what_is_its_parents() {
    in_child(
        || {
            let elder = Process::new(std::thread::park, ());
            elder.start().unwrap();
            let unstarted = Process::new(|| {}, ());
            let handles = (elder.clone(), unstarted.clone());
            let p = Process::from_closure(move || {
                let (elder, unstarted) = handles;
                assert!(matches!(elder.join(), Err(ProcessError::NotTheParent)));
                assert!(matches!(elder.kill(), Err(ProcessError::NotTheParent)));
                assert!(matches!(unstarted.start(), Err(ProcessError::NotTheParent)));
                assert!(!elder.is_alive() && elder.exit_code().is_none());
                assert!(format!("{elder:?}").ends_with(" unknown>"));
                assert!(forkproof::active_children().is_empty());
                // Its own child, by its own zygote.
                let own = Process::new(look_around, (std::process::id(),)).named("looker");
                own.start().unwrap();
                assert_eq!(own.join().unwrap(), 0);
            });
            p.start().unwrap();
            assert_eq!(p.join().unwrap(), 0);
            assert!(elder.is_alive(), "the fork's end did not touch it");
            elder.kill().unwrap();
            elder.join().unwrap();
        },
        (),
    );
}

#[test]
fn what_is_buffered_is_not_written_twice() {
    in_child(
        || {
            let (mut read, write) = std::io::pipe().unwrap();
            let original = std::io::stdout().as_fd().try_clone_to_owned().unwrap();
            nix::unistd::dup2_stdout(&write).unwrap();
            drop(write);
            print!("once "); // no newline: it stays in the buffer
            let p = Process::from_closure(|| print!("child "));
            p.start().unwrap();
            p.join().unwrap();
            println!("parent");
            nix::unistd::dup2_stdout(&original).unwrap();
            let mut said = String::new();
            read.read_to_string(&mut said).unwrap();
            assert_eq!(said, "once child parent\n");
        },
        (),
    );
}

#[test]
fn a_closure_starts_by_fork_only() {
    for method in [StartMethod::Zygote, StartMethod::Spawn] {
        let p = Process::from_closure(|| {}).start_method(method);
        assert!(matches!(p.start(), Err(ProcessError::ClosureNeedsFork)));
    }
}

/// Standard error of a process that ends with 1.
fn complaint(p: Process) -> String {
    let (mut read, write) = std::io::pipe().unwrap();
    let original = std::io::stderr().as_fd().try_clone_to_owned().unwrap();
    nix::unistd::dup2_stderr(&write).unwrap();
    drop(write);
    p.start().unwrap();
    let code = p.join().unwrap();
    nix::unistd::dup2_stderr(&original).unwrap();
    let mut said = String::new();
    read.read_to_string(&mut said).unwrap();
    assert_eq!(code, 1, "{said}");
    said
}

#[test]
fn a_spawned_child_without_its_entry_ends_with_1_and_touches_nothing() {
    in_child(
        || {
            let balance = Value::new(200).unwrap();
            let p = Process::new(unregistered, (balance.clone(),)).named("lost");
            let said = complaint(p.start_method(StartMethod::Spawn));
            assert_eq!(
                said,
                "process 'lost' cannot find its target: `process::methods::unregistered` is not \
                 registered with `forkproof::spawnable!`\n"
            );
            assert_eq!(balance.get().unwrap(), 200);
        },
        (),
    );
}

#[test]
fn a_name_that_two_functions_have_is_no_entry() {
    in_child(
        || {
            let make = {
                fn twin() {}
                forkproof::spawnable!(twin);
                || Process::new(twin, ())
            };
            {
                fn twin(other: u64) {
                    std::hint::black_box(other);
                }
                forkproof::spawnable!(twin);
            }
            let said = complaint(make().named("one").start_method(StartMethod::Spawn));
            assert!(
                said.starts_with("process 'one' cannot tell its target: "),
                "{said}"
            );
        },
        (),
    );
}

#[test]
fn the_default_method_is_handed_down() {
    fn child() -> ExitCode {
        ExitCode(u8::from(
            forkproof::process::start_method() == StartMethod::Fork,
        ))
    }
    in_child(
        || {
            set_start_method(StartMethod::Fork);
            // By the zygote, whose own default is another.
            let p = Process::new(child, ()).start_method(StartMethod::Zygote);
            p.start().unwrap();
            assert_eq!(p.join().unwrap(), 1);
        },
        (),
    );
}
