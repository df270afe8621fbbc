//! A ring of items that is off by one at the wrap.

use std::collections::VecDeque;
// Acquire throughout: pairs with the Release of the other end.
// Release throughout: pairs with the Acquire of the other end.
// Relaxed throughout: of this end alone, or in order by its Acquire.
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use proptest::collection::vec;
use proptest::prelude::any;

use super::trial::{Outcome, drawn};
use super::{Entry, Trial};
use crate::explore::{Model, Part};
use crate::sys::Os;
use crate::world::{Word, World};

const CAPACITY: u32 = 2;

/// One puts, one gets; the counts grow for ever.
struct Ring<W: World> {
    put: W::Word,
    got: W::Word,
    items: [W::Word; CAPACITY as usize],
}

impl<W: World> Ring<W> {
    fn new() -> Self {
        Ring {
            put: W::Word::new(0),
            got: W::Word::new(0),
            items: [W::Word::new(0), W::Word::new(0)],
        }
    }

    /// False: it is full, which is with one item more, if `off_by_one`.
    fn put(&self, item: u32, off_by_one: bool) -> bool {
        let put = self.put.load(Relaxed);
        let inside = put - self.got.load(Acquire);
        let is_full = if off_by_one {
            inside > CAPACITY
        } else {
            inside >= CAPACITY
        };
        if !is_full {
            self.items[(put % CAPACITY) as usize].store(item, Relaxed);
            self.put.store(put + 1, Release);
        }
        !is_full
    }

    fn get(&self) -> Option<u32> {
        let got = self.got.load(Relaxed);
        if got == self.put.load(Acquire) {
            return None;
        }
        let item = self.items[(got % CAPACITY) as usize].load(Relaxed);
        self.got.store(got + 1, Release);
        Some(item)
    }
}

/// One puts up to three items, another gets twice: the items come in their order.
struct Passing<const OFF_BY_ONE: bool>;

impl<const OFF_BY_ONE: bool> Model for Passing<OFF_BY_ONE> {
    type Shared<W: World> = Ring<W>;

    fn set_up<W: World>() -> Ring<W> {
        Ring::new()
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&Ring<W>))> {
        vec![
            ("puts", |ring| {
                for item in 1..=3 {
                    ring.put(item, OFF_BY_ONE);
                }
            }),
            ("gets", |ring| {
                let got: Vec<u32> = [ring.get(), ring.get()].into_iter().flatten().collect();
                assert!(
                    (1..).zip(&got).all(|(item, &got)| item == got),
                    "got {got:?}"
                );
            }),
        ]
    }

    fn parts<W: World>(ring: &Ring<W>) -> Vec<Part> {
        vec![
            Part::new("put", &ring.put),
            Part::new("got", &ring.got),
            Part::new("items", &ring.items),
        ]
    }
}

const DRAWN: u32 = 200;

/// Drawn puts and gets of one caller, against a queue.
fn puts_and_gets(off_by_one: bool) -> Outcome {
    let strategy = vec(any::<bool>(), 0..12);
    drawn(DRAWN, &strategy, Vec::len, |calls| {
        let ring = Ring::<Os>::new();
        let mut expected = VecDeque::new();
        for (item, &puts) in (1..).zip(calls) {
            if puts {
                let has_room = expected.len() < CAPACITY as usize;
                if has_room {
                    expected.push_back(item);
                }
                if ring.put(item, off_by_one) != has_room {
                    return Err("an item more than there is room for".to_owned());
                }
            } else if ring.get() != expected.pop_front() {
                return Err("another item than was put".to_owned());
            }
        }
        Ok(())
    })
}

pub(super) const ENTRIES: &[Entry] = &[Entry {
    number: 14,
    name: "ring off by one at the wrap",
    bug: "one item more than there is room for, over one that no one has got",
    source: "L. Lamport, \"Specifying concurrent program modules\", ACM TOPLAS 5 (1983), for the ring",
    trials: &[
        Trial::schedules::<Passing<true>, Passing<false>>(1),
        Trial::drawn(
            DRAWN as u64,
            || puts_and_gets(true),
            || puts_and_gets(false),
        ),
    ],
}];
