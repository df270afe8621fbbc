//! todc-utils: the search of Wing and Gong with Lowe's memory of states.

use std::collections::BTreeSet;

use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History};
use todc_utils::specifications::Specification;

use crate::budget;
use crate::record::{Call, Event, Record, Return, Trial};

struct Register;

/// A call, and its return where there is one: in this form both events of a call have it.
type Operation = (Call, Option<Return>);

impl Specification for Register {
    type State = Option<i64>;
    type Operation = Operation;

    fn init() -> Self::State {
        None
    }

    fn apply(&(call, result): &Operation, &value: &Self::State) -> (bool, Self::State) {
        budget::spend();
        let (after, returns) = match call {
            Call::Read => (value, Return::Value(value)),
            Call::Write { value: new } => (new, Return::Written),
            Call::Cas { expected, new } if expected == value => (new, Return::Written),
            Call::Cas { .. } => (value, Return::Differs),
        };
        (result.is_none_or(|result| result == returns), after)
    }
}

pub fn prepare(record: &Record) -> Trial {
    let history = History::from_actions(actions(record));
    Box::new(move || {
        budget::within(budget::CALLS, || {
            WGLChecker::<Register>::is_linearizable(history)
        })
    })
}

/// It takes no call that does not return: one of these returns at the end, where it may come when nobody sees it.
fn actions(record: &Record) -> Vec<(usize, Action<Operation>)> {
    let mut open = BTreeSet::new();
    let mut calls = vec![Call::Read; 1 + record.events.iter().map(|of| of.0).max().unwrap_or(0)];
    let mut actions = Vec::new();
    for &(client, event) in &record.events {
        actions.push(match event {
            Event::Begins(call) => {
                open.insert(client);
                calls[client] = call;
                (client, Action::Call((call, None)))
            }
            Event::Returns(result) => {
                open.remove(&client);
                (client, Action::Response((calls[client], Some(result))))
            }
        });
    }
    let unknown = open
        .iter()
        .map(|&client| (client, Action::Response((calls[client], None))));
    actions.extend(unknown);
    actions
}
