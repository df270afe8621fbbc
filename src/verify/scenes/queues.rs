//! Queues and pipes: what is put is got, once, in order.

use super::{Bounds, Scene};
use crate::check::Spec;
use crate::check::queue::{self, Call, Return};
use crate::explore::Stage;
use crate::{
    Array, ByteQueue, GetError, JoinError, JoinableQueue, Pipe, PipeError, PutError, Queue,
    SimpleQueue,
};

pub(super) static SCENES: &[Scene] = &[
    Scene {
        name: "queue",
        primitive: "Queue",
        claims: "some order of the puts and gets explains what each returned; those of a dead lane are done, or not",
        is_broken: false,
        quick: Bounds::of(2, 1, 1_000),
        full: Bounds::of(3, 1, 8_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, queue),
    },
    Scene {
        name: "queue-waits",
        primitive: "Queue",
        claims: "who waits for an item gets one, and who waits for room finds it",
        is_broken: false,
        quick: Bounds::of(2, 0, 2_000),
        full: Bounds::of(3, 0, 8_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, queue_waits),
    },
    Scene {
        name: "queue-item",
        primitive: "Queue",
        claims: "who waits for an item gets one, whoever else is killed; two put one, as one may be killed",
        is_broken: false,
        quick: Bounds::of(3, 1, 1_000),
        full: Bounds::of(3, 1, 8_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, queue_item),
    },
    Scene {
        name: "queue-room",
        primitive: "Queue",
        claims: "who waits for room finds it, whoever else is killed; two make room, as one may be killed",
        is_broken: false,
        quick: Bounds::of(3, 1, 1_000),
        full: Bounds::of(3, 1, 8_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, queue_room),
    },
    Scene {
        name: "joinable-queue",
        primitive: "JoinableQueue",
        claims: "who joins goes on when each task is done, and not before; of a dead worker's it is told",
        is_broken: false,
        quick: Bounds::of(2, 1, 1_000),
        full: Bounds::of(3, 1, 2_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, joinable_queue),
    },
    Scene {
        name: "simple-queue",
        primitive: "SimpleQueue",
        claims: "who waits for an item gets one, whoever else is killed; two put one, as one may be killed",
        is_broken: false,
        quick: Bounds::of(3, 1, 1_000),
        full: Bounds::of(3, 1, 8_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, simple_queue),
    },
    Scene {
        name: "byte-queue",
        primitive: "ByteQueue",
        claims: "who waits for a message reads it whole, in its place, whoever else is killed writing; two put one",
        is_broken: false,
        quick: Bounds::of(3, 1, 1_000),
        full: Bounds::of(3, 1, 8_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, byte_queue),
    },
    Scene {
        name: "pipe",
        primitive: "Pipe",
        claims: "what was sent is received, once, and then the end is seen, or that the last sender was killed",
        is_broken: false,
        // Each run starts new processes, as open files cannot be put back.
        quick: Bounds::of(2, 1, 500),
        full: Bounds::of(3, 1, 2_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, pipe),
    },
];

/// Each lane puts an item and gets one, without waiting.
fn queue(stage: &mut Stage, lanes: usize) {
    let queue = Queue::<u32>::with_capacity(Some(2), 64).expect("memory for a queue");
    stage.name("queue", &queue);
    let judged = stage.judged(queue::Queue::starting(queue::State {
        capacity: Some(2),
        items: Vec::new(),
    }));
    for number in 0..lanes as u32 {
        let queue = queue.clone();
        stage.lane(&format!("lane {number}"), move |lane| {
            let put = Call::TryPut { item: number };
            judged.make(lane, &put, |_| match queue.try_put(number) {
                Ok(()) => Return::Put,
                Err(PutError::Full(_)) => Return::Full,
                Err(other) => panic!("{other:?}"),
            });
            judged.make(lane, &Call::TryGet, |_| match queue.try_get() {
                Ok(item) => Return::Got(item),
                Err(GetError::Empty) => Return::Empty,
                Err(other) => panic!("{other}"),
            });
        });
    }
}

/// One gets what the others put, with room for one item.
fn queue_waits(stage: &mut Stage, lanes: usize) {
    let queue = Queue::<usize>::with_capacity(Some(1), 64).expect("memory for a queue");
    stage.name("queue", &queue);
    let gets = queue.clone();
    stage.lane("getter", move |_| {
        let mut got: Vec<_> = (1..lanes).map(|_| gets.get().expect("an item")).collect();
        got.sort_unstable();
        assert!(
            got.into_iter().eq(1..lanes),
            "an item is lost, or twice there"
        );
    });
    for lane in 1..lanes {
        let queue = queue.clone();
        stage.lane(&format!("putter {lane}"), move |_| {
            queue.put(lane).expect("it is not closed");
        });
    }
    stage.finally(move |_| assert!(queue.is_empty()));
}

/// One gets an item, the others put one each.
fn queue_item(stage: &mut Stage, lanes: usize) {
    let queue = Queue::<u32>::with_capacity(None, 64).expect("memory for a queue");
    stage.name("queue", &queue);
    let (puts, gets) = (queue.clone(), queue);
    one_gets(stage, lanes, move |item| puts.put(item), move || gets.get());
}

fn simple_queue(stage: &mut Stage, lanes: usize) {
    let queue = SimpleQueue::<u32>::new().expect("memory for a queue");
    stage.name("queue", &queue);
    let (puts, gets) = (queue.clone(), queue);
    one_gets(stage, lanes, move |item| puts.put(item), move || gets.get());
}

