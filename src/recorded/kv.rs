//! `--spec kv`: `get`, `put` and `append` of texts, by key.

use std::sync::Arc;

use super::datum::Datum;
use super::language::Language;
use super::malformed::Malformed;
use super::operation::{Operation, Value};
use super::pairing::Paired;
use crate::check::independent::{Call as Under, State};
use crate::check::store::{Call, Entry, Return, Store};
use crate::check::text::Text;

pub struct Kv;

/// The key of a line, from its `:key` or from a value `[key value]`, and the value.
fn split(operation: &Operation) -> Result<(Arc<str>, Value), Malformed> {
    if operation.key.datum != Datum::Nil {
        return Ok((operation.key(), operation.value.clone()));
    }
    operation
        .pair()
        .ok_or_else(|| operation.expected("a :key, or [key value]"))
}

fn text(value: &Value, line: usize) -> Result<Text, Malformed> {
    match &value.datum {
        Datum::Text(text) => Ok(Text::from(&**text)),
        _ => Err(value.expected(line, "a string")),
    }
}

impl Language for Kv {
    type Spec = Store;

    fn start(&mut self, start: Option<&Datum>) -> Result<State<Entry>, &'static str> {
        let mut state = State::all(Text::default());
        match start {
            None => (),
            Some(Datum::Map(entries)) => {
                for (key, value) in entries.iter() {
                    let Datum::Text(value) = value else {
                        return Err("a map of strings");
                    };
                    state = state.with(&key.to_string(), Text::from(&**value));
                }
            }
            Some(_) => return Err("a map of strings"),
        }
        Ok(state)
    }

    fn call(&mut self, paired: &Paired) -> Result<Under<Entry>, Malformed> {
        let (key, value) = split(paired.call)?;
        let line = paired.call.line;
        let call = match &*paired.call.function.name {
            "get" if value.datum == Datum::Nil => Call::Get,
            "get" => return Err(value.expected(line, "nil, as a get is told nothing")),
            "put" => Call::Put {
                text: text(&value, line)?,
            },
            "append" => Call::Append {
                text: text(&value, line)?,
            },
            _ => return Err(paired.call.unknown("get, put or append")),
        };
        Ok(Under { key, call })
    }

    fn returned(
        &mut self,
        call: &Under<Entry>,
        paired: &Paired,
        returned: &Operation,
    ) -> Result<Return, Malformed> {
        if call.call != Call::Get {
            returned.echoes(paired.call)?;
            return Ok(Return::Done);
        }
        // The return may leave the key to its call.
        let value = match paired.call.key.datum {
            Datum::Nil => {
                let (key, value) = split(returned)?;
                if key != call.key {
                    return Err(returned.expected(&format!("the key of the call, {}", call.key)));
                }
                value
            }
            _ => returned.value.clone(),
        };
        match value.datum {
            Datum::Nil => Ok(Return::Got(Text::default())), // nothing was put yet
            _ => Ok(Return::Got(text(&value, returned.line)?)),
        }
    }
}
