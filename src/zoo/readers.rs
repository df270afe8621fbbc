//! Locks of readers and writers.

use std::marker::PhantomData;
// Acquire throughout: pairs with the Releases of the same file's unlocks.
// Release throughout: pairs with the Acquires of the same file's locks.
// Relaxed throughout: looked at again by an exchange.
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::{Entry, Trial};
use crate::explore::{Model, Part};
use crate::world::{Word, World};

/// The word counts the readers inside; or is this.
const WRITER: u32 = 1 << 16;
/// A writer, or one that wants to be one, waits: no reader comes in any more.
const WAITS: u32 = 1 << 17;

struct Hall<W: World> {
    lock: W::Word,
    /// For the judge: a writer has begun to wait; it has been inside.
    waits: W::Word,
    has_been: W::Word,
}

impl<W: World> Hall<W> {
    fn new() -> Self {
        Hall {
            lock: W::Word::new(0),
            waits: W::Word::new(0),
            has_been: W::Word::new(0),
        }
    }

    fn parts(&self) -> Vec<Part> {
        vec![
            Part::new("lock", &self.lock),
            Part::new("writer waits", &self.waits),
            Part::new("writer was in", &self.has_been),
        ]
    }

    /// As a reader, unless one of these stands in the word.
    fn enter(&self, unless: u32) {
        loop {
            let seen = self.lock.load(Relaxed);
            if seen & unless != 0 {
                W::wait(&self.lock, seen, None);
            } else if self.change(seen, seen + 1) {
                return;
            }
        }
    }

    fn leave(&self) {
        self.lock.fetch_sub(1, Release);
        W::wake(&self.lock, u32::MAX);
    }

    fn change(&self, from: u32, to: u32) -> bool {
        let changed = self.lock.compare_exchange(from, to, Acquire, Relaxed);
        changed.is_ok()
    }

    /// As a writer; `marks`: says so, and no reader comes in before it.
    fn write(&self, marks: bool) {
        loop {
            let seen = self.lock.load(Relaxed);
            if seen & !WAITS == 0 {
                if self.change(seen, WRITER) {
                    break;
                }
            } else if marks && seen & WAITS == 0 {
                self.change(seen, seen | WAITS);
            } else {
                self.waits.store(1, Relaxed);
                W::wait(&self.lock, seen, None);
            }
        }
        self.has_been.store(1, Relaxed);
        self.lock.store(0, Release);
        W::wake(&self.lock, u32::MAX);
    }
}

/// One reads twice while another wants to write. `FAIR`: who waits to write goes before the readers that come later.
struct Writing<const FAIR: bool>;

impl<const FAIR: bool> Model for Writing<FAIR> {
    type Shared<W: World> = Hall<W>;

    fn set_up<W: World>() -> Hall<W> {
        Hall::new()
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&Hall<W>))> {
        vec![
            ("reader", |hall| {
                for _ in 0..2 {
                    let writer_waits = hall.waits.load(Relaxed) == 1;
                    hall.enter(if FAIR { WRITER | WAITS } else { WRITER });
                    let overtaken = writer_waits && hall.has_been.load(Relaxed) == 0;
                    assert!(
                        !overtaken,
                        "the writer waits, and a reader that came later is in"
                    );
                    hall.leave();
                }
            }),
            ("writer", |hall| hall.write(FAIR)),
        ]
    }

    fn parts<W: World>(hall: &Hall<W>) -> Vec<Part> {
        hall.parts()
    }
}

/// How a reader becomes the writer.
trait Upgrade: 'static {
    /// From a reader inside to one outside, having been alone inside meanwhile.
    fn upgrade_and_leave<W: World>(hall: &Hall<W>);
}

/// Both stay inside, and wait for the other to leave.
struct Stays;

impl Upgrade for Stays {
    fn upgrade_and_leave<W: World>(hall: &Hall<W>) {
        loop {
            let seen = hall.lock.load(Relaxed);
            if seen == 1 && hall.change(1, WRITER) {
                break;
            }
            if seen != 1 {
                W::wait(&hall.lock, seen, None);
            }
        }
        hall.lock.store(0, Release);
        W::wake(&hall.lock, u32::MAX);
    }
}

/// The first one waits; the other one is refused: it leaves, and comes again as a writer.
struct FirstOnly;

impl Upgrade for FirstOnly {
    fn upgrade_and_leave<W: World>(hall: &Hall<W>) {
        loop {
            let seen = hall.lock.load(Relaxed);
            if seen & WAITS != 0 {
                hall.leave();
                return hall.write(true);
            }
            if hall.change(seen, seen | WAITS) {
                break;
            }
        }
        loop {
            let seen = hall.lock.load(Relaxed);
            if seen == WAITS | 1 && hall.change(seen, WRITER) {
                break;
            }
            if seen != WAITS | 1 {
                W::wait(&hall.lock, seen, None);
            }
        }
        hall.lock.store(0, Release);
        W::wake(&hall.lock, u32::MAX);
    }
}

/// Two read, and then want to write.
struct Upgrading<U>(PhantomData<U>);

impl<U: Upgrade> Model for Upgrading<U> {
    type Shared<W: World> = Hall<W>;

    fn set_up<W: World>() -> Hall<W> {
        Hall::new()
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&Hall<W>))> {
        let visit: fn(&Hall<W>) = |hall| {
            hall.enter(WRITER | WAITS);
            U::upgrade_and_leave(hall);
        };
        vec![("first", visit), ("second", visit)]
    }

    fn finally<W: World>(hall: &Hall<W>) {
        assert_eq!(hall.lock.load(Relaxed), 0, "someone is inside still");
    }

    fn parts<W: World>(hall: &Hall<W>) -> Vec<Part> {
        hall.parts()
    }
}

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        number: 21,
        name: "starving writer",
        bug: "readers that come later go first: as long as some come, the writer waits",
        source: "P. J. Courtois, F. Heymans and D. L. Parnas, \"Concurrent control with readers and writers\", CACM 14 (1971)",
        trials: &[Trial::schedules::<Writing<false>, Writing<true>>(30)],
    },
    Entry {
        number: 21,
        name: "two readers that both upgrade",
        bug: "each waits for the other to leave",
        source: "parking_lot::RwLock: one upgradable reader at a time, for this reason",
        trials: &[Trial::schedules::<Upgrading<Stays>, Upgrading<FirstOnly>>(
            7,
        )],
    },
];
