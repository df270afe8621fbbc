//! This library's judge.

use forkproof::check::register::Register;
use forkproof::check::{Log, Verdict, judge};

use crate::budget;
use crate::record::{Event, Record, Trial};

pub fn prepare(record: &Record) -> Trial {
    let mut log = Log::<Register>::new(None);
    for (at, &(client, event)) in record.events.iter().enumerate() {
        match event {
            Event::Begins(call) => drop(log.begin(client, call, at as u64)),
            Event::Returns(result) => log.returned(client, result, at as u64),
        }
    }
    let history = log.history();
    Box::new(move || match judge(&history, budget::CALLS) {
        Verdict::Ok(_) => Some(true),
        Verdict::Illegal(_) => Some(false),
        Verdict::Unknown { .. } => None,
    })
}
