//! A fork, of our own or a foreign library's, while a lock is held: by the one who forks, or by another thread.

use std::io::Write;
use std::sync::mpsc;

use forkproof::{
    ExitCode, Lock, LockError, Process, ProcessError, Queue, RLock, Semaphore, StartMethod, Value,
};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, alarm, fork};

use super::{LONG, SHORT, here, in_time, kill, start_parent, stay};
use crate::wire::{Exchange, Wire};

forkproof::spawnable!(print_and_try);

/// Runs `code` in a raw fork: whether it returned true, in time.
fn raw_fork(code: impl FnOnce() -> bool) -> bool {
    // SAFETY: as any foreign library would; the child runs what is under test and ends.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            alarm::set(LONG.as_secs() as u32); // one that hangs is ended
            let code = i32::from(!code());
            // SAFETY: _exit takes a number.
            unsafe { libc::_exit(code) }
        }
        ForkResult::Parent { child } => {
            matches!(waitpid(child, None).unwrap(), WaitStatus::Exited(_, 0))
        }
    }
}

/// Whether the lock is another's.
fn is_taken(lock: &Lock) -> bool {
    matches!(lock.try_lock(), Err(LockError::WouldBlock))
}

fn try_it(lock: Lock) -> ExitCode {
    ExitCode(u8::from(!is_taken(&lock)))
}

fn assert_taken_elsewhere(lock: &Lock) {
    let other = Process::new(try_it, (lock.clone(),));
    other.start().unwrap();
    assert_eq!(other.join().unwrap(), 0);
}

fn fork_with_the_lock(lock: Lock, rlock: RLock) {
    let held = lock.lock().unwrap();
    let deep = rlock.lock().unwrap();
    let copies = (lock.clone(), rlock.clone());
    let child = Process::from_closure(move || {
        assert!(is_taken(&copies.0));
        assert!(matches!(
            copies.1.lock_timeout(SHORT),
            Err(LockError::TimedOut)
        ));
    });
    child.start().unwrap();
    assert_eq!(child.join().unwrap(), 0);
    assert_taken_elsewhere(&lock);
    // A raw one returns twice, with the guards in both.
    let (held, deep) = (Some(held), Some(deep));
    let outcome = raw_fork(|| {
        let copies = (&held, &deep);
        is_taken(&lock) && copies.0.is_some() && copies.1.is_some()
    });
    assert!(outcome);
    assert_taken_elsewhere(&lock);
    drop((held, deep));
    assert!(lock.try_lock().is_ok() && rlock.try_lock().is_ok());
}

#[test]
fn a_forked_child_does_not_own_what_its_parent_does() {
    let (lock, rlock) = (Lock::new().unwrap(), RLock::new().unwrap());
    in_time(fork_with_the_lock, (lock, rlock));
}

/// The node that the kernel would look at beside this thread's list if it died now, as an address.
fn announced() -> usize {
    let mut head: *const [usize; 3] = std::ptr::null(); // struct robust_list_head: list, futex_offset, list_op_pending
    let mut bytes = 0usize;
    // SAFETY: 0 is the calling thread; both results are places of the right type.
    let failed = unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &mut head, &mut bytes) };
    assert!(failed == 0 && bytes == size_of::<[usize; 3]>());
    // SAFETY: what is registered outlives the thread.
    unsafe { (*head)[2] }
}

#[test]
fn in_a_forked_child_the_kernel_looks_at_no_lock_of_its_parents() {
    let lock = Lock::new().unwrap();
    let _held = lock.lock().unwrap();
    assert_ne!(announced(), 0);
    assert!(raw_fork(|| announced() == 0));
}

fn drop_the_copy(lock: Lock) {
    let mut held = Some(lock.lock().unwrap());
    assert!(raw_fork(|| {
        held = None; // the copy of the guard
        is_taken(&lock)
    }));
    assert_taken_elsewhere(&lock);
    assert!(held.is_some());
}

#[test]
fn a_guards_copy_in_a_forked_child_gives_nothing_back() {
    in_time(drop_the_copy, (Lock::new().unwrap(),));
}

