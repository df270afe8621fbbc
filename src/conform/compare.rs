//! Whether an answer is the one that the file expects.
//!
//! # Names and texts
//! Where the library prints an object, it prints its own names, and it prints no more than it knows. Two texts are
//! the same if they are so after both have gone through one table ([`plainly`]): numbers of processes and addresses
//! are left out, a type has one name, and a lock is locked or not, whoever holds it.

use std::cmp::Ordering;

use super::file::Expr;
use super::value::Value;

/// Whether the answer fits what the file expects. Texts of objects, and names, are compared [`plainly`].
pub fn fits(expected: &Expr, got: &Value) -> bool {
    match (expected, got) {
        (Expr::None, Value::None) => true,
        (Expr::Bool(expected), Value::Bool(got)) => expected == got,
        (Expr::Int(expected), Value::Int(got)) => i128::from(*expected) == *got,
        (Expr::Big(digits), Value::Int(got)) => *digits == got.to_string(),
        (Expr::Big(digits), Value::Huge(got)) => digits == got,
        (Expr::Float(expected), Value::Float(got)) => {
            expected == got || (expected.is_nan() && got.is_nan())
        }
        (Expr::Str(expected), Value::Str(got)) => {
            expected == got || plainly(expected) == plainly(got)
        }
        (Expr::Repr(expected), got) => plainly(expected) == plainly(&got.repr()),
        (Expr::Bytes(expected), Value::Bytes(got)) => expected == got,
        (Expr::BytesLen(expected), Value::Bytes(got)) => *expected == got.len(),
        (Expr::Zeros(expected), Value::Bytes(got)) => {
            *expected == got.len() && got.iter().all(|&byte| byte == 0)
        }
        (Expr::List(expected), Value::List(got)) | (Expr::Tuple(expected), Value::Tuple(got)) => {
            let mut pairs = expected.iter().zip(got);
            expected.len() == got.len() && pairs.all(|(expected, got)| fits(expected, got))
        }
        (Expr::Dict(expected), Value::Dict(got)) => {
            let has = |(key, value): &(Expr, Expr)| {
                let found = got.iter().find(|(other, _)| fits(key, other));
                found.is_some_and(|(_, got)| fits(value, got))
            };
            expected.len() == got.len() && expected.iter().all(has)
        }
        _ => false,
    }
}

