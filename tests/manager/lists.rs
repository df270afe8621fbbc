//! Lists, dictionaries and namespaces, through their proxies.

use std::collections::BTreeMap;

use forkproof::manager::{DictProxy, Item, Kind, ListProxy, Manager, ManagerError, to_item};
use forkproof::{Process, Queue};

use crate::kind;

type Records = ListProxy<(String, i32)>;

fn record(name: &str, score: i32) -> (String, i32) {
    (name.to_owned(), score)
}

fn insert(records: Records) -> Result<(), ManagerError> {
    records.append(record("Alexis", 79))
}

#[test]
fn a_child_appends_to_the_parents_list() {
    let manager = Manager::start().unwrap();
    let records: Records = manager.list([record("Maura", 70)]).unwrap();
    let child = Process::new(insert, (records.clone(),));
    child.start().unwrap();
    assert_eq!(child.join().unwrap(), 0);
    assert_eq!(records.to_string(), "[('Maura', 70), ('Alexis', 79)]");
    let mut seen = Vec::new();
    for record in &records {
        seen.push(record.unwrap());
    }
    assert_eq!(seen, [record("Maura", 70), record("Alexis", 79)]);
}

/// Each method beside what Python's list does.
#[test]
fn a_list_does_all_that_pythons_does() {
    let manager = Manager::start().unwrap();
    let list = manager.list(0..5).unwrap();
    let now = || list.to_vec().unwrap();
    list.append(5).unwrap();
    list.extend([6, 7]).unwrap();
    list.insert(0, -1).unwrap();
    list.insert(-1, 66).unwrap();
    list.insert(100, 8).unwrap();
    list.insert(-100, -2).unwrap();
    assert_eq!(now(), [-2, -1, 0, 1, 2, 3, 4, 5, 6, 66, 7, 8]);
    assert_eq!((list.pop().unwrap(), list.pop_at(0).unwrap()), (8, -2));
    assert_eq!(list.pop_at(-2).unwrap(), 66);
    list.remove(&-1).unwrap();
    list.delete(-1).unwrap();
    assert_eq!(now(), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!((list.get(0).unwrap(), list.get(-7).unwrap()), (0, 0));
    list.set(-1, 60).unwrap();
    assert_eq!(list.slice(Some(-3), None, None).unwrap(), [4, 5, 60]);
    assert_eq!(list.slice(None, None, Some(-2)).unwrap(), [60, 4, 2, 0]);
    assert_eq!(list.slice(Some(5), Some(1), None).unwrap(), [0; 0]);
    list.set_slice(Some(1), Some(3), [9]).unwrap();
    list.delete_slice(Some(-2), None).unwrap();
    assert_eq!(now(), [0, 9, 3, 4]);
    assert_eq!(list.index(&3).unwrap(), 2);
    assert_eq!(list.count(&4).unwrap(), 1);
    assert!(list.contains(&9).unwrap() && !list.contains(&8).unwrap());
    list.sort_reverse().unwrap();
    assert_eq!(now(), [9, 4, 3, 0]);
    list.reverse().unwrap();
    list.repeat(2).unwrap();
    assert_eq!(now(), [0, 3, 4, 9, 0, 3, 4, 9]);
    list.sort().unwrap();
    assert_eq!(list.to_string(), "[0, 0, 3, 3, 4, 4, 9, 9]");
    assert_eq!((list.len().unwrap(), list.is_empty().unwrap()), (8, false));

    assert_eq!(kind(list.get(8)), Kind::IndexError);
    assert_eq!(kind(list.set(-9, 1)), Kind::IndexError);
    assert_eq!(kind(list.delete(8)), Kind::IndexError);
    assert_eq!(kind(list.pop_at(8)), Kind::IndexError);
    assert_eq!(kind(list.remove(&77)), Kind::ValueError);
    assert_eq!(kind(list.index(&77)), Kind::ValueError);
    assert_eq!(kind(list.slice(None, None, Some(0))), Kind::ValueError);
    assert_eq!(kind(list.repeat(usize::MAX)), Kind::ValueError);
    list.delete_slice(None, None).unwrap();
    assert_eq!(kind(list.pop()), Kind::IndexError);
    assert_eq!(list.to_string(), "[]");
}

#[test]
fn a_list_of_anything_is_sorted_only_if_it_can_be() {
    let manager = Manager::start().unwrap();
    let list: ListProxy = manager.list([2.into(), "a".into(), Item::from(1)]).unwrap();
    assert_eq!(kind(list.sort()), Kind::TypeError);
    assert_eq!(list.to_string(), "[2, 'a', 1]");
    list.set(1, 1.5.into()).unwrap();
    list.sort().unwrap();
    assert_eq!(list.to_string(), "[1, 1.5, 2]");
    list.append(to_item(&(1, "x")).unwrap()).unwrap();
    assert_eq!(list.get(-1).unwrap().to_string(), "(1, 'x')");
}

#[test]
fn a_dictionary_does_all_that_pythons_does() {
    let manager = Manager::start().unwrap();
    let dict: DictProxy<String, i32> = manager.dict([]).unwrap();
    for (key, value) in [("a", 1), ("b", 2)] {
        dict.insert(key.into(), value).unwrap();
    }
    assert_eq!((dict.at("a").unwrap(), dict.get("zz").unwrap()), (1, None));
    assert_eq!(kind(dict.at("zz")), Kind::KeyError);
    assert_eq!(dict.keys().unwrap(), ["a", "b"]);
    assert_eq!(dict.values().unwrap(), [1, 2]);
    let pairs = dict.items().unwrap();
    assert_eq!(pairs, [("a".to_owned(), 1), ("b".to_owned(), 2)]);
    assert!(dict.contains("a").unwrap());
    assert_eq!(dict.pop("a").unwrap(), Some(1));
    assert_eq!(dict.pop("a").unwrap(), None);
    assert_eq!(kind(dict.delete("a")), Kind::KeyError);
    assert_eq!(dict.set_default("c".into(), 3).unwrap(), 3);
    assert_eq!(dict.set_default("c".into(), 4).unwrap(), 3);
    dict.update(BTreeMap::from([("e".to_owned(), 5)])).unwrap();
    assert_eq!(dict.to_string(), "{'b': 2, 'c': 3, 'e': 5}");
    assert_eq!(dict.pop_item().unwrap(), ("e".to_owned(), 5));
    assert_eq!(dict.iter().unwrap().collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!((dict.len().unwrap(), dict.is_empty().unwrap()), (2, false));
    dict.clear().unwrap();
    assert_eq!(dict.to_string(), "{}");
    assert_eq!(kind(dict.pop_item()), Kind::KeyError);
}

#[test]
fn a_key_that_may_change_is_refused_by_the_server() {
    let manager = Manager::start().unwrap();
    let dict: DictProxy<Vec<i32>, i32> = manager.dict([]).unwrap();
    assert_eq!(kind(dict.insert(vec![1], 2)), Kind::TypeError);
    let tuples: DictProxy<(i32, i32), i32> = manager.dict([((1, 1), 2)]).unwrap();
    assert_eq!(
        tuples.at(&(1.0, true)).unwrap(),
        2,
        "numbers are keys by value"
    );
}

#[test]
fn a_namespace_has_its_names() {
    let manager = Manager::start().unwrap();
    let names = manager
        .namespace([("b", "z".into()), ("a", 1.into())])
        .unwrap();
    assert_eq!(names.to_string(), "Namespace(a=1, b='z')");
    names.set("_private", 5).unwrap();
    assert_eq!(names.to_string(), "Namespace(a=1, b='z')");
    assert_eq!(names.get::<u8>("_private").unwrap(), 5);
    names.delete("a").unwrap();
    assert_eq!(kind(names.get::<u8>("a")), Kind::AttributeError);
    assert_eq!(kind(names.delete("a")), Kind::AttributeError);
}

/// Many pieces each way.
#[test]
fn an_item_may_be_larger_than_the_queues() {
    let manager = Manager::start().unwrap();
    let list: ListProxy<String> = manager.list([]).unwrap();
    let large: String = (0..5 << 20)
        .map(|at| char::from(b'a' + (at % 26) as u8))
        .collect();
    list.append(large.clone()).unwrap();
    assert!(list.get(0).unwrap() == large);
    for bytes in [65_400, 65_500, 65_530, 65_536, 65_537, 131_072, 131_073] {
        list.append(large[..bytes].to_owned()).unwrap();
        assert_eq!(list.pop().unwrap().len(), bytes);
    }
}

#[test]
fn a_request_has_a_bound_and_the_next_one_is_served() {
    let manager = Manager::builder().request_bytes(100_000).start().unwrap();
    let list: ListProxy<String> = manager.list(["here".to_owned()]).unwrap();
    let refused = list.append("x".repeat(200_000)).unwrap_err();
    assert!(
        matches!(
            refused,
            ManagerError::TooLarge {
                most_bytes: 100_000
            }
        ),
        "{refused}"
    );
    list.append("x".repeat(90_000)).unwrap();
    assert_eq!(list.len().unwrap(), 2);
}

fn pass_on(queue: Queue<ListProxy<i32>>, seen: ListProxy<ListProxy<i32>>) -> forkproof::Result<()> {
    let list = queue.get()?;
    list.append(1)?;
    seen.append(list)?;
    Ok(())
}

/// A proxy in a queue, whose sender has dropped its own; and a proxy in a list stays live.
#[test]
fn proxies_travel_and_lie_in_each_other() {
    let manager = Manager::start().unwrap();
    let outer: ListProxy<ListProxy<i32>> = manager.list([]).unwrap();
    let queue = Queue::new().unwrap();
    let inner = manager.list([0]).unwrap();
    queue.put(inner).unwrap();
    assert_eq!(manager.count_objects().unwrap(), 2);
    let child = Process::new(pass_on, (queue, outer.clone()));
    child.start().unwrap();
    assert_eq!(child.join().unwrap(), 0);
    let inner = outer.get(0).unwrap();
    assert_eq!(inner.to_string(), "[0, 1]");
    inner.append(2).unwrap();
    assert_eq!(outer.get(0).unwrap().to_vec().unwrap(), [0, 1, 2]);
    let shown = outer.to_string();
    assert_eq!(shown, format!("[{inner:?}]"));
    assert!(
        shown.starts_with("[<ListProxy object, typeid 'list' at 0x"),
        "{shown}"
    );
    drop(inner);
    assert_eq!(manager.count_objects().unwrap(), 2);
    outer.delete(0).unwrap();
    assert_eq!(manager.count_objects().unwrap(), 1);
}

#[test]
fn a_proxy_in_another_managers_list_keeps_its_object() {
    let (one, other) = (Manager::start().unwrap(), Manager::start().unwrap());
    let here = one.list([7]).unwrap();
    let there: ListProxy<ListProxy<i32>> = other.list([]).unwrap();
    there.append(here).unwrap();
    assert_eq!(one.count_objects().unwrap(), 1, "by its loan alone");
    let back = there.pop().unwrap();
    assert_eq!(back.get(0).unwrap(), 7);
    drop(back);
    // The other server has let go of it when it answers the next request.
    assert_eq!(other.count_objects().unwrap(), 1);
    assert_eq!(one.count_objects().unwrap(), 0);
}
