//! Death in a model: what the kernel knows of a thread, and what it does when the thread is killed.
//!
//! A lane is killed *before* one of its steps. The kernel's walk is done there and then, as part of the
//! model: each of its accesses is an operation of loom's, so it is interleaved with the living, and its
//! compare-exchange publishes what the dead had written (the walk runs on the dead thread's own
//! processor, after its last instruction). Then the lane's coroutine is unwound; nothing of it runs on.
//!
//! Source: `handle_futex_death` and `exit_robust_list` in `kernel/futex/core.c`.

use ::loom::cell::UnsafeCell;

use super::LoomWord;
use super::record::{self, Deed};
use super::stage::{self, Kernel};
use crate::sys::step::{Access, Outcome};
use crate::world::{OWNER_DIED, TID_MASK, WAITERS};

/// What a killed lane is unwound with.
pub(super) struct Killed;

/// The links of a node: loom watches that owners only touch them, one after the other.
pub(super) struct Links(UnsafeCell<()>);

// SAFETY: nothing is stored in it; it exists to be watched, and all threads that loom watches are
// coroutines of one thread.
unsafe impl Send for Links {}
// SAFETY: as for Send.
unsafe impl Sync for Links {}

impl Links {
    pub(super) fn new() -> Self {
        Links(UnsafeCell::new(()))
    }

    fn read(&self) {
        self.0.with(|_| ());
    }

    fn write(&self) {
        self.0.with_mut(|_| ());
    }
}

/// Tells the kernel which word the calling thread is working on, in place of what it was told before.
pub fn announce(word: &LoomWord) {
    super::step();
    record::did(Access::Announce, word.address(), Outcome::Done);
    stage::with_actor(|actor| actor.announced = Some(word.clone()));
}

/// Takes the announcement back.
pub fn withdraw() {
    super::step();
    record::did(Access::Withdraw, 0, Outcome::Done);
    stage::with_actor(|actor| actor.announced = None);
}

/// Puts a word into the calling thread's robust list.
pub fn link(word: &LoomWord) {
    super::step();
    record::did(Access::Link, word.address(), Outcome::Done);
    word.links().write();
    stage::with_actor(|actor| actor.held.push(word.clone()));
}

/// Takes a word out of the calling thread's robust list.
pub fn unlink(word: &LoomWord) {
    super::step();
    record::did(Access::Unlink, word.address(), Outcome::Done);
    word.links().write();
    stage::with_actor(|actor| actor.held.retain(|held| !held.is(word)));
}

/// Whether the word is in the calling thread's robust list.
pub fn is_linked(word: &LoomWord) -> bool {
    stage::with_actor(|actor| actor.held.iter().any(|held| held.is(word)))
}

/// Whether the calling thread has announced the word.
pub fn is_announced(word: &LoomWord) -> bool {
    stage::with_actor(|actor| actor.announced.as_ref().is_some_and(|it| it.is(word)))
}

/// Whether the kernel would find all that it needs if the calling thread's announcement were gone.
pub fn is_found_without_announcement() -> bool {
    stage::with_actor(|actor| {
        let mut announced = actor.announced.iter();
        announced.all(|it| actor.held.iter().any(|held| held.is(it)))
    })
}

/// The calling lane dies.
pub(super) fn die() -> ! {
    let id = stage::me();
    let (announced, held) =
        stage::with_actor(|actor| (actor.announced.take(), std::mem::take(&mut actor.held)));
    stage::with(|stage| stage.tally.deaths_of[id as usize] += 1);
    record::note(Deed::Dies);
    let mut owned = false;
    for word in held.iter().rev() {
        word.links().read();
        if !announced.as_ref().is_some_and(|it| it.is(word)) {
            owned |= settle(word, id, false);
        }
    }
    if let Some(word) = announced {
        owned |= settle(&word, id, true);
    }
    if owned {
        stage::with(|stage| stage.tally.owner_deaths += 1);
    }
    // No hook is called: a death is no panic.
    std::panic::resume_unwind(Box::new(Killed))
}

/// One word of the dead thread `id`. True if it was the owner.
fn settle(word: &LoomWord, id: u32, announced: bool) -> bool {
    word.peek(); // the search moves a load about less than this
    let mut seen = word.read_by_kernel();
    loop {
        let owner = seen & TID_MASK;
        if announced && owner == 0 {
            let kernel = stage::with(|stage| stage.setting.kernel);
            if kernel == Kernel::Linux6_2 || seen == 0 {
                let woken = word.wake_by_kernel(1);
                stage::with(|stage| stage.tally.passed_on += u64::from(woken));
            }
            return false;
        }
        if owner != id {
            return false;
        }
        match word.exchange_by_kernel(seen, seen & WAITERS | OWNER_DIED) {
            Ok(_) => {
                // Before any operation of loom's: whoever sees the mark finds the death counted.
                stage::with(|stage| stage.owner_deaths += 1);
                if seen & WAITERS != 0 {
                    word.wake_by_kernel(1);
                }
                return true;
            }
            Err(now) => seen = now,
        }
    }
}
