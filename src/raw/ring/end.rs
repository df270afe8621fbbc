//! One end of a ring: who works at it, who waits at it, and how one wakes the other.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::raw::mutex::{Acquired, NotHeld, Patience, RawMutex, Refused};
use crate::world::{Node, TID_MASK, WAITERS, Wide, Woken, Word, World};

// The values of a gate. AWAKE is 0, so that kernels before 6.2, too, wake a sleeper in place of the dead.
pub(super) const AWAKE: u32 = 0;
pub(super) const ASLEEP: u32 = WAITERS; // someone may be asleep

/// One end of a ring. What those at work here write, and its place, which those at the other end look at, share no cache
/// line, nor a pair of them, which processors fetch together.
#[repr(C, align(64))]
pub(super) struct End<W: World> {
    pub lock: RawMutex<W>,
    /// The other end's place, as it was when someone looked last. Under `lock`.
    pub seen: W::Wide,
    /// Where the other end's leader sleeps.
    pub gate: Node<W>,
    pub line: RawMutex<W>,
    pub place: W::Wide,
    /// Instead of padding, which would show others what lay on its maker's stack.
    _apart: [u64; 15],
}

/// What a commit leaves to be done when the lock has been given back.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owed {
    Nothing,
    /// The gate is the calling thread's, and in its robust list.
    Wake,
}

/// What came of one look at an end, under its lock.
pub(super) enum Attempt<R> {
    Done(R),
    /// Look again when the other end's place is no longer this.
    NotYet(u64),
    /// Look again when the claim is over.
    Claimed,
}

impl<W: World> End<W> {
    pub fn new() -> Self {
        End {
            lock: RawMutex::new(),
            seen: W::Wide::new(0),
            gate: Node::new(),
            line: RawMutex::new(),
            place: W::Wide::new(0),
            _apart: [0; 15],
        }
    }

    /// Under the end's lock: looks at the other end's place.
    pub fn look(&self, others: &Self) -> u64 {
        // Acquire: pairs with the Release in commit() and close(). Relaxed: under the lock, which hands on what was
        // acquired to whoever goes by it.
        let place = others.place.load(Acquire);
        self.seen.store(place, Relaxed);
        place
    }

    /// Under the end's lock: its place becomes `place`. Who sleeps for that is woken when the calling thread
    /// [leaves](End::leave).
    #[inline(always)]
    pub fn commit(&self, place: u64) -> Owed {
        // Relaxed: invariant 2.
        if self.gate.word.load(Relaxed) != ASLEEP {
            // Release: pairs with the Acquire in look().
            self.place.store(place, Release);
            return Owed::Nothing;
        }
        self.commit_to_sleeper(place)
    }

    #[cold]
    fn commit_to_sleeper(&self, place: u64) -> Owed {
        // Release, both: as above.
        if !W::may_link() {
            Self::rouse(&self.gate, || self.place.store(place, Release));
            return Owed::Nothing;
        }
        W::announce(&self.gate);
        // Relaxed: invariant 2. Before the commit, so that no one falls asleep behind it.
        self.gate.word.store(ASLEEP | W::me(), Relaxed);
        W::link(&self.gate);
        self.place.store(place, Release);
        Owed::Wake
    }

    /// Under its end's lock: commits, and wakes who sleeps at a gate.
    pub fn rouse(gate: &Node<W>, commit: impl FnOnce()) {
        W::announce(gate);
        // Relaxed: invariant 2. Before the commit, so that no one falls asleep behind it.
        gate.word.store(AWAKE, Relaxed);
        commit();
        W::wake(&gate.word, 1);
        W::withdraw();
    }

    /// Gives the end's lock back, and then wakes whom the commit found asleep: woken before, it could be in need of the
    /// lock at once, and take its owner's core.
    #[inline(always)]
    pub fn leave(&self, owed: Owed) {
        give_back(&self.lock);
        if owed == Owed::Wake {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        W::announce(&self.gate);
        W::unlink(&self.gate);
        // Release: pairs with the Acquire in sleep(): it is linked by the next one who is to wake someone here.
        self.gate.word.store(AWAKE, Release);
        W::wake(&self.gate.word, 1);
        W::withdraw();
    }

    /// Attempts until one is done, sleeping in between. In this end's line.
    pub fn await_turn<R>(
        &self,
        others: &Self,
        patience: Patience,
        mut attempt: impl FnMut() -> Result<Attempt<R>, Refused>,
        is_open: impl Fn() -> bool,
    ) -> Result<R, Refused> {
        loop {
            match attempt()? {
                Attempt::Done(outcome) => return Ok(outcome),
                _ if patience == Patience::None => return Err(Refused::WouldBlock),
                Attempt::NotYet(seen) => self.sleep(others, seen, patience, &is_open)?,
                Attempt::Claimed => unreachable!("who is in line heeds no claim"),
            }
        }
    }

    /// Sleeps while the other end's place is `seen` and the ring is open, or less.
    fn sleep(
        &self,
        others: &Self,
        seen: u64,
        patience: Patience,
        is_open: impl Fn() -> bool,
    ) -> Result<(), Refused> {
        // Relaxed: advice; the next attempt looks under the lock.
        if W::look_for_partner(|| others.place.load(Relaxed) != seen) {
            return Ok(());
        }
        take_brief(&others.lock, patience)?;
        // Relaxed, both: under the lock; invariant 2. Acquire: pairs with the Release in wake().
        let stays = others.place.load(Relaxed) == seen && is_open();
        let mut gate = others.gate.word.load(Acquire);
        let owner = gate & TID_MASK;
        if stays && (owner == 0 || W::is_nobody(owner)) {
            gate = ASLEEP;
            others.gate.word.store(gate, Relaxed);
        }
        give_back(&others.lock);
        let until = match patience {
            Patience::Until(deadline) => Some(deadline),
            Patience::None | Patience::Endless => None,
        };
        if stays && W::wait(&others.gate.word, gate, until) == Woken::TimedOut {
            return Err(Refused::TimedOut);
        }
        Ok(())
    }
}

// Inlined, all: a call and its result in memory cost as much again as what they do.

/// Whoever died holding it has left nothing to repair.
#[inline(always)]
pub(super) fn take<W: World>(mutex: &RawMutex<W>, patience: Patience) -> Result<(), Refused> {
    match mutex.lock(patience)? {
        Acquired::Clean => Ok(()),
        Acquired::OwnerDied => mutex.mark_consistent().map_err(|NotHeld| not_held()),
    }
}

#[inline(always)]
pub(super) fn give_back<W: World>(mutex: &RawMutex<W>) {
    mutex.unlock().unwrap_or_else(|NotHeld| not_held());
}

/// [Takes](take) a lock that no one keeps for long: one who would not wait waits for that.
#[inline(always)]
pub(super) fn take_brief<W: World>(mutex: &RawMutex<W>, patience: Patience) -> Result<(), Refused> {
    let brief = match patience {
        Patience::None => Patience::Endless,
        longer => longer,
    };
    take(mutex, brief).map_err(|refused| match refused {
        // It is given back before the ring returns: something else has written our id.
        Refused::AlreadyHeld => Refused::NotRecoverable,
        refused => refused,
    })
}

fn not_held() -> ! {
    unreachable!("the ring gives back what the calling thread has taken, and nothing else")
}
