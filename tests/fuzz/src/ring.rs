//! A queue whose memory is written to by something else, before and between the calls: each call answers with a value
//! or an error. A queue that no one wrote to is compared with a list.
//!
//! Nothing is written while a claim is held, nor to where a thread's hand at the tasks lies: the links of what a thread
//! holds are the kernel's to follow, and ours.

use std::time::Duration;

use forkproof::shm::Shared;
use forkproof::{GetError, JoinableQueue, PutFailure, TaskError, Value};

use super::model::Model;
use super::scribble::{LOCKS_AT, scribble};
use super::script::Script;

type Item = (Vec<u8>, Option<Value<u32>>);

/// No time at all: where a call would wait it says so.
const NOW: Duration = Duration::ZERO;
/// Where the queue's bytes are; behind them are the tasks: their `line` and `lock`, and from `HANDS_AT` on the hands.
pub const BYTES_AT: usize = 640;
pub const TASKS_LOCKS_AT: [usize; 2] = [0, 40];
const HANDS_AT: usize = 128;
const HAND_BYTES: usize = 40;
/// Of a hand, what is not its owner's and the kernel's.
const BESIDE: std::ops::Range<usize> = 4..12;

pub fn drive(input: &[u8]) {
    let mut script = Script::new(input);
    let (items, bytes) = script.capacity();
    let queue = JoinableQueue::with_capacity(items, bytes).expect("memory");
    let mut model = Some(Tasks::default());
    while !script.is_over() {
        let what = script.byte();
        if what >= 0xc0 {
            scribble_on(&queue, BYTES_AT + bytes, &mut script);
            model = None;
        } else {
            call(&queue, what, script.byte(), &mut model);
        }
    }
}

/// The model of a queue that counts tasks.
#[derive(Default)]
struct Tasks {
    list: Model,
    unfinished: usize,
}

fn scribble_on(queue: &JoinableQueue<Item>, tasks_at: usize, script: &mut Script<'_>) {
    let is_spared = |at: usize| {
        let in_hands = at.checked_sub(tasks_at + HANDS_AT);
        in_hands.is_some_and(|at| !BESIDE.contains(&(at % HAND_BYTES)))
    };
    let locks = LOCKS_AT.into_iter();
    let locks = locks.chain(TASKS_LOCKS_AT.map(|at| tasks_at + at));
    scribble(queue.block(), script, is_spared, locks);
}

fn call(queue: &JoinableQueue<Item>, what: u8, how: u8, model: &mut Option<Tasks>) {
    match what % 12 {
        0..3 => put(queue, what, how, model),
        3..5 => get(queue, how, model),
        5 => process(queue, model),
        6 => {
            let done = queue.task_done();
            if let Some(model) = model {
                let expected = match model.unfinished.checked_sub(1) {
                    None => Err(TaskError::TooManyDone),
                    Some(left) => {
                        model.unfinished = left;
                        Ok(())
                    }
                };
                assert_eq!(done, expected);
            }
        }
        7 => {
            let joined = queue.join_timeout(NOW);
            let left = queue.unfinished();
            if let Some(model) = model {
                assert_eq!(
                    (joined, left),
                    (Ok(model.unfinished == 0), model.unfinished)
                );
            }
        }
        8 => {
            let ready = queue.poll(NOW);
            if let Some(model) = model {
                model.list.is_ready(ready.ok());
            }
        }
        9 if how >= 0xf0 => {
            let closed = queue.close();
            if let Some(model) = model {
                model.list.is_shut(closed);
            }
        }
        _ => {
            let (len, is_empty, _) = (queue.len(), queue.is_empty(), queue.is_full());
            if let Some(model) = model {
                model.list.is_told(len, is_empty, queue.is_closed());
            }
        }
    }
}

/// Every third item has a shared object in it.
fn put(queue: &JoinableQueue<Item>, what: u8, how: u8, model: &mut Option<Tasks>) {
    let bytes = vec![what; usize::from(how)];
    let along = (what % 12 == 2).then(|| Value::new(u32::from(what)).expect("memory"));
    let item = (bytes.clone(), along);
    let put = match how % 8 {
        1 => queue.put_timeout(item, NOW),
        _ => queue.try_put(item),
    };
    let Some(model) = model else { return };
    model.unfinished += usize::from(put.is_ok());
    model.list.is_put(put.map_err(PutFailure::from), bytes);
}

fn get(queue: &JoinableQueue<Item>, how: u8, model: &mut Option<Tasks>) {
    let got = match how % 8 {
        1 => queue.get_timeout(NOW),
        _ => queue.try_get(),
    };
    is_as_expected(got, model);
}

/// Who is at work may get no other.
fn process(queue: &JoinableQueue<Item>, model: &mut Option<Tasks>) {
    let worked = queue.process_timeout(NOW, |item| {
        let nested = queue.try_get();
        assert!(matches!(nested, Err(GetError::Nested | GetError::Corrupt)));
        item
    });
    if let (Some(model), Ok(_)) = (&mut *model, &worked) {
        // It counts as done; if it was counted before, it was once too often.
        model.unfinished -= model.unfinished.min(1);
    }
    is_as_expected(worked, model);
}

fn is_as_expected(got: Result<Item, GetError>, model: &mut Option<Tasks>) {
    let Some(model) = model else { return };
    let got = got.map(|(bytes, along)| {
        if let Some(along) = along {
            assert!(
                bytes
                    .iter()
                    .all(|byte| u32::from(*byte) == along.get_unlocked())
            );
        }
        bytes
    });
    model.list.is_got(got);
}
