//! Events: whoever is killed, a set that returned has woken all who waited, and no one blocks another.

use forkproof::Event;

use super::{Case, busy, quiet};
use crate::stage::Stage;

pub(super) static CASES: &[Case] = &[
    quiet("Event", "set, nobody there", |stage| set(stage, 0)),
    quiet("Event", "set, one asleep", |stage| set(stage, 1)),
    quiet("Event", "set, two asleep", |stage| set(stage, 2)),
    quiet("Event", "clear", clear),
    quiet("Event", "wait, nobody there", |stage| wait(stage, 0)),
    quiet("Event", "wait, one asleep", |stage| wait(stage, 1)),
    busy("Event", "set, wait and clear, one awake", |stage| {
        let event = on(stage);
        let (mine, awake) = (event.clone(), event.clone());
        stage.awake("who sets and clears", move || set_and_clear(&awake));
        stage.victim(|| (), move |()| set_and_clear(&mine));
        stage.judge(move |_| set_and_clear(&event));
    }),
];

fn on(stage: &mut Stage) -> Event {
    let event = Event::new().expect("memory for an event");
    stage.watch(&event);
    event
}

fn fall_asleep(stage: &mut Stage, event: &Event, sleepers: usize) {
    for _ in 0..sleepers {
        let event = event.clone();
        stage.asleep("who sleeps for the event", move || event.wait());
    }
}

/// If the set returned, those who wait need no other.
fn finish(stage: &mut Stage, event: Event) {
    let after = event.clone();
    stage.survivor("who sets after", move |end| {
        if !end.returned {
            after.set();
        }
    });
    stage.judge(move |end| {
        assert!(event.is_set(), "{end:?}");
        event.clear();
        assert!(!event.is_set());
    });
}

fn set(stage: &mut Stage, sleepers: usize) {
    let event = on(stage);
    fall_asleep(stage, &event, sleepers);
    let mine = event.clone();
    stage.victim(|| (), move |()| mine.set());
    let is_set = event.clone();
    finish(stage, event);
    stage.survivor("who looks", move |end| {
        assert!(is_set.is_set() || !end.returned, "a set that returned");
    });
}

fn clear(stage: &mut Stage) {
    let event = on(stage);
    let (set, mine) = (event.clone(), event.clone());
    stage.victim(move || set.set(), move |()| mine.clear());
    stage.judge(move |end| {
        assert!(!event.is_set() || !end.returned, "a clear that returned");
        event.set();
        event.wait();
    });
}

fn wait(stage: &mut Stage, sleepers: usize) {
    let event = on(stage);
    fall_asleep(stage, &event, sleepers);
    let (mine, setter) = (event.clone(), event.clone());
    stage.poised("who sets", || (), move |()| setter.set());
    stage.victim(|| (), move |()| mine.wait());
    stage.judge(move |_| assert!(event.is_set()));
}

fn set_and_clear(event: &Event) {
    event.set();
    event.clear();
}
