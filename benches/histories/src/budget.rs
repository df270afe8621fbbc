//! How many calls a judge may try: counted where it asks what a call does, as it has no budget of its own.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// More than what a judge that remembers where it has been has to try here.
pub const CALLS: usize = 1_000_000;

thread_local! {
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

struct Spent;

/// What the judge says, if it tries no more than so many calls.
pub fn within(calls: usize, judge: impl FnOnce() -> bool) -> Option<bool> {
    LEFT.set(calls);
    match catch_unwind(AssertUnwindSafe(judge)) {
        Ok(verdict) => Some(verdict),
        Err(why) if why.is::<Spent>() => None,
        Err(why) => resume_unwind(why),
    }
}

/// One more call is tried.
pub fn spend() {
    match LEFT.get() {
        0 => resume_unwind(Box::new(Spent)), // no message
        left => LEFT.set(left - 1),
    }
}
