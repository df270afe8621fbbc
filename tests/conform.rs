//! The cases of `fixtures/conformance` are answered as CPython answers them, or as the table of differences says; and
//! a wrong expectation is found.

#![cfg(feature = "harness")]

mod program;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use program::said;
use toml::Value;

const USAGE: i32 = 64;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/conformance")
}

/// The files of cases.
fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(fixtures()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| path.file_name().is_some_and(|name| name != "differs.toml"))
        .collect();
    files.sort();
    assert!(files.len() >= 4, "the fixtures were not found");
    files
}

/// What `forkproof conform` says of a file.
fn conform(file: &Path, more: &[&str]) -> (i32, String, String) {
    let file = file.to_str().unwrap();
    said(&[&["conform", file], more].concat())
}

/// The verdicts by the cases' names, and the reasons.
fn verdicts(out: &str) -> HashMap<String, (String, String)> {
    let lines = out.lines().filter_map(|line| {
        let (verdict, rest) = line.split_once(' ')?;
        let (name, why) = rest.split_once(": ").unwrap_or((rest, ""));
        ["pass", "differs", "fail"]
            .contains(&verdict)
            .then(|| (name.to_owned(), (verdict.to_owned(), why.to_owned())))
    });
    lines.collect()
}

/// A copy of a text of cases in which the names of shared memory are its own: the machine has each name once, and
/// the same cases run several times at once.
fn with_own_names(text: &str) -> String {
    text.replace("fpc_", &format!("fpc_{}_{}_", std::process::id(), ticket()))
}

/// Runs the cases of one of the files.
fn conform_fixture(file: &Path) -> (i32, String, String) {
    let text = with_own_names(&fs::read_to_string(file).unwrap());
    let name = file.file_name().unwrap().to_str().unwrap();
    conform(&written(&format!("{}_{name}", ticket()), &text), &[])
}

/// A number that no one else has.
fn ticket() -> usize {
    static TICKETS: AtomicUsize = AtomicUsize::new(0);
    TICKETS.fetch_add(1, Ordering::Relaxed) // the numbers differ, nothing else hangs on them
}

