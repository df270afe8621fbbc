//! One array, several processes.

use forkproof::{Array, ArrayError, BoundsError, LockError, Process};

use crate::start;
use crate::wire::{Wire, in_child};

#[test]
fn each_child_writes_its_own_elements() {
    fn fill(array: Array<u32>, from: usize) {
        for at in (from..array.len()).step_by(4) {
            array.set(at, at as u32 * 10).unwrap();
            array.update(at, |element| *element += 1).unwrap();
        }
    }
    let array = Array::new(1_000).unwrap();
    let children: Vec<Process> = (0..4)
        .map(|from| Process::new(fill, (array.clone(), from)))
        .collect();
    children.iter().for_each(|child| child.start().unwrap());
    for child in &children {
        assert_eq!(child.join().unwrap(), 0);
    }
    let expected: Vec<u32> = (0..1_000).map(|at| at * 10 + 1).collect();
    assert_eq!(array.to_vec().unwrap(), expected);
}

#[test]
fn a_guard_is_a_slice_that_is_written_back() {
    fn sort(array: Array<i32>) {
        let mut guard = array.lock().unwrap();
        guard.sort();
        assert_eq!(guard.first(), Some(&-3));
        assert_eq!(
            array.to_vec_unlocked(),
            [5, -3, 9],
            "not before it is dropped"
        );
    }
    let array = Array::from_slice(&[5, -3, 9]).unwrap();
    in_child(sort, (array.clone(),));
    assert_eq!(array.to_vec().unwrap(), [-3, 5, 9]);
}

#[test]
fn a_guard_reads_and_writes_single_elements_in_place() {
    let array = Array::from_slice(&[1, 2, 3]).unwrap();
    let mut guard = array.lock().unwrap();
    guard.set(0, 10).unwrap();
    assert_eq!(array.get_unlocked(0), Ok(10), "at once");
    array.set_unlocked(2, 30).unwrap();
    assert_eq!(guard.get(2), Ok(30));

    guard[1] = 20; // from here on it works on its copy
    guard.set(0, 11).unwrap();
    assert_eq!((guard.get(0), guard.get(1)), (Ok(11), Ok(20)));
    assert_eq!(array.to_vec_unlocked(), [10, 2, 30]);
    drop(guard);
    assert_eq!(array.to_vec().unwrap(), [11, 20, 30]);
}

#[test]
fn a_panic_discards_what_was_changed_in_the_copy() {
    fn child(array: Array<i32>) {
        std::panic::set_hook(Box::new(|_| ())); // silently
        let mut guard = array.lock().unwrap();
        guard[0] = 13;
        panic!("on purpose, with a changed guard");
    }
    let array = Array::from_slice(&[12, 0]).unwrap();
    let p = Process::new(child, (array.clone(),));
    p.start().unwrap();
    assert_eq!(p.join().unwrap(), 1);
    assert_eq!(array.to_vec().unwrap(), [12, 0]);
}

#[test]
fn bounds_errors_name_index_and_length() {
    fn child(array: Array<i32>) {
        let message = |error: ArrayError<'_, i32>| error.to_string();
        let four = "index 4 is outside an array of length 4";
        assert_eq!(message(array.get(4).unwrap_err()), four);
        assert_eq!(message(array.set(4, 1).unwrap_err()), four);
        assert_eq!(message(array.update(4, |_| ()).unwrap_err()), four);
        assert_eq!(array.get_unlocked(4).unwrap_err().to_string(), four);
        assert_eq!(array.set_unlocked(4, 1).unwrap_err().to_string(), four);
        assert_eq!(array.lock().unwrap().get(4).unwrap_err().to_string(), four);
        assert_eq!(
            array.lock().unwrap().set(4, 1).unwrap_err().to_string(),
            four
        );
        assert_eq!(
            message(array.get(usize::MAX).unwrap_err()),
            format!("index {} is outside an array of length 4", usize::MAX)
        );
        assert_eq!(
            message(array.slice(2..9).unwrap_err()),
            "range 2..9 is outside an array of length 4"
        );
        assert_eq!(
            message(array.set_slice(..2, &[1, 2, 3]).unwrap_err()),
            "a slice of 2 elements cannot take 3: the length of an array is fixed"
        );
        assert_eq!(
            message(array.slice_step(.., 0).unwrap_err()),
            "a step of zero leads nowhere"
        );
    }
    let array = Array::from_slice(&[1, 2, 3, 4]).unwrap();
    in_child(child, (array.clone(),));
    assert_eq!(
        array.to_vec().unwrap(),
        [1, 2, 3, 4],
        "a refused write changes nothing"
    );
    assert!(array.try_lock().is_ok(), "nor does it keep the lock");
}

