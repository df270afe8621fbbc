//! The event on trial: the shipped [`RawEvent`], unchanged, in loom's memory model; and broken
//! variants, each of which the same models must catch.
//!
//! # What a pass proves
//! That no execution of the given lanes breaks one of these, in any interleaving within the preemption bound, with any
//! weak read that loom knows, with and without early returns, in both wake orders, and with a lane killed before any
//! of its steps:
//! 1. Who has waited, or sees it set, or clears it, sees what was written before it was set.
//! 2. No one sleeps through a set, be it cleared at once, and be the one who set it killed.
//! 3. Who sets and who clears do not miss each other: what was written before a set is seen by who clears it, or it
//!    is set still.
//! 4. When no one waits any more, no system call is made any more.
//!
//! # What it does not
//! More lanes, rounds and preemptions than were searched; 2^30 clears while one waiter stands still.

mod variants;

pub use variants::VARIANTS;

use ::loom::cell::Cell as Guarded;
use ::loom::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use super::model::{Deadlines, Meets, Model};
use crate::explore::loom::{self, Loom, Program};
use crate::raw::{Patience, RawEvent};
use crate::world::{Deadline, World};

/// What the lanes share.
struct Place<W: World> {
    event: RawEvent<W>,
    /// Written before the event is set, by one.
    data: Guarded<u32>,
    /// Written before the event is set, by several: an atomic that orders nothing.
    items: AtomicU32,
    /// Of them, counted by the one who clears.
    seen: Guarded<u32>,
}

impl<W: World> Place<W> {
    fn new() -> Self {
        Place {
            event: RawEvent::new(),
            data: Guarded::new(0),
            items: AtomicU32::new(0),
            seen: Guarded::new(0),
        }
    }

    /// As if someone had waited, and given up: the mark of a sleeper stands.
    fn marked() -> Self {
        let place = Self::new();
        loom::acting_as(loom::PASSER_BY, || assert!(!place.event.wait(soon())));
        place
    }

    fn set(&self) {
        self.event.set();
    }

    fn tell(&self) {
        self.data.set(7);
        self.event.set();
    }

    /// Takes the event back at once, if the other lane has begun to wait: it has called the futex.
    fn tell_and_clear(&self) {
        let is_awaited = loom::futex_calls() > 0;
        self.tell();
        if is_awaited {
            self.event.clear();
        }
    }

    fn wait(&self) {
        assert!(self.event.wait(Patience::Endless), "the wait has no end");
    }

    fn hear(&self) {
        self.wait();
        assert_eq!(self.data.get(), 7, "heard, and not told");
    }

    fn hear_soon(&self) {
        if self.event.wait(soon()) {
            assert_eq!(self.data.get(), 7, "heard, and not told");
        }
    }

    fn look(&self) {
        if self.event.is_set() {
            assert_eq!(self.data.get(), 7, "seen, and not told");
        }
        if self.event.wait(Patience::None) {
            assert_eq!(self.data.get(), 7, "seen, and not told");
        }
    }

    fn produce(&self) {
        // Relaxed: what orders it is the event.
        self.items.fetch_add(1, Relaxed);
        self.event.set();
    }

    /// Clears, and then looks how much there is.
    fn consume(&self) {
        self.wait();
        self.event.clear();
        // Relaxed: as in produce().
        self.seen.set(self.items.load(Relaxed));
    }

    /// No item is left without the event being set.
    fn nothing_is_missed(&self) {
        // Relaxed: all lanes have ended.
        let items = self.items.load(Relaxed);
        assert!(
            self.seen.get() == items || self.event.is_set(),
            "{} of {items} items were seen, and no one will come for the rest",
            self.seen.get()
        );
    }

    /// When all lanes are done or dead: it can be set and cleared, and makes no system call.
    fn settle(&self) {
        for _ in 0..2 {
            self.event.set();
            assert!(self.event.wait(Patience::None), "just set");
            self.event.clear();
            assert!(!self.event.wait(Patience::None), "just cleared");
        }
        let calls = loom::futex_calls();
        self.event.set();
        self.event.clear();
        assert_eq!(
            loom::futex_calls(),
            calls,
            "the mark of sleepers who are gone stays for ever"
        );
    }
}

/// A deadline, whose passing the setting decides.
fn soon() -> Patience {
    Patience::Until(Deadline { monotonic_ns: 1 })
}

/// The models of the event.
pub fn models() -> Vec<Model> {
    all::<Loom>()
}

const MODEL: Model = Model::NEW;

fn all<W: World>() -> Vec<Model> {
    type Lane<W> = fn(&Place<W>);
    let both = |lanes: &[Lane<W>], end: Lane<W>| {
        [Place::<W>::new, Place::<W>::marked]
            .into_iter()
            .map(|start: fn() -> Place<W>| Program::new(start, lanes, end))
            .collect()
    };
    let end: Lane<W> = Place::settle;
    let hear: Lane<W> = Place::hear;
    vec![
        Model {
            name: "told",
            claim: "who has waited sees what was written before it was set",
            programs: both(&[Place::tell, hear, hear], end),
            ..MODEL
        },
        Model {
            name: "told and cleared",
            claim: "who waited when it was set goes on, though it was cleared at once",
            programs: vec![Program::new(
                Place::new,
                &[hear, Place::tell_and_clear],
                end,
            )],
            preemptions_quick: None,
            preemptions_full: None,
            ..MODEL
        },
        Model {
            name: "looked at",
            claim: "who sees that it is set sees what was written before",
            programs: both(&[Place::tell, Place::look, hear], end),
            ..MODEL
        },
        Model {
            name: "deadline",
            claim: "who gives up is not told of what has not happened, and keeps no one from being told",
            programs: both(&[Place::tell, Place::hear_soon, hear], end),
            deadlines: Deadlines::PassSometimes(2),
            meets: &[Meets::Sleep, Meets::TimeOut],
            ..MODEL
        },
        Model {
            name: "produced and consumed",
            claim: "who sets it and who clears it do not miss each other",
            programs: both(
                &[Place::produce, Place::consume, Place::produce],
                Place::nothing_is_missed,
            ),
            ..MODEL
        },
        Model {
            name: "one of two tellers killed",
            claim: "it has set the event and woken everyone, or neither",
            programs: both(&[Place::set, Place::set, Place::wait], end),
            victims: &[1],
            ..MODEL
        },
        Model {
            name: "a waiter killed",
            claim: "it takes no other's wake along",
            programs: both(&[Place::tell, hear, hear], end),
            victims: &[2],
            ..MODEL
        },
    ]
}
