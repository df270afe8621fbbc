//! Who refers to what, and the errors of those that refer to nothing.

use super::*;
use crate::manager::error::Kind;

#[test]
fn an_object_is_there_as_long_as_anyone_refers_to_it() {
    let mut stage = stage();
    let inner = stage.make("list", NONE);
    let outer = stage.make("list", NONE);
    stage.request(B, Request::Adopt { object: outer });
    stage.put(outer, inner);
    stage.request(A, Request::Release { object: inner });
    assert_eq!(stage.core.count(), 2, "the outer one has it");
    let Verdict::Lent(loan) = stage.core.request(C, Request::Lend { object: outer }, 0) else {
        panic!("not lent");
    };
    stage.answers();
    stage.dies(A, false);
    stage.dies(B, false);
    assert_eq!(stage.core.count(), 2, "on loan");
    stage.core.end_loan(loan);
    assert_eq!(stage.core.count(), 0, "and the inner one with it");
    let gone = stage.call(C, outer, "append", (1,));
    assert_eq!(gone, told(&[(C, "RemoteError")]));
}

/// A hundred thousand lists, each in the one before, fall without a stack for each.
#[test]
fn a_long_chain_falls() {
    let mut stage = stage();
    let first = stage.make("list", NONE);
    let mut last = first;
    for _ in 0..100_000 {
        let next = stage.make("list", NONE);
        stage.put(last, next);
        stage.request(A, Request::Release { object: next });
        last = next;
    }
    assert_eq!(stage.core.count(), 100_001);
    stage.request(A, Request::Release { object: first });
    assert_eq!(stage.core.count(), 0);
}

#[test]
fn errors_are_of_pythons_kinds() {
    let mut stage = stage();
    let array = stage.make("Array", ("i", [1, 2]));
    let value = stage.make("Value", ("i", 5));
    for (object, method, args, expected) in [
        (
            array,
            "__setitem__",
            to_item(&(0, 1_i64 << 31)),
            "OverflowError",
        ),
        (array, "__setitem__", to_item(&(0, 1.5)), "TypeError"),
        (array, "__setitem__", to_item(&(2, 1)), "IndexError"),
        (array, "append", to_item(&(1,)), "AttributeError"),
        (array, "__str__", Ok(Item::None), "\"array('i', [1, 2])\""),
        (value, "__str__", Ok(Item::None), "\"Value('i', 5)\""),
        (value, "get", to_item(&(1,)), "TypeError"),
        (value, "set", Ok(Item::None), "TypeError"),
        (99, "get", Ok(Item::None), "RemoteError"),
    ] {
        let answers = stage.call(A, object, method, args.unwrap());
        assert_eq!(answers, told(&[(A, expected)]), "{method}");
    }
    for (typeid, args) in [("array", Vec::new()), ("list", vec![1.into()])] {
        let typeid = typeid.to_owned();
        let answers = stage.request(A, Request::Create { typeid, args });
        assert!(
            matches!(&*answers[0].1, "AttributeError" | "TypeError"),
            "{answers:?}"
        );
    }
    assert_eq!(Kind::Full.says("x").to_string(), "Full: x");
}
