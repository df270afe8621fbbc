//! `Event`: set, cleared, waited for.

use std::time::Duration;

use forkproof::{Event, Value};

use crate::start;
use crate::wire::{Wire, in_child};

fn wait(event: Event, exchange: String) {
    let mut wire = Wire::call(&exchange);
    wire.say("about to wait");
    event.wait();
    wire.say("told");
}

#[test]
fn everyone_who_waits_is_told() {
    let event = Event::new().unwrap();
    let mut waiters: Vec<_> = (0..4)
        .map(|_| start(wait, |exchange| (event.clone(), exchange)))
        .collect();
    for (_, wire) in &mut waiters {
        assert_eq!(wire.hear(), "about to wait");
    }
    event.set();
    for (p, mut wire) in waiters {
        assert_eq!(wire.hear(), "told");
        assert_eq!(p.join().unwrap(), 0);
    }
    assert!(event.is_set());
}

#[test]
fn an_event_stays_set_until_it_is_cleared() {
    let event = Event::new().unwrap();
    for _ in 0..3 {
        assert!(!event.is_set());
        assert!(!event.wait_timeout(Duration::ZERO));
        assert!(!event.wait_timeout(Duration::from_millis(2)));
        event.clear(); // nothing
        event.set();
        event.set(); // nothing more
        assert!(event.is_set());
        event.wait();
        assert!(event.wait_timeout(Duration::ZERO));
        assert!(event.wait_timeout(Duration::MAX));
        event.clear();
    }
}

#[test]
fn an_event_is_the_same_in_every_process() {
    fn child(given: Event, set: Event) {
        assert!(given.is_set() && !set.is_set());
        given.clear();
        set.set();
    }
    let (given, set) = (Event::new().unwrap(), Event::new().unwrap());
    given.set();
    in_child(child, (given.clone(), set.clone()));
    assert!(!given.is_set() && set.is_set());
}

#[test]
fn no_set_and_no_clear_is_missed_in_many_rounds() {
    const ROUNDS: u64 = 5_000;
    fn answer(ball: Event, back: Event, value: Value<u64>) {
        for round in 1..=ROUNDS {
            ball.wait();
            ball.clear();
            assert_eq!(value.get_unlocked(), round, "written before it was set");
            back.set();
        }
    }
    let (ball, back) = (Event::new().unwrap(), Event::new().unwrap());
    let value = Value::new(0).unwrap();
    let args = (ball.clone(), back.clone(), value.clone());
    let p = forkproof::Process::new(answer, args);
    p.start().unwrap();
    for round in 1..=ROUNDS {
        value.set_unlocked(round);
        ball.set();
        back.wait();
        back.clear();
    }
    assert_eq!(p.join().unwrap(), 0);
    assert!(!ball.is_set() && !back.is_set());
}

/// Under the turn, which sees to it that the waiter is asleep: set and cleared before it looks again.
#[cfg(feature = "harness")]
#[test]
fn who_slept_when_it_was_set_goes_on_though_it_is_cleared_at_once() {
    use forkproof::explore::{Plan, Stage, run};
    fn set_up(stage: &mut Stage, (): ()) {
        let event = Event::new().unwrap();
        for name in ["one", "other"] {
            let event = event.clone();
            stage.lane(name, move |_| event.wait());
        }
        let theirs = event.clone();
        stage.lane("teller", move |_| {
            theirs.set();
            theirs.clear();
        });
        stage.finally(move |_| assert!(!event.is_set()));
    }
    let plan = Plan::About("a9b9c20".parse().unwrap());
    let run = run(set_up, &(), plan).unwrap();
    assert!(run.is_well(), "{}\n{}", run.ended, run.trace);
    let trace = run.trace.to_string();
    assert_eq!(trace.matches("sleeps on").count(), 2, "{trace}");
}

#[test]
fn a_waiter_that_is_killed_keeps_no_one_from_being_told() {
    for _ in 0..20 {
        let event = Event::new().unwrap();
        let (victim, mut to_victim) = start(wait, |exchange| (event.clone(), exchange));
        let (other, mut to_other) = start(wait, |exchange| (event.clone(), exchange));
        assert_eq!(to_victim.hear(), "about to wait");
        assert_eq!(to_other.hear(), "about to wait");
        victim.kill().unwrap();
        event.set();
        assert_eq!(to_other.hear(), "told");
        assert_eq!(other.join().unwrap(), 0);
        victim.join().unwrap();
    }
}

#[test]
fn events_show_whether_they_are_set() {
    let event = Event::new().unwrap();
    assert!(format!("{event:?}").starts_with("<Event(unset) at 0x"));
    event.set();
    assert!(format!("{event:?}").starts_with("<Event(set) at 0x"));
}
