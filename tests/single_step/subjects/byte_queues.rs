//! Byte queues, written and read in their place: whoever is killed, a message is whole, and there or not; and room comes
//! back.

use forkproof::ByteQueue;

use super::{Case, quiet};
use crate::stage::{End, Stage};

pub(super) static CASES: &[Case] = &[
    quiet("ByteQueue", "reserve and put, nobody there", |stage| {
        write(stage, 0)
    }),
    quiet("ByteQueue", "reserve and put, one getter asleep", |stage| {
        write(stage, 1)
    }),
    quiet("ByteQueue", "reserve, and put nothing", |stage| {
        let queue = queue(stage);
        let mine = queue.clone();
        stage.victim(|| (), move |()| mine.reserve(BYTES).expect("room").fill(1));
        stage.judge(move |_| is_usable(&queue));
    }),
    quiet("ByteQueue", "process, nobody there", |stage| {
        read(stage, 0, |queue| {
            queue.process(is_whole).expect("a message")
        })
    }),
    quiet("ByteQueue", "process, one putter asleep", |stage| {
        read(stage, 1, |queue| {
            queue.process(is_whole).expect("a message")
        })
    }),
    quiet("ByteQueue", "get into, nobody there", |stage| {
        read(stage, 0, |queue| {
            let mut message = [0; BYTES];
            assert_eq!(queue.get_into(&mut message).expect("a message"), BYTES);
            is_whole(&message);
        })
    }),
];

/// Two words, of which a put that was cut short has written one; and no thread's id.
const BYTES: usize = 16;
const BYTE: u8 = 0xf5;

/// Messages have room for one; the next one's payload begins the queue's memory anew.
fn queue(stage: &mut Stage) -> ByteQueue {
    let queue = ByteQueue::with_capacity(None, 5 * 8).expect("memory for a queue");
    queue.put(&[BYTE; BYTES]).expect("room");
    queue.get().expect("what was put");
    stage.watch(&queue);
    queue
}

fn is_whole(message: &[u8]) {
    assert_eq!(message, [BYTE; BYTES], "half of another message");
}

fn put(queue: &ByteQueue) {
    let mut place = queue.reserve(BYTES).expect("room in time");
    place.fill(BYTE);
    place.put().expect("room in time");
}

fn is_usable(queue: &ByteQueue) {
    assert!(queue.is_empty());
    put(queue);
    queue.process(is_whole).expect("what was put");
    assert!(queue.is_empty());
}

/// A getter that sleeps needs a message: if the victim's is not there, a survivor puts one.
fn write(stage: &mut Stage, getters: usize) {
    let queue = queue(stage);
    for _ in 0..getters {
        let queue = queue.clone();
        stage.asleep("a getter", move || {
            queue.process(is_whole).expect("a message");
        });
    }
    let (mine, after) = (queue.clone(), queue.clone());
    stage.victim(|| (), move |()| put(&mine));
    stage.survivor("who puts after", move |end| {
        if getters > 0 && !end.returned {
            put(&after);
        }
    });
    stage.judge(move |end| {
        let mut left = 0;
        while !queue.is_empty() {
            queue.process(is_whole).expect("a message");
            left += 1;
        }
        let due = if getters == 0 {
            usize::from(end.returned)..=1
        } else {
            0..=1
        };
        assert!(due.contains(&left), "{left} messages, {end:?}");
        is_usable(&queue);
    });
}

/// The victim takes the only message; a putter that sleeps puts another when there is room.
fn read(stage: &mut Stage, putters: usize, take: fn(&ByteQueue)) {
    let queue = queue(stage);
    put(&queue);
    for _ in 0..putters {
        let queue = queue.clone();
        stage.asleep("a putter", move || put(&queue));
    }
    let (mine, after) = (queue.clone(), queue.clone());
    stage.victim(|| (), move |()| take(&mine));
    // What the victim did not take has to make room.
    let drain = move |end: End| {
        while !end.returned && putters > 0 && !after.is_empty() {
            after.process(is_whole).expect("a message");
        }
    };
    stage.survivor("who gets after", drain);
    stage.judge(move |_| {
        while !queue.is_empty() {
            queue.process(is_whole).expect("a message");
        }
        is_usable(&queue);
    });
}
