//! Byte queues, written and read in their place: whoever is killed, a message is whole and there, or never was.

use super::Subject;
use crate::explore::{Stage, run_all};
use crate::{Array, ByteQueue, GetError, PutFailure};

/// Two lanes may be killed, and no other waits for them for ever.
pub(super) static SUBJECTS: &[Subject] = &[Subject {
    primitive: "ByteQueue",
    name: "byte-queue-in-place-4",
    lanes: 4,
    run: |plans| run_all(in_place, &(), plans),
}];

const PUTTERS: usize = 3;
/// Two words, of which a put that was cut short has written one.
const BYTES: usize = 16;

/// Three putters, two of whose messages have room at a time, and one who reads them; whoever has put closes the queue. So
/// two may be killed, and one putter is left who finds room, and closes. The first message does not fit in front of the
/// end of the queue's memory.
fn in_place(stage: &mut Stage, (): ()) {
    let queue = ByteQueue::with_capacity(None, 8 * 8).expect("memory for a queue");
    for _ in 0..2 {
        queue.put(&[0; BYTES]).expect("room");
        queue.get().expect("what was put");
    }
    let marks = |len| Array::<u8>::new(len).expect("memory for marks");
    let (put, read) = (marks(PUTTERS), marks(PUTTERS));
    stage.name("queue", &queue);
    stage.name("put", &put);
    stage.name("read", &read);
    for lane in 0..PUTTERS {
        let (queue, put) = (queue.clone(), put.clone());
        stage.lane(&format!("putter {lane}"), move |_| {
            match queue.reserve(BYTES) {
                Ok(mut place) => {
                    place.fill(lane as u8);
                    place.put().expect("there is room");
                    put.set_unlocked(lane, 1).expect("the lane's own");
                }
                Err(PutFailure::Closed) => {}
                Err(other) => panic!("{other}"),
            }
            queue.close().expect("no locks are held");
        });
    }
    let (from, log) = (queue.clone(), read.clone());
    stage.lane("reader", move |_| while note(&from, &log) {});
    stage.finally(move |_| {
        while note(&queue, &read) {}
        let (put, read) = (put.to_vec_unlocked(), read.to_vec_unlocked());
        assert!(
            put.iter().zip(&read).all(|(put, read)| put <= read),
            "put, and lost: {put:?} {read:?}"
        );
        assert!(read.iter().all(|count| *count <= 2), "{read:?}");
    });
}

/// Notes whose message the first one is, while it is read; perhaps twice, if the reader dies. `false`: none comes.
fn note(queue: &ByteQueue, read: &Array<u8>) -> bool {
    let noted = queue.process(|message| {
        assert_eq!(message, [message[0]; BYTES], "half of another message");
        let lane = usize::from(message[0]);
        let count = read.get_unlocked(lane).expect("a putter's") + 1;
        read.set_unlocked(lane, count).expect("a putter's");
    });
    match noted {
        Ok(()) => true,
        Err(GetError::Closed) => false,
        Err(other) => panic!("{other}"),
    }
}
