//! Histories from files, judged: `forkproof check`.
//!
//! ```
//! use forkproof::recorded::{Object, Outcome, judge};
//!
//! let text = "\
//! {:process 0, :type :invoke, :f :write, :value 7}
//! {:process 0, :type :ok, :f :write, :value 7}
//! {:process 1, :type :invoke, :f :read, :value nil}
//! {:process 1, :type :ok, :f :read, :value nil}
//! ";
//! let report = judge(text, Object::Register, None, 1_000)?;
//! assert_eq!(report.outcome, Outcome::Illegal);
//! # Ok::<(), forkproof::recorded::Unreadable>(())
//! ```
//!
//! # Forms
//! A line tells that a call begins (`invoke`), or how it ended: `ok`, `fail` (it did not happen, and is left out) or
//! `info` (it happened or did not, and may yet). What does not end is as `info`. The order of the lines is that of time.
//! The first line tells the form of all:
//!
//! | form | a line |
//! |---|---|
//! | Jepsen's log | `INFO  jepsen.util - 0 :invoke :cas [1 2]`, with tabs or spaces; what others log is passed over |
//! | EDN | `{:process 0, :type :invoke, :f :cas, :value [1 2]}`, or with a tag before it |
//! | JSON | `{"process": 0, "type": "invoke", "f": "cas", "value": [1, 2]}` |
//!
//! Empty lines, comments of EDN, and the operations of Jepsen's nemesis are passed over, and so are fields that are not
//! in the table below. A process has one call open at a time; after `info` it may go on with another.
//!
//! | field | |
//! |---|---|
//! | `process` | a number |
//! | `type` | `invoke`, `ok`, `fail` or `info` |
//! | `f` | what is called, the same in both lines of a call |
//! | `key` | not needed: which of many objects; or `value` is `[key value]`, in registers and stores |
//! | `value` | what the call is told, or returns: nil if there is none. What returns nothing has the value of its call, or nil |
//! | `order` | not needed: where the call stands in the order in which the calls took effect, a number. If each call that returned has one, that order is judged, in linear time |
//!
//! # Objects
//! | object | f: value of the call, and what it returns | start |
//! |---|---|---|
//! | `register` | `read`: nil, the value · `write`: value · `cas`: `[expected new]` | a value; nil |
//! | `kv` | `get`: nil, the text (nil: empty) · `put`: text · `append`: text | a map of texts; empty |
//! | `bank` | `deposit`, `withdraw`: `[account amount]`, or `{:account a :amount n}`, or amount with the account as `key`; may return the balance · `transfer`: `{:from a :to b :amount n}` or `[from to amount]` · `balance`: account, the balance · `read`: nil, a map of balances. What takes more than is there returns `insufficient`. An account is called by a number or a word, in quotes or not: `1`, `"1"` and `:1` are one | a map of balances; 0 |
//! | `queue` | `enqueue` or `put`: item · `dequeue` or `get`: nil, the item (nil: it was empty) · `len`: nil, a number | a vector; empty |
//! | `list` | `append`: item · `pop`: nil, the last item (nil: it was empty) · `get`: index, the item (nil: there is none) · `len`: nil, a number · `read`: nil, a vector of all | a vector; empty |
//!
//! # What is not covered
//! A history with an end: say it by a `read` at the end. Transactions. A compare-and-set that *found another value* is a
//! `fail` to Jepsen, which is left out: it might have failed otherwise.

mod bank;
mod datum;
mod kv;
mod language;
mod list;
mod malformed;
mod operation;
mod pairing;
mod queue;
mod reader;
mod register;
mod report;

pub use malformed::Malformed;
pub use report::{Outcome, Report};

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use datum::Datum;
use language::{Language, ReturnOf};
use pairing::Paired;
use reader::{Dialect, Reader};

use crate::check::{self, History, Log, judge_in_order};

/// What the calls are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    Register,
    Kv,
    Bank,
    Queue,
    List,
}

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    Malformed(Malformed),
    /// The state at the start.
    Start(String),
}

/// Judges a history, trying at most `budget` calls. `start` is the state before it, in EDN.
///
/// # Errors
/// Text that is no history of the object, or no state of it.
pub fn judge(
    text: &str,
    object: Object,
    start: Option<&str>,
    budget: usize,
) -> Result<Report, Unreadable> {
    let start = start.map(parse_start).transpose()?;
    let operations = operation::read(text)?;
    let paired = pairing::pair(&operations)?;
    let start = start.as_ref();
    match object {
        Object::Register => judge_in(register::Registers::of(&operations), &paired, start, budget),
        Object::Kv => judge_in(kv::Kv, &paired, start, budget),
        Object::Bank => judge_in(bank::Accounts::default(), &paired, start, budget),
        Object::Queue => judge_in(queue::Queue, &paired, start, budget),
        Object::List => judge_in(list::List, &paired, start, budget),
    }
}

