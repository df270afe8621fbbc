//! `--spec list`: `append`, `pop`, `get`, `len`, and `read` of all.

use super::datum::Datum;
use super::language::Language;
use super::malformed::Malformed;
use super::operation::Operation;
use super::pairing::Paired;
use crate::check::Spec;
use crate::check::chain::Chain;
use crate::check::independent::{Call as Under, Independent, State};
use crate::check::sequence::{self, Sequence};

pub struct List;

/// A [`Sequence`] that can be read as a whole.
pub enum Listing {}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    One(sequence::Call<Datum>),
    Read,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Return {
    One(sequence::Return<Datum>),
    All(Chain<Datum>),
}

impl Spec for Listing {
    type State = Chain<Datum>;
    type Call = Call;
    type Return = Return;

    fn apply(items: &Chain<Datum>, call: &Call) -> (Chain<Datum>, Return) {
        match call {
            Call::One(call) => {
                let (after, returned) = Sequence::apply(items, call);
                (after, Return::One(returned))
            }
            Call::Read => (items.clone(), Return::All(items.clone())),
        }
    }

    fn only_reads(call: &Call) -> bool {
        match call {
            Call::One(call) => Sequence::only_reads(call),
            Call::Read => true,
        }
    }

    fn tell_call(call: &Call) -> String {
        use sequence::Call as Is;
        match call {
            Call::One(Is::Append { item }) => format!("append {item}"),
            Call::One(Is::Extend { items: [one, two] }) => format!("extend {one} {two}"),
            Call::One(Is::Pop) => "pop".to_owned(),
            Call::One(Is::Get { index }) => format!("get {index}"),
            Call::One(Is::Len) => "len".to_owned(),
            Call::Read => "read".to_owned(),
        }
    }

    fn tell_return(returned: &Return) -> String {
        use sequence::Return as Is;
        match returned {
            Return::One(Is::Nothing) => "done".to_owned(),
            Return::One(Is::Item(None)) => "nil".to_owned(),
            Return::One(Is::Item(Some(item))) => item.to_string(),
            Return::One(Is::Len(len)) => len.to_string(),
            Return::All(items) => format!("{items:?}"),
        }
    }
}

impl Language for List {
    type Spec = Independent<Listing>;

    fn start(&mut self, start: Option<&Datum>) -> Result<State<Listing>, &'static str> {
        match start {
            None => Ok(State::all(Chain::new())),
            Some(Datum::List(items)) => Ok(State::all(items.iter().cloned().collect())),
            Some(_) => Err("a vector of items"),
        }
    }

    fn call(&mut self, paired: &Paired) -> Result<Under<Listing>, Malformed> {
        let value = &paired.call.value.datum;
        let told_nothing = match value {
            Datum::Nil => Ok(()),
            _ => Err(paired.call.expected("nil, as this call is told nothing")),
        };
        let call = match &*paired.call.function.name {
            "append" => match value {
                Datum::Nil => return Err(paired.call.expected("an item")),
                item => Call::One(sequence::Call::Append { item: item.clone() }),
            },
            "get" => {
                let index = value.int().and_then(|index| usize::try_from(index).ok());
                let index = index.ok_or_else(|| paired.call.expected("an index from 0"))?;
                Call::One(sequence::Call::Get { index })
            }
            "pop" => told_nothing.map(|()| Call::One(sequence::Call::Pop))?,
            "len" => told_nothing.map(|()| Call::One(sequence::Call::Len))?,
            "read" => told_nothing.map(|()| Call::Read)?,
            _ => return Err(paired.call.unknown("append, pop, get, len or read")),
        };
        Ok(Under {
            key: paired.call.key(),
            call,
        })
    }

    fn returned(
        &mut self,
        call: &Under<Listing>,
        paired: &Paired,
        returned: &Operation,
    ) -> Result<Return, Malformed> {
        use sequence::{Call as Is, Return as Gives};
        let value = &returned.value.datum;
        Ok(match &call.call {
            Call::Read => match value.list() {
                Some(items) => Return::All(items.iter().cloned().collect()),
                None => return Err(returned.expected("a vector of all items")),
            },
            Call::One(Is::Append { .. } | Is::Extend { .. }) => {
                returned.echoes(paired.call)?;
                Return::One(Gives::Nothing)
            }
            Call::One(Is::Pop | Is::Get { .. }) => Return::One(Gives::Item(
                Some(value.clone()).filter(|it| *it != Datum::Nil),
            )),
            Call::One(Is::Len) => {
                let len = value.int().and_then(|len| usize::try_from(len).ok());
                Return::One(Gives::Len(
                    len.ok_or_else(|| returned.expected("a number of items"))?,
                ))
            }
        })
    }
}
