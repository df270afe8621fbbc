//! `--spec queue`: `enqueue` and `dequeue`, also called `put` and `get`, and `len`.

use super::datum::Datum;
use super::language::Language;
use super::malformed::Malformed;
use super::operation::Operation;
use super::pairing::Paired;
use crate::check::independent::{Call as Under, Independent, State};
use crate::check::queue::{self, Call, Return};

pub struct Queue;

impl Language for Queue {
    type Spec = Independent<queue::Queue<Datum>>;

    fn start(&mut self, start: Option<&Datum>) -> Result<State<queue::Queue<Datum>>, &'static str> {
        let items = match start {
            None => Vec::new(),
            Some(Datum::List(items)) => items.to_vec(),
            Some(_) => return Err("a vector of items, the oldest first"),
        };
        Ok(State::all(queue::State {
            capacity: None,
            items,
        }))
    }

    fn call(&mut self, paired: &Paired) -> Result<Under<queue::Queue<Datum>>, Malformed> {
        let item = &paired.call.value.datum;
        let told_nothing = match item {
            Datum::Nil => Ok(()),
            _ => Err(paired.call.expected("nil, as this call is told nothing")),
        };
        let call = match &*paired.call.function.name {
            "enqueue" | "put" => match item {
                Datum::Nil => return Err(paired.call.expected("an item")),
                item => Call::Put { item: item.clone() },
            },
            "dequeue" | "get" => told_nothing.map(|()| Call::TryGet)?,
            "len" => told_nothing.map(|()| Call::Len)?,
            _ => return Err(paired.call.unknown("enqueue, dequeue or len")),
        };
        Ok(Under {
            key: paired.call.key(),
            call,
        })
    }

    fn returned(
        &mut self,
        call: &Under<queue::Queue<Datum>>,
        paired: &Paired,
        returned: &Operation,
    ) -> Result<Return<Datum>, Malformed> {
        match call.call {
            Call::Put { .. } | Call::TryPut { .. } => {
                returned.echoes(paired.call)?;
                Ok(Return::Put)
            }
            Call::Get | Call::TryGet => Ok(match &returned.value.datum {
                Datum::Nil => Return::Empty,
                item => Return::Got(item.clone()),
            }),
            Call::Len => {
                let len = returned
                    .value
                    .datum
                    .int()
                    .and_then(|len| usize::try_from(len).ok());
                len.map(Return::Len)
                    .ok_or_else(|| returned.expected("a number of items"))
            }
        }
    }
}
