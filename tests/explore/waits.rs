//! Waits that do not look again, with the library's own condition.

use std::sync::atomic::Ordering::Relaxed;

use forkproof::Condition;
use forkproof::explore::{Ended, Stage, portfolio};
use forkproof::sys::SharedWord;
use forkproof::world::Word;

/// Two take what one puts twice, and is told of to both.
fn told_of_too_little(stage: &mut Stage, (): ()) {
    let condition = Condition::new().unwrap();
    stage.name("goods", &condition);
    let goods = stage.shared_as("count", SharedWord::new(0));
    for name in ["ann", "ben"] {
        let condition = condition.clone();
        stage.lane(name, move |_| {
            let mut guard = condition.lock().unwrap();
            if goods.load(Relaxed) == 0 {
                guard = guard.wait().unwrap(); // and does not look again
            }
            assert!(goods.fetch_sub(1, Relaxed) > 0, "nothing is there");
            drop(guard);
        });
    }
    stage.lane("maker", move |_| {
        for _ in 0..2 {
            let guard = condition.lock().unwrap();
            goods.fetch_add(1, Relaxed);
            guard.notify_all();
        }
    });
}

#[test]
fn who_is_told_with_another_and_does_not_look_again_is_found_and_told_in_the_users_words() {
    let report = portfolio(1).check((), told_of_too_little).unwrap();
    let failure = report.failure().expect("it is found");
    let Ended::Panicked { text, .. } = &failure.ended else {
        panic!("{report}");
    };
    assert!(text.contains("nothing is there"));
    let told = failure.trace.to_string();
    assert!(told.contains("locks goods's lock\n"), "{told}");
    assert!(
        !told.contains("unnamed") && !told.contains("seat"),
        "{told}"
    );
    assert!(told.lines().count() <= 24, "{told}");
}
