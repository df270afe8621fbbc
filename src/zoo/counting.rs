//! The program in which most locks are tried: each lane adds one to a count, in two steps, under the lock.

use std::marker::PhantomData;
use std::sync::atomic::Ordering::Relaxed;

use crate::explore::{Model, Part};
use crate::world::{Word, World};

/// A lock of one word, 0 at first.
pub(super) trait WordLock: 'static {
    fn lock<W: World>(word: &W::Word);
    fn unlock<W: World>(word: &W::Word);
}

/// So many lanes count under such a lock.
pub(super) struct Counting<L, const LANES: usize>(PhantomData<L>);

pub(super) struct Guarded<W: World> {
    lock: W::Word,
    count: W::Word,
}

impl<L: WordLock, const LANES: usize> Model for Counting<L, LANES> {
    type Shared<W: World> = Guarded<W>;

    fn set_up<W: World>() -> Guarded<W> {
        Guarded {
            lock: W::Word::new(0),
            count: W::Word::new(0),
        }
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&Guarded<W>))> {
        let names = ["first", "second", "third"];
        let add: fn(&Guarded<W>) = add_one::<L, W>;
        names[..LANES].iter().map(|&name| (name, add)).collect()
    }

    fn finally<W: World>(shared: &Guarded<W>) {
        // Relaxed: every lane has ended.
        let count = shared.count.load(Relaxed) as usize;
        assert_eq!(count, LANES, "a count was lost");
    }

    fn parts<W: World>(shared: &Guarded<W>) -> Vec<Part> {
        vec![
            Part::new("lock", &shared.lock),
            Part::new("count", &shared.count),
        ]
    }
}

fn add_one<L: WordLock, W: World>(shared: &Guarded<W>) {
    L::lock::<W>(&shared.lock);
    // Relaxed: the lock puts it in order, or does not.
    let seen = shared.count.load(Relaxed);
    shared.count.store(seen + 1, Relaxed);
    L::unlock::<W>(&shared.lock);
}
