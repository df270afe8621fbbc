//! A subject that is broken: two stores that belong together, without a lock, and no step reports either. Killed
//! between the two it leaves half, which the steps cannot show and the instructions must.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use forkproof::Value;
use forkproof::shm::Shared;

use super::{Case, quiet};

/// Not among the others: it fails.
pub(super) static CASES: &[Case] = &[quiet("Torn", "set both, nobody there", |stage| {
    let pair = Value::new([0u32; 4]).expect("memory for a value");
    stage.watch(&pair);
    let mine = pair.clone();
    stage.victim(
        || (),
        move |()| {
            let both = mine.block().address() + offset_of_the_third(&mine);
            for place in 0..2 {
                let address = both + place * size_of::<AtomicU32>();
                // SAFETY: within the value, which lives as long as `mine`, aligned, and shared through atomics only.
                let number = unsafe { AtomicU32::from_ptr(address as *mut u32) };
                number.store(1, Relaxed); // no one else looks before this process is dead
            }
        },
    );
    stage.judge(move |_| {
        let [_, _, first, second] = pair.get_unlocked();
        assert_eq!(first, second, "half of two stores");
    });
})];

/// Of four numbers, from the start of their block.
fn offset_of_the_third(numbers: &Value<[u32; 4]>) -> usize {
    let is_it = |offset: &usize| numbers.part(*offset) == " at byte 8";
    let found = (0..numbers.block().len()).find(is_it);
    found.expect("a value's bytes have names")
}
