//! Locks of a user's own, and the model that tries one: each lane adds one to a count under it, in two steps.

use std::marker::PhantomData;
use std::sync::atomic::Ordering::Relaxed;

use forkproof::explore::{Model, Part};
use forkproof::world::{Word, World};

/// A lock of three words, to be used as it likes.
pub trait Lock: 'static {
    fn lock<W: World>(words: &[W::Word; 3], me: usize);
    fn unlock<W: World>(words: &[W::Word; 3], me: usize);
}

pub struct Counting<L, const LANES: usize>(PhantomData<L>);

pub struct Guarded<W: World> {
    lock: [W::Word; 3],
    count: W::Word,
}

type Lane<W> = (&'static str, fn(&Guarded<W>));

impl<L: Lock, const LANES: usize> Model for Counting<L, LANES> {
    type Shared<W: World> = Guarded<W>;

    fn set_up<W: World>() -> Guarded<W> {
        Guarded {
            lock: std::array::from_fn(|_| W::Word::new(0)),
            count: W::Word::new(0),
        }
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&Guarded<W>))> {
        let mut lanes: Vec<Lane<W>> = vec![
            ("first", |shared| add_one::<L, W>(shared, 0)),
            ("second", |shared| add_one::<L, W>(shared, 1)),
            ("third", |shared| add_one::<L, W>(shared, 2)),
        ];
        lanes.truncate(LANES);
        lanes
    }

    fn finally<W: World>(shared: &Guarded<W>) {
        assert_eq!(shared.count.load(Relaxed), LANES as u32, "a count was lost");
    }

    fn parts<W: World>(shared: &Guarded<W>) -> Vec<Part> {
        vec![
            Part::new("lock", &shared.lock),
            Part::new("count", &shared.count),
        ]
    }
}

fn add_one<L: Lock, W: World>(shared: &Guarded<W>, me: usize) {
    L::lock::<W>(&shared.lock, me);
    shared.count.store(shared.count.load(Relaxed) + 1, Relaxed);
    L::unlock::<W>(&shared.lock, me);
}
