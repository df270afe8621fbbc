//! What the operations of a file say of an object.

use std::sync::Arc;

use super::datum::Datum;
use super::malformed::Malformed;
use super::operation::{Operation, Value};
use super::pairing::Paired;
use crate::check::Spec;

pub type StateOf<L> = <<L as Language>::Spec as Spec>::State;
pub type CallOf<L> = <<L as Language>::Spec as Spec>::Call;
pub type ReturnOf<L> = <<L as Language>::Spec as Spec>::Return;

/// The functions of an object, and what their values mean.
pub trait Language {
    type Spec: Spec;

    /// The state that `--start` says, or the one without it.
    ///
    /// # Errors
    /// What was expected in its place.
    fn start(&mut self, start: Option<&Datum>) -> Result<StateOf<Self>, &'static str>;

    /// # Errors
    /// A function that the object does not have; a value of the wrong type.
    fn call(&mut self, paired: &Paired) -> Result<CallOf<Self>, Malformed>;

    /// # Errors
    /// A value that the call cannot return.
    fn returned(
        &mut self,
        call: &CallOf<Self>,
        paired: &Paired,
        returned: &Operation,
    ) -> Result<ReturnOf<Self>, Malformed>;
}

impl Operation {
    /// The function is none of these.
    pub fn unknown(&self, functions: &str) -> Malformed {
        let problem = format!("expected {functions}, and found {:?}", self.function.name);
        Malformed::new(self.line, self.function.column, &problem)
    }

    /// The value of this line is not what was expected.
    pub fn expected(&self, what: &str) -> Malformed {
        self.value.expected(self.line, what)
    }

    /// The key as a text; empty if there is none.
    pub fn key(&self) -> Arc<str> {
        key_of(&self.key.datum)
    }

    /// The key and the value, where they stand as `[key value]` in the value's place, as Jepsen's independent keys do.
    pub fn pair(&self) -> Option<(Arc<str>, Value)> {
        match self.value.datum.list() {
            Some([key, datum]) => {
                let value = Value {
                    datum: datum.clone(),
                    column: self.value.column,
                };
                Some((key_of(key), value))
            }
            _ => None,
        }
    }

    /// # Errors
    /// There is a value, and it is not that of the call, of which a return has nothing else to say.
    pub fn echoes(&self, call: &Operation) -> Result<(), Malformed> {
        match self.value.datum == Datum::Nil || self.value.datum == call.value.datum {
            true => Ok(()),
            false => Err(self.expected(&format!("the value of the call, {}", call.value.datum))),
        }
    }
}

fn key_of(key: &Datum) -> Arc<str> {
    match key {
        Datum::Nil => "".into(),
        key => key.to_string().into(),
    }
}
