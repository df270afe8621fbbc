//! Queues and pipes: what is put is got, once, in order.

use super::{Bounds, Scene};
use crate::check::Spec;
use crate::check::queue::{self, Call, Return};
use crate::explore::Stage;
use crate::{GetError, JoinableQueue, Pipe, PutError, Queue, SimpleQueue};

pub(super) static SCENES: &[Scene] = &[
    Scene {
        name: "queue",
        primitive: "Queue",
        claims: "some order of the puts and gets explains what each returned; those of a dead lane are done, or not",
        is_broken: false,
        quick: Bounds::of(2, 1, 300),
        full: Bounds::of(3, 1, 20_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, queue),
    },
    Scene {
        name: "queue-waits",
        primitive: "Queue",
        claims: "who waits for an item gets one, and who waits for room finds it",
        is_broken: false,
        quick: Bounds::of(2, 0, 2_000),
        full: Bounds::of(3, 0, 20_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, queue_waits),
    },
    Scene {
        name: "joinable-queue",
        primitive: "JoinableQueue",
        claims: "who joins goes on when each task is done, and not before",
        is_broken: false,
        quick: Bounds::of(2, 0, 1_000),
        full: Bounds::of(3, 0, 20_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, joinable_queue),
    },
    Scene {
        name: "simple-queue",
        primitive: "SimpleQueue",
        claims: "who waits for an item gets one",
        is_broken: false,
        quick: Bounds::of(2, 0, 2_000),
        full: Bounds::of(3, 0, 20_000),
        explore: |exploration, named, lanes| exploration.explore(named, &lanes, simple_queue),
    },
    Scene {
        name: "pipe",
        primitive: "Pipe",
        claims: "what each end sends is received, in its order, and the end is seen",
        is_broken: false,
        // Each run starts new processes, as open files cannot be put back.
        quick: Bounds::of(2, 0, 60),
        full: Bounds::of(3, 0, 5_000),
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

/// One puts a task and joins, the others work.
fn joinable_queue(stage: &mut Stage, lanes: usize) {
    let queue = JoinableQueue::<usize>::with_capacity(None, 64).expect("memory for a queue");
    stage.name("queue", &queue);
    let puts = queue.clone();
    stage.lane("joiner", move |_| {
        for task in 1..lanes {
            puts.put(task).expect("it is not closed");
        }
        puts.join().expect("no worker dies");
        assert_eq!(puts.unfinished(), 0, "joined too early");
    });
    for lane in 1..lanes {
        let queue = queue.clone();
        stage.lane(&format!("worker {lane}"), move |_| {
            queue.get().expect("a task");
            queue.task_done().expect("it was got");
        });
    }
}

/// One gets what the others put.
fn simple_queue(stage: &mut Stage, lanes: usize) {
    let queue = SimpleQueue::<usize>::new().expect("memory for a queue");
    let gets = queue.clone();
    stage.lane("getter", move |_| {
        let got: usize = (1..lanes).map(|_| gets.get().expect("an item")).sum();
        assert_eq!(
            got,
            (1..lanes).sum::<usize>(),
            "an item is lost, or twice there"
        );
    });
    for lane in 1..lanes {
        let queue = queue.clone();
        stage.lane(&format!("putter {lane}"), move |_| {
            queue.put(lane).expect("it is not closed");
        });
    }
}

/// One receives until the others have let go.
fn pipe(stage: &mut Stage, lanes: usize) {
    let (receiver, sender) = Pipe::one_way::<usize>().expect("files for a pipe");
    for lane in 1..lanes {
        let sender = sender.clone();
        stage.lane_once(&format!("sender {lane}"), move |_| {
            sender.send(&lane).expect("the receiver lives");
        });
    }
    drop(sender); // the receiver, forked last, has no sending end
    stage.lane_once("receiver", move |_| {
        let got: usize = receiver.iter().map(|item| item.expect("an item")).sum();
        assert_eq!(
            got,
            (1..lanes).sum::<usize>(),
            "an item is lost, or twice there"
        );
    });
}
