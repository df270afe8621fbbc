//! Values, arrays and lists: what was written is read, whole, whoever is killed.

use super::super::programs::pairs::{self, Program};
use super::{Bounds, Scene};
use crate::check::Spec;
use crate::check::value::{Call, Return};
use crate::explore::Stage;
use crate::{LockError, ShareableItem, ShareableList, Value, check};

pub(super) static SCENES: &[Scene] = &[
    Scene {
        name: "value",
        primitive: "Value",
        claims: "some order of the additions explains what each returned; that of a dead lane is done, or not",
        is_broken: false,
        quick: Bounds::of(2, 1, 1_200),
        full: Bounds::of(3, 1, 8_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, value),
    },
    Scene {
        name: "array",
        primitive: "Array",
        claims: "who takes it after a dead owner is told, and can mend the half that was written",
        is_broken: false,
        quick: Bounds::of(2, 1, 1_200),
        full: Bounds::of(3, 1, 8_000),
        explore: |exploration, named, lanes| {
            exploration.explore(named, &Program::Array.with(lanes), pairs::set_up)
        },
    },
    Scene {
        name: "shareable-list",
        primitive: "ShareableList",
        claims: "an item is one that was set, whole, and who is killed holds up no one",
        is_broken: false,
        quick: Bounds::of(2, 1, 150),
        full: Bounds::of(2, 1, 2_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, list),
    },
];

fn value(stage: &mut Stage, lanes: usize) {
    let value = Value::new(0i64).expect("memory for a value");
    stage.name("value", &value);
    let judged = stage.judged(check::value::Value::starting(0));
    for number in 0..lanes {
        let value = value.clone();
        stage.lane(&format!("lane {number}"), move |lane| {
            let add = |number: &mut i64| {
                *number += 1;
                *number
            };
            judged.make(lane, &Call::Add { amount: 1 }, |_| {
                match value.update(add) {
                    Ok(sum) => Return::Sum(sum),
                    Err(LockError::OwnerDied(mut guard)) => {
                        guard.mark_consistent(); // eight bytes are one store
                        Return::Sum(add(&mut guard))
                    }
                    Err(other) => panic!("{other}"),
                }
            });
        });
    }
    stage.finally(move |_| {
        let seen = value.get_unlocked();
        assert!((0..=lanes as i64).contains(&seen), "{seen} additions");
    });
}

/// Of several pieces, so that a torn one would show.
const TEXTS: [&str; 2] = ["one one one one o", "two two two two two"];

fn list(stage: &mut Stage, lanes: usize) {
    let list = ShareableList::new([ShareableItem::from(TEXTS[0])]).expect("memory for a list");
    list.shm().unlink().expect("a name of its own"); // the lanes inherit the mapping
    for lane in 0..lanes {
        let list = list.clone();
        stage.lane(&format!("lane {lane}"), move |_| {
            list.set(0, TEXTS[lane % 2]).expect("it fits");
            assert_whole(&list);
        });
    }
    stage.finally(move |_| assert_whole(&list));
}

fn assert_whole(list: &ShareableList) {
    let item = list.get(0).expect("no one is in the way");
    let is_whole = TEXTS.iter().any(|text| item == (*text).into());
    assert!(is_whole, "{item:?} was never set");
}
