//! Each scene by its name: what it claims holds within its quick bounds, and what is broken is caught and replayed; from
//! the command line, in shards, and merged.

#![cfg(feature = "harness")]

mod program;

use std::fs;
use std::path::PathBuf;

use forkproof::explore::random;
use forkproof::verify::scenes::Scene;
use forkproof::verify::{self, CHECKS, Check, Shard};
use program::said;
use serde_json::Value;

#[test]
fn every_scene_is_as_it_claims() {
    for scene in Scene::all() {
        let name = scene.name;
        let report = scene.explore_within(scene.quick);
        let report = report.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(report.fails(), scene.is_broken, "{report}");
        assert!(!report.is_blind(), "{report}");
        let killed = scene.quick.kills > 0 && !scene.is_broken;
        assert!(!killed || report.kills > 0, "no one was killed: {report}");
        if let Some(run) = report.failure() {
            let string = report.replay().expect("a failure has a string");
            assert_eq!(verify::replay(&string).as_ref(), Ok(run), "{name}");
            let lines = run.trace.to_string().lines().count();
            assert!(lines <= 16, "{lines} lines: {report}");
        }
    }
}

#[test]
fn every_name_is_one_scenes() {
    let mut names: Vec<_> = Scene::all().map(|scene| scene.name).collect();
    names.sort_unstable();
    assert!(names.len() >= 20, "{names:?}");
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    for name in names {
        let plain = |part: char| part.is_ascii_lowercase() || part == '-';
        assert!(name.chars().all(plain), "{name} stands in replay strings");
    }
}

#[test]
fn more_lanes_and_other_policies_are_no_harm() {
    let lock = Scene::find("lock").expect("there is a lock");
    let report = lock.explore(random(1).kills(2).most_runs(200), 4);
    let report = report.expect("it runs");
    assert!(!report.fails() && report.kills > 50, "{report}");
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_list_has_every_scene() {
    let (code, list, _) = said(&["explore"]);
    assert_eq!(code, 0);
    for scene in Scene::all() {
        let line = list
            .lines()
            .find(|line| line.split(' ').next() == Some(scene.name));
        let line = line.unwrap_or_else(|| panic!("{} is not in\n{list}", scene.name));
        assert!(line.contains(scene.claims), "{line}");
    }
}

#[test]
fn what_explore_found_replay_shows_to_the_byte() {
    let (code, found, err) = said(&["explore", "lost-update", "--lanes", "3"]);
    assert_eq!((code, err.as_str()), (1, ""), "{found}");
    let (timeline, how) = found
        .split_once("\nFound in run ")
        .expect("how it was found");
    let string = how.split(' ').next_back().expect("a last word").trim();
    let (code, again, err) = said(&["replay", string]);
    assert_eq!((code, err.as_str()), (1, ""), "{again}");
    assert_eq!(timeline, again);
    assert!(again.contains("calls add 1"), "{again}");
    for (string, complaint) in [
        (
            string.replace("lost-update:3", "lost-update:3x"),
            "no number of lanes",
        ),
        (string.replace("lost-update", "found-update"), "no scenario"),
        (
            string.replace("lost-update:3", "lost-update:2"),
            "has changed",
        ),
        (string.replace("fp2", "fp1"), "not a replay string"),
    ] {
        let (code, out, err) = said(&["replay", &string]);
        assert_eq!((code, out.as_str()), (64, ""), "{string}");
        assert!(err.contains(complaint), "{string}: {err}");
    }
}

/// A folder of the test's own, in the build's.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("room for a folder");
    folder
}

/// What a command prints for each of two shards, in files.
fn shards(name: &str, arguments: &[&str]) -> Vec<(String, Value)> {
    let one = |index: usize| {
        let shard = format!("{index}/2");
        let (code, out, err) = said(&[arguments, &["--json", "--shard", &shard]].concat());
        assert_eq!(code, 0, "{out}{err}");
        let file = folder(name).join(format!("{index}.json"));
        fs::write(&file, &out).expect("room for a file");
        (file.to_str().expect("UTF-8").to_owned(), json(&out))
    };
    vec![one(1), one(2)]
}

