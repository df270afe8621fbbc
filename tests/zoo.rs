//! The zoo: every known bug is caught within its bound, every twin passes, and the README shows it.

#![cfg(feature = "harness")]

use std::collections::BTreeSet;

use forkproof::zoo::{Entry, Table, entries};

#[test]
fn every_bug_is_caught_every_twin_passes_and_the_readme_says_so() {
    let table = Table {
        entries: entries().into_iter().map(Entry::run).collect(),
    };
    assert!(table.holds(), "{table}");
    let readme = include_str!("../README.md");
    assert!(
        readme.contains(&table.to_string()),
        "README.md, \"The zoo\", is to show:\n{table}"
    );
}

#[test]
fn none_of_the_31_is_missing() {
    let numbers: BTreeSet<_> = entries().iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, (1..=31).collect());
    let names: BTreeSet<_> = entries().iter().map(|entry| entry.name).collect();
    assert_eq!(names.len(), entries().len(), "a name stands for one bug");
}
