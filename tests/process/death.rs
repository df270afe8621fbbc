//! What becomes of the others when a process ends: its daemons, its other children, its zygote.

use std::os::fd::AsFd;

use forkproof::{
    ExitCode, Process, ProcessError, StartMethod, Value, current_process, parent_process,
};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::unistd::Pid;

use crate::wire::{Exchange, Wire, children, in_child, stay, stay_for_ever, zygote};

forkproof::spawnable!(stay);

/// Starts a daemon and a plain child, says so, and stays.
fn parent_of_two(method: StartMethod, to_daemon: String, to_plain: String, own: String) {
    for (exchange, daemon) in [(to_daemon, true), (to_plain, false)] {
        let p = Process::new(stay, (exchange,))
            .daemon(daemon)
            .start_method(method);
        p.start().unwrap();
    }
    stay_for_ever(own)
}

fn killed_parent(method: StartMethod) {
    let (to_daemon, to_plain, to_parent) = (Exchange::new(), Exchange::new(), Exchange::new());
    let names = (
        to_daemon.name.clone(),
        to_plain.name.clone(),
        to_parent.name.clone(),
    );
    let p = Process::new(parent_of_two, (method, names.0, names.1, names.2));
    p.start().unwrap();
    let mut wires = [&to_daemon, &to_plain, &to_parent].map(Exchange::accept);
    let numbers = wires.each_mut().map(Wire::hear);
    assert_eq!(numbers[2], p.pid().unwrap().to_string());
    p.kill().unwrap();
    assert_eq!(p.join().unwrap(), -9);
    let [daemon, mut plain, parent] = wires;
    parent.hear_the_end();
    daemon.hear_the_end(); // nobody told it to end
    plain.say("end");
    assert_eq!(plain.hear(), "bye");
    plain.hear_the_end();
}

#[test]
fn a_killed_parent_takes_its_daemons_with_it_and_nobody_else() {
    killed_parent(StartMethod::Zygote);
}

#[test]
fn a_killed_parent_takes_its_forked_daemons_with_it() {
    killed_parent(StartMethod::Fork);
}

#[test]
fn a_killed_parent_takes_its_spawned_daemons_with_it() {
    killed_parent(StartMethod::Spawn);
}

/// Starts a daemon, sends its own zygote a signal, says that, and stays.
fn parent_without_zygote(method: StartMethod, signal: i32, to_daemon: String, own: String) {
    Process::new(stay, (to_daemon,))
        .daemon(true)
        .start_method(method)
        .start()
        .unwrap();
    let zygote = zygote().unwrap();
    kill(zygote, Signal::try_from(signal).unwrap()).unwrap();
    let mut wire = Wire::call(&own);
    wire.say(zygote);
    stay_for_ever(own)
}

/// With no zygote that could do it.
fn killed_with_its_zygote(method: StartMethod) {
    for signal in [Signal::SIGKILL, Signal::SIGSTOP] {
        let (to_daemon, to_parent) = (Exchange::new(), Exchange::new());
        let names = (to_daemon.name.clone(), to_parent.name.clone());
        let args = (method, signal as i32, names.0, names.1);
        let p = Process::new(parent_without_zygote, args);
        p.start().unwrap();
        let mut daemon = to_daemon.accept();
        daemon.hear();
        let zygote = to_parent.accept().hear().parse().unwrap();
        to_parent.accept().hear();
        p.kill().unwrap();
        assert_eq!(p.join().unwrap(), -9);
        daemon.hear_the_end();
        // The one that was stopped; the other has been waited for by no one but init.
        let _ = kill(Pid::from_raw(zygote), Signal::SIGKILL);
    }
}

#[test]
fn a_parent_killed_with_its_zygote_takes_its_daemons_with_it() {
    killed_with_its_zygote(StartMethod::Zygote);
}

#[test]
fn a_parent_killed_with_its_zygote_takes_its_forked_daemons_with_it() {
    killed_with_its_zygote(StartMethod::Fork);
}

#[test]
fn a_parent_killed_with_its_zygote_takes_its_spawned_daemons_with_it() {
    killed_with_its_zygote(StartMethod::Spawn);
}

/// Starts a child that is to die with it, and whose own child is not; says so, and stays.
fn parent_that_is_asked(method: StartMethod, to_child: String, to_grandchild: String, own: String) {
    Process::new(parent_of_one, (to_child, to_grandchild))
        .dies_with_parent(true)
        .start_method(method)
        .start()
        .unwrap();
    stay_for_ever(own)
}

forkproof::spawnable!(parent_of_one);

fn parent_of_one(own: String, to_child: String) {
    assert!(!current_process().is_daemon());
    Process::new(stay, (to_child,)).start().unwrap();
    stay_for_ever(own)
}