#[test]
fn the_shards_of_a_scene_are_the_whole() {
    let arguments = [
        "explore",
        "semaphore",
        "--policy",
        "random",
        "--seed",
        "5",
        "--runs",
        "300",
    ];
    let arguments = [&arguments[..], &["--kills", "1"]].concat();
    let (code, whole, err) = said(&[&arguments[..], &["--json"]].concat());
    assert_eq!(code, 0, "{whole}{err}");
    let whole = json(&whole);
    let parts = shards("scene", &arguments);
    let (first, second) = (&parts[0].0, &parts[1].0);
    let (code, merged, err) = said(&["merge", second, first]);
    assert_eq!(code, 0, "{merged}{err}");
    let merged = json(&merged);
    assert_eq!(whole["tally"]["parts"][0]["schedules"], 300, "{whole}");
    assert!(
        parts
            .iter()
            .all(|(_, part)| part["steps"].as_u64() < whole["steps"].as_u64())
    );
    // Each shard measures how long a run is for itself: so the runs, and the steps in them, are others.
    for key in ["all", "failures", "holds", "kills", "searched", "shard"] {
        assert_eq!(
            merged[key], whole[key],
            "what was drawn is the same, by whomever"
        );
    }
    // Not half, and not twice.
    for files in [&[first][..], &[first, first], &[first, second, second]] {
        let (code, out, err) = said(
            &[
                &["merge"][..],
                &files.iter().map(|file| file.as_str()).collect::<Vec<_>>(),
            ]
            .concat(),
        );
        assert_eq!((code, out.as_str()), (64, ""));
        assert!(err.contains("each of 1/N to N/N once"), "{err}");
    }
}

#[test]
fn exhaustive_shards_are_all() {
    let parts = shards("exhaustive", &["explore", "event", "--lanes", "2"]);
    assert!(
        parts
            .iter()
            .all(|(_, part)| part["steps"].as_u64() > Some(0))
    );
    let (code, merged, _) = said(&["merge", &parts[0].0, &parts[1].0]);
    let merged = json(&merged);
    assert_eq!(
        (code, &merged["all"], &merged["shard"]),
        (0, &true.into(), &"1/1".into())
    );
    let other = shards("another", &["explore", "lock", "--lanes", "2"]);
    let (code, _, err) = said(&["merge", &parts[0].0, &other[1].0]);
    assert_eq!(code, 64);
    assert!(err.contains("different scenes"), "{err}");
}

#[test]
fn a_shard_that_fails_fails_the_whole() {
    let failing = said(&["explore", "lost-update", "--json", "--shard", "1/1"]);
    let file = folder("failing").join("1.json");
    fs::write(&file, &failing.1).expect("room for a file");
    let (code, merged, _) = said(&["merge", file.to_str().expect("UTF-8")]);
    assert_eq!((failing.0, code), (1, 1), "{merged}");
    assert!(
        json(&merged)["failures"][0]["replay"].is_string(),
        "{merged}"
    );
}

#[test]
fn the_shards_of_checks_are_the_table() {
    let only = ["verify", "--only", "tutorials"];
    let title = |check: &&Check| check.primitive == "tutorials";
    let count = |index| {
        Shard { index, count: 2 }
            .of(CHECKS)
            .into_iter()
            .filter(title)
            .count()
    };
    assert!(count(1) > 0 && count(2) > 0, "each has one of them");
    let parts = shards("checks", &only);
    let (code, merged, err) = said(&["merge", &parts[1].0, &parts[0].0]);
    assert_eq!(code, 0, "{merged}{err}");
    let merged = json(&merged);
    let rows = merged["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), count(1) + count(2), "{merged}");
    for (_, part) in &parts {
        for row in part["rows"].as_array().expect("rows") {
            assert!(rows.contains(row), "{row} is not in {merged}");
        }
    }
    assert_eq!(merged["seed"], Value::Null, "each had its own");
    assert_eq!(merged["rests_on"].as_object().map(|it| it.len()), Some(3));
}

#[test]
fn wrong_usage_is_64() {
    for (arguments, complaint) in [
        (&["explore", "nonsense"][..], "nonsense"),
        (&["explore", "lock", "--lanes", "9"], "two to 8"),
        (&["explore", "lock", "--policy", "best"], "best"),
        (&["explore", "lock", "--shard", "3/2"], "1 <= I <= N"),
        (&["explore", "--kills", "1"], "<NAME>"),
        (&["merge"], "FILE"),
        (&["merge", "no/such/file.json"], "no/such/file.json"),
        (&["merge", "Cargo.toml"], "Cargo.toml"),
    ] {
        let (code, out, err) = said(arguments);
        assert_eq!((code, out.as_str()), (64, ""), "{arguments:?}: {err}");
        assert!(err.contains(complaint), "{arguments:?}: {err}");
    }
}