/// A number takes two words, of which a put that was cut short has written one. The first does not fit in front of the
/// end of the queue's memory.
fn byte_queue(stage: &mut Stage, lanes: usize) {
    let queue = ByteQueue::with_capacity(None, 64).expect("memory for a queue");
    for _ in 0..2 {
        queue.put(&[0; 16]).expect("room");
        queue.get().expect("what was put");
    }
    stage.name("queue", &queue);
    let (puts, gets) = (queue.clone(), queue);
    let put = move |item: u32| {
        let mut place = puts.reserve(16)?;
        place.copy_from_slice(&item.to_le_bytes().repeat(4));
        place.put()
    };
    let get = move || {
        gets.process(|bytes| {
            let item = *bytes.first_chunk().expect("16 bytes were put");
            assert_eq!(bytes, item.repeat(4), "half of another message");
            u32::from_le_bytes(item)
        })
    };
    one_gets(stage, lanes, put, get);
}

fn one_gets<E: std::fmt::Debug>(
    stage: &mut Stage,
    lanes: usize,
    put: impl Fn(u32) -> Result<(), E> + Clone + 'static,
    get: impl Fn() -> Result<u32, GetError> + Clone + 'static,
) {
    let judged = stage.judged(queue::Queue::starting(queue::State {
        capacity: None,
        items: Vec::new(),
    }));
    stage.lane("getter", move |lane| {
        judged.make(lane, &Call::Get, |_| Return::Got(get().expect("an item")));
    });
    for number in 1..lanes as u32 {
        let put = put.clone();
        stage.lane(&format!("putter {number}"), move |lane| {
            judged.make(lane, &Call::Put { item: number }, |_| {
                put(number).expect("it is not closed");
                Return::Put
            });
        });
    }
}

/// One puts a second item where there is room for one; the others take what there is.
fn queue_room(stage: &mut Stage, lanes: usize) {
    let queue = Queue::<u32>::with_capacity(Some(1), 64).expect("memory for a queue");
    stage.name("queue", &queue);
    queue.put(0).expect("room for the first");
    let judged = stage.judged(queue::Queue::starting(queue::State {
        capacity: Some(1),
        items: vec![0],
    }));
    let puts = queue.clone();
    stage.lane("putter", move |lane| {
        judged.make(lane, &Call::Put { item: 1 }, |_| {
            puts.put(1).expect("it is not closed");
            Return::Put
        });
    });
    for number in 1..lanes {
        let queue = queue.clone();
        stage.lane(&format!("getter {number}"), move |lane| {
            judged.make(lane, &Call::TryGet, |_| match queue.try_get() {
                Ok(item) => Return::Got(item),
                Err(GetError::Empty) => Return::Empty,
                Err(other) => panic!("{other}"),
            });
        });
    }
}

/// All work, on a task less than they are; one of them then joins, and writes off what the dead had.
fn joinable_queue(stage: &mut Stage, lanes: usize) {
    let tasks = lanes - 1;
    let queue = JoinableQueue::<usize>::with_capacity(None, 64).expect("memory for a queue");
    let done = Array::<u32>::new(tasks).expect("memory for marks");
    stage.name("queue", &queue);
    stage.name("done", &done);
    for task in 0..tasks {
        queue.put(task).expect("room");
    }
    queue.close().expect("no locks are held");
    for lane in 0..lanes {
        let (queue, done) = (queue.clone(), done.clone());
        stage.lane(&format!("worker {lane}"), move |_| {
            for task in queue.iter() {
                done.set_unlocked(task.expect("a task"), 1)
                    .expect("its own");
                queue.task_done().expect("it is unfinished");
            }
            // The last, so that the others work first in the first schedules.
            if lane + 1 < lanes {
                return;
            }
            let mut written_off = 0;
            while let Err(refused) = queue.join() {
                assert!(matches!(refused, JoinError::WorkerDied { .. }));
                written_off += queue.write_off().expect("no locks are held");
                assert_ne!(written_off, 0, "{refused}, and nothing to write off");
            }
            let undone = done.to_vec_unlocked().into_iter().filter(|done| *done == 0);
            assert!(undone.count() <= written_off, "joined too early");
            assert_eq!(queue.unfinished(), 0);
        });
    }
}

/// One receives until the others have let go, or are dead.
fn pipe(stage: &mut Stage, lanes: usize) {
    let (receiver, sender) = Pipe::one_way::<usize>().expect("files for a pipe");
    let sent = Array::<u32>::new(lanes).expect("memory for marks");
    stage.name("sent", &sent);
    for lane in 1..lanes {
        let (sender, sent) = (sender.clone(), sent.clone());
        stage.lane_once(&format!("sender {lane}"), move |_| {
            match sender.send(&lane) {
                Ok(()) => sent.set_unlocked(lane, 1).expect("a sender's own"),
                // The receiver was killed: before it received anything, too.
                Err(PipeError::PeerDied | PipeError::Disconnected) => {}
                Err(other) => panic!("{other}"),
            }
        });
    }
    drop(sender); // the receiver, forked last, has no sending end
    stage.lane_once("receiver", move |_| {
        let mut got = vec![0; lanes];
        for item in receiver.iter() {
            match item {
                Ok(lane) => got[lane] += 1,
                Err(PipeError::PeerDied) => break,
                Err(other) => panic!("{other}"),
            }
        }
        // All are gone: what they sent came before their end.
        for (sent, got) in sent.to_vec_unlocked().into_iter().zip(got) {
            assert!((sent..=1).contains(&got), "{sent} sent, {got} received");
        }
    });
}
