//! The file of cases: its form, and what is wrong with one that is not of it.
//!
//! A case is a list of steps in a small language of operations. A value in it is a TOML value, or a table of one key
//! that stands for what TOML has not ([`Expr`]).

use std::fmt;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// A case: steps, and what each must answer.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    /// Tagged `crash`: what the file expects is a weakness, and a better answer is right.
    pub crash: bool,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub struct Step {
    /// As a reader would write it.
    pub source: String,
    pub actor: String,
    /// Not waited for; a later step asks for it by this name.
    pub id: Option<String>,
    pub call: Call,
    pub expected: Expected,
}

/// What a step must answer.
#[derive(Clone, Debug)]
pub enum Expected {
    /// Anything that is not an error.
    Any,
    Value(Expr),
    /// An error of this name.
    Error(String),
}

/// What an actor is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    pub op: String,
    /// The name of the object; none for a function of the module.
    pub on: Option<String>,
    pub args: Vec<Expr>,
    pub kw: Vec<(String, Expr)>,
    pub bind: Bind,
}

/// What becomes of the result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Bind {
    Nothing,
    Name(String),
    /// A tuple, one name for each of its elements.
    Names(Vec<String>),
}

/// A value as the file writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Expr {
    None,
    Bool(bool),
    Int(i64),
    /// In decimal: beyond 64 bits.
    Big(String),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    /// Any bytes, so many.
    BytesLen(usize),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    Var(String),
    /// A method of a named object.
    Method(String, String),
    Function(String),
    Zeros(usize),
    Range(Vec<i64>),
    Generator(Vec<Expr>),
    /// Of an object that can only be told by its text.
    Repr(String),
}

/// What is wrong with a file, and where.
#[derive(Debug)]
pub struct Malformed {
    case: Option<String>,
    step: Option<String>,
    why: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(case) = &self.case {
            write!(f, "case {case}: ")?;
        }
        if let Some(step) = &self.step {
            write!(f, "step {step}: ")?;
        }
        f.write_str(&self.why)
    }
}

impl std::error::Error for Malformed {}

fn malformed(why: impl Into<String>) -> Malformed {
    Malformed {
        case: None,
        step: None,
        why: why.into(),
    }
}

/// The cases of a file.
///
/// # Errors
/// The text is no TOML, or not of the form; the error names the case and the step.
pub fn parse(text: &str) -> Result<Vec<Case>, Malformed> {
    let table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| malformed(error.to_string()))?;
    let cases = table
        .get("case")
        .ok_or_else(|| malformed("it has no [[case]]"))?;
    let cases = cases
        .as_array()
        .ok_or_else(|| malformed("`case` is no list of tables"))?;
    let cases: Vec<Case> = cases.iter().map(case).collect::<Result<_, _>>()?;
    for (at, case) in cases.iter().enumerate() {
        if cases[..at].iter().any(|other| other.name == case.name) {
            return Err(malformed(format!("two cases are named {}", case.name)));
        }
    }
    Ok(cases)
}

fn case(value: &Value) -> Result<Case, Malformed> {
    let table = value
        .as_table()
        .ok_or_else(|| malformed("a case is no table"))?;
    let name = text(table, "name")?.ok_or_else(|| malformed("a case has no name"))?;
    let within = |error: Malformed| Malformed {
        case: Some(name.clone()),
        ..error
    };
    known(table, &["name", "area", "note", "tags", "steps"]).map_err(within)?;
    let tags = match table.get("tags") {
        None => Vec::new(),
        Some(tags) => list(tags).map_err(within)?.to_vec(),
    };
    let steps = table
        .get("steps")
        .ok_or_else(|| within(malformed("it has no steps")))?;
    let steps = list(steps).map_err(within)?;
    let steps: Vec<Step> = steps
        .iter()
        .enumerate()
        .map(|(number, value)| {
            step(value).map_err(|error| {
                let source = value.get("src").and_then(Value::as_str);
                let step = source.map_or_else(|| (number + 1).to_string(), str::to_owned);
                within(Malformed {
                    step: Some(step),
                    ..error
                })
            })
        })
        .collect::<Result<_, _>>()?;
    let crash = tags.iter().any(|tag| tag.as_str() == Some("crash"));
    Ok(Case { name, crash, steps })
}

const STEP_KEYS: &[&str] = &[
    "src", "actor", "id", "as", "on", "op", "args", "kw", "expect", "error", "msg", "took_ms", "py",
];

