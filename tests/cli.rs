//! The command line's words, its exit codes and its JSON: scripts rely on them.

#![cfg(feature = "harness")]

mod program;

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use forkproof::verify::{CHECKS, Check, Shard, Technique};
use program::{forkproof, said};
use serde_json::Value;

const USAGE: i32 = 64;

#[test]
fn help_is_an_answer() {
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["help"],
        &["verify", "--help"],
        &["tutorial", "--help"],
        &["--version"],
    ] {
        let (code, out, err) = said(arguments);
        assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
        assert!(out.contains("forkproof"), "{out}");
    }
    let (_, out, _) = said(&["--help"]);
    for word in [
        "verify", "tutorial", "replay", "zoo", "check", "conform", "--full", "--json", "64",
    ] {
        assert!(out.contains(word), "{word} is not in\n{out}");
    }
}

#[test]
fn wrong_usage_is_64_in_every_command() {
    for (arguments, complaint) in [
        (&["frobnicate"][..], "frobnicate"),
        (&["--frobnicate"], "--frobnicate"),
        (&["verify", "--frobnicate"], "--frobnicate"),
        (&["verify", "--shard", "3/2"], "1 <= I <= N"),
        (&["verify", "--shard", "0/2"], "1 <= I <= N"),
        (&["verify", "--kills", "many"], "many"),
        (
            &["verify", "--only", "semaphore of the next issue"],
            "no check",
        ),
        (&["tutorial", "004.8d"], "004.8c"),
        (&["tutorial", "nonsense"], "nonsense"),
        (&["tutorial", "002.1", "--recorded"], "002.1"),
        (&["tutorial", "--recorded"], "<ID>"),
        (&["tutorial", "002.1", "--all"], "--all"),
        (&["replay"], "<STRING>"),
        (&["replay", "nonsense"], "not a replay string"),
        (&["zoo", "extra"], "extra"),
        (&["zoo", "--only", "no such bug"], "no bug is meant"),
        (&["conform"], "<FILE>"),
        (&["conform", "no/such/file.toml"], "no/such/file.toml"),
    ] {
        let (code, out, err) = said(arguments);
        assert_eq!(code, USAGE, "{arguments:?}: {out}{err}");
        assert_eq!(out, "", "{arguments:?}");
        assert!(err.contains(complaint), "{arguments:?}: {err}");
        assert!(!err.contains("panicked"), "{arguments:?}: {err}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_64() {
    for arguments in [
        &["tutorial"][..],
        &["verify", "--only", "tutorials outputs"],
        &["--help"],
    ] {
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("Linux has it");
        let status = forkproof(arguments)
            .stdout(full)
            .stderr(Stdio::null())
            .status()
            .expect("starts");
        assert_eq!(status.code(), Some(USAGE), "{arguments:?}");
    }
}

/// As `forkproof ... | head -n 1`.
#[test]
fn a_reader_who_has_enough_hears_no_complaint() {
    for arguments in [
        &["tutorial"][..],
        &["tutorial", "--all"],
        &["--help"],
        &["verify", "--only", "tutorials outputs"],
    ] {
        let mut child = forkproof(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut first = String::new();
        let mut reader = BufReader::with_capacity(1, child.stdout.take().expect("piped"));
        reader.read_line(&mut first).expect("UTF-8");
        drop(reader);
        let mut complaints = String::new();
        child
            .stderr
            .take()
            .expect("piped")
            .read_to_string(&mut complaints)
            .expect("UTF-8");
        child.wait().expect("it ends");
        assert_ne!(first, "", "{arguments:?}");
        assert!(
            !complaints.contains("panicked") && !complaints.contains("Broken pipe"),
            "{arguments:?}: {complaints}"
        );
    }
}

#[test]
fn the_table_is_for_people() {
    let (code, out, err) = said(&["--only", "tutorials"]);
    assert_eq!(code, 0, "{out}{err}");
    let head: Vec<_> = out
        .lines()
        .next()
        .expect("a head")
        .split_whitespace()
        .collect();
    assert_eq!(
        head,
        [
            "primitive",
            "technique",
            "cases",
            "runs",
            "kills",
            "verdict",
            "seconds"
        ]
    );
    assert!(out.contains("all 3 checks hold"), "{out}");
    assert!(out.contains("what it does not prove"), "{out}");
    assert!(
        err.contains("tutorials outputs"),
        "progress goes to stderr: {err}"
    );
}

#[test]
fn the_json_has_its_keys() {
    let (code, out, err) = said(&[
        "verify",
        "--json",
        "--only",
        "random kills",
        "--kills",
        "20",
        "--seed",
        "7",
        "--shard",
        "1/2",
    ]);
    assert_eq!(code, 0, "{out}{err}");
    let table: Value = serde_json::from_str(&out).expect("JSON");
    let keys = |value: &Value| {
        value
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&table), ["holds", "rests_on", "rows", "seed", "shard"]);
    assert_eq!((&table["holds"], &table["seed"]), (&true.into(), &7.into()));
    let rows = table["rows"].as_array().expect("an array");
    let shard = Shard { index: 1, count: 2 };
    let kills = |check: &&Check| check.technique == Technique::RandomKills;
    let part = shard.of(CHECKS).into_iter().filter(kills).count();
    assert!(part > 0 && part < CHECKS.iter().filter(kills).count());
    assert_eq!(rows.len(), part, "a shard is a part: {out}");
    for row in rows {
        assert_eq!(
            keys(row),
            [
                "cases",
                "extent",
                "kills",
                "primitive",
                "runs",
                "seconds",
                "technique",
                "verdict",
                "why"
            ]
        );
        assert_eq!(
            (&row["verdict"], &row["technique"]),
            (&"holds".into(), &"random kills".into())
        );
        // A tree of processes dies as a whole.
        assert!(row["kills"].as_u64() >= Some(20), "{row}");
        assert_eq!(row["why"], Value::Null);
        assert!(row["runs"].as_u64() >= row["kills"].as_u64(), "{row}");
        assert!(row["seconds"].is_f64());
    }
    assert!(table["rests_on"]["random kills"].is_string());
}

#[test]
fn all_shards_together_are_all_checks() {
    use forkproof::verify::{CHECKS, Shard};
    for count in 1..6 {
        let shards = (1..=count).map(|index| Shard { index, count }.of(CHECKS));
        let mut all: Vec<_> = shards
            .flatten()
            .map(|check| (check.primitive, check.technique.name()))
            .collect();
        assert_eq!(all.len(), CHECKS.len());
        all.sort_unstable();
        all.dedup();
        assert_eq!(
            all.len(),
            CHECKS.len(),
            "no check is there twice, in {count} shards"
        );
    }
}

#[test]
fn tutorials_are_listed_and_run() {
    let (code, list, _) = said(&["tutorial"]);
    assert_eq!(code, 0);
    assert!(
        list.lines().any(|line| line.starts_with("004.8c ")),
        "{list}"
    );
    let (code, out, _) = said(&["tutorial", "002.3"]);
    assert_eq!((code, out.lines().count()), (0, 2), "{out}");
}

#[test]
fn a_replay_shows_what_was_lost_and_says_so() {
    let strings = include_str!("../fixtures/regressions/lost_update.txt");
    let string = strings
        .lines()
        .find(|line| line.starts_with("fp"))
        .expect("a string");
    let (code, out, err) = said(&["replay", string]);
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    assert!(out.contains("no order of the calls explains this"), "{out}");
    assert_eq!(out, said(&["replay", string]).1, "it is the same again");
}

#[test]
fn the_zoo_says_who_caught_what_in_how_many_runs() {
    let (code, out, err) = said(&["zoo", "--only", "unlock without wake", "--json"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let table: Value = serde_json::from_str(&out).unwrap();
    let trials = table["entries"][0]["trials"].as_array().unwrap();
    assert_eq!(trials.len(), 2, "{table}");
    for trial in trials {
        assert!(trial["caught_after"].as_u64() <= trial["within"].as_u64());
        assert_eq!(trial["twin"], "passes", "{table}");
    }
    let (code, out, _) = said(&["zoo", "--only", "unlock without wake"]);
    assert!(code == 0 && out.contains("2 of 2 trials"), "{out}");
}
