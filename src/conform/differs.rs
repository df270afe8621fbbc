//! The table of differences: where ours answers otherwise on purpose, and why; and where ours is better than what a
//! case shows of a crash.
//!
//! It stands in `fixtures/conformance/differs.toml`. A difference is recognised by the step at which it shows: the
//! operation, what ours answered, and if it is said, what Python did. So it also covers cases that are not yet
//! written, and covers nothing else in those that are.

use serde::Deserialize;

use super::actor::Told;
use super::file::{Case, Expected, Expr, Step};
use super::raised::UNKNOWN;
use super::run::Verdict;
use super::value::Value;

/// The table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Differs {
    #[serde(default)]
    difference: Vec<Difference>,
    #[serde(default)]
    better: Vec<Better>,
}

/// One way in which ours differs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    /// Why, to a user.
    reason: String,
    /// The operation at which it shows.
    op: String,
    /// How ours answers: a value as Python prints it, or the name of an error. Empty: in any way.
    #[serde(default)]
    ours: String,
    /// How Python answers, if that matters.
    #[serde(default)]
    python: String,
    /// A part of the step's source, if that matters.
    #[serde(default)]
    step: String,
    /// The cases in which it is known to show: each must.
    cases: Vec<String>,
}

/// A step of a crash's case that ours answers better.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Better {
    case: String,
    step: String,
    ours: String,
}

/// What an answer that is not the expected one is.
#[derive(Debug, PartialEq, Eq)]
pub enum Judgement<'a> {
    Better,
    Differs(&'a str),
    Wrong,
}

/// The table that ships.
const TABLE: &str = include_str!("../../fixtures/conformance/differs.toml");

impl Differs {
    /// The table that ships.
    ///
    /// # Errors
    /// It is not of its form.
    pub fn shipped() -> Result<Differs, toml::de::Error> {
        toml::from_str(TABLE)
    }

    /// A case that the table names must differ, for the reason that it names.
    pub fn check(&self, case: &Case, verdict: Verdict) -> Verdict {
        let names_it = |difference: &&Difference| difference.cases.contains(&case.name);
        let mut reasons = self.difference.iter().filter(names_it).map(|it| &it.reason);
        let Some(first) = reasons.clone().next() else {
            return verdict;
        };
        let as_named = match &verdict {
            Verdict::Fail(_) => true,
            Verdict::Pass | Verdict::Better(_) => false,
            Verdict::Differs(reason) => reasons.any(|named| named == reason),
        };
        if as_named {
            verdict
        } else {
            Verdict::Fail(format!(
                "the table of differences names it, and it does not differ in that way: {first}"
            ))
        }
    }

    /// Judges an answer that is not the expected one. `follows`: an earlier step was answered better.
    pub fn judge(&self, case: &Case, step: &Step, told: &Told, follows: bool) -> Judgement<'_> {
        let ours = name_of(told);
        if case.crash {
            let known = self.better.iter().any(|better| {
                better.case == case.name && better.step == step.source && better.ours == ours
            });
            if known || is_better(step, told) || (follows && only_looks(step)) {
                return Judgement::Better;
            }
        }
        let python = match &step.expected {
            Expected::Any => "anything".to_owned(),
            Expected::Error(name) => name.clone(),
            Expected::Value(expr) => print(expr),
        };
        let found = self.difference.iter().find(|difference| {
            let or_any = |wanted: &str, is: &str| wanted.is_empty() || wanted == is;
            difference.op == step.call.op
                && or_any(&difference.ours, &ours)
                && or_any(&difference.python, &python)
                && step.source.contains(&difference.step)
        });
        found.map_or(Judgement::Wrong, |difference| {
            Judgement::Differs(&difference.reason)
        })
    }
}

/// An answer as the table writes it.
pub fn name_of(told: &Told) -> String {
    match told {
        Ok(value) => value.repr(),
        Err(raised) => raised.name.clone(),
    }
}

/// An expectation as Python would print it.
pub fn print(expr: &Expr) -> String {
    let list = |items: &[Expr]| {
        let items: Vec<String> = items.iter().map(print).collect();
        items.join(", ")
    };
    match expr {
        Expr::None => "None".to_owned(),
        Expr::Bool(true) => "True".to_owned(),
        Expr::Bool(false) => "False".to_owned(),
        Expr::Int(number) => number.to_string(),
        Expr::Big(digits) => digits.clone(),
        Expr::Float(number) => format!("{number:?}"),
        Expr::Str(text) => format!("'{text}'"),
        Expr::Bytes(bytes) => format!("b'{}'", bytes.escape_ascii()),
        Expr::BytesLen(len) => format!("{len} bytes"),
        Expr::Zeros(len) => format!("{len} zero bytes"),
        Expr::List(items) | Expr::Generator(items) => format!("[{}]", list(items)),
        Expr::Tuple(items) => format!("({})", list(items)),
        Expr::Dict(pairs) => {
            let pairs = pairs.iter();
            let pairs = pairs.map(|(key, value)| format!("{}: {}", print(key), print(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        Expr::Var(name) | Expr::Function(name) | Expr::Repr(name) => name.clone(),
        Expr::Method(object, method) => format!("{object}.{method}"),
        Expr::Range(bounds) => format!("range{bounds:?}"),
    }
}

/// What a death is told by.
const DEATHS: [&str; 8] = [
    "OwnerDied",
    "NotRecoverable",
    "BrokenBarrierError",
    "EOFError",
    "BrokenPipeError",
    "WorkerDied",
    "PeerDied",
    "Gone",
];

/// In a case of a crash: Python hangs, times out, or loses something, and ours answers, or tells of the death.
fn is_better(step: &Step, told: &Told) -> bool {
    let lost = match &step.expected {
        Expected::Any => false,
        // It got nothing, in the time that it had.
        Expected::Value(value) => *value == Expr::Bool(false),
        Expected::Error(name) => {
            let lost = [
                "TimeoutError",
                "Empty",
                "Full",
                "FileNotFoundError",
                "OSError",
            ];
            lost.contains(&name.as_str())
        }
    };
    let hung =
        step.call.op == "blocked" && matches!(step.expected, Expected::Value(Expr::Bool(true)));
    if let (Expected::Value(Expr::Int(expected)), Ok(Value::Int(got)), "get_value") =
        (&step.expected, told, step.call.op.as_str())
    {
        return i128::from(*expected) < *got; // the dead one's permit has come back
    }
    match told {
        // The director says that a call has returned only if its answer was no mistake (`run`).
        Ok(Value::Bool(false)) => hung,
        Ok(_) => lost,
        Err(raised) => lost && DEATHS.contains(&raised.name.as_str()) && raised.name != UNKNOWN,
    }
}

/// A step that changes nothing: what it shows has changed with the step that was answered better.
fn only_looks(step: &Step) -> bool {
    let op = step.call.op.as_str();
    let looks = [
        "__repr__",
        "__str__",
        "getattr",
        "is_set",
        "qsize",
        "empty",
        "full",
        "get_value",
        "is_alive",
        "ready",
        "os.path.exists",
    ];
    looks.contains(&op)
}

/// Whether an answer tells that a call went as it should after a death, and not that it was a mistake.
pub fn is_honest(told: &Told) -> bool {
    match told {
        Ok(_) => true,
        Err(raised) => DEATHS.contains(&raised.name.as_str()),
    }
}
