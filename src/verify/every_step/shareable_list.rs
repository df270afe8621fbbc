//! The shareable list: whoever is killed, each slot holds an item that was set, whole, and no one is held up.

use super::Subject;
use crate::explore::{Stage, run_all};
use crate::{ShareableItem, ShareableList};

/// The subjects of this file.
pub(super) static SUBJECTS: &[Subject] = &[Subject {
    primitive: "ShareableList",
    name: "shareable-list-3",
    lanes: LANES,
    run: |plans| run_all(set_and_read, &(), plans),
}];

const LANES: usize = 3;

/// Of several pieces, so that a torn one would show; the last is there from the start.
const TEXTS: [&str; LANES + 1] = [
    "one one one one o",
    "two two two two two",
    "three",
    "four four four four",
];

/// Each lane sets both slots, and reads them.
fn set_and_read(stage: &mut Stage, (): ()) {
    let first = [TEXTS[LANES].into(), ShareableItem::None];
    let list = ShareableList::new(first).expect("memory for a list");
    list.shm().unlink().expect("a name of its own"); // the lanes inherit the mapping
    for (lane, text) in TEXTS.into_iter().enumerate().take(LANES) {
        let list = list.clone();
        stage.lane(&format!("lane {lane}"), move |_| {
            list.set(0, text).expect("it fits");
            list.set(1, lane as i64).expect("it fits");
            assert_whole(&list);
        });
    }
    stage.finally(move |_| assert_whole(&list));
}

fn assert_whole(list: &ShareableList) {
    let items = list.to_vec().expect("no one is in the way");
    let text = TEXTS.iter().any(|text| items[0] == (*text).into());
    let number = match items[1] {
        ShareableItem::None => true,
        ShareableItem::Int(number) => (0..LANES as i64).contains(&number),
        _ => false,
    };
    assert!(text && number, "{items:?} was never set");
}
