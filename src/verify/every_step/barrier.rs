//! Barriers: whoever is killed, those who wait pass, or are refused.

use serde::{Deserialize, Serialize};

use super::{Subject, killed_once};
use crate::explore::{Stage, run_all};
use crate::{Barrier, BarrierError, Lock, LockError, Value};

/// The subjects of this file.
pub(super) static SUBJECTS: &[Subject] = &[
    Subject {
        primitive: "Barrier",
        name: "barrier-line-3",
        lanes: 3,
        run: |plans| run_all(line, &3, &killed_once(plans)),
    },
    Subject {
        primitive: "Barrier",
        name: "barrier-4",
        lanes: 2 * PARTIES,
        run: |plans| run_all(ushered, &Kind::Plain, &killed_once(plans)),
    },
    Subject {
        primitive: "Barrier",
        name: "barrier-action-4",
        lanes: 2 * PARTIES,
        run: |plans| run_all(ushered, &Kind::Acting, &killed_once(plans)),
    },
    Subject {
        primitive: "Barrier",
        name: "barrier-line-2",
        lanes: 2,
        run: |plans| run_all(line, &2, plans),
    },
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    Plain,
    Acting,
}

const PARTIES: usize = 2;

/// Each passes by itself, when those before it have left.
fn line(stage: &mut Stage, lanes: usize) {
    let barrier = Barrier::new(1).expect("memory for a barrier");
    stage.name("barrier", &barrier);
    for lane in 0..lanes {
        let barrier = barrier.clone();
        stage.lane(&format!("lane {lane}"), move |_| match barrier.wait() {
            Ok(number) => assert_eq!(number, 0),
            Err(BarrierError::Broken) => assert!(barrier.broken()),
            Err(other) => panic!("{other}"),
        });
    }
    stage.finally(move |_| {
        barrier.reset().expect("room for a lock");
        assert_eq!((barrier.n_waiting(), barrier.broken()), (0, false));
        assert_eq!(barrier.wait(), Ok(0), "a barrier for one, reset");
    });
}

/// Two meet. A party that is killed before it came would rightly be waited for, so an usher watches each and aborts
/// then; if it had come the usher leaves it to the barrier. (Killed with its usher it would be waited for, too.)
fn ushered(stage: &mut Stage, kind: Kind) {
    let acted = Value::new(0u32).expect("memory for a count");
    let barrier = match kind {
        Kind::Plain => Barrier::new(PARTIES),
        Kind::Acting => Barrier::with_action(PARTIES, act, acted.clone()),
    };
    let barrier = barrier.expect("memory for a barrier");
    let lives = [(); PARTIES].map(|()| Lock::new().expect("memory for a lock"));
    let finished = [(); PARTIES].map(|()| Value::new(false).expect("memory for a mark"));
    stage.name("barrier", &barrier);
    stage.name("acted", &acted);
    for (party, (life, finished)) in lives.iter().zip(&finished).enumerate() {
        stage.name(&format!("life {party}"), life);
        stage.name(&format!("finished {party}"), finished);
        let (barrier, acted) = (barrier.clone(), acted.clone());
        let (life, finished) = (life.clone(), finished.clone());
        stage.lane(&format!("party {party}"), move |_| {
            let _alive = match life.lock() {
                Ok(alive) => alive,
                Err(LockError::OwnerDied(alive)) => {
                    alive.mark_consistent(); // an usher that came first, and was killed
                    alive
                }
                Err(other) => panic!("{other}"),
            };
            match barrier.wait() {
                Ok(number) => {
                    assert!(number < PARTIES);
                    let done = acted.get_unlocked();
                    assert_eq!(done, u32::from(kind == Kind::Acting), "actions");
                }
                Err(BarrierError::Broken) => {}
                Err(other) => panic!("{other}"),
            }
            finished.set_unlocked(true);
        });
    }
    for (usher, (life, finished)) in lives.iter().zip(&finished).enumerate() {
        let (barrier, life, finished) = (barrier.clone(), life.clone(), finished.clone());
        stage.lane(&format!("usher {usher}"), move |_| {
            match life.lock() {
                Ok(_) => {}
                Err(LockError::OwnerDied(life)) => life.mark_consistent(),
                Err(other) => panic!("{other}"),
            }
            // Broken, too, if a party is dead in its seat and no one has seen it yet.
            if !finished.get_unlocked() && !barrier.broken() {
                barrier.abort().expect("room for a lock");
            }
        });
    }
    stage.finally(move |_| {
        barrier.reset().expect("room for a lock");
        assert_eq!((barrier.n_waiting(), barrier.broken()), (0, false));
        assert!(acted.get_unlocked() <= 1, "acted more than once in a round");
    });
}

fn act(acted: Value<u32>) {
    acted.set_unlocked(acted.get_unlocked() + 1);
}