/// A file of these cases.
fn written(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn the_cases_are_answered_as_cpython_answers_them() {
    for file in files() {
        let (code, out, err) = conform_fixture(&file);
        let failed: Vec<&str> = out
            .lines()
            .filter(|line| line.starts_with("fail"))
            .collect();
        assert_eq!((code, failed), (0, vec![]), "{}: {err}", file.display());
        let cases: toml::Table = fs::read_to_string(&file).unwrap().parse().unwrap();
        let count = cases["case"].as_array().unwrap().len();
        assert_eq!(verdicts(&out).len(), count, "each case has a line:\n{out}");
        assert!(
            out.lines()
                .last()
                .unwrap()
                .starts_with(&format!("{count} cases: ")),
            "{out}"
        );
    }
}

/// All entries of the table, as they are in the file.
fn differences() -> Vec<Value> {
    let text = fs::read_to_string(fixtures().join("differs.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    table["difference"].as_array().unwrap().clone()
}

#[test]
fn what_the_table_says_differs_does() {
    let (_, out, _) = conform_fixture(&fixtures().join("differences.toml"));
    let verdicts = verdicts(&out);
    for difference in differences() {
        let reason = difference["reason"].as_str().unwrap();
        for case in difference["cases"].as_array().unwrap() {
            let case = case.as_str().unwrap();
            let verdict = verdicts.get(case);
            let verdict = verdict.unwrap_or_else(|| panic!("no case is named {case}"));
            assert_eq!(
                *verdict,
                ("differs".to_owned(), reason.to_owned()),
                "{case}"
            );
        }
    }
}

/// Another expectation than the right one.
fn another(expected: &Value) -> Value {
    match expected {
        Value::Boolean(value) => Value::Boolean(!value),
        Value::Integer(number) => Value::Integer(number ^ 1),
        Value::Float(number) if number.is_finite() => Value::Float(number + 1.0),
        Value::Float(_) => Value::Float(0.0),
        Value::String(text) => Value::String(format!("{text}.")),
        Value::Array(items) => {
            let mut items = items.clone();
            if items.pop().is_none() {
                items.push(Value::Integer(0));
            }
            Value::Array(items)
        }
        Value::Table(table) if table.contains_key("none") => Value::String("None".to_owned()),
        other => {
            let mut none = toml::Table::new();
            none.insert("none".to_owned(), Value::Boolean(true));
            assert_ne!(other, &Value::Table(none.clone()));
            Value::Table(none)
        }
    }
}

/// In each case that passes, each expectation is made wrong, one at a time: each is found, and at its step. Cases of
/// crashes are left out, as what is wrong there may be better.
#[test]
fn a_wrong_expectation_is_found() {
    for file in files() {
        let (_, out, _) = conform_fixture(&file);
        let verdicts = verdicts(&out);
        let table: toml::Table = fs::read_to_string(&file).unwrap().parse().unwrap();
        let mut lies = Vec::new();
        let mut sources = HashMap::new();
        for case in table["case"].as_array().unwrap() {
            let name = case["name"].as_str().unwrap();
            if case.get("tags").is_some() || verdicts[name].0 != "pass" {
                continue;
            }
            let steps = case["steps"].as_array().unwrap();
            // The first, one in the middle, and the last that expect something.
            let told: Vec<usize> = (0..steps.len())
                .filter(|&at| steps[at].get("expect").is_some() || steps[at].get("error").is_some())
                .filter(|&at| {
                    let op = steps[at]["op"].as_str().unwrap();
                    !["start_actor", "kill_actor", "sleep_ms"].contains(&op)
                })
                .collect();
            let Some(&last) = told.last() else { continue };
            for at in [told[0], told[told.len() / 2], last] {
                let mut lie = case.clone();
                let step = lie["steps"][at].as_table_mut().unwrap();
                match step.remove("error") {
                    Some(error) => {
                        assert_ne!(error.as_str(), Some("KeyboardInterrupt"));
                        step.insert(
                            "error".to_owned(),
                            Value::String("KeyboardInterrupt".to_owned()),
                        );
                    }
                    None => {
                        let wrong = another(&step["expect"]);
                        step.insert("expect".to_owned(), wrong);
                    }
                }
                let lie_name = format!("{name}_{at}");
                if sources.contains_key(&lie_name) {
                    continue;
                }
                let source = step["src"].as_str().unwrap().to_owned();
                lie["name"] = Value::String(lie_name.clone());
                let lie = toml::Table::from_iter([("case".to_owned(), Value::Array(vec![lie]))]);
                lies.push(with_own_names(&lie.to_string()));
                sources.insert(lie_name, source);
            }
        }
        if lies.is_empty() {
            continue;
        }
        let name = file.file_name().unwrap().to_str().unwrap();
        let path = written(&format!("lies_{name}"), &lies.join("\n"));
        let (code, out, _) = conform(&path, &[]);
        assert_eq!(code, 1, "{out}");
        let found = self::verdicts(&out);
        for (lie, source) in sources {
            let (verdict, why) = &found[&lie];
            assert_eq!(verdict, "fail", "{lie}: a lie about {source} is believed");
            // Of memory the name is the copy's own, in the source too.
            let is_there =
                source.contains("fpc_") || why.starts_with(&format!("step {source}: expected "));
            assert!(is_there, "{lie}: {why}");
        }
    }
}

/// A case of one step.
fn one_step(step: &str) -> String {
    format!("[[case]]\nname = \"one\"\narea = \"lock\"\nnote = \"\"\nsteps = [{step}]\n")
}

#[test]
fn what_the_runner_does_not_know_fails_and_is_named() {
    for (step, named) in [
        (
            "{ op = 'frobnicate', expect = { none = true } }",
            "frobnicate",
        ),
        (
            "{ op = 'new', args = ['Frobnicator'], as = 'f' }",
            "Frobnicator",
        ),
        (
            "{ op = 'call', args = [{ fn = 'frobnicate' }], expect = 1 }",
            "frobnicate",
        ),
        (
            "{ op = 'release', on = 'l', expect = { none = true } }",
            "the name l",
        ),
        ("{ op = 'await', args = ['x'], expect = 1 }", "the id x"),
        // Not even an expected error excuses it.
        (
            "{ op = 'frobnicate', error = 'AttributeError' }",
            "frobnicate",
        ),
    ] {
        let path = written("unknown.toml", &one_step(step));
        let (code, out, err) = conform(&path, &[]);
        assert_eq!(code, 1, "{out}{err}");
        assert!(out.starts_with("fail one: step "), "{out}");
        assert!(out.contains(named), "{out}");
    }
}

#[test]
fn a_file_that_is_none_of_cases_is_64() {
    let cases = [
        ("case = 5", "`case` is no list"),
        ("[[case]]\nnote = 'x'", "no name"),
        (
            "[[case]]\nname = 'one'\nsteps = [{ on = 'l' }]",
            "case one: step 1: it has no `op`",
        ),
        (
            "[[case]]\nname = 'one'\nsteps = [{ op = 'x', frob = 1 }]",
            "`frob`",
        ),
        (
            "[[case]]\nname = 'one'\nsteps = [{ op = 'x', src = 'the step', args = [{ frob = 1 }] }]",
            "step the step",
        ),
        (
            "[[case]]\nname = 'one'\nsteps = [{ op = 'x', expect = 1, error = 'E' }]",
            "both",
        ),
        (
            "[[case]]\nname = 'one'\nsteps = []\n[[case]]\nname = 'one'\nsteps = []",
            "two cases",
        ),
        ("this is no TOML", "expected"),
        ("", "[[case]]"),
    ];
    for (number, (text, complaint)) in cases.into_iter().enumerate() {
        let path = written(&format!("malformed_{number}.toml"), text);
        let (code, out, err) = conform(&path, &[]);
        assert_eq!((code, out.as_str()), (USAGE, ""), "{text}");
        assert!(err.contains(complaint), "{text}: {err}");
        assert!(err.contains(path.to_str().unwrap()), "{err}");
    }
    let (code, out, err) = conform(Path::new("no/such/file.toml"), &[]);
    assert_eq!((code, out.as_str()), (USAGE, ""));
    assert!(err.contains("no/such/file.toml"), "{err}");
    let file = fixtures().join("locks_and_values.toml");
    let (code, _, err) = conform(&file, &["--only", "no such case"]);
    assert_eq!(code, USAGE, "{err}");
}

#[test]
fn what_is_answered_better_after_a_crash_is_told() {
    let file = fixtures().join("differences.toml");
    let (code, out, _) = conform(&file, &["--only", "rlock_owner_killed"]);
    assert_eq!(code, 0);
    let told = "pass rlock_owner_killed: better: step r.acquire(False): not False, but OwnerDied: ";
    assert!(out.starts_with(told), "{out}");
    let counts =
        "\n1 of a crash: 1 answered better than CPython does\n1 cases: 1 pass, 0 differ, 0 fail\n";
    assert!(out.ends_with(counts), "{out}");
}

#[test]
fn some_cases_can_be_chosen() {
    let file = fixtures().join("locks_and_values.toml");
    let (code, out, _) = conform(&file, &["--only", "lock_one_of_two_waiters"]);
    assert_eq!(code, 0);
    assert_eq!(
        out,
        "pass lock_one_of_two_waiters\n1 cases: 1 pass, 0 differ, 0 fail\n"
    );
}
