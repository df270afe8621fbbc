//! Generated scenarios in real processes at full speed. See `verify::bank` and `verify::starts` for what is
//! generated and how it is judged.

#![cfg(feature = "harness")]

use forkproof::verify::Technique;

mod holds;

#[test]
fn a_bank_of_values_is_explained_by_the_sequential_one() {
    holds::row("Value", Technique::Proptest);
}

#[test]
fn a_bank_in_an_array_is_explained_by_the_sequential_one() {
    holds::row("Array", Technique::Proptest);
}

#[test]
fn a_bank_under_a_lock_is_explained_by_the_sequential_one() {
    holds::row("Lock", Technique::Proptest);
}

#[test]
fn a_bank_under_a_lock_that_is_taken_again_is_explained_by_the_sequential_one() {
    holds::row("RLock", Technique::Proptest);
}

#[test]
fn appends_to_a_list_under_a_lock_are_explained_by_the_sequential_one() {
    holds::row("list", Technique::Proptest);
}

#[test]
fn traffic_through_a_queue_is_explained_by_the_sequential_one() {
    holds::row("Queue", Technique::Proptest);
}

#[test]
fn appends_to_a_managers_list_are_explained_by_the_sequential_one() {
    holds::row("manager's list", Technique::Proptest);
}

#[test]
fn what_is_done_to_a_managers_dict_is_explained_by_the_sequential_one() {
    holds::row("manager's dict", Technique::Proptest);
}

#[test]
fn processes_start_and_end_as_they_are_told() {
    holds::row("Process", Technique::Starts);
}