fn step(value: &Value) -> Result<Step, Malformed> {
    let table = value
        .as_table()
        .ok_or_else(|| malformed("it is no table"))?;
    known(table, STEP_KEYS)?;
    let op = text(table, "op")?.ok_or_else(|| malformed("it has no `op`"))?;
    let args = table.get("args").map_or(Ok(Vec::new()), exprs)?;
    let kw = match table.get("kw") {
        None => Vec::new(),
        Some(kw) => {
            let kw = kw.as_table().ok_or_else(|| malformed("`kw` is no table"))?;
            let pairs = kw.iter();
            pairs
                .map(|(name, value)| Ok((name.clone(), expr(value)?)))
                .collect::<Result<_, Malformed>>()?
        }
    };
    let bind = match table.get("as") {
        None => Bind::Nothing,
        Some(Value::String(name)) => Bind::Name(name.clone()),
        Some(Value::Array(names)) => {
            let names = names.iter().map(|name| name.as_str().map(str::to_owned));
            let names: Option<Vec<_>> = names.collect();
            Bind::Names(names.ok_or_else(|| malformed("`as` is a list of other than names"))?)
        }
        Some(_) => return Err(malformed("`as` is neither a name nor a list of names")),
    };
    let expected = match (table.get("expect"), text(table, "error")?) {
        (Some(_), Some(_)) => return Err(malformed("it expects both a value and an error")),
        (Some(value), None) => Expected::Value(expr(value)?),
        (None, Some(error)) => Expected::Error(error),
        (None, None) => Expected::Any,
    };
    let source = text(table, "src")?.unwrap_or_else(|| op.clone());
    Ok(Step {
        source,
        actor: text(table, "actor")?.unwrap_or_else(|| "P".to_owned()),
        id: text(table, "id")?,
        call: Call {
            op,
            on: text(table, "on")?,
            args,
            kw,
            bind,
        },
        expected,
    })
}

fn known(table: &Table, keys: &[&str]) -> Result<(), Malformed> {
    match table.keys().find(|key| !keys.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(malformed(format!("`{key}` means nothing here"))),
    }
}

fn text(table: &Table, key: &str) -> Result<Option<String>, Malformed> {
    match table.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(malformed(format!("`{key}` is no string"))),
    }
}

fn list(value: &Value) -> Result<&[Value], Malformed> {
    value
        .as_array()
        .map(Vec::as_slice)
        .ok_or_else(|| malformed(format!("{value} is no list")))
}

fn exprs(value: &Value) -> Result<Vec<Expr>, Malformed> {
    list(value)?.iter().map(expr).collect()
}

fn expr(value: &Value) -> Result<Expr, Malformed> {
    Ok(match value {
        Value::Boolean(value) => Expr::Bool(*value),
        Value::Integer(value) => Expr::Int(*value),
        Value::Float(value) => Expr::Float(*value),
        Value::String(value) => Expr::Str(value.clone()),
        Value::Array(values) => Expr::List(values.iter().map(expr).collect::<Result<_, _>>()?),
        Value::Table(table) => return special(table),
        Value::Datetime(date) => return Err(malformed(format!("{date} stands for no value"))),
    })
}

/// A table of one key, or of `var` and `attr`.
fn special(table: &Table) -> Result<Expr, Malformed> {
    let unknown = || malformed(format!("{table} stands for no value"));
    let mut keys: Vec<&str> = table.keys().map(String::as_str).collect();
    keys.sort_unstable();
    let [key] = keys[..] else {
        return match (keys.as_slice(), text(table, "var")?, text(table, "attr")?) {
            (["attr", "var"], Some(object), Some(method)) => Ok(Expr::Method(object, method)),
            _ => Err(unknown()),
        };
    };
    let value = &table[key];
    let word = || value.as_str().map(str::to_owned).ok_or_else(unknown);
    let count = || {
        let count = value
            .as_integer()
            .and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(unknown)
    };
    Ok(match key {
        "none" => Expr::None,
        "bytes" => Expr::Bytes(latin1(&word()?).ok_or_else(unknown)?),
        "bytes_len" => Expr::BytesLen(count()?),
        "tuple" => Expr::Tuple(exprs(value)?),
        "gen" => Expr::Generator(exprs(value)?),
        "dict" => {
            let pairs = list(value)?.iter().map(exprs);
            let pairs = pairs.map(|pair| match <[Expr; 2]>::try_from(pair?) {
                Ok([key, value]) => Ok((key, value)),
                Err(_) => Err(unknown()),
            });
            Expr::Dict(pairs.collect::<Result<_, _>>()?)
        }
        "int" => {
            let digits = word()?;
            let bare = digits.strip_prefix('-').unwrap_or(&digits);
            if bare.is_empty() || !bare.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(unknown());
            }
            Expr::Big(digits)
        }
        "var" => Expr::Var(word()?),
        "fn" => Expr::Function(word()?),
        "zeros" => Expr::Zeros(count()?),
        "range" => {
            let bounds = list(value)?.iter().map(Value::as_integer);
            let bounds: Vec<i64> = bounds.collect::<Option<_>>().ok_or_else(unknown)?;
            if !(1..=3).contains(&bounds.len()) || bounds.get(2) == Some(&0) {
                return Err(unknown());
            }
            Expr::Range(bounds)
        }
        "repr" => Expr::Repr(word()?),
        _ => return Err(unknown()),
    })
}

/// The bytes that a text of code points up to 255 stands for.
fn latin1(text: &str) -> Option<Vec<u8>> {
    let bytes = text.chars().map(|c| u8::try_from(u32::from(c)).ok());
    bytes.collect()
}
