//! stateright's tester, which remembers nothing of where it has been.

use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

use crate::budget;
use crate::record::{Call, Event, Record, Return, Trial};

/// Each costs it a copy of all that is left of the history, and what it has not found by then would take it for ever.
const CALLS: usize = 10_000;

#[derive(Clone)]
struct Register(Option<i64>);

impl SequentialSpec for Register {
    type Op = Call;
    type Ret = Return;

    fn invoke(&mut self, call: &Call) -> Return {
        budget::spend();
        match *call {
            Call::Read => Return::Value(self.0),
            Call::Cas { expected, .. } if expected != self.0 => Return::Differs,
            Call::Write { value: new } | Call::Cas { new, .. } => {
                self.0 = new;
                Return::Written
            }
        }
    }
}

pub fn prepare(record: &Record) -> Trial {
    let mut tester = LinearizabilityTester::new(Register(None));
    for &(client, event) in &record.events {
        let taken = match event {
            Event::Begins(call) => tester.on_invoke(client, call),
            Event::Returns(result) => tester.on_return(client, result),
        };
        taken.expect("one call is open at a time");
    }
    Box::new(move || budget::within(CALLS, || tester.is_consistent()))
}
