//! An event, set once and waited for by many; and one that believes its futex.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::{Entry, Trial};
use crate::explore::{Model, Part};
use crate::world::{Woken, Word, World};

const UNSET: u32 = 0;
const SET: u32 = 1;

/// One tells, by an event, that the data is there; another waits for it. `TRUSTS`: the return of a wait is the event.
struct Telling<const TRUSTS: bool>;

struct Told<W: World> {
    event: W::Word,
    data: W::Word,
}

impl<const TRUSTS: bool> Model for Telling<TRUSTS> {
    type Shared<W: World> = Told<W>;

    fn set_up<W: World>() -> Told<W> {
        Told {
            event: W::Word::new(UNSET),
            data: W::Word::new(0),
        }
    }

    fn lanes<W: World>() -> Vec<(&'static str, fn(&Told<W>))> {
        vec![
            ("teller", |shared| {
                // Relaxed: the event's Release puts it in order.
                shared.data.store(7, Relaxed);
                // Release: pairs with the Acquire below.
                shared.event.store(SET, Release);
                W::wake(&shared.event, u32::MAX);
            }),
            ("waiter", |shared| {
                // Acquire: pairs with the Release above.
                while shared.event.load(Acquire) == UNSET {
                    if W::wait(&shared.event, UNSET, None) == Woken::Perhaps && TRUSTS {
                        break;
                    }
                }
                // Relaxed: as above.
                assert_eq!(shared.data.load(Relaxed), 7, "it was not told yet");
            }),
        ]
    }

    fn parts<W: World>(shared: &Told<W>) -> Vec<Part> {
        vec![
            Part::new("event", &shared.event),
            Part::new("data", &shared.data),
        ]
    }
}

pub(super) const ENTRIES: &[Entry] = &[Entry {
    number: 8,
    name: "a futex wait's return trusted",
    bug: "a wait that returns is taken for the event, though it may return for no reason",
    source: "futex(2): a return of 0 may be spurious",
    trials: &[Trial::loom_early::<Telling<true>, Telling<false>>(29)],
}];
