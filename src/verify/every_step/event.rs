//! Events: whoever is killed, those who wait go on when it is set, and no set is missed by who clears.

use super::super::programs::signals::{self, Lanes};
use super::Subject;
use crate::explore::{Stage, run_all};
use crate::{Array, Event, Value};

/// The subjects of this file.
pub(super) static SUBJECTS: &[Subject] = &[
    Subject {
        primitive: "Event",
        name: "event-5",
        lanes: TELLERS + 2,
        run: |plans| run_all(signals::set, &Lanes::of(2, TELLERS), plans),
    },
    Subject {
        primitive: "Event",
        name: "event-cleared-4",
        lanes: TELLERS + 1,
        run: |plans| run_all(produced, &(), plans),
    },
];

/// One is left to tell when two are killed.
const TELLERS: usize = 3;

/// Several write an item each and set the event; one waits for it, clears it, and looks what there is.
fn produced(stage: &mut Stage, (): ()) {
    let event = Event::new().expect("memory for an event");
    let array = || Array::<u32>::new(TELLERS).expect("memory for an array");
    let (items, set, seen) = (array(), array(), array());
    let looked = Value::new(false).expect("memory for a mark");
    stage.name("event", &event);
    stage.name("items", &items);
    stage.name("set", &set);
    stage.name("seen", &seen);
    stage.name("looked", &looked);
    for lane in 0..TELLERS {
        let (event, items, set) = (event.clone(), items.clone(), set.clone());
        stage.lane(&format!("producer {lane}"), move |_| {
            items.set_unlocked(lane, 1).expect("a producer's own");
            event.set();
            set.set_unlocked(lane, 1).expect("a producer's own");
        });
    }
    let (consumed, shelf, is_looked) = (event.clone(), seen.clone(), looked.clone());
    stage.lane("consumer", move |_| {
        consumed.wait();
        consumed.clear();
        for (lane, item) in items.to_vec_unlocked().into_iter().enumerate() {
            shelf.set_unlocked(lane, item).expect("one for each");
        }
        is_looked.set_unlocked(true);
    });
    stage.finally(move |_| {
        if !looked.get_unlocked() {
            return; // the consumer was killed, perhaps after it had cleared the event
        }
        let (set, seen) = (set.to_vec_unlocked(), seen.to_vec_unlocked());
        let missed = set.iter().zip(&seen).any(|(set, seen)| set > seen);
        assert!(
            !missed || event.is_set(),
            "of the items {set:?} the consumer saw {seen:?}, and nothing calls it for the rest"
        );
    });
}
