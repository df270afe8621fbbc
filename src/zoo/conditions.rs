//! Condition variables: used as they must not be, and made as they must not be.

use std::marker::PhantomData;
// Relaxed throughout: the lock around it puts it in order; what a sleep compares with, the kernel reads anew.
use std::sync::atomic::Ordering::Relaxed;

use super::counting::WordLock;
use super::locks::ThreeStates;
use super::{Entry, Trial};
use crate::explore::{Model, Part};
use crate::world::{Word, World};

/// A condition variable of two words, under a [`ThreeStates`] lock, which the caller of either holds.
trait Condition: 'static {
    fn wait<W: World>(words: &[W::Word; 2], lock: &W::Word);
    fn notify<W: World>(words: &[W::Word; 2]);
}

/// The right one: a notification is a change of the number that a waiter has seen before it gave the lock back.
struct Sequence;

impl Condition for Sequence {
    fn wait<W: World>([sequence, _]: &[W::Word; 2], lock: &W::Word) {
        let seen = sequence.load(Relaxed);
        ThreeStates::unlock::<W>(lock);
        W::wait(sequence, seen, None);
        ThreeStates::lock::<W>(lock);
    }

    fn notify<W: World>([sequence, _]: &[W::Word; 2]) {
        sequence.fetch_add(1, Relaxed);
        W::wake(sequence, 1);
    }
}

/// A word says that someone is blocked. The next one that waits sets it again: one that was told does not see it.
struct Blocked;

impl Condition for Blocked {
    fn wait<W: World>([blocked, _]: &[W::Word; 2], lock: &W::Word) {
        blocked.store(1, Relaxed);
        ThreeStates::unlock::<W>(lock);
        while blocked.load(Relaxed) == 1 {
            W::wait(blocked, 1, None);
        }
        ThreeStates::lock::<W>(lock);
    }

    fn notify<W: World>([blocked, _]: &[W::Word; 2]) {
        blocked.store(0, Relaxed);
        W::wake(blocked, 1);
    }
}

/// A notification is a token, which whoever waits may take: also one that began to wait after it.
struct Tokens;

impl Condition for Tokens {
    fn wait<W: World>([waiting, tokens]: &[W::Word; 2], lock: &W::Word) {
        waiting.fetch_add(1, Relaxed);
        ThreeStates::unlock::<W>(lock);
        loop {
            let seen = tokens.load(Relaxed);
            if seen == 0 {
                W::wait(tokens, 0, None);
            } else if tokens
                .compare_exchange(seen, seen - 1, Relaxed, Relaxed)
                .is_ok()
            {
                break;
            }
        }
        ThreeStates::lock::<W>(lock);
    }

    fn notify<W: World>([waiting, tokens]: &[W::Word; 2]) {
        let count = waiting.load(Relaxed);
        if count > 0 {
            waiting.store(count - 1, Relaxed);
            tokens.fetch_add(1, Relaxed);
            W::wake(tokens, 1);
        }
    }
}

struct Shared<W: World> {
    lock: W::Word,
    condition: [W::Word; 2],
    asked: W::Word,
    answered: W::Word,
}

impl<W: World> Shared<W> {
    fn new() -> Self {
        Shared {
            lock: W::Word::new(0),
            condition: [W::Word::new(0), W::Word::new(0)],
            asked: W::Word::new(0),
            answered: W::Word::new(0),
        }
    }

    fn parts(&self) -> Vec<Part> {
        vec![
            Part::new("lock", &self.lock),
            Part::new("condition", &self.condition),
            Part::new("asked", &self.asked),
            Part::new("answered", &self.answered),
        ]
    }

    /// Waits under the lock until it is said.
    fn until<C: Condition>(&self, said: &W::Word) {
        while said.load(Relaxed) == 0 {
            C::wait::<W>(&self.condition, &self.lock);
        }
    }

    /// Says it, under the lock.
    fn say<C: Condition>(&self, what: &W::Word) {
        what.store(1, Relaxed);
        C::notify::<W>(&self.condition);
    }

