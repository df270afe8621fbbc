//! The lost update and the lost append are found, shrunk and replayed; their correct twins are not accused.

use forkproof::verify::hunt::{Discipline, Found, Quarry, has_no_order};
use forkproof::verify::{lost_append, lost_update, replay};

#[test]
fn without_the_lock_an_update_is_lost_and_the_example_is_small() {
    for seed in [1, 2, 3] {
        let found = lost_update::find(Discipline::Unlocked, 200, seed).unwrap();
        check(&found.expect("a lost update"));
    }
}

#[test]
fn without_the_lock_an_append_is_lost_and_the_example_is_small() {
    for seed in [1, 2, 3] {
        let found = lost_append::find(Discipline::Unlocked, 200, seed).unwrap();
        check(&found.expect("a lost append"));
    }
}

fn check(found: &Found<impl Quarry>) {
    println!("{}\n{}", found.replay, found.run.trace);
    assert!(has_no_order(&found.run), "{}", found.run.ended);
    assert_eq!(found.operations(), 2, "{}", found.scenario);
    assert!(found.run.steps() <= 10, "{}", found.run.schedule);
    let again = replay(&found.replay.to_string()).unwrap();
    assert_eq!(again, found.run, "a replay is the same run");
}

#[test]
fn with_the_lock_none_is() {
    let outcome = lost_update::find(Discipline::Locked, 100, 1).unwrap();
    assert_eq!(outcome.expect_err("the correct bank is accused"), 100);
    let outcome = lost_append::find(Discipline::Locked, 100, 1).unwrap();
    assert_eq!(outcome.expect_err("the correct list is accused"), 100);
}

#[test]
fn what_was_found_once_is_found_again() {
    for strings in [
        include_str!("../fixtures/regressions/lost_update.txt"),
        include_str!("../fixtures/regressions/lost_append.txt"),
    ] {
        let strings = strings.lines().filter(|line| !line.starts_with('#'));
        let replayed = strings.map(|string| {
            let run = replay(string).unwrap_or_else(|error| panic!("{string}: {error}"));
            assert!(has_no_order(&run), "{string}: {}", run.ended);
        });
        assert!(replayed.count() > 0);
    }
}

#[test]
fn a_string_of_another_program_is_refused() {
    for string in [
        "fp2:bank-unlocked:0/d0.1/d0.1:ab3a2:94dfcbee", // another fingerprint
        "fp2:bank-unlocked:0/d0.1/d0.1:ab9a2:94dfcbed", // steps that are not there
        "fp2:bank-unlocked:0/d0.1/w0.1:ab3a2:94dfcbed", // another operation
        "fp2:bank-unlocked:0/d1.1/d0.1:ab3a2:94dfcbed", // no such account
        "fp2:bank-unlocked:0/d0.1/d0.1:ab3a2kc:94dfcbed", // no such lane
        "fp2:bank-unbuilt:0/d0.1/d0.1:ab3a2:94dfcbed",  // no such scenario
        "fp2:append-unlocked:/a,x/a:ab3a2:94dfcbed",    // no such call
        "fp9:bank-unlocked:0/d0.1/d0.1:ab3a2:94dfcbed", // no such version
    ] {
        assert!(replay(string).is_err(), "{string}");
    }
}