/// As Python's `==` of plain values.
pub fn equal(one: &Value, other: &Value) -> bool {
    if let (Some(one), Some(other)) = (one.as_float(), other.as_float()) {
        return match (one_int(one), one_int(other)) {
            (Some(one), Some(other)) => one == other,
            _ => one == other,
        };
    }
    match (one, other) {
        (Value::None, Value::None) => true,
        (Value::Huge(one), Value::Huge(other)) => one == other,
        (Value::Str(one), Value::Str(other)) => one == other,
        (Value::Bytes(one), Value::Bytes(other)) => one == other,
        (Value::List(one), Value::List(other)) | (Value::Tuple(one), Value::Tuple(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Dict(one), Value::Dict(other)) => {
            let has = |(key, value): &(Value, Value)| {
                let found = other.iter().find(|(other, _)| equal(key, other));
                found.is_some_and(|(_, other)| equal(value, other))
            };
            one.len() == other.len() && one.iter().all(has)
        }
        _ => false,
    }
}

/// As Python's `<` and `>` of plain values; none for those of unlike types.
pub fn order(one: &Value, other: &Value) -> Option<Ordering> {
    if let (Some(one), Some(other)) = (one.as_int(), other.as_int()) {
        return Some(one.cmp(&other));
    }
    if let (Some(one), Some(other)) = (one.as_float(), other.as_float()) {
        return one.partial_cmp(&other);
    }
    match (one, other) {
        (Value::Str(one), Value::Str(other)) => Some(one.cmp(other)),
        (Value::Bytes(one), Value::Bytes(other)) => Some(one.cmp(other)),
        (Value::List(one), Value::List(other)) | (Value::Tuple(one), Value::Tuple(other)) => {
            for (one, other) in one.iter().zip(other) {
                match order(one, other)? {
                    Ordering::Equal => {}
                    unequal => return Some(unequal),
                }
            }
            Some(one.len().cmp(&other.len()))
        }
        _ => None,
    }
}

/// What Python calls a thing, and what is the name for it in a comparison. The first that fits is taken.
const NAMES: &[(&str, &str)] = &[
    ("multiprocessing.sharedctypes.", ""),
    ("multiprocessing.connection.", ""),
    ("multiprocessing.managers.", ""),
    ("multiprocessing.queues.", ""),
    ("multiprocessing.pool.", ""),
    ("multiprocessing.synchronize.", ""),
    ("forkproof::data::", ""),
    ("ForkProcess", "Process"),
    ("\"", "'"),
    ("SynchronizedArray", "Array"),
    ("SynchronizedString", "Array"),
    ("Synchronized", "Value"),
    ("c_char", "u8"),
    ("c_wchar", "char"),
    ("c_byte", "i8"),
    ("c_ubyte", "u8"),
    ("c_short", "i16"),
    ("c_ushort", "u16"),
    ("c_int", "i32"),
    ("c_uint", "u32"),
    ("c_long", "i64"),
    ("c_ulong", "u64"),
    ("c_float", "f32"),
    ("c_double", "f64"),
    (" object at 0xADDR", ""),
    (" at 0xADDR", ""),
    (" over file N", ""),
    ("exitcode=-SIGKILL", "exitcode=-9"),
    ("exitcode=-SIGTERM", "exitcode=-15"),
];

/// A text as it is compared: see the head of this module.
pub fn plainly(text: &str) -> String {
    let is_told = text.starts_with('<') && text.ends_with('>');
    let has_names = [
        "Synchronized",
        "c_",
        "_Array_",
        "Process-",
        "SharedMemory(",
        "Proxy object",
    ];
    if !is_told && !has_names.iter().any(|name| text.contains(name)) {
        return text.to_owned();
    }
    let mut text = states(&holders(&addresses(text)));
    if ["Process ", "Process-", " over file "]
        .iter()
        .any(|word| text.contains(word))
    {
        text = numbers(&text);
    }
    for (from, to) in NAMES {
        text = text.replace(from, to);
    }
    text
}

/// Addresses are 0xADDR.
fn addresses(text: &str) -> String {
    let mut parts = text.split("0x");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.strip_prefix("ADDR");
        let rest = rest.unwrap_or_else(|| part.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
        out += "0xADDR";
        out += rest;
    }
    out
}

/// Whether a lock is held is all that ours says of it, and not by whom, nor how often.
fn holders(text: &str) -> String {
    let mut parts = text.split("Lock(");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (holder, rest) = part.split_once(')').unwrap_or((part, ""));
        let holder = holder.strip_prefix("owner=").unwrap_or(holder);
        let is_free = holder == "unlocked" || holder.starts_with("None");
        out += if is_free {
            "Lock(unlocked)"
        } else {
            "Lock(locked)"
        };
        out += rest;
    }
    out
}

/// What an event, a barrier and a queue say of themselves, in Python's order of words. (A queue says more than Python's
/// does: how many items it has, and that it is closed.)
fn states(text: &str) -> String {
    let barrier = text.strip_prefix("<Barrier(");
    if let Some((state, rest)) = barrier.and_then(|barrier| barrier.split_once(')')) {
        let rest = rest.trim_end_matches('>');
        return match state {
            "broken" => format!("<Barrier{rest}: broken>"),
            waiters => format!("<Barrier{rest}: waiters={waiters}>"),
        };
    }
    if let Some((before, after)) = text.split_once("Queue of ") {
        let before = before.replace("closed ", "");
        let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
        return format!("{before}Queue object{}", after.trim_start_matches(" items"));
    }
    // Where it is connected to, or listens, is said by ours only.
    for (ours, plain) in [
        ("<NetConnection with ", "<Connection>"),
        ("<Listener at /", "<Listener>"),
    ] {
        if text.starts_with(ours) {
            return plain.to_owned();
        }
    }
    text.replace("Event(unset) at 0xADDR", "Event at 0xADDR unset")
        .replace("Event(set) at 0xADDR", "Event at 0xADDR set")
}

