//! A list and a dictionary in the server beside Rust's own, under the same operations.

use forkproof::manager::{DictProxy, ListProxy, Manager};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

#[derive(Clone, Debug)]
enum OnList {
    Append(i8),
    Insert(i8, i8),
    Pop(i8),
    Set(i8, i8),
    Slice(i8, i8, i8),
    Remove(i8),
    Sort,
    Reverse,
}

fn on_list() -> impl Strategy<Value = OnList> {
    let near = -9..9_i8;
    prop_oneof![
        4 => any::<i8>().prop_map(OnList::Append),
        2 => (near.clone(), any::<i8>()).prop_map(|(at, item)| OnList::Insert(at, item)),
        1 => near.clone().prop_map(OnList::Pop),
        1 => (near.clone(), any::<i8>()).prop_map(|(at, item)| OnList::Set(at, item)),
        2 => (near.clone(), near.clone(), -3..4_i8).prop_map(|(a, b, c)| OnList::Slice(a, b, c)),
        1 => any::<i8>().prop_map(OnList::Remove),
        1 => Just(OnList::Sort),
        1 => Just(OnList::Reverse),
    ]
}

/// The place that an index means.
fn place(at: i8, len: usize) -> Option<usize> {
    let at = isize::from(at);
    let at = if at < 0 { at + len as isize } else { at };
    usize::try_from(at).ok().filter(|at| *at < len)
}

/// Python's slice, by its definition: the places from start on, in steps, before stop.
fn slice(model: &[i8], start: i8, stop: i8, step: i8) -> Vec<i8> {
    let len = model.len() as isize;
    let bound = |at: i8| isize::from(at) + if at < 0 { len } else { 0 };
    let (start, stop, step) = (bound(start), bound(stop), isize::from(step));
    let mut found = Vec::new();
    let mut at = if step > 0 {
        start.max(0)
    } else {
        start.min(len - 1)
    };
    while (step > 0 && at < stop.min(len)) || (step < 0 && at > stop.max(-1)) {
        found.push(model[at as usize]);
        at += step;
    }
    found
}

/// Whether both did it, and what it gave.
fn apply(
    list: &ListProxy<i8>,
    model: &mut Vec<i8>,
    operation: &OnList,
) -> Result<(), TestCaseError> {
    match *operation {
        OnList::Append(item) => {
            list.append(item).unwrap();
            model.push(item);
        }
        OnList::Insert(at, item) => {
            list.insert(at.into(), item).unwrap();
            let len = model.len() as isize;
            let at = isize::from(at) + if at < 0 { len } else { 0 };
            model.insert(at.clamp(0, len) as usize, item);
        }
        OnList::Pop(at) => {
            let expected = place(at, model.len()).map(|at| model.remove(at));
            prop_assert_eq!(list.pop_at(at.into()).ok(), expected);
        }
        OnList::Set(at, item) => {
            let there = place(at, model.len()).map(|at| model[at] = item);
            prop_assert_eq!(list.set(at.into(), item).is_ok(), there.is_some());
        }
        OnList::Slice(start, stop, step) => {
            let bounds = [start, stop, step].map(|bound| Some(bound.into()));
            let got = list.slice(bounds[0], bounds[1], bounds[2]).ok();
            let expected = (step != 0).then(|| slice(model, start, stop, step));
            prop_assert_eq!(got, expected);
        }
        OnList::Remove(item) => {
            let there = model.iter().position(|other| *other == item);
            prop_assert_eq!(list.remove(&item).is_ok(), there.is_some());
            there.map(|at| model.remove(at));
        }
        OnList::Sort => {
            list.sort().unwrap();
            model.sort_unstable();
        }
        OnList::Reverse => {
            list.reverse().unwrap();
            model.reverse();
        }
    }
    prop_assert_eq!(&list.to_vec().unwrap(), model);
    Ok(())
}

#[test]
fn a_list_is_as_a_vec() {
    let manager = Manager::start().unwrap();
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(64)
    };
    let operations = prop::collection::vec(on_list(), 1..25);
    let outcome = TestRunner::new(config).run(&operations, |operations| {
        let (list, mut model) = (manager.list([]).unwrap(), Vec::new());
        for operation in &operations {
            apply(&list, &mut model, operation)?;
        }
        Ok(())
    });
    outcome.unwrap();
    assert_eq!(manager.count_objects().unwrap(), 0);
}

/// In the order of the keys' coming: a vector of pairs.
fn same_dictionary(
    dict: &DictProxy<u8, i8>,
    operations: &[(u8, Option<i8>)],
) -> Result<(), TestCaseError> {
    let mut model: Vec<(u8, i8)> = Vec::new();
    for &(key, value) in operations {
        let known = model.iter().position(|(other, _)| *other == key);
        match (value, known) {
            (Some(value), Some(at)) => model[at].1 = value,
            (Some(value), None) => model.push((key, value)),
            (None, _) => {}
        }
        match value {
            Some(value) => dict.insert(key, value).unwrap(),
            None => {
                let expected = known.map(|at| model.remove(at).1);
                prop_assert_eq!(dict.pop(&key).unwrap(), expected);
            }
        }
        prop_assert_eq!(&dict.items().unwrap(), &model);
        prop_assert_eq!(dict.len().unwrap(), model.len());
    }
    Ok(())
}

#[test]
fn a_dictionary_is_as_pairs_in_order() {
    let manager = Manager::start().unwrap();
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(48)
    };
    let operations = prop::collection::vec((0..12_u8, any::<Option<i8>>()), 1..40);
    let outcome = TestRunner::new(config).run(&operations, |operations| {
        same_dictionary(&manager.dict([]).unwrap(), &operations)
    });
    outcome.unwrap();
}
