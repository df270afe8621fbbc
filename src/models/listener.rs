//! The listener on trial: the shipped [`RawListener`], unchanged, in loom's memory model; and broken variants of it.
//!
//! # What a pass proves
//! That in no execution of the given lanes someone sleeps while there is what it waits for: in any interleaving within the
//! preemption bound, with any weak read that loom knows, with and without early returns.
//!
//! # What it does not
//! More lanes and items than these. What is put lies in a word, and what rings is a futex: a queue and a socket have models
//! and tests of their own.

// The orderings of the variants are the bugs: raw/listener.rs names each one's partner.
use std::cell::RefCell;
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

use super::betrayals::NoWake;
use super::broken::{Broken, Sabotage};
use super::model::Model;
use super::variant::{Variant, variants};
use crate::explore::loom::{Loom, LoomWord, Program};
use crate::raw::RawListener;
use crate::world::{Deadline, Woken, Word, World};

/// Every broken variant of the listener.
pub const VARIANTS: &[Variant] = variants![
    in all::<Broken>;
    "no fence", NoFence: "neither side's fence is there" => "one after the other", "two putters";
    "looks, then listens", ListensLate: "it is said only when it sleeps" => "one after the other", "two putters";
    "rings for nobody", NoWake: "who puts does not ring" => "one after the other", "two putters";
];

/// What the lanes share.
struct Place<W: World> {
    listener: RawListener<W>,
    /// How many things were put.
    items: W::Word,
    /// How often it has rung.
    bell: W::Word,
}

impl<W: World> Place<W> {
    fn new() -> Self {
        Place {
            listener: RawListener::new(),
            items: W::Word::new(0),
            bell: W::Word::new(0),
        }
    }

    fn put(&self) {
        // Release: as a queue's commit.
        self.items.fetch_add(1, Release);
        if self.listener.must_be_told() {
            self.bell.fetch_add(1, Release);
            W::wake(&self.bell, 1);
        }
    }

    fn put_two(&self) {
        self.put();
        self.put();
    }

    /// Waits for each of two, as one who did not look before it sleeps would.
    fn get_two(&self) {
        for items in 1..=2 {
            self.listener.listen();
            loop {
                // Acquire: pairs with the Release in put(): so a ring comes after what it tells of.
                let rung = self.bell.load(Acquire);
                if self.items.load(Acquire) >= items {
                    break;
                }
                W::wait(&self.bell, rung, None);
            }
            self.listener.stop();
        }
    }
}

/// The models of the listener.
pub fn models() -> Vec<Model> {
    all::<Loom>()
}

fn all<W: World>() -> Vec<Model> {
    type Lane<W> = fn(&Place<W>);
    let programs = |lanes: &[Lane<W>]| vec![Program::new(Place::<W>::new, lanes, |_| {})];
    vec![
        Model {
            name: "one after the other",
            claim: "who has one thing and waits for the next is rung for",
            programs: programs(&[Place::put_two, Place::get_two]),
            ..Model::NEW
        },
        Model {
            name: "two putters",
            claim: "one who rings is enough, and it does",
            programs: programs(&[Place::put, Place::put, Place::get_two]),
            ..Model::NEW
        },
    ]
}

struct NoFence;
impl Sabotage for NoFence {
    fn fence(&self, _: Ordering) {}
}

struct ListensLate;
thread_local! {
    static LATE: RefCell<Option<LoomWord>> = const { RefCell::new(None) };
}
impl Sabotage for ListensLate {
    fn store(&self, word: &LoomWord, value: u32, order: Ordering) {
        LATE.take();
        match value {
            0 => word.store(value, order),
            _ => LATE.set(Some(word.clone())),
        }
    }
    fn wait(&self, word: &LoomWord, expected: u32, until: Option<Deadline>) -> Woken {
        let late = LATE.take(); // before any step, where another lane could run
        if let Some(word) = &late {
            word.store(1, Relaxed);
            Loom::fence(Ordering::SeqCst);
        }
        word.wait(expected, until)
    }
}
