//! Which line is the return of which call.

use std::collections::BTreeMap;

use super::malformed::Malformed;
use super::operation::{Kind, Operation};

/// A call, and its return: `None` if it may have happened or not.
pub struct Paired<'a> {
    pub call: &'a Operation,
    pub returned: Option<&'a Operation>,
    /// From the call or from what ended it.
    pub order: Option<u64>,
}

/// The calls that happened, or may have, of each process in its order.
///
/// A call that failed did not happen, and is left out. One that ended in `:info`, or did not end, is pending; its process
/// may go on with another.
///
/// # Errors
/// A return without a call; a call while another one is open; a return of another function, or of another key.
pub fn pair(operations: &[Operation]) -> Result<BTreeMap<i64, Vec<Paired<'_>>>, Malformed> {
    let mut open: BTreeMap<i64, &Operation> = BTreeMap::new();
    let mut paired: BTreeMap<i64, Vec<Paired>> = BTreeMap::new();
    for operation in operations {
        let process = operation.process;
        let wrong = |problem: &str| {
            Err(Malformed::new(
                operation.line,
                operation.function.column,
                problem,
            ))
        };
        if operation.kind == Kind::Invoke {
            if let Some(call) = open.insert(process, operation) {
                let line = call.line;
                return wrong(&format!(
                    "process {process} has a call open, of line {line}: expected its return"
                ));
            }
            continue;
        }
        let Some(call) = open.remove(&process) else {
            return wrong(&format!(
                "expected a call: process {process} has none open that could return"
            ));
        };
        if call.function.name != operation.function.name {
            let (name, line) = (&call.function.name, call.line);
            return wrong(&format!(
                "expected the return of {name:?}, which process {process} called in line {line}"
            ));
        }
        if operation.key.datum != call.key.datum && operation.key.datum != super::datum::Datum::Nil
        {
            let what = format!("the key of the call, {}", call.key.datum);
            return Err(operation.key.expected(operation.line, &what));
        }
        let returned = match operation.kind {
            Kind::Fail => continue,
            Kind::Ok => Some(operation),
            Kind::Info | Kind::Invoke => None,
        };
        paired.entry(process).or_default().push(Paired {
            call,
            returned,
            order: operation.order.or(call.order),
        });
    }
    for (process, call) in open {
        paired.entry(process).or_default().push(Paired {
            call,
            returned: None,
            order: call.order,
        });
    }
    Ok(paired)
}
