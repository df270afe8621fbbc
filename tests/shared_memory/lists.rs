//! `ShareableList`.

use std::io::ErrorKind;

use forkproof::{
    Pipe, Process, Sender, ShareableItem, ShareableList, ShareableListError, SharedMemory,
};
use proptest::prelude::*;

/// Gone when the test is over, however it ends.
struct Made(ShareableList);

impl Made {
    fn new(items: impl IntoIterator<Item = ShareableItem>) -> Made {
        Made(ShareableList::new(items).unwrap())
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        self.0.shm().unlink().unwrap();
    }
}

#[test]
fn items_of_all_kinds_are_kept() {
    let items: Vec<ShareableItem> = vec![
        ().into(),
        true.into(),
        i64::MIN.into(),
        f64::NEG_INFINITY.into(),
        "é'\n".into(),
        vec![0, 255].into(),
        "".into(),
    ];
    let made = Made::new(items.clone());
    let found = ShareableList::attach(made.0.shm().name()).unwrap();
    assert_eq!(found.to_vec().unwrap(), items);
    assert_eq!(found.len(), 7);
    assert_eq!(found.count(&true.into()).unwrap(), 1);
    assert_eq!(found.index(&"".into()).unwrap(), Some(6));
    assert_eq!(found.index(&"x".into()).unwrap(), None);
    assert_eq!(
        found.to_string(),
        r"[None, True, -9223372036854775808, -inf, 'é\'\n', b'\x00\xff', '']"
    );
    assert!(matches!(found.get(7), Err(ShareableListError::Bounds(_))));
    assert!(Made::new([]).0.is_empty());
}

#[test]
fn a_slot_takes_what_it_has_room_for() {
    let made = Made::new(["12345678".into(), 5.into(), "éé".into()]);
    let list = &made.0;
    list.set(0, "1234567890123456").unwrap();
    let refused = list.set(0, "12345678901234567").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "an item of 17 bytes for a slot with room for 16"
    );
    assert_eq!(
        list.get(0).unwrap(),
        "1234567890123456".into(),
        "it is as it was"
    );
    list.set(1, "8 bytes.").unwrap();
    assert!(matches!(
        list.set(1, "9 bytes.."),
        Err(ShareableListError::TooLong { given: 9, room: 8 })
    ));
    list.set(2, "éééé").unwrap();
    assert_eq!(
        list.get(2).unwrap(),
        "éééé".into(),
        "bytes are counted, not letters"
    );
    list.set(0, 1.5).unwrap();
    list.set(0, ()).unwrap();
    assert_eq!(list.to_string(), "[None, '8 bytes.', 'éééé']");
}

#[test]
fn a_list_is_found_by_the_name_that_it_was_given() {
    let name = format!("forkproof_test_list_{}", std::process::id());
    let made = Made(ShareableList::named(&name, [1.into()]).unwrap());
    let taken = ShareableList::named(&name, [1.into()]).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
    assert_eq!(
        format!("{:?}", ShareableList::attach(&name).unwrap()),
        format!("ShareableList([1], name={name:?})")
    );
    drop(made);
    let gone = ShareableList::attach(&name).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

fn alternate(list: ShareableList, busy: Sender<()>) {
    for round in 0u64.. {
        let letter = ["a", "b", "c"][round as usize % 3];
        list.set(0, letter.repeat(1 + round as usize % 40)).unwrap();
        if round == 10 {
            busy.send(&()).unwrap();
        }
    }
}

/// A text that is torn between two would have two letters.
#[test]
fn whoever_is_killed_an_item_is_whole_and_no_one_waits() {
    let made = Made::new(["x".repeat(40).into()]);
    for _ in 0..40 {
        let children: Vec<_> = (0..2)
            .map(|_| {
                let (started, busy) = Pipe::one_way().unwrap();
                let child = Process::new(alternate, (made.0.clone(), busy));
                child.start().unwrap();
                (child, started)
            })
            .collect();
        for (_, started) in &children {
            started.recv().unwrap();
        }
        for (child, _) in &children {
            child.kill().unwrap();
            assert_eq!(child.join().unwrap(), -9);
            let ShareableItem::Str(text) = made.0.get(0).unwrap() else {
                panic!("only texts were set");
            };
            let first = text.chars().next().unwrap();
            assert!(
                text.chars().all(|letter| letter == first),
                "{text:?} is torn"
            );
        }
    }
}

#[test]
fn what_is_no_list_is_not_attached() {
    let short = SharedMemory::create(8).unwrap();
    let zeroes = SharedMemory::create(4096).unwrap();
    for memory in [short, zeroes] {
        let refused = ShareableList::attach(memory.name()).unwrap_err();
        memory.unlink().unwrap();
        assert_eq!(refused.kind(), ErrorKind::InvalidData);
    }
}

proptest! {
    /// Another program writes over the list, but for its lock: what is read then is refused, or an item; never a panic.
    #[test]
    fn a_scribbled_list_is_an_error(
        at in prop_oneof![0usize..64, 128usize..300],
        bytes in proptest::collection::vec(any::<u8>(), 1..24),
    ) {
        let made = Made::new(["text".into(), 7.into(), vec![1, 2, 3].into()]);
        let memory = SharedMemory::attach(made.0.shm().name()).unwrap();
        let end = if at < 64 { 64 } else { memory.len() };
        let room = end.saturating_sub(at).min(bytes.len());
        memory.write(at.min(memory.len()), &bytes[..room]).unwrap();
        let _ = made.0.to_vec(); // attached before
        if let Ok(list) = ShareableList::attach(memory.name()) {
            for index in 0..list.len().min(10) {
                let _ = list.get(index);
                let _ = list.set(index, "x");
            }
        }
    }
}
