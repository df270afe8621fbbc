//! Appends to a list and to a dict in a manager's server: each request is one step.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::check::chain::Chain;
use crate::check::{dict, sequence};
use crate::manager::{DictProxy, Kind, ListProxy, Manager, ManagerError};
use crate::verify::scenario::{Dawdle, Scenario, Subject, check};
use crate::verify::shared_list::item;
use crate::verify::{Budget, Progress, Report};

const LIST_REGRESSIONS: &str = "managers_list.txt";
const DICT_REGRESSIONS: &str = "managers_dict.txt";

/// To a manager's list.
pub fn list(budget: Budget, progress: &Progress) -> Report {
    with_manager(|manager| {
        let open = |items: &Chain<u32>| Ok(Shelf(manager.list(items.to_vec())?));
        check(open, appends(), LIST_REGRESSIONS, budget, progress)
    })
}

/// To a manager's dict.
pub fn dict(budget: Budget, progress: &Progress) -> Report {
    with_manager(|manager| {
        let open = |entries: &BTreeMap<u8, u32>| {
            let entries = entries.iter().map(|(&key, &value)| (key, value));
            Ok(Register(manager.dict(entries)?))
        };
        check(open, entries(), DICT_REGRESSIONS, budget, progress)
    })
}

fn with_manager(work: impl FnOnce(&Manager) -> Report) -> Report {
    match Manager::start() {
        Ok(manager) => work(&manager),
        Err(error) => Report::holds(0, 0, 0).fails(format!("no manager: {error}")),
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Shelf(ListProxy<u32>);

impl Subject for Shelf {
    type Spec = sequence::Sequence;

    fn perform(&self, call: sequence::Call, _: Dawdle) -> crate::Result<sequence::Return> {
        use sequence::{Call, Return};
        Ok(match call {
            Call::Append { item } => self.0.append(item).map(|()| Return::Nothing)?,
            Call::Extend { items } => self.0.extend(items).map(|()| Return::Nothing)?,
            Call::Pop => Return::Item(unless_missing(self.0.pop())?),
            Call::Get { index } => Return::Item(unless_missing(self.0.get(index as isize))?),
            Call::Len => Return::Len(self.0.len()?),
        })
    }

    fn end(&self) -> Chain<u32> {
        let items = self.0.to_vec().expect("the server is there");
        items.into_iter().collect()
    }
}

/// `None` in place of an `IndexError`.
fn unless_missing(item: Result<u32, ManagerError>) -> Result<Option<u32>, Error> {
    match item {
        Err(error) if error.kind() == Some(Kind::IndexError) => Ok(None),
        item => Ok(item.map(Some)?),
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Register(DictProxy<u8, u32>);

impl Subject for Register {
    type Spec = dict::Dict;

    fn perform(&self, call: dict::Call, _: Dawdle) -> crate::Result<dict::Return> {
        use dict::{Call, Return};
        Ok(match call {
            Call::Set { key, value } => self.0.insert(key, value).map(|()| Return::Nothing)?,
            Call::SetDefault { key, value } => Return::Value(Some(self.0.set_default(key, value)?)),
            Call::Get { key } => Return::Value(self.0.get(&key)?),
            Call::Pop { key } => Return::Value(self.0.pop(&key)?),
            Call::Len => Return::Len(self.0.len()?),
        })
    }

    fn end(&self) -> BTreeMap<u8, u32> {
        let entries = self.0.items().expect("the server is there");
        entries.into_iter().collect()
    }
}

/// Lanes of few calls, as most return nothing that would tell the judge of their place.
fn lanes<C: std::fmt::Debug + Clone>(
    call: impl Fn(usize, usize, u8) -> C + Clone,
) -> impl Strategy<Value = Vec<Vec<C>>> {
    let shapes = prop_oneof![Just((2, 7)), Just((3, 4)), Just((4, 3))];
    let kinds = shapes.prop_flat_map(|(lanes, calls)| {
        prop::collection::vec(prop::collection::vec(0..=9u8, 0..=calls), lanes)
    });
    kinds.prop_map(move |lanes| {
        let lanes = lanes.into_iter().enumerate().map(|(lane, kinds)| {
            let kinds = kinds.into_iter().enumerate();
            kinds
                .map(|(number, kind)| call(lane, number, kind))
                .collect()
        });
        lanes.collect()
    })
}

fn appends() -> impl Strategy<Value = Scenario<sequence::Sequence>> {
    use sequence::Call;
    let lanes = lanes(|lane, number, kind| match kind {
        0..=4 => Call::Append {
            item: item(lane, number),
        },
        5 => Call::Extend {
            items: [item(lane, number), item(lane, number) + 50],
        },
        6 | 7 => Call::Pop,
        8 => Call::Get { index: number },
        _ => Call::Len,
    });
    (0..=3u32, lanes).prop_map(|(items, lanes)| Scenario {
        start: (10_001..10_001 + items).collect(),
        lanes,
    })
}

/// Of three keys, so that lanes meet.
fn entries() -> impl Strategy<Value = Scenario<dict::Dict>> {
    use dict::Call;
    let lanes = lanes(|lane, number, kind| {
        let (key, value) = ((lane + number) as u8 % 3, item(lane, number));
        match kind {
            0..=2 => Call::Set { key, value },
            3 | 4 => Call::SetDefault { key, value },
            5 | 6 => Call::Get { key },
            7 | 8 => Call::Pop { key },
            _ => Call::Len,
        }
    });
    let start = prop::collection::btree_map(0..3u8, 10_001..10_009u32, 0..=2);
    (start, lanes).prop_map(|(start, lanes)| Scenario { start, lanes })
}
