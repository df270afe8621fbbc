//! The lines of a recorded history, in whichever of the three forms they are written.

use super::datum::Datum;
use super::malformed::Malformed;
use super::reader::{Dialect, Field, Reader};

/// A line: a call begins, or ends.
pub struct Operation {
    /// Counted from 1.
    pub line: usize,
    pub process: i64,
    pub kind: Kind,
    /// What is called, without a colon.
    pub function: Word,
    /// Nil if there is none.
    pub key: Value,
    /// Nil if there is none.
    pub value: Value,
    /// Where the call stands in the order in which the calls took effect, if the file says so.
    pub order: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Invoke,
    Ok,
    /// It did not happen.
    Fail,
    /// It happened, or did not, or will.
    Info,
}

/// A name, and where it stands.
pub struct Word {
    pub name: String,
    pub column: usize,
}

/// A value, and where it stands.
#[derive(Clone)]
pub struct Value {
    pub datum: Datum,
    pub column: usize,
}

/// How a file is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As Jepsen logs it.
    Log,
    /// A map a line.
    Maps(Dialect),
}

/// Who logs operations.
const LOGGER: &str = "jepsen.util";

/// The operations of a file, whose form its first line with anything on it tells.
///
/// # Errors
/// A line that is malformed; there is no operation.
pub fn read(text: &str) -> Result<Vec<Operation>, Malformed> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line));
    let lines = lines.filter(|(_, line)| !is_blank(line));
    let mut operations = Vec::new();
    let mut form = None;
    for (number, line) in lines {
        let form = match form {
            Some(form) => form,
            None => *form.insert(Form::of(line).ok_or_else(|| {
                let problem =
                    "expected an operation: a map of EDN or of JSON, or a line of Jepsen's log";
                Malformed::new(number, 1, problem)
            })?),
        };
        operations.extend(match form {
            Form::Log => logged(number, line)?,
            Form::Maps(dialect) => mapped(number, line, dialect)?,
        });
    }
    match operations.is_empty() {
        true => Err(Malformed::new(
            text.lines().count().max(1),
            1,
            "expected an operation: there is none",
        )),
        false => Ok(operations),
    }
}

/// Nothing, or a comment of EDN.
fn is_blank(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with(';')
}

impl Form {
    fn of(line: &str) -> Option<Form> {
        let line = line.trim_start();
        match line.strip_prefix('{') {
            Some(rest) if rest.trim_start().starts_with('"') => Some(Form::Maps(Dialect::Json)),
            Some(_) => Some(Form::Maps(Dialect::Edn)),
            None if line.starts_with('#') => Some(Form::Maps(Dialect::Edn)),
            None => is_log(line).then_some(Form::Log),
        }
    }
}

/// Whether a line begins as one of a log does, whoever logged it.
fn is_log(line: &str) -> bool {
    ["INFO", "WARN", "DEBUG", "ERROR"]
        .iter()
        .any(|level| line.split_whitespace().take(3).any(|word| word == *level))
}

/// `INFO  jepsen.util - 0 :invoke :read nil`: behind the logger stand process, type, function and value, and perhaps what
/// went wrong. What others logged is passed over.
fn logged(number: usize, line: &str) -> Result<Option<Operation>, Malformed> {
    let Some(at) = line.find(LOGGER) else {
        return match is_log(line) {
            true => Ok(None),
            false => Err(Malformed::new(number, 1, "expected a line of Jepsen's log")),
        };
    };
    let from = at + LOGGER.len();
    let rest = line[from..].trim_start();
    let rest = rest
        .strip_prefix("- ")
        .or(rest.strip_prefix(':'))
        .unwrap_or(rest);
    let before = line[..line.len() - rest.len()].chars().count();
    let mut reader = Reader::new(rest, Dialect::Edn);
    let wrong = |column: usize, problem: String| Malformed::new(number, before + column, &problem);
    let next = |reader: &mut Reader| {
        let column = reader.column();
        let value = reader.value().map_err(|it| wrong(it.column, it.problem))?;
        Ok::<_, Malformed>(Value {
            datum: value,
            column: before + column,
        })
    };
    let process = next(&mut reader)?;
    let kind = next(&mut reader)?;
    let function = next(&mut reader)?;
    let value = next(&mut reader)?;
    if !reader.is_at_end() {
        next(&mut reader)?; // the error
    }
    reader.end().map_err(|it| wrong(it.column, it.problem))?;
    let key = Value {
        datum: Datum::Nil,
        column: 1,
    };
    operation(number, [process, kind, function, key, value], None)
}

fn mapped(number: usize, line: &str, dialect: Dialect) -> Result<Option<Operation>, Malformed> {
    // A record, `#jepsen.history.Op{...}`, is its map.
    let tag = line.find('{').filter(|&at| {
        let tag = line[..at].trim();
        tag.len() > 1 && tag.starts_with('#') && !tag.contains(char::is_whitespace)
    });
    let skipped = tag.unwrap_or(0);
    let before = line[..skipped].chars().count();
    let mut reader = Reader::new(&line[skipped..], dialect);
    let read = reader
        .map()
        .and_then(|fields| reader.end().map(|()| fields));
    let fields = read.map_err(|it| Malformed::new(number, before + it.column, &it.problem))?;
    let find = |name: &str| {
        let field = fields
            .iter()
            .find(|Field { name: it, .. }| it.word() == Some(name));
        field.map(|Field { value, column, .. }| Value {
            datum: value.clone(),
            column: before + column,
        })
    };
    let needed = |name: &str| {
        let problem = format!("expected a field {name:?}: there is none");
        find(name).ok_or_else(|| Malformed::new(number, before + 1, &problem))
    };
    let optional = |name: &str| {
        find(name).unwrap_or(Value {
            datum: Datum::Nil,
            column: before + 1,
        })
    };
    let order = match find("order") {
        None => None,
        Some(value) => {
            let order = value.datum.int().and_then(|it| u64::try_from(it).ok());
            Some(order.ok_or_else(|| value.expected(number, "a number from 0 as the order"))?)
        }
    };
    let values = [
        needed("process")?,
        needed("type")?,
        needed("f")?,
        optional("key"),
        optional("value"),
    ];
    operation(number, values, order)
}

/// From process, type, function, key and value. None: it is of no process, but of Jepsen's own nemesis.
fn operation(
    line: usize,
    [process, kind, function, key, value]: [Value; 5],
    order: Option<u64>,
) -> Result<Option<Operation>, Malformed> {
    let process = match process.datum {
        Datum::Int(process) => process,
        ref other if other.word() == Some("nemesis") => return Ok(None),
        _ => return Err(process.expected(line, "a number as the process")),
    };
    let kind = match kind.datum.word() {
        Some("invoke") => Kind::Invoke,
        Some("ok") => Kind::Ok,
        Some("fail") => Kind::Fail,
        Some("info") => Kind::Info,
        _ => return Err(kind.expected(line, ":invoke, :ok, :fail or :info")),
    };
    let Some(name) = function.datum.word() else {
        return Err(function.expected(line, "the name of a function"));
    };
    Ok(Some(Operation {
        line,
        process,
        kind,
        function: Word {
            name: name.to_owned(),
            column: function.column,
        },
        key,
        value,
        order,
    }))
}

impl Value {
    /// The value is not what was expected.
    pub fn expected(&self, line: usize, what: &str) -> Malformed {
        Malformed::new(
            line,
            self.column,
            &format!("expected {what}, and found {}", self.datum),
        )
    }
}