#[test]
fn one_that_asked_for_it_dies_with_its_parent() {
    for method in [StartMethod::Zygote, StartMethod::Fork, StartMethod::Spawn] {
        let [to_child, to_grandchild, to_parent] = [(); 3].map(|()| Exchange::new());
        let names = [&to_child, &to_grandchild, &to_parent].map(|it| it.name.clone());
        let [child, grandchild, own] = names;
        let p = Process::new(parent_that_is_asked, (method, child, grandchild, own));
        p.start().unwrap();
        let mut wires = [&to_child, &to_grandchild, &to_parent].map(Exchange::accept);
        for wire in &mut wires {
            assert_ne!(wire.hear(), "");
        }
        p.kill().unwrap();
        let [child, mut grandchild, _] = wires;
        child.hear_the_end();
        grandchild.say("end");
        assert_eq!(grandchild.hear(), "bye", "nobody asked for that");
        assert_eq!(p.join().unwrap(), -9);
    }
}

#[test]
fn one_that_is_to_die_with_its_parent_is_waited_for_at_a_normal_end() {
    fn program(to_child: String) {
        let p = Process::new(stay, (to_child,)).dies_with_parent(true);
        p.start().unwrap();
    }
    let to_child = Exchange::new();
    let p = Process::new(program, (to_child.name.clone(),));
    p.start().unwrap();
    let mut child = to_child.accept();
    child.hear();
    child.say("end");
    assert_eq!(child.hear(), "bye");
    child.hear_the_end();
    assert_eq!(p.join().unwrap(), 0);
}

/// Waits for SIGTERM, and says that it came.
fn until_terminated(exchange: String) {
    let mut term = SigSet::empty();
    term.add(Signal::SIGTERM);
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&term), None).unwrap();
    let mut wire = Wire::call(&exchange);
    wire.say(std::process::id());
    wire.say(format!("got {}", term.wait().unwrap()));
}

#[test]
fn a_program_that_ends_terminates_its_daemons_and_waits_for_all() {
    fn program(to_daemon: String, to_plain: String, own: String) -> ExitCode {
        Process::new(stay, (to_plain,)).start().unwrap();
        Process::new(until_terminated, (to_daemon,))
            .daemon(true)
            .start()
            .unwrap();
        Wire::call(&own).hear(); // until both are there
        ExitCode(4)
    }
    let (to_daemon, to_plain, to_program) = (Exchange::new(), Exchange::new(), Exchange::new());
    let names = (
        to_daemon.name.clone(),
        to_plain.name.clone(),
        to_program.name.clone(),
    );
    let p = Process::new(program, names);
    p.start().unwrap();
    let mut wires = [&to_daemon, &to_plain].map(Exchange::accept);
    wires
        .iter_mut()
        .for_each(|wire| assert_ne!(wire.hear(), ""));
    let [mut daemon, mut plain] = wires;
    to_program.accept().say("go on");
    assert_eq!(daemon.hear(), "got SIGTERM");
    daemon.hear_the_end();
    assert!(p.is_alive(), "its other child has not been told to end");
    plain.say("end");
    assert_eq!(plain.hear(), "bye");
    assert_eq!(p.join().unwrap(), 4);
}

#[test]
fn a_daemon_starts_no_processes() {
    fn daemon() -> ExitCode {
        assert!(current_process().is_daemon());
        let p = Process::new(|| {}, ());
        assert!(p.is_daemon());
        match p.start() {
            Err(ProcessError::DaemonHasNoChildren) => ExitCode(7),
            other => panic!("{other:?}"),
        }
    }
    let p = Process::new(daemon, ()).daemon(true);
    p.start().unwrap();
    assert_eq!(p.join().unwrap(), 7);
}

#[test]
fn an_orphan_learns_that_its_parent_has_ended() {
    fn orphan(exchange: String) {
        let parent = parent_process().unwrap();
        let mut wire = Wire::call(&exchange);
        wire.say(parent.is_alive());
        parent.join().unwrap();
        wire.say(parent.is_alive());
    }
    fn parent(exchange: String, own: String) {
        Process::new(orphan, (exchange,)).start().unwrap();
        stay_for_ever(own)
    }
    let (to_orphan, to_parent) = (Exchange::new(), Exchange::new());
    let p = Process::new(parent, (to_orphan.name.clone(), to_parent.name.clone()));
    p.start().unwrap();
    let mut orphan = to_orphan.accept();
    assert_eq!(orphan.hear(), "true");
    p.kill().unwrap();
    assert_eq!(orphan.hear(), "false");
}

