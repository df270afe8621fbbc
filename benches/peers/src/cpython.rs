//! CPython's `multiprocessing`, where python3 is found.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::table::Row;

/// A statement, done so often after the set-up.
pub fn row(set_up: &str, statement: &str, times: u32) -> Option<Row> {
    let program = format!(
        "{set_up}
import time
begun = time.perf_counter_ns()
for _ in range({times}):
    {statement}
print((time.perf_counter_ns() - begun) / {times})
"
    );
    script(program)
}

/// A program that prints nanoseconds.
pub fn script(program: String) -> Option<Row> {
    is_there().then(|| Row::new("CPython", move || run(&program)))
}

/// What a program prints, once, with spaces between.
pub fn numbers(program: &str) -> Option<Vec<f64>> {
    is_there().then(|| printed(program))
}

fn is_there() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    *THERE.get_or_init(|| {
        let mut python = Command::new("python3");
        python
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        python.status().is_ok_and(|status| status.success())
    })
}

fn run(program: &str) -> f64 {
    match printed(program)[..] {
        [number] => number,
        ref other => panic!("python3 said {other:?}"),
    }
}

fn printed(program: &str) -> Vec<f64> {
    let output = Command::new("python3").args(["-c", program]).output();
    let output = output.expect("python3 was found before");
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Result<Vec<f64>, _> = text.split_whitespace().map(str::parse).collect();
    match numbers {
        Ok(numbers) if output.status.success() && !numbers.is_empty() => numbers,
        _ => panic!(
            "python3 said {text:?} and {}",
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}
