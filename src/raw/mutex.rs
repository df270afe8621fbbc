//! The robust lock: mutual exclusion that outlives its owner.
//!
//! # The word
//! | bits | meaning |
//! |---|---|
//! | 0–29 | the owner's thread id; 0: no owner |
//! | 30 `OWNER_DIED` | set by the kernel when the owner died; cleared by the next owner |
//! | 31 `WAITERS` | someone may be asleep; **sticky**: a new owner inherits it, and only [`World::update_and_wake_all`] clears it |
//!
//! Beside it lie two words. `state` says whether the data is `CONSISTENT`, `INCONSISTENT` (an owner
//! died and no one has vouched for the data since) or `NOT_RECOVERABLE`; it is written by the owner only.
//! `hint` is advice: `MANY` were asleep the last time someone counted, so wake one at a time.
//!
//! # Why the mark is sticky
//! In the C library's protocol an unlock stores 0 and wakes one sleeper. If another thread takes the lock
//! at that moment, its word says nothing of the others; if the woken one is then killed, so that it never
//! sets the mark again, the others sleep while the lock is free. Here the mark outlives every change of
//! owner until an unlock has woken *all* sleepers in the same step that cleared it.
//!
//! # Invariants
//! 1. A thread that owns the word has the node in its robust list, or announced.
//! 2. A sleeper and an owner ⇒ `WAITERS` is set: the owner's unlock, or its death, will wake.
//! 3. A sleeper and no owner ⇒ a living thread has the node announced (it was woken, or it is unlocking)
//!    and will take the lock or wake; if it dies, the kernel wakes the next one in its place.
//!
//! # Memory ordering
//! The unlock's Release (or the full barrier of `update_and_wake_all`, or the kernel's at a death) pairs with
//! the Acquire of the compare-exchange that takes the lock next. Everything else is Relaxed: the words
//! carry no data of their own, and `state` is read and written by owners only.
//!
//! # After a death
//! At whatever instruction the owner dies, invariant 1 lets the kernel set `OWNER_DIED` and wake one
//! waiter, which acquires as [`Acquired::OwnerDied`]. There is nothing else to repair.
//!
//! # What is not covered
//! - Fairness: whoever comes first takes the lock.
//! - Something else that writes to the lock. A word that then names no thread is told, and nobody waits for it; one
//!   that names a living thread is waited for, and links that are changed while the lock is held are followed.
//! - Kernels before 6.2: a waiter that was woken by an owner's death, and is killed before it has taken the
//!   lock, takes the wake with it, as the word holds `OWNER_DIED` and is not 0.
//! - The models check 2 and 3 threads; the turn's kills are sequentially consistent.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::world::{
    Deadline, Node, OWNER_DIED, TID_MASK, Update, WAITERS, Woken, Word, World, pause,
};

// The values of `state`.
const CONSISTENT: u32 = 0;
const INCONSISTENT: u32 = 1; // an owner died; the current owner has not vouched for the data
const NOT_RECOVERABLE: u32 = 2; // unlocked while inconsistent: for good

// The values of `hint`.
const FEW: u32 = 0; // clear the mark and wake everyone
const MANY: u32 = 1; // keep the mark and wake one: its own unlock will wake the next

/// How a lock was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquired {
    Clean,
    /// An owner died holding it, and no owner has called [`RawMutex::mark_consistent`] since.
    OwnerDied,
}

/// Why a lock was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// An owner died, and the next one unlocked without [`RawMutex::mark_consistent`]; or the word names an owner that
    /// is no thread, as something else has written to it.
    NotRecoverable,
    /// By the calling thread.
    AlreadyHeld,
    /// The calling thread holds as many locks as the kernel would look at if it died.
    TooManyHeld,
    /// Someone holds it, and the caller would not wait.
    WouldBlock,
    TimedOut,
}

/// How long a caller is willing to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    None,
    Until(Deadline),
    Endless,
}

/// The calling thread does not hold the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotHeld;

/// A lock of 40 bytes that needs no destructor, no address of its own, and no other process.
#[repr(transparent)]
pub struct RawMutex<W: World> {
    node: Node<W>,
}

impl<W: World> RawMutex<W> {
    /// Unlocked and consistent.
    pub fn new() -> Self {
        RawMutex { node: Node::new() }
    }

    /// Takes the lock, waiting as long as `patience` says.
    ///
    /// # Errors
    /// Each variant of [`Refused`]; the lock is then not held by this call.
    #[inline]
    pub fn lock(&self, patience: Patience) -> Result<Acquired, Refused> {
        self.lock_then(patience, |outcome| outcome)
    }

