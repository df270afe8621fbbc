//! What is found once can be had again, to the byte.

use std::process::Command;

use forkproof::explore::{Stage, exhaustive, random};

use super::words::{CheckThenSet, count_under};

fn two(stage: &mut Stage, (): ()) {
    count_under::<CheckThenSet>(stage, 2);
}

#[test]
fn a_seed_gives_the_same_report_again() {
    let report = |seed| random(seed).check((), two).unwrap().to_string();
    for seed in 0..5 {
        assert_eq!(report(seed), report(seed));
    }
}

/// Run by the next test only: it fails, as it should.
#[test]
#[ignore = "it shows a failure: run by a_string_from_a_failure_replays_it"]
fn the_failing_one() {
    exhaustive().run(|stage: &mut Stage| count_under::<CheckThenSet>(stage, 2));
}

/// What a test that fails writes, with this string to be replayed.
fn failing(test: &str, replay: Option<&str>) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", test, "--nocapture"]);
    command
        .env_remove("RUST_BACKTRACE")
        .env_remove("FORKPROOF_REPLAY")
        .env_remove("FORKPROOF_SEED");
    if let Some(replay) = replay {
        command.env("FORKPROOF_REPLAY", replay);
    }
    let output = command.output().unwrap();
    assert!(!output.status.success(), "it passes");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Replays what a test that fails writes, and looks that it is the same; gives the string and the name of its program.
fn replays_itself(test: &str) -> (String, String) {
    let timeline = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .skip_while(|line| !line.trim_start().starts_with("lane 0  "));
        let lines = lines.take_while(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    };
    let first = failing(test, None);
    let string = first.split('\'').find(|part| part.starts_with("fp2:"));
    let string = string.unwrap_or_else(|| panic!("no string in:\n{first}"));
    let again = failing(test, Some(string));
    assert!(timeline(&first).len() > 5, "{first}");
    assert_eq!(timeline(&first), timeline(&again));
    assert!(!again.contains("has changed"), "{again}");
    let hint = format!("cargo test {test}");
    assert!(first.contains(&hint), "{hint} is not in\n{first}");
    let program = string.split(':').nth(1).unwrap();
    (string.to_owned(), program.to_owned())
}

#[test]
fn a_string_from_a_failure_replays_it() {
    const TEST: &str = "replays::the_failing_one";
    let (string, program) = replays_itself(TEST);
    // One of another program is not this one's; one that is none is refused.
    let other = string.replace(&program, "another");
    assert!(
        failing(TEST, Some(&other)).contains("Replay it"),
        "it is explored as ever"
    );
    assert!(failing(TEST, Some("nonsense")).contains("not a replay string"));
}

#[test]
fn calls_from_a_failure_replay_it() {
    const TEST: &str = "linearizable::the_failing_calls";
    let (string, _) = replays_itself(TEST);
    let calls = string.split(':').nth(2).unwrap();
    let others = string.replace(calls, "ff");
    assert!(failing(TEST, Some(&others)).contains("are no calls of"));
}
