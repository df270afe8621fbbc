//! `--spec register`: `read`, `write` and `cas`, of one register or of one for each key.

use std::sync::Arc;

use super::datum::Datum;
use super::language::Language;
use super::malformed::Malformed;
use super::operation::{Kind, Operation, Value};
use super::pairing::Paired;
use crate::check::independent::{Call as Under, Independent, State};
use crate::check::register::{Call, Register, Return};

pub struct Registers {
    /// Whether each value is `[key value]`.
    has_pairs: bool,
}

impl Registers {
    /// Values are `[key value]` if they are in all calls, and those of `cas` are `[key [expected new]]`.
    pub fn of(operations: &[Operation]) -> Registers {
        let calls = operations
            .iter()
            .filter(|operation| operation.kind == Kind::Invoke);
        let has_pairs = calls.into_iter().all(|call| match call.pair() {
            Some((_, value)) => {
                call.function.name != "cas" || value.datum.list().is_some_and(|it| it.len() == 2)
            }
            None => false,
        });
        Registers { has_pairs }
    }

    fn split(&self, operation: &Operation) -> Result<(Arc<str>, Value), Malformed> {
        match self.has_pairs {
            true => operation
                .pair()
                .ok_or_else(|| operation.expected("[key value], as in all calls")),
            false => Ok((operation.key(), operation.value.clone())),
        }
    }
}

impl Language for Registers {
    type Spec = Independent<Register<Datum>>;

    fn start(&mut self, start: Option<&Datum>) -> Result<State<Register<Datum>>, &'static str> {
        Ok(State::all(start.cloned().unwrap_or(Datum::Nil)))
    }

    fn call(&mut self, paired: &Paired) -> Result<Under<Register<Datum>>, Malformed> {
        let (key, value) = self.split(paired.call)?;
        let call = match &*paired.call.function.name {
            "read" => match value.datum {
                Datum::Nil => Call::Read,
                _ => return Err(value.expected(paired.call.line, "nil, as a read is told nothing")),
            },
            "write" => Call::Write { value: value.datum },
            "cas" => match value.datum.list() {
                Some([expected, new]) => Call::Cas {
                    expected: expected.clone(),
                    new: new.clone(),
                },
                _ => return Err(value.expected(paired.call.line, "[expected new]")),
            },
            _ => return Err(paired.call.unknown("read, write or cas")),
        };
        Ok(Under { key, call })
    }

    fn returned(
        &mut self,
        call: &Under<Register<Datum>>,
        paired: &Paired,
        returned: &Operation,
    ) -> Result<Return<Datum>, Malformed> {
        if matches!(call.call, Call::Read) {
            let (key, value) = self.split(returned)?;
            return match key == call.key || key.is_empty() {
                true => Ok(Return::Value(value.datum)),
                false => Err(returned.expected(&format!("the key of the call, {}", call.key))),
            };
        }
        returned.echoes(paired.call)?;
        Ok(Return::Written)
    }
}