/// The numbers of processes and of files are N; exit codes stay.
fn numbers(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let starts_number = c.is_ascii_digit() && out.ends_with(['-', '=', ' ']);
        if starts_number && !out.ends_with("exitcode=") && !out.ends_with("exitcode=-") {
            out.push('N');
            rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

fn one_int(number: f64) -> Option<i128> {
    (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i128)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(python: &str, ours: &str) -> bool {
        plainly(python) == plainly(ours)
    }

    #[test]
    fn texts_say_the_same_in_other_names() {
        for (python, ours) in [
            ("<Lock(owner=None)>", "<Lock(unlocked) at 0x7f0012>"),
            (
                "<Lock(owner=SomeOtherProcess)>",
                "<Lock(locked) at 0x7f0012>",
            ),
            ("<RLock(MainProcess, 3)>", "<RLock(locked) at 0x7f0012>"),
            ("<RLock(None, 0)>", "<RLock(unlocked) at 0x7f0012>"),
            (
                "<Condition(<RLock(SomeOtherProcess, nonzero)>, 1)>",
                "<Condition(<RLock(locked) at 0x7f0012>, 1)>",
            ),
            (
                "<Synchronized wrapper for c_int(10)>",
                "<Value wrapper for i32(10)>",
            ),
            ("c_double(2.5)", "f64(2.5)"),
            ("ForkProcess-N", "Process-3"),
            (
                "<ForkProcess name='ForkProcess-N' pid=N parent=N stopped exitcode=-9>",
                "<Process name='Process-1:2' pid=71 parent=70 stopped exitcode=-9>",
            ),
            (
                "<multiprocessing.connection.Connection object at 0xADDR>",
                "<Connection over file 7>",
            ),
        ] {
            assert!(
                same(python, ours),
                "{} is not {}",
                plainly(python),
                plainly(ours)
            );
        }
    }

    #[test]
    fn texts_that_say_other_things_differ() {
        for (python, ours) in [
            ("<Lock(owner=None)>", "<Lock(locked) at 0x7f0012>"),
            ("<RLock(MainProcess, 1)>", "<RLock(unlocked) at 0x7f0012>"),
            (
                "<Condition(<RLock(SomeOtherProcess, nonzero)>, 1)>",
                "<Condition(<RLock(locked) at 0x7f0012>, 2)>",
            ),
            (
                "<Synchronized wrapper for c_int(10)>",
                "<Value wrapper for i32(11)>",
            ),
            (
                "<Synchronized wrapper for c_int(10)>",
                "<Value wrapper for u32(10)>",
            ),
            ("<Semaphore(value=1)>", "<Semaphore(value=2)>"),
            (
                "<ForkProcess name='ForkProcess-N' pid=N parent=N stopped exitcode=0>",
                "<Process name='Process-1' pid=71 parent=70 stopped exitcode=1>",
            ),
            ("<Event at 0xADDR unset>", "<Event(set) at 0x7f0012>"),
            (
                "<multiprocessing.synchronize.Barrier at 0xADDR: waiters=1/2>",
                "<Barrier(0/2) at 0x7f0012>",
            ),
            (
                "<multiprocessing.queues.Queue object at 0xADDR>",
                "<SimpleQueue of 2 items at 0x7f0012>",
            ),
            ("worker-x", "worker-y"),
            ("12", "13"),
        ] {
            assert!(!same(python, ours), "{python} is taken for {ours}");
        }
    }
}