/// A file's bytes as text.
///
/// # Errors
/// They are not UTF-8.
pub fn decode(bytes: Vec<u8>) -> Result<String, Malformed> {
    String::from_utf8(bytes).map_err(|error| {
        let whole = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        let column = whole
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        Malformed::new(whole.matches('\n').count() + 1, column, "expected UTF-8")
    })
}

fn parse_start(text: &str) -> Result<Datum, Unreadable> {
    let mut reader = Reader::new(text, Dialect::Edn);
    let read = reader
        .value()
        .and_then(|value| reader.end().map(|()| value));
    read.map_err(|it| Unreadable::Start(format!("column {}: {}", it.column, it.problem)))
}

fn judge_in<L: Language>(
    mut language: L,
    paired: &BTreeMap<i64, Vec<Paired>>,
    start: Option<&Datum>,
    budget: usize,
) -> Result<Report, Unreadable> {
    let mut calls = Vec::new();
    for pair in paired.values().flatten() {
        let call = language.call(pair)?;
        let returned: Option<ReturnOf<L>> = match pair.returned {
            Some(returned) => Some(language.returned(&call, pair, returned)?),
            None => None,
        };
        calls.push((pair, call, returned));
    }
    let state = language
        .start(start)
        .map_err(|wanted| Unreadable::Start(format!("expected {wanted}")))?;
    let mut log = Log::<L::Spec>::new(state);
    log.count_in("line");
    let lanes: BTreeMap<i64, usize> = paired
        .keys()
        .zip(0..)
        .map(|(&process, lane)| (process, lane))
        .collect();
    for (pair, call, returned) in calls {
        let lane = lanes[&pair.call.process];
        log.name(lane, &format!("process {}", pair.call.process));
        log.begin(lane, call, pair.call.line as u64);
        if let Some(order) = pair.order {
            log.took_effect(lane, order);
        }
        match (returned, pair.returned) {
            (Some(returned), Some(operation)) => {
                log.returned(lane, returned, operation.line as u64)
            }
            _ => log.killed(lane),
        }
    }
    let history = log.history();
    let verdict = match order(&history, paired)? {
        Some(order) => judge_in_order(&history, &order).map_err(|error| {
            let problem = format!("expected the order to be that of the calls: {error}");
            Malformed::new(1, 1, &problem)
        })?,
        None => check::judge(&history, budget),
    };
    Ok(Report::new(&history, &verdict))
}

/// The order that the file gives, if it gives one.
fn order<S: check::Spec>(
    history: &History<S>,
    paired: &BTreeMap<i64, Vec<Paired>>,
) -> Result<Option<Vec<check::Place>>, Malformed> {
    let mut numbers = BTreeMap::new();
    for pair in paired.values().flatten() {
        if let Some(number) = pair.order
            && let Some(other) = numbers.insert(number, pair.call.line)
        {
            let problem = format!("expected an order of its own: {number} is that of line {other}");
            return Err(Malformed::new(
                pair.call.line,
                pair.call.function.column,
                &problem,
            ));
        }
    }
    match history.order() {
        Some(order) if !numbers.is_empty() => Ok(Some(order)),
        None if !numbers.is_empty() => {
            let mut pairs = paired.values().flatten();
            let without = pairs.find(|pair| pair.returned.is_some() && pair.order.is_none());
            let (line, column) =
                without.map_or((1, 1), |pair| (pair.call.line, pair.call.function.column));
            Err(Malformed::new(
                line,
                column,
                "expected an :order, as other calls have",
            ))
        }
        _ => Ok(None),
    }
}

impl FromStr for Object {
    type Err = String;

    fn from_str(name: &str) -> Result<Object, String> {
        match name {
            "register" => Ok(Object::Register),
            "kv" => Ok(Object::Kv),
            "bank" => Ok(Object::Bank),
            "queue" => Ok(Object::Queue),
            "list" => Ok(Object::List),
            _ => Err("expected register, kv, bank, queue or list".to_owned()),
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::Malformed(malformed) => malformed.fmt(f),
            Unreadable::Start(problem) => write!(f, "the start: {problem}"),
        }
    }
}

impl std::error::Error for Unreadable {}

impl From<Malformed> for Unreadable {
    fn from(malformed: Malformed) -> Unreadable {
        Unreadable::Malformed(malformed)
    }
}