#[test]
fn slices_with_steps() {
    fn child(array: Array<i32>) {
        assert_eq!(array.slice(1..3).unwrap(), [1, 2]);
        assert_eq!(array.slice(..=2).unwrap(), [0, 1, 2]);
        assert!(array.slice(10..).unwrap().is_empty());
        assert_eq!(array.slice_step(.., 3).unwrap(), [0, 3, 6, 9]);
        assert_eq!(
            array.slice_step(.., -1).unwrap(),
            [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
        );
        assert_eq!(array.slice_step(2..8, -4).unwrap(), [7, 3]);
        array.set_slice(..2, &[-1, -2]).unwrap();
        array.set_slice_step(5.., -2, &[90, 70, 50]).unwrap();
        array.set_slice_step(3..3, 1, &[]).unwrap();
    }
    let array = Array::from_slice(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
    in_child(child, (array.clone(),));
    assert_eq!(array.to_vec().unwrap(), [-1, -2, 2, 3, 4, 50, 6, 70, 8, 90]);
}

#[test]
fn no_bound_may_overflow() {
    let array = Array::from_slice(&[1, 2]).unwrap();
    let after = (
        std::ops::Bound::Excluded(usize::MAX),
        std::ops::Bound::Unbounded,
    );
    assert!(matches!(
        array.slice(after),
        Err(ArrayError::Bounds(BoundsError::Range { .. }))
    ));
    assert!(matches!(
        array.slice(0..=usize::MAX),
        Err(ArrayError::Bounds(_))
    ));
    assert_eq!(array.slice_step(.., isize::MIN).unwrap(), [2]);
    assert_eq!(array.slice_step(.., isize::MAX).unwrap(), [1]);
    assert!(Array::<u64>::new(usize::MAX).is_err());
    assert!(Array::<u64>::new(usize::MAX / 8).is_err());
}

#[test]
fn while_another_process_holds_the_lock_only_the_unlocked_forms_go_on() {
    fn hold(array: Array<i32>, exchange: String) {
        let _guard = array.lock().unwrap();
        let mut wire = Wire::call(&exchange);
        wire.say("held");
        assert_eq!(wire.hear(), "give it back");
    }
    let array = Array::from_slice(&[1, 2]).unwrap();
    let (p, mut wire) = start(hold, |exchange| (array.clone(), exchange));
    assert_eq!(wire.hear(), "held");

    assert!(matches!(array.try_lock(), Err(LockError::WouldBlock)));
    let brief = std::time::Duration::from_millis(1);
    assert!(matches!(
        array.lock_timeout(brief),
        Err(LockError::TimedOut)
    ));
    assert!(
        matches!(array.get(2), Err(ArrayError::Bounds(_))),
        "bounds are looked at before the lock is waited for"
    );
    array.set_unlocked(0, 10).unwrap();
    assert_eq!(array.to_vec_unlocked(), [10, 2]);

    wire.say("give it back");
    assert_eq!(p.join().unwrap(), 0);
    assert_eq!(array.to_vec().unwrap(), [10, 2]);
}

#[test]
fn an_array_shows_its_type_length_and_place() {
    let array = Array::<u16>::new(3).unwrap();
    let shown = format!("{array:?}");
    let place = shown.strip_prefix("<Array wrapper for <forkproof::data::u16_Array_3 object at 0x");
    let place = place.and_then(|rest| rest.strip_suffix(">>")).unwrap();
    assert!(usize::from_str_radix(place, 16).is_ok(), "{shown}");
    assert_eq!(
        format!("{:?}", array.lock().unwrap()),
        "ArrayGuard([0, 0, 0])"
    );
}
