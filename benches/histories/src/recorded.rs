//! The project's recorded histories of one register, in two of their forms. Another is of several registers, which the others
//! do not tell apart.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::record::{Call, Event, Record, Return, Set};

const FILES: [&str; 3] = [
    "register_pending.log",
    "register_stale.log",
    "register_unknown.json",
];

pub fn set() -> Set {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/histories");
    let record = |file: &str| {
        let text = std::fs::read_to_string(folder.join(file)).expect("it is in the project");
        let lines = text.lines();
        match file.ends_with(".json") {
            true => recorded(lines.map(of_json)),
            false => recorded(lines.filter_map(of_log)),
        }
    };
    Set {
        name: "fixtures/histories/register*".to_owned(),
        records: FILES.map(record).into(),
    }
}

/// An event as it was written down.
struct Line {
    process: i64,
    kind: String,
    function: String,
    /// None: nil, or a word.
    values: Vec<Option<i64>>,
}

/// {"process": 0, "type": "invoke", "f": "cas", "value": [1, 2]}
fn of_json(line: &str) -> Line {
    let event: Value = serde_json::from_str(line).expect("it is JSON");
    let word = |name: &str| event[name].as_str().expect("it has that field").to_owned();
    Line {
        process: event["process"].as_i64().expect("a number"),
        kind: word("type"),
        function: word("f"),
        values: match &event["value"] {
            Value::Array(values) => values.iter().map(Value::as_i64).collect(),
            value => vec![value.as_i64()],
        },
    }
}

/// INFO  jepsen.util - 0  :invoke  :cas  [1 2]. None: of another logger, or of what makes trouble.
fn of_log(line: &str) -> Option<Line> {
    let rest = line.split_once("jepsen.util - ")?.1;
    let mut words = rest.split_whitespace();
    let process = words.next()?.parse().ok()?;
    let mut word = || Some(words.next()?.trim_start_matches(':').to_owned());
    let (kind, function) = (word()?, word()?);
    let number = |word: &str| word.trim_matches(['[', ']']).parse().ok();
    Some(Line {
        process,
        kind,
        function,
        values: words.map(number).collect(),
    })
}

/// A call that failed did not happen; one of which nothing is known goes on, and its process as another client.
fn recorded(lines: impl Iterator<Item = Line>) -> Record {
    let mut record = Record::default();
    let mut clients = BTreeMap::new();
    let mut made = 0;
    for line in lines {
        let client = *clients.entry(line.process).or_insert_with(|| {
            made += 1;
            made - 1
        });
        match line.kind.as_str() {
            "invoke" => record.events.push((client, Event::Begins(call(&line)))),
            "ok" => record.events.push((client, Event::Returns(result(&line)))),
            "fail" => {
                let begun = record.events.iter().rposition(|of| of.0 == client);
                record.events.remove(begun.expect("it began"));
            }
            "info" => drop(clients.remove(&line.process)),
            other => panic!("an event of no known kind: {other}"),
        }
    }
    record
}

fn call(line: &Line) -> Call {
    match (line.function.as_str(), line.values.as_slice()) {
        ("read", _) => Call::Read,
        ("write", &[value]) => Call::Write { value },
        ("cas", &[expected, new, ..]) => Call::Cas { expected, new },
        (other, values) => panic!("a call of no known kind: {other} {values:?}"),
    }
}

fn result(line: &Line) -> Return {
    match line.function.as_str() {
        "read" => Return::Value(line.values[0]),
        _ => Return::Written,
    }
}
