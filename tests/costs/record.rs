//! The costs on record, their table, and what has changed since.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cost::Cost;

/// Set, the costs are written and not compared with those on record.
const RECORD: &str = "FORKPROOF_RECORD";

/// An instruction in so many may be one too many: compilers differ.
const SLACK: usize = 8;

const HEAD: &str = "\
# What tests/costs counted, by operation; its text says how, and what another compiler may make otherwise.
# Written by: FORKPROOF_RECORD=1 cargo test --test costs
";

/// By operation; shown as a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Costs(pub BTreeMap<String, Cost>);

impl fmt::Display for Costs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = self.0.keys().map(String::len).max().unwrap_or_default();
        writeln!(
            f,
            "{:widest$}  system calls  cache lines  instructions",
            "operation"
        )?;
        for (operation, cost) in &self.0 {
            let Cost {
                system_calls,
                instructions,
                cache_lines,
            } = cost;
            writeln!(
                f,
                "{operation:widest$}  {system_calls:12}  {cache_lines:11}  {instructions:12}"
            )?;
        }
        Ok(())
    }
}

/// Those on record.
///
/// # Panics
/// If there is no record.
pub fn recorded() -> Costs {
    let text = std::fs::read_to_string(file()).expect("the record");
    toml::from_str(&text).expect("a record of costs")
}

/// Whether the costs on record are to be replaced.
pub fn is_to_be_written() -> bool {
    std::env::var_os(RECORD).is_some()
}

/// # Panics
/// If the file cannot be written.
pub fn write(fresh: &Costs) {
    let text = toml::to_string(fresh).expect("costs serialise");
    std::fs::write(file(), format!("{HEAD}\n{text}")).expect("the record is written");
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/costs.toml")
}

/// What is not as it was, a line each.
pub fn changes(recorded: &Costs, fresh: &Costs) -> Vec<String> {
    let gone = recorded.0.keys().filter(|it| !fresh.0.contains_key(*it));
    let gone = gone.map(|operation| format!("{operation}: is on record, and was not counted"));
    let changed = fresh.0.iter().flat_map(|(operation, is)| {
        let found = match recorded.0.get(operation) {
            Some(was) => changes_of(was, is),
            None => vec!["is not on record".to_owned()],
        };
        let told = move |change| format!("{operation}: {change}");
        found.into_iter().map(told)
    });
    gone.chain(changed).collect()
}

fn changes_of(was: &Cost, is: &Cost) -> Vec<String> {
    let exact = [
        ("system calls", was.system_calls, is.system_calls),
        ("cache lines", was.cache_lines, is.cache_lines),
    ];
    let exact = exact.into_iter().filter(|(_, was, is)| was != is);
    let mut found: Vec<_> = exact
        .map(|(what, was, is)| format!("{what}: {is}, on record {was}"))
        .collect();
    let (was, is) = (was.instructions, is.instructions);
    let most = was + was / SLACK;
    if is > most {
        found.push(format!(
            "instructions: {is}, on record {was}, which allows {most}"
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: Cost = Cost {
        system_calls: 0,
        instructions: 100,
        cache_lines: 2,
    };

    fn of(cost: Cost) -> Costs {
        Costs([("it".to_owned(), cost)].into())
    }

    #[test]
    fn a_call_a_line_more_or_less_and_a_quarter_more_instructions_are_told() {
        let (mut calls, mut lines, mut instructions) = (COST, COST, COST);
        for (system_calls, cache_lines) in [(1, 1), (2, 3)] {
            calls.system_calls = system_calls;
            lines.cache_lines = cache_lines;
            let text = format!("it: system calls: {system_calls}, on record 0");
            assert_eq!(changes(&of(COST), &of(calls)), [text]);
            let text = format!("it: cache lines: {cache_lines}, on record 2");
            assert_eq!(changes(&of(COST), &of(lines)), [text]);
        }
        instructions.instructions = 125;
        let text = "it: instructions: 125, on record 100, which allows 112";
        assert_eq!(changes(&of(COST), &of(instructions)), [text]);
        for few in [50, 100, 112] {
            instructions.instructions = few;
            assert_eq!(changes(&of(COST), &of(instructions)), [""; 0]);
        }
    }

    #[test]
    fn an_operation_that_comes_or_goes_is_told() {
        let none = Costs([].into());
        assert_eq!(changes(&none, &of(COST)), ["it: is not on record"]);
        assert_eq!(
            changes(&of(COST), &none),
            ["it: is on record, and was not counted"]
        );
    }
}
