//! The ends of servers and clients.

use forkproof::manager::{BarrierProxy, Kind, ListProxy, Manager, ManagerError, QueueProxy};
use forkproof::{Process, ProcessError};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{LONG, kind};

fn is_gone<T: std::fmt::Debug>(outcome: Result<T, ManagerError>) {
    let error = outcome.unwrap_err();
    assert!(matches!(error, ManagerError::ServerGone), "{error}");
}

#[test]
fn a_manager_is_started_once_and_ended_once() {
    let manager = Manager::new();
    let refused = |outcome: Result<ListProxy<i32>, ManagerError>| {
        let error = outcome.unwrap_err();
        assert!(matches!(error, ManagerError::NotRunning), "{error}");
    };
    refused(manager.list([]));
    manager.launch().unwrap();
    let again = manager.launch().unwrap_err();
    assert!(matches!(again, ManagerError::AlreadyStarted), "{again}");
    let list = manager.list([1]).unwrap();
    assert!(
        manager
            .process()
            .unwrap()
            .name()
            .starts_with("SyncManager-")
    );
    manager.shutdown().unwrap();
    is_gone(list.append(1));
    refused(manager.list([1]));
    let again = manager.launch().unwrap_err();
    assert!(matches!(again, ManagerError::AlreadyStarted), "{again}");
    manager.shutdown().unwrap();
    assert_eq!(format!("{manager:?}"), "<Manager down>");
}

#[test]
fn after_the_servers_end_a_proxy_says_so_and_never_panics() {
    let manager = Manager::start().unwrap();
    let list = manager.list([1]).unwrap();
    let dict = manager.dict([("a".to_owned(), list.clone())]).unwrap();
    let before = format!("{list:?}");
    assert!(
        before.starts_with("<ListProxy object, typeid 'list' at 0x"),
        "{before}"
    );
    drop(manager);
    assert_eq!(format!("{list:?}"), before);
    let open = before.trim_end_matches('>');
    assert_eq!(list.to_string(), format!("{open}; '__str__()' failed>"));
    is_gone(list.get(0));
    is_gone(list.iter().next().unwrap());
    is_gone(dict.at("a"));
    // It still travels, and says the same there.
    let child = Process::new(find_gone, (list,));
    child.start().unwrap();
    assert_eq!(child.join().unwrap(), 0);
}

fn find_gone(list: ListProxy<i32>) {
    is_gone(list.len());
    assert!(list.to_string().ends_with("'__str__()' failed>"));
}

fn wait_in_vain(barrier: BarrierProxy) {
    is_gone(barrier.wait());
}

#[test]
fn a_killed_server_is_told_to_those_who_wait() {
    let manager = Manager::start().unwrap();
    let barrier = manager.barrier(2).unwrap();
    let child = Process::new(wait_in_vain, (barrier.clone(),));
    child.start().unwrap();
    while barrier.count_waiting().unwrap() == 0 {
        std::thread::yield_now();
    }
    manager.process().unwrap().kill().unwrap();
    assert_eq!(child.join().unwrap(), 0);
    is_gone(barrier.reset());
    is_gone(manager.list([1]));
    manager.shutdown().unwrap();
}

fn append_for_ever(list: ListProxy<i32>) {
    loop {
        list.append(1).unwrap();
        list.pop().unwrap();
    }
}

/// Wherever it is stopped: inside one of its queues, too.
#[test]
fn a_stopped_client_holds_up_no_one() {
    let manager = Manager::start().unwrap();
    let list = manager.list([]).unwrap();
    let client = Process::new(append_for_ever, (manager.list([]).unwrap(),));
    client.start().unwrap();
    let pid = Pid::from_raw(client.pid().unwrap() as i32);
    let mut is_served = true;
    for round in 0..100 {
        kill(pid, Signal::SIGSTOP).unwrap();
        let other = Process::new(append_one, (list.clone(),));
        other.start().unwrap();
        is_served &= other.join_timeout(LONG).unwrap() == Some(0);
        kill(pid, Signal::SIGCONT).unwrap();
        if !is_served {
            other.kill().unwrap();
            break;
        }
        for _ in 0..round * 100 {
            std::hint::spin_loop();
        }
    }
    client.kill().unwrap();
    client.join().unwrap();
    assert!(is_served, "the server waits for one that is stopped");
    assert_eq!(list.len().unwrap(), 100);
}

fn append_one(list: ListProxy<i32>) {
    list.append(-1).unwrap();
}

