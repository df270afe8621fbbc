//! Barriers: whoever is killed, those who wait pass, or are refused at once.

use forkproof::{Barrier, BarrierError, Value};

use super::{Case, busy, quiet};
use crate::stage::Stage;

pub(super) static CASES: &[Case] = &[
    quiet("Barrier", "wait, the first of two", |stage| {
        first(stage, 2, 0)
    }),
    quiet("Barrier", "wait, the second of three", |stage| {
        first(stage, 3, 1)
    }),
    quiet("Barrier", "wait, the last of two, one asleep", |stage| {
        last(stage, 1, false)
    }),
    quiet("Barrier", "wait, the last of three, two asleep", |stage| {
        last(stage, 2, false)
    }),
    quiet(
        "Barrier",
        "wait and act, the last of two, one asleep",
        |stage| last(stage, 1, true),
    ),
    quiet("Barrier", "abort, one asleep", |stage| {
        leave(stage, |meeting| meeting.barrier.abort())
    }),
    quiet("Barrier", "reset, one asleep", |stage| {
        leave(stage, |meeting| meeting.barrier.reset())
    }),
    busy("Barrier", "wait, alone, one awake who looks", |stage| {
        let meeting = Meeting::on(stage, 1, false);
        let (mine, awake) = (meeting.clone(), meeting.clone());
        stage.awake("who looks", move || {
            awake.barrier.n_waiting();
            awake.barrier.broken();
        });
        stage.victim(|| (), move |()| mine.come());
        meeting.finish(stage);
    }),
];

/// A barrier, and how the others fared at it.
#[derive(Clone)]
struct Meeting {
    barrier: Barrier,
    parties: usize,
    acted: Value<u32>,
    /// How many others have passed, and how many were refused.
    passed: Value<u32>,
    refused: Value<u32>,
}

impl Meeting {
    fn on(stage: &mut Stage, parties: usize, acts: bool) -> Meeting {
        let number = || Value::new(0u32).expect("memory for a number");
        let acted = number();
        let barrier = match acts {
            true => Barrier::with_action(parties, act, acted.clone()),
            false => Barrier::new(parties),
        };
        let meeting = Meeting {
            barrier: barrier.expect("memory for a barrier"),
            parties,
            acted,
            passed: number(),
            refused: number(),
        };
        stage.watch(&meeting.barrier);
        stage.watch(&meeting.acted);
        meeting
    }

    fn come(&self) -> bool {
        match self.barrier.wait() {
            Ok(number) => {
                assert!(number < self.parties);
                true
            }
            Err(BarrierError::Broken) => false,
            Err(other) => panic!("{other}"),
        }
    }

    fn other_comes(&self) {
        let passed = self.come();
        let count = if passed { &self.passed } else { &self.refused };
        let counted = count.update(|count| *count += 1);
        counted.expect("a count that none dies with");
    }

    fn fall_asleep(&self, stage: &mut Stage, others: usize) {
        for _ in 0..others {
            let meeting = self.clone();
            stage.asleep("who has come", move || meeting.other_comes());
        }
    }

    /// A victim that had not come is missed: someone must say so. One that had come is not.
    fn usher(&self, stage: &mut Stage) {
        let meeting = self.clone();
        let others = meeting.parties - 1;
        stage.survivor("the usher", move |_| {
            let gone = || (meeting.passed.get_unlocked() + meeting.refused.get_unlocked()) as usize;
            // Until the others have gone, or all of them wait.
            while gone() < others && !meeting.barrier.broken() {
                if gone() + meeting.barrier.n_waiting() >= others {
                    meeting.barrier.abort().expect("room for a lock");
                }
                std::thread::yield_now();
            }
        });
    }

    fn finish(self, stage: &mut Stage) {
        stage.judge(move |end| {
            let (passed, refused) = (self.passed.get_unlocked(), self.refused.get_unlocked());
            assert!(
                passed == 0 || refused == 0,
                "{passed} passed, and {refused} were refused"
            );
            assert!(
                self.acted.get_unlocked() <= 1,
                "acted more than once in a round"
            );
            self.barrier.reset().expect("room for a lock");
            let is_new = (self.barrier.n_waiting(), self.barrier.broken());
            assert_eq!(is_new, (0, false), "{end:?}");
        });
    }
}

fn act(acted: Value<u32>) {
    acted.set_unlocked(acted.get_unlocked() + 1);
}

/// The victim comes when some others have, and the last of them after it.
fn first(stage: &mut Stage, parties: usize, before: usize) {
    let meeting = Meeting::on(stage, parties, false);
    meeting.fall_asleep(stage, before);
    let (mine, last) = (meeting.clone(), meeting.clone());
    stage.poised("the last to come", || (), move |()| last.other_comes());
    stage.victim(
        || (),
        move |()| assert!(mine.come(), "no one else is killed"),
    );
    meeting.usher(stage);
    meeting.finish(stage);
}

fn last(stage: &mut Stage, before: usize, acts: bool) {
    let meeting = Meeting::on(stage, before + 1, acts);
    meeting.fall_asleep(stage, before);
    let mine = meeting.clone();
    stage.victim(
        || (),
        move |()| assert!(mine.come(), "no one else is killed"),
    );
    meeting.usher(stage);
    let acted = meeting.acted.clone();
    stage.survivor("who looks", move |end| {
        let acts = u32::from(acts && end.returned);
        assert!(acted.get_unlocked() >= acts, "passed, and no one has acted");
    });
    meeting.finish(stage);
}

/// One of two has come, and the victim sends it away.
fn leave(stage: &mut Stage, send_away: fn(&Meeting) -> Result<(), BarrierError>) {
    let meeting = Meeting::on(stage, 2, false);
    meeting.fall_asleep(stage, 1);
    let (mine, after) = (meeting.clone(), meeting.clone());
    stage.victim(|| (), move |()| send_away(&mine).expect("room for a lock"));
    stage.survivor("who sends away after", move |end| {
        if !end.returned {
            send_away(&after).expect("room for a lock");
        }
    });
    meeting.finish(stage);
}
