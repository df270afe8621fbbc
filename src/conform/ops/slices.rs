//! Python's slices and indices.

use super::int;
use crate::conform::raised::{Answer, Raised};
use crate::conform::value::Value;

/// The indices that a slice means, in order.
///
/// # Errors
/// TypeError: a bound is no integer; ValueError: a step of zero.
pub fn indices(bounds: &[Value], len: usize) -> Answer<Vec<usize>> {
    let bound = |at: usize| match bounds.get(at) {
        None | Some(Value::None) => Ok(None),
        Some(value) => int(value).map(Some),
    };
    let (start, stop, step) = (bound(0)?, bound(1)?, bound(2)?.unwrap_or(1));
    if step == 0 {
        return Err(Raised::value_error("slice step cannot be zero"));
    }
    let len = len as i128;
    let (lowest, highest) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let clamp = |bound: Option<i128>, otherwise: i128| match bound {
        None => otherwise,
        Some(bound) if bound < 0 => (bound + len).clamp(lowest, highest),
        Some(bound) => bound.clamp(lowest, highest),
    };
    let (first, last) = if step > 0 { (0, len) } else { (len - 1, -1) };
    let (start, stop) = (clamp(start, first), clamp(stop, last));
    let within = |at: &i128| if step > 0 { *at < stop } else { *at > stop };
    let places = std::iter::successors(Some(start), |at| at.checked_add(step));
    Ok(places.take_while(within).map(|at| at as usize).collect())
}

/// The index that a number means: negative ones count from the end.
///
/// # Errors
/// TypeError: it is no integer; IndexError: there is no such element.
pub fn index(value: &Value, len: usize) -> Answer<usize> {
    let at = int(value)?;
    let at = if at < 0 { at + len as i128 } else { at };
    let found = usize::try_from(at).ok().filter(|at| *at < len);
    found.ok_or_else(|| Raised::new("IndexError", "invalid index"))
}
