//! The tests of the build without the feature `harness`: one for each primitive.

use crate::boss;
use crate::subjects;
use crate::sweep::By;
use crate::traced::boss::Outcome;
use crate::traced::other_build;

#[test]
fn a_lock() {
    step("Lock");
}

#[test]
fn an_rlock() {
    step("RLock");
}

#[test]
fn a_value() {
    step("Value");
}

#[test]
fn an_array() {
    step("Array");
}

#[test]
fn a_shareable_list() {
    step("ShareableList");
}

#[test]
fn a_semaphore() {
    step("Semaphore");
}

#[test]
fn a_bounded_semaphore() {
    step("BoundedSemaphore");
}

#[test]
fn a_condition() {
    step("Condition");
}

#[test]
fn an_event() {
    step("Event");
}

#[test]
fn a_barrier() {
    step("Barrier");
}

#[test]
fn a_queue() {
    step("Queue");
}

#[test]
fn a_byte_queue() {
    step("ByteQueue");
}

#[test]
fn a_joinable_queue() {
    step("JoinableQueue");
}

#[test]
fn a_pipe() {
    step("Pipe");
}

#[test]
fn two_stores_that_no_step_reports_are_found() {
    match boss::all(subjects::BROKEN, By::Instruction) {
        Err(why) => assert!(why.contains("what is left is wrong"), "{why}"),
        Ok(Outcome::Refused(_)) => {} // the others say so
        Ok(Outcome::Found(all)) => panic!("nothing was found: {all:?}"),
    }
}

/// Kills at every instruction.
///
/// # Panics
/// If someone hung, or something was lost.
fn step(primitive: &str) {
    let outcome = match boss::all(primitive, By::Instruction) {
        Ok(outcome) => outcome,
        Err(why) => panic!("{why}"),
    };
    other_build::leave(primitive, &outcome);
    let all = outcome.or_say(&format!("single step: {primitive}"));
    let Some(all) = all else { return };
    assert!(!all.is_empty(), "no case is about {primitive}");
    for swept in all {
        assert!(swept.moments > 1, "{}: the victim did nothing", swept.case);
        println!("{swept}");
    }
}