/// Forks a child that stays, and stays with the lock.
fn fork_and_stay(lock: Lock, to_child: String, own: String) {
    let _held = lock.lock().unwrap();
    let lock = lock.clone();
    let child = Process::from_closure(move || {
        let mut wire = here(&to_child);
        wire.hear();
        // Its parent died with it; and someone else has it now.
        assert!(is_taken(&lock));
        wire.say("taken");
        wire.hear();
    });
    child.start().unwrap();
    here(&own);
    stay()
}

#[test]
fn when_the_parent_dies_its_forked_child_is_no_owner() {
    let (lock, to_child) = (Lock::new().unwrap(), Exchange::new());
    let (parent, _) = start_parent(fork_and_stay, |own| {
        (lock.clone(), to_child.name.clone(), own)
    });
    let mut child: Wire = to_child.accept();
    assert_eq!(child.hear(), "here");
    kill(&parent);
    let Err(LockError::OwnerDied(held)) = lock.lock_timeout(LONG) else {
        panic!("the owner died");
    };
    held.mark_consistent();
    child.say("try");
    assert_eq!(child.hear(), "taken");
    child.say("go");
    child.hear_the_end();
    assert_taken_elsewhere(&lock);
    drop(held);
    assert!(lock.try_lock().is_ok());
}

/// Works on everything that has a lock inside, in the library and under it.
fn work_on_all(lock: &Lock, until: &mpsc::Receiver<()>) {
    while until.try_recv().is_err() {
        let _held = lock.lock().unwrap();
        let made = (Value::new(vec_of(7)), Queue::<Vec<u8>>::new());
        made.1.unwrap().put(vec![0; 100]).unwrap();
        made.0.unwrap();
        std::env::var_os("PATH").unwrap();
    }
}

fn vec_of(number: u64) -> u64 {
    vec![number; 10].into_iter().sum()
}

fn fork_beside_a_thread(lock: Lock) {
    const FORKS: usize = 500;
    let (end, until) = mpsc::channel();
    let theirs = lock.clone();
    let other = std::thread::spawn(move || work_on_all(&theirs, &until));
    for _ in 0..FORKS {
        assert!(raw_fork(|| {
            // Who has it is not in this process, and has it still.
            drop(lock.try_lock());
            let value = Value::new(vec_of(1)).unwrap();
            let (own, permits) = (Lock::new().unwrap(), Semaphore::new(1).unwrap());
            let queue = Queue::new().unwrap();
            queue.put(vec![1u8; 10]).unwrap();
            own.lock().is_ok()
                && permits.acquire().is_ok()
                && queue.get().is_ok()
                && value.get().is_ok()
        }));
    }
    end.send(()).unwrap();
    other.join().unwrap();
    assert!(lock.lock().is_ok());
}

/// By a foreign library: of ours nothing hangs in the child, whatever another thread was at.
#[test]
fn a_raw_fork_beside_a_thread_that_works_hangs_nothing() {
    in_time(fork_beside_a_thread, (Lock::new().unwrap(),));
}

fn print_and_try(lock: Lock) {
    std::io::stdout().lock().write_all(b"").unwrap();
    println!();
    assert!(is_taken(&lock));
    let made = Value::new(vec_of(1)).unwrap();
    assert_eq!(made.get().unwrap(), 10);
}

fn start_beside_a_thread() {
    let lock = Lock::new().unwrap();
    let (told, held) = mpsc::channel();
    let (end, until) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let theirs = &lock;
        scope.spawn(move || {
            let _both = (std::io::stdout().lock(), theirs.lock().unwrap());
            told.send(()).unwrap();
            until.recv().unwrap();
        });
        held.recv().unwrap();
        let codes = [StartMethod::Zygote, StartMethod::Spawn].map(|method| {
            let p = Process::new(print_and_try, (lock.clone(),)).start_method(method);
            p.start().unwrap();
            p.join_timeout(LONG).unwrap()
        });
        let p = Process::new(print_and_try, (lock.clone(),)).start_method(StartMethod::Fork);
        let refused = p.start();
        end.send(()).unwrap();
        assert_eq!(codes, [Some(0), Some(0)]);
        assert!(
            matches!(refused, Err(ProcessError::Threads { .. })),
            "{refused:?}"
        );
    });
}

#[test]
fn children_start_while_another_thread_holds_a_lock_and_stdout() {
    in_time(start_beside_a_thread, ());
}
