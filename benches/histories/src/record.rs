//! What was seen of a register, from which each judge gets its own form.

pub use forkproof::check::register::{Call, Return};

/// The events in the order of time. A client has one call open at a time; after one that did not return it is another.
#[derive(Clone, Default)]
pub struct Record {
    pub events: Vec<(usize, Event)>,
}

#[derive(Clone, Copy, Debug)]
pub enum Event {
    Begins(Call),
    Returns(Return),
}

pub struct Set {
    pub name: String,
    pub records: Vec<Record>,
}

pub struct Judge {
    pub name: &'static str,
    pub prepare: fn(&Record) -> Trial,
}

/// A history in the judge's form: whether it is linearizable. None: not within the budget.
pub type Trial = Box<dyn FnOnce() -> Option<bool>>;
