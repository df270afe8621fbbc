//! The lost update is found, shrunk and replayed; the correct bank is not accused.

use forkproof::verify::lost_update::{Discipline, find, is_lost_update};
use forkproof::verify::replay;

#[test]
fn without_the_lock_an_update_is_lost_and_the_example_is_small() {
    for seed in [1, 2, 3] {
        let found = find(Discipline::Unlocked, 200, seed)
            .unwrap()
            .expect("a lost update");
        assert!(is_lost_update(&found.run), "{}", found.run.ended);
        assert_eq!(found.operations(), 2, "{}", found.scenario);
        assert!(found.run.steps() <= 10, "{}", found.run.schedule);
        let again = replay(&found.replay.to_string()).unwrap();
        assert_eq!(again, found.run, "a replay is the same run");
    }
}

#[test]
fn with_the_lock_none_is() {
    let outcome = find(Discipline::Locked, 100, 1).unwrap();
    assert_eq!(outcome.expect_err("the correct bank is accused"), 100);
}

#[test]
fn what_was_found_once_is_found_again() {
    let strings = include_str!("../fixtures/regressions/lost_update.txt");
    let strings = strings.lines().filter(|line| !line.starts_with('#'));
    let replayed = strings.map(|string| {
        let run = replay(string).unwrap_or_else(|error| panic!("{string}: {error}"));
        assert!(is_lost_update(&run), "{string}: {}", run.ended);
    });
    assert!(replayed.count() > 0);
}

#[test]
fn a_string_of_another_program_is_refused() {
    for string in [
        "fp1:bank-unlocked:0/d0.1/d0.1:a2b4a2:94dfcbee", // another fingerprint
        "fp1:bank-unlocked:0/d0.1/d0.1:a2b9a2:94dfcbed", // steps that are not there
        "fp1:bank-unlocked:0/d0.1/w0.1:a2b4a2:94dfcbed", // another operation
        "fp1:bank-unlocked:0/d1.1/d0.1:a2b4a2:94dfcbed", // no such account
        "fp1:bank-unlocked:0/d0.1/d0.1:a2b4a2kc:94dfcbed", // no such lane
        "fp1:bank-unbuilt:0/d0.1/d0.1:a2b4a2:94dfcbed",  // no such scenario
        "fp9:bank-unlocked:0/d0.1/d0.1:a2b4a2:94dfcbed", // no such version
    ] {
        assert!(replay(string).is_err(), "{string}");
    }
}
