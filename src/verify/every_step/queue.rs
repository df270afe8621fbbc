//! Queues: whoever is killed, what was put is got, or was taken along by the dead; and no one sleeps on.

use super::Subject;
use crate::explore::{Stage, run_all};
use crate::{Array, GetError, JoinError, JoinableQueue, PutError, Queue, TaskError, Value};

/// The subjects of this file. Two lanes may be killed, and no other waits for them for ever.
pub(super) static SUBJECTS: &[Subject] = &[
    Subject {
        primitive: "Queue",
        name: "queue-getters-3",
        lanes: 3,
        run: |plans| run_all(getters, &(), plans),
    },
    Subject {
        primitive: "Queue",
        name: "queue-workers-3",
        lanes: 3,
        run: |plans| run_all(workers, &(), plans),
    },
    Subject {
        primitive: "Queue",
        name: "queue-through-4",
        lanes: 4,
        run: |plans| run_all(through, &(), plans),
    },
    Subject {
        primitive: "JoinableQueue",
        name: "joinable-queue-4",
        lanes: 4,
        run: |plans| run_all(tasks, &(), plans),
    },
    Subject {
        primitive: "JoinableQueue",
        name: "joinable-queue-in-place-4",
        lanes: 4,
        run: |plans| run_all(tasks_in_place, &(), plans),
    },
];

/// An item with a number, and an object that travels along, or none.
type Item = (usize, Option<Value<u32>>);

/// What became of each item; each mark is set by one lane at a time.
#[derive(Clone)]
struct Marks {
    put: Array<u8>,
    got: Array<u8>,
    /// Lanes that were killed inside, of those that take items.
    ended: Array<u8>,
}

impl Marks {
    fn new(stage: &mut Stage, items: usize, lanes: usize) -> Marks {
        let array = |len| Array::<u8>::new(len).expect("memory for marks");
        let marks = Marks {
            put: array(items),
            got: array(items),
            ended: array(lanes),
        };
        stage.name("put", &marks.put);
        stage.name("got", &marks.got);
        stage.name("ended", &marks.ended);
        marks
    }

    /// Nothing twice, and of what was put no more is missing than getters are.
    fn judge(&self, queue: &Queue<Item>, getters: std::ops::Range<usize>) {
        while let Ok((number, _)) = queue.try_get() {
            assert_eq!(
                add(&self.got, number),
                1,
                "item {number} is there, and was got"
            );
        }
        let (put, got) = (self.put.to_vec_unlocked(), self.got.to_vec_unlocked());
        let ended = self.ended.to_vec_unlocked();
        let dead = ended[getters].iter().filter(|ended| **ended == 0).count();
        assert!(got.iter().all(|count| *count <= 1), "got twice: {got:?}");
        let lost = put.iter().zip(&got).filter(|(put, got)| put > got).count();
        assert!(
            lost <= dead,
            "{lost} items are lost with {dead} getters: {put:?} {got:?}"
        );
    }
}

fn add(marks: &Array<u8>, number: usize) -> u8 {
    let count = marks.get_unlocked(number).expect("an item's own") + 1;
    marks.set_unlocked(number, count).expect("an item's own");
    count
}

/// Three getters of a closed queue of one item.
fn getters(stage: &mut Stage, (): ()) {
    let queue = Queue::<Item>::with_capacity(None, 256).expect("memory for a queue");
    let marks = Marks::new(stage, 1, 3);
    stage.name("queue", &queue);
    queue.put((0, None)).expect("room");
    add(&marks.put, 0);
    queue.close().expect("no locks are held");
    for lane in 0..3 {
        let (queue, marks) = (queue.clone(), marks.clone());
        stage.lane(&format!("getter {lane}"), move |_| {
            for item in queue.iter() {
                let (number, _) = item.expect("an item");
                assert_eq!(add(&marks.got, number), 1, "item {number} is got twice");
            }
            add(&marks.ended, lane);
        });
    }
    stage.finally(move |_| {
        assert!(queue.is_closed());
        marks.judge(&queue, 0..3);
    });
}

