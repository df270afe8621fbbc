//! The C library's robust mutexes and our locks stand in one list of a thread, whoever was taken first, and whoever is
//! given back first: of each, the kernel tells who died holding it.

use std::mem::MaybeUninit;
use std::num::NonZeroUsize;
use std::ptr::NonNull;

use forkproof::{Lock, LockError, LockGuard};
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, alarm, fork};

use super::LONG;

/// A pthread_mutex_t, robust, in memory that a forked child shares. It is never unmapped.
struct RobustMutex(NonNull<libc::pthread_mutex_t>);

impl RobustMutex {
    fn new() -> RobustMutex {
        let bytes = NonZeroUsize::new(size_of::<libc::pthread_mutex_t>()).unwrap();
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: new memory, anywhere.
        let memory = unsafe { mmap_anonymous(None, bytes, access, MapFlags::MAP_SHARED) };
        let mutex = memory.unwrap().cast();
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the attributes are initialised by the first call, and the mutex by the last.
        unsafe {
            let attributes = attributes.as_mut_ptr();
            assert_eq!(libc::pthread_mutexattr_init(attributes), 0);
            let shared = libc::PTHREAD_PROCESS_SHARED;
            assert_eq!(libc::pthread_mutexattr_setpshared(attributes, shared), 0);
            let robust = libc::PTHREAD_MUTEX_ROBUST;
            assert_eq!(libc::pthread_mutexattr_setrobust(attributes, robust), 0);
            assert_eq!(libc::pthread_mutex_init(mutex.as_ptr(), attributes), 0);
        }
        RobustMutex(mutex)
    }
}

enum Either {
    Ours(Lock),
    Theirs(RobustMutex),
}

enum Held<'a> {
    Ours { _guard: LockGuard<'a> },
    Theirs(&'a RobustMutex),
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Held::Theirs(mutex) = self {
            // SAFETY: take() took it.
            assert_eq!(unsafe { libc::pthread_mutex_unlock(mutex.0.as_ptr()) }, 0);
        }
    }
}

impl Either {
    fn take(&self) -> Held<'_> {
        match self {
            Either::Ours(lock) => Held::Ours {
                _guard: lock.try_lock().unwrap(),
            },
            Either::Theirs(mutex) => {
                // SAFETY: new() made it.
                assert_eq!(unsafe { libc::pthread_mutex_trylock(mutex.0.as_ptr()) }, 0);
                Held::Theirs(mutex)
            }
        }
    }

    /// Whether its owner died. It is whole and free afterwards.
    fn was_left_behind(&self) -> bool {
        match self {
            Either::Ours(lock) => match lock.try_lock() {
                Ok(_free) => false,
                Err(LockError::OwnerDied(held)) => {
                    held.mark_consistent();
                    true
                }
                Err(other) => panic!("{other}"),
            },
            Either::Theirs(mutex) => {
                let mutex = mutex.0.as_ptr();
                // SAFETY: new() made it, and this thread owns it where it says so.
                unsafe {
                    let taken = libc::pthread_mutex_trylock(mutex);
                    if taken == libc::EOWNERDEAD {
                        assert_eq!(libc::pthread_mutex_consistent(mutex), 0);
                    } else {
                        assert_eq!(taken, 0);
                    }
                    assert_eq!(libc::pthread_mutex_unlock(mutex), 0);
                    taken == libc::EOWNERDEAD
                }
            }
        }
    }
}

/// All ways to pick some of `0..count`, one after the other, from none to all of them.
fn picks(count: usize) -> Vec<Vec<usize>> {
    let mut picks = vec![Vec::new()];
    let mut at = 0;
    while let Some(pick) = picks.get(at).cloned() {
        let others = (0..count).filter(|other| !pick.contains(other));
        picks.extend(others.map(|other| [&pick[..], &[other]].concat()));
        at += 1;
    }
    picks
}

/// Takes all, gives some back, and dies.
fn take_and_die(all: &[Either], order: &[usize], given_back: &[usize]) {
    // SAFETY: the child takes locks and ends; it needs nothing that another thread may hold.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            alarm::set(LONG.as_secs() as u32); // one that hangs is ended
            let mut held = [const { None }; 4];
            for &at in order {
                held[at] = Some(all[at].take());
            }
            for &at in given_back {
                held[at] = None;
            }
            // SAFETY: _exit takes a number.
            unsafe { libc::_exit(0) }
        }
        ForkResult::Parent { child } => {
            assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0));
        }
    }
}

#[test]
fn both_kinds_are_told_of_a_death_in_every_order() {
    let all = [
        Either::Ours(Lock::new().unwrap()),
        Either::Theirs(RobustMutex::new()),
        Either::Ours(Lock::new().unwrap()),
        Either::Theirs(RobustMutex::new()),
    ];
    drop(all[0].take()); // the children are forked by a thread that knows its list
    let picks = picks(all.len());
    for order in picks.iter().filter(|pick| pick.len() == all.len()) {
        for given_back in &picks {
            take_and_die(&all, order, given_back);
            for (at, one) in all.iter().enumerate() {
                let left_behind = !given_back.contains(&at);
                assert_eq!(
                    one.was_left_behind(),
                    left_behind,
                    "{at} of those taken in the order {order:?}, of which {given_back:?} were given back"
                );
            }
        }
    }
}
