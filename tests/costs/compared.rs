//! The tests of the build with the feature `harness`: what the other build counted is what is on record, and the README
//! shows that.

use crate::cost::Cost;
use crate::record::{self, Costs};
use crate::traced::boss::Outcome;
use crate::traced::other_build::OtherBuild;

#[test]
fn an_operation_costs_what_is_on_record() {
    let left = OtherBuild::start("costs").left();
    let outcome: Outcome<(String, Cost)> = left.under("costs");
    let Some(all) = outcome.or_say("costs") else {
        return;
    };
    let fresh = Costs(all.into_iter().collect());
    println!("{fresh}");
    if record::is_to_be_written() {
        return record::write(&fresh);
    }
    let changes = record::changes(&record::recorded(), &fresh);
    assert!(
        changes.is_empty(),
        "{}\nif it is to be so: FORKPROOF_RECORD=1 cargo test --test costs, and then the README's table",
        changes.join("\n")
    );
}

#[test]
fn the_readme_shows_what_is_on_record() {
    let table = record::recorded().to_string();
    let readme = include_str!("../../README.md");
    assert!(
        readme.contains(&table),
        "README.md, \"What an operation costs, counted\", is to show:\n{table}"
    );
}
