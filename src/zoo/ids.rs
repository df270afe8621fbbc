//! An id that is handed out again after its bearer's death.

// Acquire throughout: pairs with the Release in leave(), or with the kernel's exchange at a death.
// Release throughout: pairs with the Acquires in take_place() and enter().
// Relaxed throughout: written by the bearer of the place alone, or looked at again by an exchange.
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::{Entry, Trial};
use crate::explore::{Model, Part};
use crate::world::{Node, TID_MASK, Update, Word, World};

/// Two take a place each, whose number is their id, and enter by a lock that names its owner's id and may be entered
/// again by it. The place of one who died is taken again. `GENERATIONS`: the id also counts how often it was taken.
struct Registered<const GENERATIONS: bool>;

const PLACES: usize = 2;
/// Ids are from 1; this many per generation.
const IDS: u32 = 4;

struct House<W: World> {
    places: [Node<W>; PLACES],
    taken: [W::Word; PLACES],
    owner: W::Word,
    left: W::Word,
    right: W::Word,
}

impl<const GENERATIONS: bool> Model for Registered<GENERATIONS> {
    type Shared<W: World> = House<W>;

    fn set_up<W: World>() -> House<W> {
        House {
            places: std::array::from_fn(|_| Node::new()),
            taken: std::array::from_fn(|_| W::Word::new(0)),
            owner: W::Word::new(0),
            left: W::Word::new(0),
            right: W::Word::new(0),
        }
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&House<W>))> {
        let visit: fn(&House<W>) = |house| {
            let place = house.take_place();
            // Of the place's bearer alone.
            let taken = house.taken[place].load(Relaxed) + 1;
            house.taken[place].store(taken, Relaxed);
            let generation = if GENERATIONS { taken } else { 0 };
            let id = generation * IDS + place as u32 + 1;
            if house.enter(id) {
                house.raise();
                house.owner.store(0, Release);
            }
            house.leave(place);
        };
        vec![("first", visit), ("second", visit)]
    }

    fn parts<W: World>(house: &House<W>) -> Vec<Part> {
        vec![
            Part::new("place 1", &house.places[0].word),
            Part::new("place 2", &house.places[1].word),
            Part::new("owner", &house.owner),
            Part::new("left", &house.left),
            Part::new("right", &house.right),
        ]
    }
}

impl<W: World> House<W> {
    /// The first that no one living has.
    fn take_place(&self) -> usize {
        let taken = self.places.iter().position(|node| {
            W::announce(node);
            let seen = node.word.load(Relaxed);
            let is_ours = seen & TID_MASK == 0
                && node
                    .word
                    .compare_exchange(seen, W::me(), Acquire, Relaxed)
                    .is_ok();
            if is_ours {
                W::link(node);
            }
            W::withdraw();
            is_ours
        });
        taken.expect("there are as many as lanes")
    }

    fn leave(&self, place: usize) {
        let node = &self.places[place];
        W::announce(node);
        W::unlink(node);
        W::update_and_wake_all(&node.word, Update::Set(0));
        W::withdraw();
    }

    /// False: someone living is inside.
    fn enter(&self, id: u32) -> bool {
        match self.owner.compare_exchange(0, id, Acquire, Relaxed) {
            Ok(_) => true,
            Err(owner) if owner == id => true, // it is inside already
            Err(owner) => {
                let place = (owner % IDS - 1) as usize;
                let is_dead = place == (id % IDS - 1) as usize
                    || self.places[place].word.load(Acquire) & TID_MASK == 0;
                let inherits = is_dead
                    && self
                        .owner
                        .compare_exchange(owner, id, Acquire, Relaxed)
                        .is_ok();
                if inherits {
                    self.right.store(self.left.load(Relaxed), Relaxed);
                }
                inherits
            }
        }
    }

    fn raise(&self) {
        let (left, right) = (self.left.load(Relaxed), self.right.load(Relaxed));
        assert_eq!(left, right, "what a dead one left is taken for one's own");
        self.left.store(left + 1, Relaxed);
        self.right.store(right + 1, Relaxed);
    }
}

pub(super) const ENTRIES: &[Entry] = &[Entry {
    number: 29,
    name: "an id used again",
    bug: "who is given the id of a dead owner takes the lock for its own",
    source: "musl fffc5cd",
    trials: &[Trial::kills::<1, Registered<false>, Registered<true>>(122)],
}];
