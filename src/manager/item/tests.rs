use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::*;

fn shown<T: Serialize>(value: T) -> String {
    to_item(&value).unwrap().to_string()
}

#[test]
fn values_are_shown_as_python_shows_them() {
    for (text, expected) in [
        (
            shown([("Maura", 70), ("Alexis", 79)].to_vec()),
            "[('Maura', 70), ('Alexis', 79)]",
        ),
        (
            shown(BTreeMap::from([("a", 10), ("b", 20)])),
            "{'a': 10, 'b': 20}",
        ),
        (
            shown(((), None::<u8>, true, false)),
            "(None, None, True, False)",
        ),
        (shown((1,)), "(1,)"),
        (
            shown([0.1, 1.0, -0.0, 1e16, 123456789.0, 0.0001, 0.00001, 1.5e300].to_vec()),
            "[0.1, 1.0, -0.0, 1e+16, 123456789.0, 0.0001, 1e-05, 1.5e+300]",
        ),
        (
            shown([f64::INFINITY, f64::NEG_INFINITY, f64::NAN].to_vec()),
            "[inf, -inf, nan]",
        ),
        (shown("it's"), "\"it's\""),
        (shown("\"it's\""), r#"'"it\'s"'"#),
        (shown("a\\b\n\t\r\u{1}\u{7f}é"), r"'a\\b\n\t\r\x01\x7fé'"),
        (
            Item::Bytes(b"a'\x00\xff\\".to_vec()).to_string(),
            r#"b"a'\x00\xff\\""#,
        ),
    ] {
        assert_eq!(text, expected);
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Dot,
    Circle(f64),
    Line(i8, i8),
    Box { width: u64, height: Option<u64> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    shapes: Vec<Shape>,
    by_place: BTreeMap<(i32, i32), String>,
    letter: char,
    large: u64,
    small: i128,
    inner: Box<Option<Everything>>,
    unit: (),
}

fn everything() -> Everything {
    Everything {
        shapes: vec![
            Shape::Dot,
            Shape::Circle(1.5),
            Shape::Line(-1, 1),
            Shape::Box {
                width: 3,
                height: None,
            },
        ],
        by_place: BTreeMap::from([((1, 2), "here".into()), ((-1, 0), "there".into())]),
        letter: 'ß',
        large: u64::MAX,
        small: i128::MIN,
        inner: Box::new(None),
        unit: (),
    }
}

#[test]
fn what_goes_in_comes_out() {
    let mut value = everything();
    *value.inner = Some(everything());
    let item = to_item(&value).unwrap();
    assert_eq!(from_item::<Everything>(item.clone()).unwrap(), value);
    // And through bytes.
    let bytes = postcard::to_allocvec(&item).unwrap();
    let back: Item = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(back, item);
    assert_eq!(from_item::<Everything>(back).unwrap(), value);
}

/// A tuple stays one, and bytes stay bytes.
#[test]
fn an_item_is_an_item() {
    let dict = to_item(&BTreeMap::from([((1, "x"), 2.0)])).unwrap();
    let item = Item::List(vec![
        Item::Tuple(vec![1.into(), Item::None]),
        Item::Bytes(vec![1, 2]),
        dict,
        Item::Tuple(Vec::new()),
    ]);
    let shown = "[(1, None), b'\\x01\\x02', {(1, 'x'): 2.0}, ()]";
    assert_eq!(to_item(&item).unwrap().to_string(), shown);
    assert_eq!(from_item::<Item>(item.clone()).unwrap().to_string(), shown);
    let [pair, ..] = <[Item; 4]>::try_from(from_item::<Vec<Item>>(item).unwrap()).unwrap();
    assert_eq!(pair.to_string(), "(1, None)");
}

#[test]
fn numbers_are_equal_by_value() {
    assert_eq!(Item::from(1), Item::from(true));
    assert_eq!(Item::from(1), Item::from(1.0));
    assert_ne!(Item::from(f64::NAN), Item::from(f64::NAN));
    assert_ne!(
        Item::from((1_i64 << 53) + 1),
        Item::from((1_i64 << 53) as f64)
    );
    assert_ne!(Item::Int(i128::MAX), Item::from(i128::MAX as f64));
    assert_ne!(Item::from("1"), Item::from(1));
    assert_ne!(Item::List(Vec::new()), Item::Tuple(Vec::new()));
    let order = |one: Item, other: Item| one.compare(&other).unwrap();
    assert_eq!(order(1.into(), 1.5.into()), Ordering::Less);
    assert_eq!(order((-1.5).into(), (-1).into()), Ordering::Less);
    assert_eq!(order(2.into(), 1.5.into()), Ordering::Greater);
    assert_eq!(
        order(f64::INFINITY.into(), i128::MAX.into()),
        Ordering::Greater
    );
    assert_eq!(order("a".into(), "b".into()), Ordering::Less);
    let refused = Item::from("a").compare(&1.into()).unwrap_err();
    assert_eq!(refused, NoOrder("str", "int"));
}

#[test]
fn a_dictionary_keeps_its_order_and_its_keys() {
    let mut dict = Dict::new();
    for number in 0..100 {
        assert_eq!(dict.insert(number.into(), number.into()), Ok(None));
    }
    for number in (0..100).filter(|number| number % 10 != 3) {
        assert_eq!(
            dict.remove(&f64::from(number).into()),
            Ok(Some(number.into()))
        );
    }
    assert_eq!(dict.insert(13.0.into(), "new".into()), Ok(Some(13.into())));
    dict.insert(5.into(), 5.into()).unwrap();
    let keys: Vec<String> = dict.iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(
        keys,
        [
            "3", "13", "23", "33", "43", "53", "63", "73", "83", "93", "5"
        ]
    );
    assert_eq!(dict.get(&13.into()), Ok(Some(&"new".into())));
    assert_eq!(dict.pop_last(), Some((5.into(), 5.into())));
    assert_eq!(dict.len(), 10);
    let list = Item::Tuple(vec![Item::List(Vec::new())]);
    assert_eq!(dict.get(&list), Err(Unhashable("list")));
    assert_eq!(dict.insert(list, 1.into()), Err(Unhashable("list")));
    assert_eq!(dict.len(), 10);
}

#[test]
fn what_lies_too_deep_is_refused() {
    let mut item = Item::None;
    for _ in 0..100 {
        item = Item::List(vec![item]);
    }
    let bytes = postcard::to_allocvec(&item).unwrap();
    assert_eq!(postcard::from_bytes::<Item>(&bytes).unwrap(), item);
    // A list of one, a hundred thousand times.
    let bytes = [6, 1].repeat(100_000);
    assert!(postcard::from_bytes::<Item>(&bytes).is_err());
    for _ in 0..100 {
        item = Item::List(vec![item]);
    }
    let refused = to_item(&item).unwrap_err();
    assert!(refused.to_string().contains("deep"), "{refused}");
    assert!(to_item(&1).is_ok(), "and the next is not");
}

#[test]
fn a_value_of_another_form_is_told() {
    assert!(from_item::<u8>(300.into()).is_err());
    assert!(from_item::<u8>("300".into()).is_err());
    assert!(from_item::<(u8, u8)>(Item::Tuple(vec![1.into()])).is_err());
    assert!(from_item::<(u8,)>(Item::Tuple(vec![1.into(), 2.into()])).is_err());
    assert!(from_item::<AnyProxy>(1.into()).is_err());
    assert!(to_item(&u128::MAX).is_err());
    assert!(to_item(&BTreeMap::from([(vec![1], 1)])).is_err());
    let lock = crate::sync::Lock::new().unwrap();
    assert!(
        to_item(&lock).is_err(),
        "a lock of shared memory is no item"
    );
}
