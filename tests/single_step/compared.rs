//! The test of the build with the feature `harness`: runs the other build, and compares what survives.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::boss;
use crate::figures::{self, Figures};
use crate::subjects;
use crate::sweep::{By, Swept};
use crate::traced::boss::Outcome;
use crate::traced::other_build::OtherBuild;

/// Set, the figures are written and not compared with those in the repository.
const RECORD: &str = "FORKPROOF_RECORD";

#[test]
fn a_kill_after_every_instruction_leaves_what_a_kill_at_a_step_leaves() {
    let other = OtherBuild::start("single_step");
    let by_steps = by_steps();
    let left = other.left(); // before any failure: no one else waits for it
    let by_steps = by_steps.unwrap_or_else(|why| panic!("at a step: {why}"));

    let mut fresh = Figures::new();
    for primitive in subjects::primitives() {
        let outcome: Outcome<Swept> = left.under(primitive);
        let Some(all) = outcome.or_say("single step") else {
            return;
        };
        for swept in all {
            let steps = by_steps.get(&swept.case).expect("the same cases");
            fresh.insert(swept.case.clone(), figures::compare(&swept, steps));
        }
    }
    let missing: Vec<_> = fresh.iter().filter_map(figures::complaint).collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    if std::env::var_os(RECORD).is_some() {
        figures::record(&fresh);
    } else {
        figures::assert_recorded(&fresh);
    }
}

/// So that a comparison means something: steps alone do not find what the other build's test of this name finds.
#[test]
fn two_stores_that_no_step_reports_are_not_found_by_steps() {
    let outcome = boss::all(subjects::BROKEN, By::Step);
    assert!(outcome.is_ok(), "{outcome:?}");
}

/// What is in a binary with the harness, as symbols and as text; nothing else of the library has one of these.
const TRACES: [&str; 9] = [
    "8OBSERVER",
    "a process has one observer of its steps",
    "9forkproof7explore",
    "9forkproof5check",
    "9forkproof6verify",
    "FORKPROOF_REPLAY",
    "no order of the calls explains",
    "4loom",
    "8proptest",
];

/// Those that are in a file.
fn traces(binary: &Path) -> Vec<&'static str> {
    let bytes = fs::read(binary).expect("a binary");
    let text = String::from_utf8_lossy(&bytes);
    let is_there = |trace: &&str| text.contains(trace);
    TRACES.into_iter().filter(is_there).collect()
}

/// That they are looked for in the right way is seen in the command line's binary, which has the harness.
#[test]
fn without_the_feature_no_trace_of_the_harness_is_in_the_binary() {
    let with = Path::new(env!("CARGO_BIN_EXE_forkproof"));
    assert_eq!(traces(with), TRACES);
    let without = OtherBuild::command("single_step")
        .args(["--no-run", "--message-format=json"])
        .output()
        .expect("cargo starts");
    let said = String::from_utf8_lossy(&without.stdout);
    let built = said.lines().find_map(|line| {
        let path = line.split_once("\"executable\":\"")?.1;
        path.split_once('"').map(|(path, _)| path)
    });
    let built = built.unwrap_or_else(|| {
        let complaint = String::from_utf8_lossy(&without.stderr);
        panic!("cargo names no executable:\n{said}{complaint}")
    });
    assert_eq!(traces(Path::new(built)), [""; 0], "in {built}");
}

/// A kill at each step that the library reports.
fn by_steps() -> Result<BTreeMap<String, Swept>, String> {
    let mut by_case = BTreeMap::new();
    for primitive in subjects::primitives() {
        match boss::all(primitive, By::Step)? {
            Outcome::Found(all) => {
                by_case.extend(all.into_iter().map(|one| (one.case.clone(), one)));
            }
            Outcome::Refused(_) => {} // the other build says so
        }
    }
    Ok(by_case)
}