    /// The same, and what the caller makes of the outcome.
    ///
    /// Whatever is rare ends the call in a function of its own, where the outcome is known, too: so the short way has
    /// nothing to keep for its return. And it is always inlined, as is that of [`unlock`](RawMutex::unlock): two calls
    /// would cost a fifth of it.
    ///
    /// The node stays announced while it is linked, until something else is: taking that back here would be a store more.
    #[inline(always)]
    pub fn lock_then<R>(
        &self,
        patience: Patience,
        then: impl FnOnce(Result<Acquired, Refused>) -> R,
    ) -> R {
        let Some(me) = W::me_if_known() else {
            return self.lock_first(patience, then);
        };
        if !W::may_link() {
            return then(Err(Refused::TooManyHeld));
        }
        W::announce_known(&self.node); // invariant 1, from before the word can hold our id
        // Acquire: pairs with the Release in release(). Relaxed on failure: acquire_contended() looks again.
        if self
            .word()
            .compare_exchange(0, me, Acquire, Relaxed)
            .is_err()
        {
            return self.lock_contended(patience, then);
        }
        // Relaxed: between owners; the acquire above saw what the last one wrote.
        if self.state().load(Relaxed) == NOT_RECOVERABLE {
            return self.decline(then);
        }
        W::link(&self.node);
        then(Ok(Acquired::Clean))
    }

    /// The thread's first lock.
    #[cold]
    fn lock_first<R>(
        &self,
        patience: Patience,
        then: impl FnOnce(Result<Acquired, Refused>) -> R,
    ) -> R {
        W::me();
        self.lock_then(patience, then)
    }

    /// Announced, and someone may hold it.
    #[cold]
    fn lock_contended<R>(
        &self,
        patience: Patience,
        then: impl FnOnce(Result<Acquired, Refused>) -> R,
    ) -> R {
        let owner_died = match self.acquire_contended(patience) {
            Ok(owner_died) => owner_died,
            Err(refused) => {
                W::withdraw();
                return then(Err(refused));
            }
        };
        // Relaxed, both: between owners; the acquire saw what the last one wrote.
        if self.state().load(Relaxed) == NOT_RECOVERABLE {
            return self.decline(then);
        }
        if owner_died {
            self.state().store(INCONSISTENT, Relaxed);
        }
        W::link(&self.node);
        then(Ok(match owner_died {
            true => Acquired::OwnerDied,
            false => Acquired::Clean,
        }))
    }

    /// The word is ours, and the data nobody's.
    #[cold]
    fn decline<R>(&self, then: impl FnOnce(Result<Acquired, Refused>) -> R) -> R {
        self.release(W::me());
        then(Err(Refused::NotRecoverable))
    }

    /// Vouches for the data after an owner's death. Nothing if there was none.
    ///
    /// # Errors
    /// [`NotHeld`] if the calling thread does not hold the lock.
    pub fn mark_consistent(&self) -> Result<(), NotHeld> {
        if !self.is_mine() {
            return Err(NotHeld);
        }
        // Relaxed: between owners; the unlock's Release publishes it.
        self.state().store(CONSISTENT, Relaxed);
        Ok(())
    }

    /// Gives the lock back. If an owner died and no one has vouched for the data since, the lock becomes
    /// [`Refused::NotRecoverable`] for everyone.
    ///
    /// # Errors
    /// [`NotHeld`] if the calling thread does not hold the lock (for example, the guard was inherited by
    /// fork(2): the child is another thread). Nothing was changed.
    #[inline(always)]
    pub fn unlock(&self) -> Result<(), NotHeld> {
        let me = match W::me_if_known() {
            Some(me) if self.is_of(me) => me,
            _ => return Err(NotHeld),
        };
        W::announce_known(&self.node); // invariant 1, until the word no longer holds our id
        // Relaxed: between owners; release() publishes it.
        if self.state().load(Relaxed) == INCONSISTENT {
            self.give_up(me);
        } else {
            W::unlink(&self.node);
            self.release(me);
        }
        Ok(())
    }

    #[cold]
    fn give_up(&self, me: u32) {
        // Those who sleep for something that only an owner could bring about: until_given_up().
        W::update_and_wake_all(self.state(), Update::Set(NOT_RECOVERABLE));
        W::unlink(&self.node);
        self.release(me);
    }

    /// Whether the calling thread holds the lock.
    #[inline]
    pub fn is_mine(&self) -> bool {
        W::me_if_known().is_some_and(|me| self.is_of(me))
    }