fn own_and_die(list: ListProxy<ListProxy<i32>>, manager_of: QueueProxy<i32>) {
    let mut mine = Vec::new();
    for _ in 0..5 {
        mine.push(list.get(0).unwrap());
    }
    manager_of.put(mine.len() as i32).unwrap();
    loop {
        std::thread::park();
    }
}

#[test]
fn what_only_the_dead_referred_to_is_gone() {
    let manager = Manager::start().unwrap();
    let outer = manager.list([manager.list([1]).unwrap()]).unwrap();
    let seen = manager.queue().unwrap();
    let child = Process::new(own_and_die, (outer.clone(), seen.clone()));
    child.start().unwrap();
    assert_eq!(seen.get().unwrap(), 5);
    outer.delete(0).unwrap();
    assert_eq!(manager.count_objects().unwrap(), 3, "the child has it");
    child.kill().unwrap();
    child.join().unwrap();
    assert_eq!(manager.count_objects().unwrap(), 2);
    drop((outer, seen));
    assert_eq!(manager.count_objects().unwrap(), 0);
}

/// A proxy that was on its way to a process that never took it.
#[test]
fn what_travels_to_no_one_is_given_back() {
    let manager = Manager::start().unwrap();
    let queue = forkproof::Queue::new().unwrap();
    queue.put(manager.list([1]).unwrap()).unwrap();
    assert_eq!(manager.count_objects().unwrap(), 1);
    drop(queue);
    assert_eq!(manager.count_objects().unwrap(), 0);
}

#[test]
fn a_proxy_outlives_the_thread_that_made_it() {
    let manager = Manager::start().unwrap();
    let made = manager.clone();
    let thread = std::thread::spawn(move || made.list([1, 2]).unwrap());
    let list = thread.join().unwrap();
    let others: Vec<_> = (0..4)
        .map(|number| {
            let list = list.clone();
            std::thread::spawn(move || list.append(number).unwrap())
        })
        .collect();
    for other in others {
        other.join().unwrap();
    }
    assert_eq!(list.len().unwrap(), 6);
    drop(list);
    assert_eq!(manager.count_objects().unwrap(), 0);
}

fn in_a_fork(list: ListProxy<i32>) -> forkproof::Result<()> {
    list.append(1)?;
    let copy = list.clone();
    let child = Process::from_closure(move || {
        copy.append(2).unwrap();
        drop(copy);
    });
    child.start()?;
    assert_eq!(child.join()?, 0);
    list.append(3)?;
    Ok(())
}

/// A forked child has its parent's memory, but a connection of its own.
#[test]
fn a_forked_child_asks_for_itself() {
    let manager = Manager::start().unwrap();
    let list = manager.list([0]).unwrap();
    let child = Process::new(in_a_fork, (list.clone(),));
    child.start().unwrap();
    assert_eq!(child.join().unwrap(), 0);
    assert_eq!(list.to_vec().unwrap(), [0, 1, 2, 3]);
}

fn start_a_manager(names: ListProxy<String>) -> forkproof::Result<()> {
    let own = Manager::start()?;
    names.append(own.process()?.name())?;
    own.list([1])?;
    std::mem::forget(own); // the program's end ends its server too
    Ok(())
}

#[test]
fn a_server_ends_with_the_process_that_started_it() {
    let manager = Manager::start().unwrap();
    let names = manager.list([]).unwrap();
    let child = Process::new(start_a_manager, (names.clone(),));
    child.start().unwrap();
    assert_eq!(child.join().unwrap(), 0);
    assert_eq!(names.len().unwrap(), 1);
    let daemon = Process::new(start_a_manager, (names,)).daemon(true);
    daemon.start().unwrap();
    assert_eq!(
        daemon.join().unwrap(),
        1,
        "a daemon may not start processes"
    );
}

fn manager_of_someone_else(list: ListProxy<i32>) -> Result<(), ManagerError> {
    assert_eq!(kind(list.get(5)), Kind::IndexError);
    Ok(())
}

#[test]
fn only_its_maker_ends_a_manager() {
    let manager = Manager::start().unwrap();
    let list = manager.list([1]).unwrap();
    let child = Process::new(manager_of_someone_else, (list.clone(),));
    child.start().unwrap();
    assert_eq!(child.join().unwrap(), 0);
    let never: Result<(), ProcessError> = manager.process().unwrap().close();
    assert!(matches!(never, Err(ProcessError::StillRunning)));
    assert_eq!(list.len().unwrap(), 1);
}