/// The same, where each item is worked on in its place: none is ever lost.
fn workers(stage: &mut Stage, (): ()) {
    let queue = Queue::<Item>::with_capacity(None, 512).expect("memory for a queue");
    let marks = Marks::new(stage, 2, 3);
    stage.name("queue", &queue);
    for number in 0..2 {
        let along = Value::new(number as u32).expect("memory for a value");
        queue.put((number, Some(along))).expect("room");
    }
    queue.close().expect("no locks are held");
    for lane in 0..3 {
        let (queue, marks) = (queue.clone(), marks.clone());
        stage.lane(&format!("worker {lane}"), move |_| {
            loop {
                let worked = queue.process(|(number, along)| {
                    let along = along.expect("it was put with one").get_unlocked();
                    assert_eq!(along as usize, number, "the object of another item");
                    add(&marks.got, number);
                });
                match worked {
                    Ok(()) => {}
                    Err(GetError::Closed) => return,
                    Err(other) => panic!("{other}"),
                }
            }
        });
    }
    stage.finally(move |_| {
        while let Ok((number, along)) = queue.try_get() {
            let along = along.expect("it was put with one").get_unlocked();
            assert_eq!(along as usize, number, "the object of another item");
            add(&marks.got, number);
        }
        let got = marks.got.to_vec_unlocked();
        assert!(
            got.iter().all(|count| *count > 0),
            "an item is lost: {got:?}"
        );
    });
}

/// Three putters and one getter, through a queue with room for two items; whoever has put closes it. So two may be
/// killed, and one putter is left who finds room, and closes.
fn through(stage: &mut Stage, (): ()) {
    let queue = Queue::<Item>::with_capacity(Some(2), 128).expect("memory for a queue");
    let marks = Marks::new(stage, 3, 4);
    let along = Value::new(7).expect("memory for a value");
    stage.name("queue", &queue);
    for lane in 0..3 {
        let (queue, marks) = (queue.clone(), marks.clone());
        let along = (lane != 1).then(|| along.clone()); // of one there is nothing on the shelf
        stage.lane(&format!("putter {lane}"), move |_| {
            match queue.put((lane, along)) {
                Ok(()) => {
                    add(&marks.put, lane);
                }
                Err(PutError::Closed((back, _))) => assert_eq!(back, lane),
                Err(other) => panic!("{other}"),
            }
            queue.close().expect("no locks are held");
        });
    }
    let (from, log) = (queue.clone(), marks.clone());
    stage.lane("getter", move |_| {
        for item in from.iter() {
            let (number, along) = item.expect("an item");
            assert_eq!(along.is_some(), number != 1);
            assert!(
                along.is_none_or(|along| along.get_unlocked() == 7),
                "another object"
            );
            assert_eq!(add(&log.got, number), 1, "item {number} is got twice");
        }
        add(&log.ended, 3);
    });
    stage.finally(move |_| marks.judge(&queue, 3..4));
}

/// Three workers on two tasks, and one who waits for their end, and writes off what the dead had.
fn tasks(stage: &mut Stage, (): ()) {
    let queue = two_tasks(stage);
    for lane in 0..3 {
        let queue = queue.clone();
        stage.lane(&format!("worker {lane}"), move |_| {
            for task in queue.iter() {
                task.expect("a task");
                queue.task_done().expect("it is unfinished");
            }
        });
    }
    let waited = queue.clone();
    stage.lane("waiter", move |_| {
        while let Err(refused) = waited.join() {
            assert!(matches!(refused, JoinError::WorkerDied { .. }));
            let written_off = waited.write_off().expect("no locks are held");
            assert_ne!(written_off, 0, "{refused}, and nothing to write off");
        }
        assert_eq!(waited.unfinished(), 0);
    });
    stage.finally(move |_| {
        while queue.try_get().is_ok() {
            queue.task_done().expect("it is unfinished");
        }
        let (left, dead) = (queue.unfinished(), queue.write_off());
        assert_eq!(dead, Ok(left), "only the dead's are left");
        assert_eq!(queue.join(), Ok(()));
        assert_eq!(queue.task_done(), Err(TaskError::TooManyDone));
    });
}

/// The same, where the tasks are done in the queue: none is ever a dead one's.
fn tasks_in_place(stage: &mut Stage, (): ()) {
    let queue = two_tasks(stage);
    for lane in 0..3 {
        let queue = queue.clone();
        stage.lane(&format!("worker {lane}"), move |_| {
            while queue.process(|_| ()).is_ok() {}
        });
    }
    let waited = queue.clone();
    stage.lane("waiter", move |_| {
        assert_eq!(waited.join(), Ok(()));
        assert_eq!(waited.unfinished(), 0);
    });
    stage.finally(move |_| {
        while queue.process(|_| ()).is_ok() {}
        assert_eq!(queue.join(), Ok(()));
        assert_eq!(queue.task_done(), Err(TaskError::TooManyDone));
    });
}

/// A closed queue of them.
fn two_tasks(stage: &mut Stage) -> JoinableQueue<u8> {
    let queue = JoinableQueue::with_capacity(None, 64).expect("memory for a queue");
    stage.name("queue", &queue);
    for task in 0..2 {
        queue.put(task).expect("room");
    }
    queue.close().expect("no locks are held");
    queue
}
