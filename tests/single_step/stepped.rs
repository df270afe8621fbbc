//! The tests of the build without the feature `harness`: one for each primitive.

use std::io::Write;
use std::path::Path;

use crate::boss::{self, Outcome};
use crate::subjects;
use crate::sweep::By;

/// Where to leave what was found, for the build that compares.
const INTO: &str = "FORKPROOF_SINGLE_STEP_INTO";

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
        Ok(Outcome::Swept(all)) => panic!("nothing was found: {all:?}"),
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
    match &outcome {
        Outcome::Swept(all) => {
            assert!(!all.is_empty(), "no case is about {primitive}");
            for swept in all {
                assert!(swept.moments > 1, "{}: the victim did nothing", swept.case);
                println!("{swept}");
            }
        }
        Outcome::Refused(why) => {
            let text = format!("single step: nothing was tried of {primitive}: ptrace: {why}\n");
            // Past the capture of a passing test: whoever reads must know.
            let told = std::io::stderr().write_all(text.as_bytes());
            told.expect("a standard error to say so");
        }
    }
    if let Some(into) = std::env::var_os(INTO) {
        let bytes = postcard::to_allocvec(&outcome).expect("an outcome serialises");
        let file = Path::new(&into).join(primitive);
        std::fs::write(file, bytes).expect("a folder to leave the figures in");
    }
}