#[test]
fn a_killed_zygote_is_replaced_and_its_successor_watches_the_daemons() {
    fn program(to_daemon: String, own: String) {
        Process::new(stay, (to_daemon,))
            .daemon(true)
            .start()
            .unwrap();
        let first = zygote().unwrap();
        kill(first, Signal::SIGKILL).unwrap();
        let p = Process::new(|| ExitCode(5), ());
        p.start().unwrap();
        assert_eq!(p.join().unwrap(), 5);
        assert_ne!(zygote().unwrap(), first);
        let zombies = children()
            .into_iter()
            .filter(|(_, _, state)| *state == 'Z')
            .count();
        assert_eq!(zombies, 0, "the dead zygote was waited for");
        stay_for_ever(own)
    }
    let (to_daemon, to_program) = (Exchange::new(), Exchange::new());
    let p = Process::new(program, (to_daemon.name.clone(), to_program.name.clone()));
    p.start().unwrap();
    let mut daemon = to_daemon.accept();
    daemon.hear();
    to_program.accept().hear();
    p.kill().unwrap();
    daemon.hear_the_end();
}

#[test]
fn a_zygote_killed_at_any_moment_costs_no_child_and_starts_none_twice() {
    const STARTS: i32 = 150;
    fn count(runs: Value<i32>) {
        runs.update(|runs| *runs += 1).unwrap();
    }
    fn program(runs: Value<i32>) {
        let (kill_now, orders) = std::sync::mpsc::sync_channel::<()>(0);
        let (killed, done) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for () in orders {
                // It may be gone already, or not be there yet.
                let zygote = zygote();
                let _ = zygote.map(|zygote| kill(zygote, Signal::SIGKILL));
                killed.send(()).unwrap();
            }
        });
        for _ in 0..STARTS {
            let p = Process::new(count, (runs.clone(),));
            kill_now.send(()).unwrap(); // from here on beside the start
            p.start().unwrap();
            assert_eq!(p.join().unwrap(), 0);
            done.recv().unwrap();
        }
    }
    let runs = Value::new(0).unwrap();
    in_child(program, (runs.clone(),));
    assert_eq!(runs.get().unwrap(), STARTS);
}

#[test]
fn signals_of_a_terminal_do_not_end_the_zygote() {
    in_child(
        || {
            let start = || {
                let p = Process::new(|| {}, ());
                p.start().unwrap();
                assert_eq!(p.join().unwrap(), 0);
            };
            start();
            let first = zygote().unwrap();
            for signal in [
                Signal::SIGINT,
                Signal::SIGTERM,
                Signal::SIGHUP,
                Signal::SIGQUIT,
            ] {
                kill(first, signal).unwrap();
            }
            start();
            assert_eq!(zygote(), Some(first));
        },
        (),
    );
}

#[test]
fn nothing_is_left_of_five_hundred_children() {
    in_child(
        || {
            let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
            let mut before = 0;
            for round in 0..501 {
                let p = Process::new(|| {}, ()).daemon(round % 2 == 0);
                p.start().unwrap();
                assert_eq!(p.join().unwrap(), 0);
                if round == 0 {
                    drop(p);
                    before = open(); // with the zygote's socket
                }
            }
            assert_eq!(open(), before);
            let names: Vec<_> = children().into_iter().map(|(_, name, _)| name).collect();
            assert_eq!(names, ["forkproof-zyg"]);
        },
        (),
    );
}

#[test]
fn those_nobody_joins_are_no_zombies_after_the_next_start() {
    in_child(
        || {
            let exchange = Exchange::new();
            let sentinels: Vec<_> = (0..20)
                .map(|_| {
                    let p = Process::new(stay, (exchange.name.clone(),));
                    p.start().unwrap();
                    p.sentinel().unwrap()
                })
                .collect();
            for _ in &sentinels {
                let mut wire = exchange.accept();
                wire.hear();
                wire.say("end");
                assert_eq!(wire.hear(), "bye");
            }
            for sentinel in &sentinels {
                let mut ended = [PollFd::new(sentinel.as_fd(), PollFlags::POLLIN)];
                assert_eq!(poll(&mut ended, PollTimeout::NONE).unwrap(), 1);
            }
            let last = Process::new(|| {}, ());
            last.start().unwrap();
            last.join().unwrap();
            let names: Vec<_> = children().into_iter().map(|(_, name, _)| name).collect();
            assert_eq!(names, ["forkproof-zyg"]);
        },
        (),
    );
}

#[test]
fn the_zygote_ends_with_a_program_that_ends() {
    fn program(numbers: forkproof::Array<i32>) {
        Process::new(|| {}, ()).start().unwrap();
        numbers.set(0, zygote().unwrap().as_raw()).unwrap();
    }
    let numbers = forkproof::Array::new(1).unwrap();
    in_child(program, (numbers.clone(),));
    let zygote = numbers.get(0).unwrap();
    assert_ne!(zygote, 0);
    // Not even a zombie is left, as the program waited for it.
    assert!(!std::path::Path::new(&format!("/proc/{zygote}")).exists());
}
