//! No more processes: a user of whom there may be only so many. Root may have any number, so a test that root runs
//! becomes someone else first.

use forkproof::{Manager, Pool, Process};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Uid, setuid};

use super::{Tried, apart, story};

/// Who has no processes: far from the users of any system.
const NOBODY: u32 = 0x7a11_0000;

/// With the calling process there may be so many. Of another user there are none but it; of this one there are
/// enough already.
fn may_have(processes: u64) {
    let (_, hard) = getrlimit(Resource::RLIMIT_NPROC).unwrap();
    setrlimit(Resource::RLIMIT_NPROC, processes.min(hard), hard).unwrap();
}

/// Tries it with one process (this one), with two, until it works; each refusal says so.
fn at_every_number(what: &str, mut attempt: impl FnMut() -> Tried) {
    if Uid::effective().is_root() {
        setuid(Uid::from_raw(NOBODY + std::process::id() % 0x1_0000)).unwrap();
    } else {
        println!("not root: {what} is refused, and then works");
    }
    let (unlimited, _) = getrlimit(Resource::RLIMIT_NPROC).unwrap();
    let mut refused = 0;
    for processes in 1..16 {
        may_have(processes);
        let tried = attempt();
        may_have(unlimited);
        match tried {
            Ok(()) => break,
            Err(error) => {
                let text = story(&*error);
                let is_of_processes = text.contains("Resource temporarily unavailable");
                assert!(
                    is_of_processes,
                    "{what}, with {processes} processes: {text}"
                );
                refused += 1;
            }
        }
        assert!(
            children() <= 1,
            "{what}, with {processes} processes: no one but a zygote is left"
        );
    }
    assert!(refused > 0, "{what}: it was never refused");
    attempt().unwrap_or_else(|error| panic!("{what}, afterwards: {}", story(&*error)));
}

fn children() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let lists = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("children")));
    lists
        .map(|list| list.unwrap().split_whitespace().count())
        .sum()
}

#[test]
fn a_process() {
    apart(|| {
        at_every_number("Process", || {
            let child = Process::new(|| {}, ());
            child.start()?;
            assert_eq!(child.join()?, 0);
            Ok(child.close()?)
        });
    });
}

#[test]
fn a_pool() {
    apart(|| {
        at_every_number("Pool", || {
            let pool = Pool::new(2)?;
            let sum = pool.apply(|x: u8| x + 1, (1,));
            pool.terminate();
            pool.join()?;
            assert_eq!(sum?, 2);
            Ok(())
        });
    });
}

#[test]
fn a_manager() {
    apart(|| {
        at_every_number("Manager", || {
            let manager = Manager::start()?;
            assert_eq!(manager.list([1, 2])?.len()?, 2);
            Ok(manager.shutdown()?)
        });
    });
}