    fn under_lock(&self, act: impl FnOnce()) {
        ThreeStates::lock::<W>(&self.lock);
        act();
        ThreeStates::unlock::<W>(&self.lock);
    }
}

/// One asks and waits for the answer, under one lock: the other is told before the first begins to wait.
struct Asking<C>(PhantomData<C>);

impl<C: Condition> Model for Asking<C> {
    type Shared<W: World> = Shared<W>;

    fn set_up<W: World>() -> Shared<W> {
        Shared::new()
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&Shared<W>))> {
        vec![
            ("answers", |shared| {
                shared.under_lock(|| {
                    shared.until::<C>(&shared.asked);
                    shared.say::<C>(&shared.answered);
                });
            }),
            ("asks", |shared| {
                shared.under_lock(|| {
                    shared.say::<C>(&shared.asked);
                    shared.until::<C>(&shared.answered);
                });
            }),
        ]
    }

    fn parts<W: World>(shared: &Shared<W>) -> Vec<Part> {
        shared.parts()
    }
}

/// How one waits for what another says.
trait Manner: 'static {
    fn wait<W: World>(shared: &Shared<W>);
}

/// As it should be.
struct LooksAgain;

impl Manner for LooksAgain {
    fn wait<W: World>(shared: &Shared<W>) {
        shared.under_lock(|| shared.until::<Sequence>(&shared.asked));
    }
}

/// One notification is one too few: it may have been for something else.
struct LooksOnce;

impl Manner for LooksOnce {
    fn wait<W: World>(shared: &Shared<W>) {
        shared.under_lock(|| {
            if shared.asked.load(Relaxed) == 0 {
                Sequence::wait::<W>(&shared.condition, &shared.lock);
            }
            assert_eq!(shared.asked.load(Relaxed), 1, "woken, and it was not said");
        });
    }
}

/// What is said between the look and the lock is missed.
struct LooksBefore;

impl Manner for LooksBefore {
    fn wait<W: World>(shared: &Shared<W>) {
        if shared.asked.load(Relaxed) == 0 {
            shared.under_lock(|| Sequence::wait::<W>(&shared.condition, &shared.lock));
        }
    }
}

/// One waits in this manner; another notifies of something else, and then says it.
struct Waiting<M>(PhantomData<M>);

impl<M: Manner> Model for Waiting<M> {
    type Shared<W: World> = Shared<W>;

    fn set_up<W: World>() -> Shared<W> {
        Shared::new()
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&Shared<W>))> {
        vec![
            ("waits", |shared| M::wait(shared)),
            ("says", |shared| {
                shared.under_lock(|| Sequence::notify::<W>(&shared.condition));
                shared.under_lock(|| shared.say::<Sequence>(&shared.asked));
            }),
        ]
    }

    fn parts<W: World>(shared: &Shared<W>) -> Vec<Part> {
        shared.parts()
    }
}

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        number: 15,
        name: "ABA in a condition variable",
        bug: "a waiter that was told sees the mark of the next waiter, and sleeps again",
        source: "musl 97c5b5a",
        trials: &[Trial::schedules::<Asking<Blocked>, Asking<Sequence>>(1)],
    },
    Entry {
        number: 17,
        name: "`if` for `while` around a condition",
        bug: "a notification for something else is taken for the one that was waited for",
        source: "B. W. Lampson and D. D. Redell, \"Experience with processes and monitors in Mesa\", CACM 23 (1980)",
        trials: &[Trial::schedules::<Waiting<LooksOnce>, Waiting<LooksAgain>>(
            7,
        )],
    },
    Entry {
        number: 18,
        name: "notify before wait",
        bug: "it is looked at without the lock: what is said before the wait is missed",
        source: "pthread_cond_wait(3p), rationale",
        trials: &[Trial::schedules::<Waiting<LooksBefore>, Waiting<LooksAgain>>(1_102)],
    },
    Entry {
        number: 22,
        name: "stolen condition signal",
        bug: "one that begins to wait after a notification takes it from one that waited before",
        source: "glibc 25847",
        trials: &[Trial::schedules::<Asking<Tokens>, Asking<Sequence>>(1)],
    },
];
