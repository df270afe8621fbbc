//! Conditions: whoever is killed, who waits is told what was said, or that it will not be.

use forkproof::{Condition, ConditionError, ConditionGuard, Lock, LockError, Value};

use super::{Case, busy, quiet};
use crate::stage::{Stage, forever};

pub(super) static CASES: &[Case] = &[
    quiet("Condition", "wait, nobody there", |stage| wait(stage, 0)),
    quiet("Condition", "wait, one asleep", |stage| wait(stage, 1)),
    quiet("Condition", "notify, nobody there", |stage| {
        notify(stage, 0, one)
    }),
    quiet("Condition", "notify, one asleep", |stage| {
        notify(stage, 1, one)
    }),
    quiet("Condition", "notify, two asleep", |stage| {
        notify(stage, 2, one)
    }),
    quiet("Condition", "notify_all, two asleep", |stage| {
        notify(stage, 2, all)
    }),
    quiet("Condition", "notify, two asleep who tell no one", |stage| {
        let board = Board::on(stage);
        for _ in 0..2 {
            let board = board.clone();
            stage.asleep("who waits", move || board.hear_in_silence());
        }
        let (mine, after) = (forever(&board), board.clone());
        stage.victim(
            || mine.say(2),
            |held| {
                held.notify_one();
                held
            },
        );
        // For those who were not notified; one who was is woken by the victim, or by its death.
        stage.survivor("who comes after", move |_| {
            after.hold().notify_all();
        });
        board.finish(stage);
    }),
    quiet("Condition", "unlock after notify, one asleep", |stage| {
        let board = Board::on(stage);
        board.fall_asleep(stage, 1);
        let mine = forever(&board);
        stage.victim(
            || {
                let held = mine.say(1);
                held.notify_one();
                held
            },
            drop,
        );
        board.finish(stage);
    }),
    busy("Condition", "wait, one awake who notifies", |stage| {
        let board = Board::on(stage);
        let (mine, awake) = (board.clone(), board.clone());
        stage.awake("who notifies", move || {
            awake.say(1).notify_one();
        });
        stage.victim(|| (), move |()| mine.hear());
        stage.judge(move |_| board.is_deserted());
    }),
];

/// A condition, and how much has been said that no one has heard.
#[derive(Clone)]
struct Board {
    condition: Condition,
    said: Value<u32>,
}

impl Board {
    fn on(stage: &mut Stage) -> Board {
        let lock = Lock::new().expect("memory for a lock");
        let condition = Condition::with_lock(lock.clone());
        let condition = condition.and_then(|condition| condition.with_waiters(3));
        let board = Board {
            condition: condition.expect("memory for a condition"),
            said: Value::new(0).expect("memory for a number"),
        };
        stage.watch(&lock);
        stage.watch(&board.condition);
        stage.watch(&board.said);
        board
    }

    /// Takes the lock. After an owner's death there is nothing to mend but that all should look again.
    fn hold(&self) -> ConditionGuard<'_> {
        match self.condition.lock() {
            Ok(held) => held,
            Err(LockError::OwnerDied(held)) => look_again(held),
            Err(other) => panic!("{other}"),
        }
    }

    fn say(&self, more: u32) -> ConditionGuard<'_> {
        let held = self.hold();
        self.said.set_unlocked(self.said.get_unlocked() + more);
        held
    }

    fn hear(&self) {
        let mut held = self.hold();
        while self.said.get_unlocked() == 0 {
            held = wait_once(held);
        }
        self.said.set_unlocked(self.said.get_unlocked() - 1);
    }

    /// The same, but whoever meets a death leaves the others asleep.
    fn hear_in_silence(&self) {
        let mut held = self.hold();
        while self.said.get_unlocked() == 0 {
            held = match held.wait() {
                Ok(held) => held,
                Err(ConditionError::OwnerDied(held)) => {
                    held.mark_consistent();
                    held
                }
                Err(other) => panic!("{other}"),
            };
        }
        self.said.set_unlocked(self.said.get_unlocked() - 1);
    }

    fn fall_asleep(&self, stage: &mut Stage, sleepers: usize) {
        for _ in 0..sleepers {
            let board = self.clone();
            stage.asleep("who waits", move || board.hear());
        }
    }

    /// All come to their ends by themselves: what was said before the death is enough for them.
    fn finish(self, stage: &mut Stage) {
        stage.judge(move |_| {
            assert_eq!(self.said.get_unlocked(), 0, "said, and heard by no one");
            self.is_deserted();
        });
    }

    fn is_deserted(&self) {
        let held = self.hold();
        assert_eq!(held.notify_all(), 0, "someone waits");
        assert_eq!(self.condition.waiters(), 0, "someone waits");
    }
}

fn wait_once(held: ConditionGuard<'_>) -> ConditionGuard<'_> {
    match held.wait() {
        Ok(held) => held,
        Err(ConditionError::OwnerDied(held)) => look_again(held),
        Err(other) => panic!("{other}"),
    }
}

fn look_again(held: ConditionGuard<'_>) -> ConditionGuard<'_> {
    held.mark_consistent();
    held.notify_all();
    held
}

/// The victim waits once, and hears nothing: so what is said is for who waits beside it, or for who comes after.
fn wait(stage: &mut Stage, sleepers: usize) {
    let board = Board::on(stage);
    let (mine, teller) = (forever(&board), board.clone());
    board.fall_asleep(stage, sleepers);
    stage.poised(
        "who notifies",
        || (),
        move |()| {
            teller.say(1).notify_one();
        },
    );
    stage.victim(|| mine.hold(), wait_once);
    if sleepers == 0 {
        let after = board.clone();
        stage.survivor("who comes after", move |_| after.hear());
    }
    board.finish(stage);
}

fn one(held: &ConditionGuard<'_>) {
    held.notify_one();
}

fn all(held: &ConditionGuard<'_>) {
    held.notify_all();
}

/// The victim dies with the lock, so the others are told of that at least.
fn notify(stage: &mut Stage, sleepers: u32, notify: fn(&ConditionGuard<'_>)) {
    let board = Board::on(stage);
    board.fall_asleep(stage, sleepers as usize);
    let mine = forever(&board);
    stage.victim(
        move || mine.say(sleepers),
        move |held| {
            notify(&held);
            held
        },
    );
    board.finish(stage);
}
