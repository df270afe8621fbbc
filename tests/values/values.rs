//! One value, several processes.

use forkproof::{LockError, Process, Value};

use crate::wire::{Exchange, Wire, in_child};
use crate::{at_the_start, race, start};

#[test]
fn updates_of_four_processes_are_all_kept() {
    fn count(counter: Value<i64>, exchange: String) {
        at_the_start(exchange);
        for _ in 0..20_000 {
            counter.update(|count| *count += 1).unwrap();
        }
    }
    let counter = Value::new(0).unwrap();
    race(count, 4, |exchange| (counter.clone(), exchange));
    assert_eq!(counter.get().unwrap(), 80_000);
}

#[test]
fn an_update_hands_back_what_its_closure_returns() {
    fn child(value: Value<i32>) {
        let before = value.update(|value| std::mem::replace(value, 8)).unwrap();
        assert_eq!(before, 7);
    }
    let value = Value::new(7).unwrap();
    in_child(child, (value.clone(),));
    assert_eq!(value.get().unwrap(), 8);
}

#[test]
fn a_guard_reads_once_and_writes_back_when_it_is_dropped() {
    fn child(value: Value<[u32; 3]>) {
        let mut guard = value.lock().unwrap();
        assert_eq!(*guard, [1, 2, 3]);
        guard[1] = 20;
        guard[2] += guard[1];
        assert_eq!(value.get_unlocked(), [1, 2, 3], "not before it is dropped");
    }
    let value = Value::new([1, 2, 3]).unwrap();
    in_child(child, (value.clone(),));
    assert_eq!(value.get().unwrap(), [1, 20, 23]);
}

#[test]
fn a_guard_that_was_only_read_writes_nothing() {
    let value = Value::new(1).unwrap();
    let guard = value.lock().unwrap();
    assert_eq!(*guard, 1);
    value.set_unlocked(2);
    assert_eq!(*guard, 1, "its copy");
    drop(guard);
    assert_eq!(value.get().unwrap(), 2);
}

#[test]
fn a_panic_in_an_update_leaves_the_value_and_gives_the_lock_back() {
    fn child(value: Value<i32>) {
        std::panic::set_hook(Box::new(|_| ())); // silently
        value
            .update(|value| {
                *value = 13;
                panic!("on purpose, in the midst of an update");
            })
            .unwrap()
    }
    let value = Value::new(12).unwrap();
    let p = Process::new(child, (value.clone(),));
    p.start().unwrap();
    assert_eq!(p.join().unwrap(), 1);
    assert_eq!(value.try_lock().map(|guard| *guard).unwrap(), 12);
}

#[test]
fn while_another_process_holds_the_lock_only_the_unlocked_forms_go_on() {
    fn hold(value: Value<i32>, exchange: String) {
        let mut guard = value.lock().unwrap();
        *guard = 5; // takes effect when the guard is dropped
        let mut wire = Wire::call(&exchange);
        wire.say("held");
        assert_eq!(wire.hear(), "give it back");
    }
    let value = Value::new(1).unwrap();
    let (p, mut wire) = start(hold, |exchange| (value.clone(), exchange));
    assert_eq!(wire.hear(), "held");

    assert!(matches!(value.try_lock(), Err(LockError::WouldBlock)));
    let brief = std::time::Duration::from_millis(1);
    assert!(matches!(
        value.lock_timeout(brief),
        Err(LockError::TimedOut)
    ));
    assert_eq!(value.get_unlocked(), 1);
    value.set_unlocked(2);
    assert_eq!(value.get_unlocked(), 2);

    wire.say("give it back");
    assert_eq!(p.join().unwrap(), 0);
    assert_eq!(value.get().unwrap(), 5, "the guard's own write came last");
}

#[test]
fn a_read_and_a_write_apart_lose_the_update_in_between() {
    fn deposit_badly(balance: Value<i32>, exchange: String) {
        let mut wire = Wire::call(&exchange);
        let seen = balance.get().unwrap();
        wire.say("read");
        assert_eq!(wire.hear(), "write");
        balance.set(seen + 1).unwrap();
    }
    let balance = Value::new(200).unwrap();
    let (p, mut wire) = start(deposit_badly, |exchange| (balance.clone(), exchange));
    assert_eq!(wire.hear(), "read");
    balance.update(|balance| *balance += 100).unwrap();
    wire.say("write");
    assert_eq!(p.join().unwrap(), 0);
    assert_eq!(balance.get().unwrap(), 201, "the 100 are lost");
}

#[test]
fn a_value_of_eight_bytes_is_never_seen_half_written() {
    fn write(value: Value<u64>, stop: Value<bool>, exchange: String) {
        Wire::call(&exchange).say("writing");
        while !stop.get_unlocked() {
            value.set_unlocked(0);
            value.set_unlocked(u64::MAX);
        }
    }
    let (value, stop) = (Value::new(0).unwrap(), Value::new(false).unwrap());
    let exchange = Exchange::new();
    let p = Process::new(write, (value.clone(), stop.clone(), exchange.name.clone())).daemon(true);
    p.start().unwrap();
    assert_eq!(exchange.accept().hear(), "writing");
    let (mut reads, mut changes, mut last) = (0, 0, 0);
    while reads < 200_000 || changes < 500 {
        let seen = value.get_unlocked();
        assert!(seen == 0 || seen == u64::MAX, "{seen:#x}");
        reads += 1;
        changes += u32::from(seen != std::mem::replace(&mut last, seen));
    }
    stop.set_unlocked(true);
    assert_eq!(p.join().unwrap(), 0);
}

#[test]
fn a_value_shows_its_type_and_what_it_holds() {
    fn child(value: Value<f64>) {
        assert_eq!(format!("{value:?}"), "<Value wrapper for f64(2.5)>");
        assert_eq!(format!("{:?}", value.lock().unwrap()), "ValueGuard(2.5)");
    }
    in_child(child, (Value::new(2.5).unwrap(),));
}
