//! Locks that processes can share: ours, and those that a user would write or take instead.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::crowd::{futex_wait, futex_wake, shared};

pub trait Mutex: Clone + Send + 'static {
    fn new() -> Self;
    /// Always inlined, as a call that a program writes where it needs it may be.
    fn with(&self, critical: impl FnOnce());
}

impl Mutex for forkproof::Lock {
    fn new() -> Self {
        forkproof::Lock::new().expect("there is memory")
    }

    #[inline(always)]
    fn with(&self, critical: impl FnOnce()) {
        let _guard = self.lock().expect("no owner dies");
        critical();
    }
}

/// pthread_mutex_t, PTHREAD_PROCESS_SHARED.
#[derive(Clone, Copy)]
pub struct Pthread<const ROBUST: bool>(&'static Raw);

struct Raw(UnsafeCell<libc::pthread_mutex_t>);
// SAFETY: its functions are for several threads, and, as it is made here, processes.
unsafe impl Sync for Raw {}

impl<const ROBUST: bool> Mutex for Pthread<ROBUST> {
    fn new() -> Self {
        let raw = shared(Raw(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER)));
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: attributes are initialised before they are used, and the mutex is known to nobody yet.
        let refused = unsafe {
            libc::pthread_mutexattr_init(attributes.as_mut_ptr())
                | libc::pthread_mutexattr_setpshared(
                    attributes.as_mut_ptr(),
                    libc::PTHREAD_PROCESS_SHARED,
                )
                | match ROBUST {
                    true => libc::pthread_mutexattr_setrobust(
                        attributes.as_mut_ptr(),
                        libc::PTHREAD_MUTEX_ROBUST,
                    ),
                    false => 0,
                }
                | libc::pthread_mutex_init(raw.0.get(), attributes.as_ptr())
        };
        assert_eq!(refused, 0);
        Pthread(raw)
    }

    #[inline(always)]
    fn with(&self, critical: impl FnOnce()) {
        // SAFETY: it was initialised, and is never destroyed.
        assert_eq!(unsafe { libc::pthread_mutex_lock(self.0.0.get()) }, 0);
        critical();
        // SAFETY: this thread holds it.
        assert_eq!(unsafe { libc::pthread_mutex_unlock(self.0.0.get()) }, 0);
    }
}

/// Drepper's second mutex ("Futexes are tricky"), which spins a little first: no one's death is noticed.
#[derive(Clone, Copy)]
pub struct ThreeStates(&'static AtomicU32);

const FREE: u32 = 0;
const HELD: u32 = 1;
const CONTENDED: u32 = 2;

impl Mutex for ThreeStates {
    fn new() -> Self {
        ThreeStates(shared(AtomicU32::new(FREE)))
    }

    #[inline(always)]
    fn with(&self, critical: impl FnOnce()) {
        if self
            .0
            .compare_exchange(FREE, HELD, Acquire, Relaxed)
            .is_err()
        {
            self.wait();
        }
        critical();
        // Release: pairs with the Acquire of the next one.
        if self.0.swap(FREE, Release) == CONTENDED {
            futex_wake(self.0, 1);
        }
    }
}

impl ThreeStates {
    #[cold]
    fn wait(&self) {
        for _ in 0..100 {
            if self.0.load(Relaxed) == FREE
                && self
                    .0
                    .compare_exchange(FREE, HELD, Acquire, Relaxed)
                    .is_ok()
            {
                return;
            }
            std::hint::spin_loop();
        }
        while self.0.swap(CONTENDED, Acquire) != FREE {
            futex_wait(self.0, CONTENDED);
        }
    }
}
