//! Every example of the tutorials, run as a user runs it: byte for byte, and as a snapshot. Those whose order
//! is a race run many times, each judged by the invariant; their snapshot is what all runs have in common.

#[macro_use]
mod examples;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use forkproof::tutorial::{self, EXAMPLES, Example, Order, invariant, judge, t004};
use forkproof::{Array, Process, StartMethod};

const PROGRAM: &str = env!("CARGO_BIN_EXE_forkproof");
const RUNS_OF_A_RACE: usize = 20;

test_each_example!(prints_what_it_must);

fn prints_what_it_must(id: &str) {
    let example = tutorial::find(id).unwrap();
    let runs = match example.order() {
        Order::Fixed => 1,
        Order::Race => RUNS_OF_A_RACE,
    };
    // At once: they mostly sleep, and disturb each other.
    let outputs: Vec<Output> = std::thread::scope(|scope| {
        let run = || run_free(example);
        let runs: Vec<_> = (0..runs).map(|_| scope.spawn(run)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for output in &outputs {
        snapshot(example, "", &judge::common(example, &output.stdout, false));
        judge::judge(example, &output.stdout, false).unwrap_or_else(|wrong| {
            let output = String::from_utf8_lossy(&output.stdout);
            panic!("{id}: {wrong}, in:\n{output}")
        });
    }
    if let Some(race) = invariant::of(id) {
        let shown = |output: &Output| race.is_shown_by(&String::from_utf8_lossy(&output.stdout));
        let runs = outputs.len();
        assert!(
            outputs.iter().any(shown),
            "{id}: in none of {runs} runs {}",
            race.shows
        );
    }
}

fn run_free(example: &Example) -> Output {
    let output = judge::run(Path::new(PROGRAM), example, false).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let complaint = match example.id {
        // The child's, on its way to exit code 1.
        "004.4" | "004.5" => {
            "process 'Process-1' failed: index 3 is outside an array of length 3\n"
        }
        _ => "",
    };
    assert_eq!(stderr, complaint, "{}", example.id);
    assert_eq!(output.status.code(), Some(0), "{}", example.id);
    output
}

#[test]
fn spawned_without_a_register_tutorial_004_prints_what_was_recorded() {
    let children = |id| {
        if matches!(id, "004.1" | "004.8") {
            2
        } else {
            1
        }
    };
    let mut recorded = Vec::new();
    for example in EXAMPLES
        .iter()
        .filter(|example| example.run_recorded.is_some())
    {
        let id = example.id;
        let output = judge::run(Path::new(PROGRAM), example, true).unwrap();
        assert_eq!(output.status.code(), Some(0), "{id}");
        snapshot(
            example,
            "_recorded",
            &judge::common(example, &output.stdout, true),
        );
        judge::judge(example, &output.stdout, true).unwrap_or_else(|wrong| panic!("{id}: {wrong}"));

        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            stderr.lines().count(),
            children(id),
            "{id}: a line for each child:\n{stderr}"
        );
        for line in stderr.lines() {
            assert!(line.starts_with("process 'Process-"), "{id}: {line}");
            assert!(
                line.contains("tutorial::t004::") && line.contains("not registered"),
                "{id}: {line}"
            );
        }
        recorded.push(id);
    }
    assert_eq!(
        recorded,
        [
            "004.1", "004.2", "004.3", "004.4", "004.5", "004.6", "004.7", "004.8"
        ]
    );
}

// In this program, not in the one above.
forkproof::spawnable!(
    t004::print_squares,
    t004::print_cubes,
    t004::collect_within,
    t004::collect_inside,
    t004::square_into,
    t004::set_and_square,
    t004::update_value,
    t004::square_into_queue,
    t004::deposit,
    t004::withdraw,
);

const SPAWNED: &str = "FORKPROOF_TEST_SPAWNED";

#[test]
fn spawned_with_a_register_tutorial_004_prints_what_linux_prints() {
    for example in EXAMPLES
        .iter()
        .filter(|example| example.run_recorded.is_some())
    {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "run_one_spawned", "--nocapture"])
            .env(SPAWNED, example.id)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}: {output:?}", example.id);
        let stdout = String::from_utf8(output.stdout).unwrap();
        let printed = stdout
            .split_once("[begin]\n")
            .and_then(|(_, rest)| rest.split_once("[end]\n"));
        let (printed, _) = printed.expect("the program's output stands between two marks");
        judge::judge(example, printed.as_bytes(), false)
            .unwrap_or_else(|wrong| panic!("{}: {wrong}", example.id));
    }
}

/// The program that the test above runs, and whose output it reads; on its own it runs one example.
#[test]
fn run_one_spawned() {
    let id = std::env::var(SPAWNED).unwrap_or_else(|_| "004.2".to_string());
    let run = tutorial::find(&id).unwrap().run_recorded.unwrap();
    println!("[begin]");
    run().unwrap();
    println!("[end]");
}

#[test]
fn the_child_that_meets_the_end_of_its_array_has_exit_code_1() {
    let result = Array::<i32>::new(3).unwrap();
    let p = Process::new(t004::square_into, (vec![2, 3, 4, 5], result.clone()));
    p.start().unwrap();
    assert_eq!(p.join().unwrap(), 1);
    assert_eq!(result.to_vec().unwrap(), [4, 9, 16]);
}

/// Not registered.
fn fill(result: Array<i32>) {
    result.set(0, 7).unwrap();
}

#[test]
fn a_spawned_child_that_is_not_registered_has_exit_code_1_and_touches_nothing() {
    let result = Array::<i32>::new(1).unwrap();
    let p = Process::new(fill, (result.clone(),)).start_method(StartMethod::Spawn);
    p.start().unwrap();
    assert_eq!(p.join().unwrap(), 1);
    assert_eq!(result.to_vec().unwrap(), [0]);
}

#[test]
fn real_time_reaches_the_children() {
    let start = Instant::now();
    let output = Command::new(PROGRAM)
        .args(["tutorial", "003.1", "--real-time"])
        .output()
        .unwrap();
    assert!(
        start.elapsed() >= Duration::from_secs(2),
        "the child says it waits for 2 seconds"
    );
    judge::judge(tutorial::find("003.1").unwrap(), &output.stdout, false).unwrap();
}

#[test]
fn every_snapshot_belongs_to_an_example() {
    let names = |suffix: &'static str| {
        let of = move |example: &Example| suffix.is_empty() || example.run_recorded.is_some();
        let examples = EXAMPLES.iter().filter(move |example| of(example));
        examples.map(move |example| format!("{}.snap", snapshot_name(example, suffix)))
    };
    let expected: BTreeSet<String> = names("").chain(names("_recorded")).collect();
    let found: BTreeSet<String> =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("tutorial_") && name.ends_with(".snap"))
            .collect();
    assert_eq!(found, expected);
}

fn snapshot(example: &Example, suffix: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(example.title());
    settings.bind(|| insta::assert_snapshot!(snapshot_name(example, suffix), text));
}

fn snapshot_name(example: &Example, suffix: &str) -> String {
    format!("tutorial_{}_{}{suffix}", example.id, example.name)
}
