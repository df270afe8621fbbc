//! A kill at every step of the turn. See `verify::every_step` for what is tried and judged.

use forkproof::verify::every_step::{subjects, sweep};

#[test]
fn a_lock_survives_a_kill_at_every_step() {
    check("Lock");
}

#[test]
fn an_rlock_survives_a_kill_at_every_step() {
    check("RLock");
}

#[test]
fn a_value_survives_a_kill_at_every_step() {
    check("Value");
}

#[test]
fn an_array_survives_a_kill_at_every_step() {
    check("Array");
}

#[test]
fn a_pipe_survives_a_kill_at_every_step() {
    check("Pipe");
}

fn check(primitive: &str) {
    for subject in subjects(primitive) {
        let name = subject.name;
        match sweep(subject, 4, 1) {
            Ok(tally) => println!("{name}: {tally:?}"),
            Err(failure) => panic!("{failure}"),
        }
    }
}