    #[inline]
    fn is_of(&self, me: u32) -> bool {
        // Relaxed: only this thread stores its own id here, and it sees its own stores.
        self.word().load(Relaxed) & TID_MASK == me
    }

    /// Whether anyone holds the lock: an answer that may be out of date when it arrives.
    pub fn is_locked(&self) -> bool {
        // Relaxed: a hint.
        self.word().load(Relaxed) & TID_MASK != 0
    }

    /// What to sleep on, beside what one waits for, so as to be woken when the lock is given up for good. `None`: it
    /// is given up already.
    pub fn until_given_up(&self) -> Option<(&W::Word, u32)> {
        // Relaxed: whoever sleeps on it has the kernel compare again.
        match self.state().load(Relaxed) {
            NOT_RECOVERABLE => None,
            state => Some((self.state(), state)),
        }
    }

    /// Makes the word ours: whether its owner died.
    fn acquire_contended(&self, patience: Patience) -> Result<bool, Refused> {
        let me = W::me();
        let until = match patience {
            Patience::Until(deadline) => Some(deadline),
            Patience::None | Patience::Endless => None,
        };
        let mut looks = 0;
        loop {
            // Relaxed: every decision below is confirmed by a compare-exchange or by the futex.
            let seen = self.word().load(Relaxed);
            if seen & TID_MASK == 0 {
                // The mark is inherited: invariant 2 for those who sleep on.
                let mine = me | seen & WAITERS;
                // Acquire: pairs with the Release in release(), and with the kernel's barrier at a death.
                // Relaxed on failure: looked at again.
                if self
                    .word()
                    .compare_exchange(seen, mine, Acquire, Relaxed)
                    .is_ok()
                {
                    return Ok(seen & OWNER_DIED != 0);
                }
                continue;
            }
            if seen & TID_MASK == me {
                return Err(Refused::AlreadyHeld);
            }
            if patience == Patience::None {
                return Err(Refused::WouldBlock);
            }
            if seen & WAITERS == 0 && looks < W::spins() {
                pause(looks);
                looks += 1;
                continue;
            }
            // Relaxed: the mark carries no data, and the futex compares again under the kernel's lock.
            let marked = seen | WAITERS;
            if seen != marked
                && self
                    .word()
                    .compare_exchange(seen, marked, Relaxed, Relaxed)
                    .is_err()
            {
                continue;
            }
            // Relaxed: the kernel changes a dead owner's word before it lets go of its id.
            if W::is_nobody(marked & TID_MASK) && self.word().load(Relaxed) == marked {
                return Err(Refused::NotRecoverable);
            }
            match W::wait(self.word(), marked, until) {
                // A wake that was meant for us is never lost here: the kernel reports it as such.
                Woken::TimedOut => return Err(Refused::TimedOut),
                Woken::Perhaps | Woken::Changed => looks = 0,
            }
        }
    }

    /// Gives the word back, which is ours, and takes the announcement back.
    #[inline]
    fn release(&self, me: u32) {
        // Release: pairs with the Acquire in lock(). Relaxed on failure: nothing was given back.
        let released = self.word().compare_exchange(me, 0, Release, Relaxed);
        if released.is_err() {
            return self.release_contended();
        }
        W::withdraw();
    }

    /// The same of a word that is marked.
    #[cold]
    fn release_contended(&self) {
        // Relaxed, all hints: a wrong one costs a wake too many, or one more look.
        if self.hint().load(Relaxed) == FEW || !W::death_wakes_marked_word() {
            // The kernel's full barrier stands for the Release; pairs with the Acquire in lock().
            let woken = W::update_and_wake_all(self.word(), Update::Set(0));
            if woken > 1 {
                self.hint().store(MANY, Relaxed);
            }
        } else {
            // Release: pairs with the Acquire in acquire_contended(). The mark stays, as others sleep on.
            self.word().store(WAITERS, Release);
            if W::wake(self.word(), 1) == 0 {
                self.hint().store(FEW, Relaxed);
            }
        }
        W::withdraw();
    }

    /// What its parts are called in a trace, by their offset in bytes.
    pub fn part(offset: usize) -> &'static str {
        match offset {
            0 => "lock",
            4 => "lock's state",
            8 => "lock's hint",
            _ => "lock's links",
        }
    }

    fn word(&self) -> &W::Word {
        &self.node.word
    }

    fn state(&self) -> &W::Word {
        &self.node.beside[0]
    }

    fn hint(&self) -> &W::Word {
        &self.node.beside[1]
    }
}

impl<W: World> Default for RawMutex<W> {
    fn default() -> Self {
        Self::new()
    }
}
