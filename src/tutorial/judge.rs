//! Running an example as a program of its own, and judging what it printed.

use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::Example;
use super::invariant::{self, Race};

/// Runs `program tutorial ID`, where `program` is this project's binary, and keeps what it prints.
///
/// # Errors
/// The program could not be started.
pub fn run(program: &Path, example: &Example, recorded: bool) -> io::Result<Output> {
    let mut command = Command::new(program);
    command.args(["tutorial", example.id]).stdin(Stdio::null());
    if recorded {
        command.arg("--recorded");
    }
    command.output()
}

/// What all right outputs of the example have in common: of a fixed order, the output itself, but for addresses;
/// of a race, its lines by process. Of a wrong output, whatever it shows.
pub fn common(example: &Example, stdout: &[u8], recorded: bool) -> String {
    let output = masked(&String::from_utf8_lossy(stdout));
    match race(example, recorded) {
        Some(race) => race.common(&output),
        None => output,
    }
}

/// Whether the example may print this.
///
/// # Errors
/// What is wrong with it.
pub fn judge(example: &Example, stdout: &[u8], recorded: bool) -> Result<(), String> {
    let output = std::str::from_utf8(stdout).map_err(|error| error.to_string())?;
    if let Some(race) = race(example, recorded) {
        return race.check(output);
    }
    let expected = example.expected();
    let text = match recorded {
        true => expected.recorded_text().ok_or("nothing was recorded")?,
        false => expected.text(),
    };
    first_difference(&masked(output), text).map_or(Ok(()), Err)
}

/// What is recorded is one text.
fn race(example: &Example, recorded: bool) -> Option<&'static Race> {
    invariant::of(example.id).filter(|_| !recorded)
}

/// Addresses differ in each run: each becomes `0xADDR`.
pub fn masked(output: &str) -> String {
    let mut parts = output.split("0x");
    let mut masked = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| matches!(c, '0'..='9' | 'a'..='f'));
        masked += if rest.len() < part.len() {
            "0xADDR"
        } else {
            "0x"
        };
        masked += rest;
    }
    masked
}

/// The first line that differs, if one does.
pub(super) fn first_difference(output: &str, expected: &str) -> Option<String> {
    if output == expected {
        return None;
    }
    let (mut ours, mut theirs) = (output.split_inclusive('\n'), expected.split_inclusive('\n'));
    let mut number = 1;
    loop {
        match (ours.next(), theirs.next()) {
            (our, their) if our == their && our.is_some() => number += 1,
            (our, their) => {
                let shown =
                    |line: Option<&str>| line.map_or("missing".into(), |line| format!("{line:?}"));
                return Some(format!(
                    "line {number} is {}, not {}",
                    shown(our),
                    shown(their)
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tutorial::{EXAMPLES, Order, find};

    #[test]
    fn only_addresses_are_masked() {
        assert_eq!(masked("at 0x7f6f05eb1cb0>>"), "at 0xADDR>>");
        assert_eq!(masked("0x1 0xg 0x"), "0xADDR 0xg 0x");
        assert_eq!(masked("at 0xADDR>"), "at 0xADDR>");
        assert_eq!(masked("30\n"), "30\n");
    }

    #[test]
    fn a_fixed_output_is_compared_to_the_byte() {
        for example in EXAMPLES
            .iter()
            .filter(|example| example.order() == Order::Fixed)
        {
            let text = example.expected().text();
            let judge = |output: &str| judge(example, output.as_bytes(), false);
            assert_eq!(judge(text), Ok(()), "{}", example.id);
            assert!(
                judge(&format!("{text}\n")).is_err(),
                "{}: a line more",
                example.id
            );
            assert!(
                judge(text.trim_end()).is_err(),
                "{}: no last newline",
                example.id
            );
            for at in 0..text.len() {
                let mut changed = text.to_string();
                changed.replace_range(at..=at, "~");
                assert!(judge(&changed).is_err(), "{}: {changed}", example.id);
            }
        }
    }

    #[test]
    fn the_first_difference_is_shown() {
        let example = find("002.3").unwrap();
        let output = b"value inside process: 11.24\nvalue outside process: 3.14\n";
        let wrong = judge(example, output, false).unwrap_err();
        assert_eq!(
            wrong,
            r#"line 2 is "value outside process: 3.14\n", not "value outside process: 11.24\n""#
        );
        assert_eq!(
            judge(example, b"", false).unwrap_err(),
            r#"line 1 is missing, not "value inside process: 11.24\n""#
        );
    }

    #[test]
    fn recorded_outputs_are_judged_by_what_was_recorded() {
        let example = find("004.1").unwrap();
        assert_eq!(judge(example, b"Done\n", true), Ok(()));
        assert!(judge(example, b"Done\n", false).is_err());
    }
}
