//! Queues: whoever is killed, what was put is got once, or was taken along by its getter; space and places come back.

use forkproof::{Array, JoinError, JoinableQueue, Queue};

use super::{Case, busy, quiet};
use crate::stage::{End, Stage};

pub(super) static CASES: &[Case] = &[
    quiet("Queue", "put, nobody there", |stage| put(stage, 0)),
    quiet("Queue", "put, one getter asleep", |stage| put(stage, 1)),
    quiet("Queue", "put, two getters asleep", |stage| put(stage, 2)),
    quiet("Queue", "put, full", |stage| put_full(stage, 0)),
    quiet("Queue", "put, full, one putter asleep", |stage| {
        put_full(stage, 1)
    }),
    quiet("Queue", "get, nobody there", |stage| {
        get(stage, 0, Take::Get)
    }),
    quiet("Queue", "get, one putter asleep", |stage| {
        get(stage, 1, Take::Get)
    }),
    quiet("Queue", "get, two putters asleep", |stage| {
        get(stage, 2, Take::Get)
    }),
    quiet("Queue", "get, empty", |stage| get_empty(stage, 0)),
    quiet("Queue", "get, empty, one getter asleep", |stage| {
        get_empty(stage, 1)
    }),
    quiet("Queue", "process, nobody there", |stage| {
        get(stage, 0, Take::Process)
    }),
    quiet("Queue", "process, one putter asleep", |stage| {
        get(stage, 1, Take::Process)
    }),
    quiet("Queue", "close, one getter asleep", close),
    busy("Queue", "put and get, one awake", |stage| {
        let flow = Flow::of(stage, 2);
        let (mine, awake) = (flow.clone(), flow.clone());
        stage.awake("who puts and gets", move || {
            awake.queue.put(item(OTHERS)).expect("room");
            awake.queue.get().expect("one that was put");
        });
        stage.victim(
            || (),
            move |()| {
                mine.queue.put(item(OTHERS)).expect("room");
                mine.queue.get().expect("one that was put");
            },
        );
        stage.judge(move |_| {
            let left = std::iter::from_fn(|| flow.queue.try_get().ok()).count();
            assert!(left <= 1, "{left} items are left of one dead putter");
        });
    }),
    quiet("JoinableQueue", "put, nobody there", |stage| {
        let tasks = Tasks::of(stage, 0);
        let mine = tasks.clone();
        stage.victim(|| (), move |()| mine.0.put(item(0)).expect("room"));
        tasks.finish(stage, 1);
    }),
    quiet("JoinableQueue", "task_done, nobody there", |stage| {
        task_done(stage, 0)
    }),
    quiet("JoinableQueue", "task_done, one asleep in join", |stage| {
        task_done(stage, 1)
    }),
    quiet("JoinableQueue", "task_done, two asleep in join", |stage| {
        task_done(stage, 2)
    }),
    quiet("JoinableQueue", "process, one asleep in join", |stage| {
        let tasks = Tasks::of(stage, 1);
        tasks.fall_asleep(stage, 1);
        let (mine, after) = (tasks.clone(), tasks.clone());
        stage.victim(|| (), move |()| mine.0.process(|_| ()).expect("one task"));
        stage.survivor("who works after", move |end| {
            if !end.returned {
                // The task is there still, or was done, and perhaps not counted.
                let _taken = after.0.try_get();
                let _counted_already = after.0.task_done();
            }
        });
        tasks.finish(stage, 1);
    }),
    // The worker goes on while it wakes the victim.
    busy("JoinableQueue", "join", |stage| {
        let tasks = Tasks::of(stage, 1);
        let (mine, worker) = (tasks.clone(), tasks.clone());
        stage.poised(
            "the worker",
            || (),
            move |()| {
                worker.0.get().expect("one task");
                worker.0.task_done().expect("one is unfinished");
            },
        );
        stage.victim(|| (), move |()| assert_eq!(mine.0.join(), Ok(())));
        tasks.finish(stage, 1);
    }),
    quiet("JoinableQueue", "get, one asleep in join", |stage| {
        let tasks = Tasks::of(stage, 1);
        tasks.fall_asleep(stage, 1);
        let (mine, after) = (tasks.clone(), tasks.clone());
        stage.victim(
            || (),
            move |()| {
                mine.0.get().expect("one task");
            },
        );
        stage.survivor("who works after", move |_| {
            if after.0.try_get().is_ok() {
                after.0.task_done().expect("one is unfinished");
            }
        });
        stage.judge(move |_| tasks.are_done_or_the_victims());
    }),
    // Another thread's addresses stay in the links of its hand.
    busy("JoinableQueue", "write_off", |stage| {
        let tasks = Tasks::of(stage, 2);
        let dead = tasks.clone();
        let ended = std::thread::spawn(move || drop(dead.0.get())).join();
        ended.expect("a thread that ends with a task");
        let (mine, after) = (tasks.clone(), tasks.clone());
        stage.victim(|| (), move |()| assert_eq!(mine.0.write_off(), Ok(1)));
        stage.survivor("who writes off after", move |end| {
            let written_off = after.0.write_off().expect("no locks are held");
            assert!(written_off <= usize::from(!end.returned), "{end:?}");
            after.0.get().expect("the other task");
            after.0.task_done().expect("one is unfinished");
        });
        stage.judge(move |_| assert_eq!(tasks.0.join(), Ok(())));
    }),
];

/// The victim's own item is number 0, those of others follow.
const OTHERS: usize = 1;
const ITEMS: usize = 5;

/// No thread's id can be read from its bytes.
type Item = u32;

fn item(number: usize) -> Item {
    0xf5f5_f500 + number as u32
}

/// A queue, and how often each item was got.
#[derive(Clone)]
struct Flow {
    queue: Queue<Item>,
    got: Array<u32>,
}

impl Flow {
    fn of(stage: &mut Stage, room: usize) -> Flow {
        let flow = Flow {
            queue: Queue::with_capacity(Some(room), 128).expect("memory for a queue"),
            got: Array::new(ITEMS).expect("memory for marks"),
        };
        stage.watch(&flow.queue);
        flow
    }

    fn put(&self, number: usize) {
        self.queue.put(item(number)).expect("an open queue");
    }

    fn note(&self, seen: Item) {
        let number = (seen - item(0)) as usize;
        let before = self.got.get_unlocked(number).expect("a known item");
        let noted = self.got.set_unlocked(number, before + 1);
        noted.expect("a known item");
    }

    fn get(&self) {
        self.note(self.queue.get().expect("an item"));
    }

    /// Each of these is got once; the victim's own once, if its put returned.
    fn finish(self, stage: &mut Stage, others: usize) {
        stage.judge(move |end| {
            let got = self.drained();
            let first = u32::from(end.returned);
            assert!((first..=1).contains(&got[0]), "{got:?}, {end:?}");
            assert!(
                got[1..=others].iter().all(|got| *got == 1),
                "{got:?}, {end:?}"
            );
            self.is_usable();
        });
    }

    fn drained(&self) -> Vec<u32> {
        while let Ok(seen) = self.queue.try_get() {
            self.note(seen);
        }
        self.got.to_vec_unlocked()
    }

    fn is_usable(&self) {
        self.queue.try_put(item(0)).expect("room in the end");
        self.queue.try_get().expect("an item in the end");
        assert!(self.queue.is_empty());
    }
}

/// Those asleep need one item each: the victim puts the first, and a survivor the rest.
fn put(stage: &mut Stage, getters: usize) {
    let flow = Flow::of(stage, ITEMS);
    for _ in 0..getters {
        let flow = flow.clone();
        stage.asleep("a getter", move || flow.get());
    }
    let (mine, after) = (flow.clone(), flow.clone());
    stage.victim(|| (), move |()| mine.put(0));
    let missing = move |end: End| getters.saturating_sub(usize::from(end.returned));
    stage.survivor("who puts after", move |end| {
        (OTHERS..=missing(end)).for_each(|number| after.put(number));
    });
    stage.judge(move |end| {
        let got = flow.drained();
        let first = u32::from(end.returned);
        assert!((first..=1).contains(&got[0]), "{got:?}, {end:?}");
        let others = &got[OTHERS..=missing(end)];
        assert!(others.iter().all(|got| *got == 1), "{got:?}, {end:?}");
        flow.is_usable();
    });
}

/// There is room for one item, and it is taken; a getter makes some when the victim sleeps.
fn put_full(stage: &mut Stage, putters: usize) {
    let flow = Flow::of(stage, 1);
    flow.put(OTHERS);
    for putter in 0..putters {
        let flow = flow.clone();
        stage.asleep("a putter", move || flow.put(OTHERS + 1 + putter));
    }
    let (mine, getter) = (flow.clone(), flow.clone());
    stage.poised(
        "a getter",
        || (),
        move |()| {
            for _ in 0..=putters {
                getter.get();
            }
        },
    );
    stage.victim(|| (), move |()| mine.put(0));
    flow.finish(stage, OTHERS + putters);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Take {
    Get,
    Process,
}

/// The queue is full; putters wait for the room that the victim makes.
fn get(stage: &mut Stage, putters: usize, take: Take) {
    let flow = Flow::of(stage, 1);
    flow.put(0);
    for putter in 0..putters {
        let flow = flow.clone();
        stage.asleep("a putter", move || flow.put(OTHERS + putter));
    }
    let (mine, after) = (flow.clone(), flow.clone());
    stage.victim(
        || (),
        move |()| match take {
            Take::Get => drop(mine.queue.get().expect("an item")),
            Take::Process => mine.queue.process(|seen| mine.note(seen)).expect("an item"),
        },
    );
    // If one was got, the next has room; so one less must be got for all to have put.
    stage.survivor("who gets after", move |end| {
        (0..putters.saturating_sub(usize::from(end.returned))).for_each(|_| after.get());
    });
    stage.judge(move |end| {
        let got = flow.drained();
        match take {
            // Got again only if it was not got.
            Take::Get => assert!(got[0] <= u32::from(!end.returned), "{got:?}, {end:?}"),
            // Never lost; worked on again if the victim died at it.
            Take::Process if end.returned => assert_eq!(got[0], 1, "{got:?}, {end:?}"),
            Take::Process => assert!((1..=2).contains(&got[0]), "{got:?}, {end:?}"),
        }
        let others = &got[OTHERS..OTHERS + putters];
        assert!(others.iter().all(|got| *got == 1), "{got:?}, {end:?}");
        flow.is_usable();
    });
}

/// Others wait before the victim; a putter comes when it sleeps, with an item for each, and one for it.
fn get_empty(stage: &mut Stage, getters: usize) {
    let flow = Flow::of(stage, ITEMS);
    for _ in 0..getters {
        let flow = flow.clone();
        stage.asleep("a getter", move || flow.get());
    }
    let (mine, putter) = (flow.clone(), flow.clone());
    stage.poised(
        "a putter",
        || (),
        move |()| {
            (0..=getters).for_each(|number| putter.put(number));
        },
    );
    stage.victim(|| (), move |()| mine.queue.get().expect("an item"));
    stage.judge(move |end| {
        let got = flow.drained();
        let lost = got[..=getters].iter().filter(|got| **got == 0).count();
        let least = usize::from(end.returned);
        assert!((least..=1).contains(&lost), "{got:?}, {end:?}");
        assert!(got.iter().all(|got| *got <= 1), "{got:?}, {end:?}");
        flow.is_usable();
    });
}

fn close(stage: &mut Stage) {
    let flow = Flow::of(stage, 1);
    let (waits, mine, after) = (flow.clone(), flow.clone(), flow.clone());
    stage.asleep("a getter", move || {
        let got = waits.queue.get();
        assert!(got.is_err(), "nothing was put: {got:?}");
    });
    stage.victim(
        || (),
        move |()| mine.queue.close().expect("no locks are held"),
    );
    stage.survivor("who closes after", move |end| {
        if !end.returned {
            after.queue.close().expect("no locks are held");
        }
    });
    stage.judge(move |_| assert!(flow.queue.is_closed()));
}

#[derive(Clone)]
struct Tasks(JoinableQueue<Item>);

impl Tasks {
    /// So many are put.
    fn of(stage: &mut Stage, tasks: usize) -> Tasks {
        let queue = JoinableQueue::with_capacity(None, 128).expect("memory for a queue");
        stage.watch(&queue);
        (0..tasks).for_each(|number| queue.put(item(number)).expect("room"));
        Tasks(queue)
    }

    fn fall_asleep(&self, stage: &mut Stage, joiners: usize) {
        for _ in 0..joiners {
            let tasks = self.clone();
            stage.asleep("who joins", move || {
                // Of the victim's task, if it has one.
                let joined = tasks.0.join();
                let is_right = matches!(joined, Ok(()) | Err(JoinError::WorkerDied { tasks: 1 }));
                assert!(is_right, "{joined:?}");
            });
        }
    }

    /// There is one task, which is done, or in the hand of the victim, which has ended.
    fn are_done_or_the_victims(&self) {
        let left = self.0.unfinished();
        assert!(self.0.is_empty() && left <= 1);
        let is_known = match left {
            0 => Ok(()),
            tasks => Err(JoinError::WorkerDied { tasks }),
        };
        assert_eq!(self.0.join(), is_known);
        assert_eq!(self.0.write_off(), Ok(left));
        assert_eq!(self.0.join(), Ok(()));
    }

    /// What is left is done once, and then there is nothing to wait for.
    fn finish(self, stage: &mut Stage, most: usize) {
        stage.judge(move |end| {
            let left = self.0.unfinished();
            assert!(left <= most, "{left} are unfinished of {most}, {end:?}");
            let tasks = std::iter::from_fn(|| self.0.try_get().ok()).count();
            assert!(tasks <= left, "{tasks} tasks, {left} unfinished, {end:?}");
            (0..left).for_each(|_| self.0.task_done().expect("one is unfinished"));
            assert!(self.0.task_done().is_err(), "more are done than were put");
            assert_eq!(self.0.join(), Ok(()));
        });
    }
}

/// If the victim's call returned, those who join need no other.
fn task_done(stage: &mut Stage, joiners: usize) {
    let tasks = Tasks::of(stage, 1);
    tasks.fall_asleep(stage, joiners);
    let (mine, after) = (tasks.clone(), tasks.clone());
    stage.victim(
        {
            let mine = mine.clone();
            move || mine.0.get().expect("one task")
        },
        move |_| mine.0.task_done().expect("one is unfinished"),
    );
    stage.survivor("who finishes after", move |end| {
        if !end.returned {
            let _done_already = after.0.task_done();
        }
    });
    stage.judge(move |end| {
        assert_eq!(tasks.0.unfinished(), 0, "{end:?}");
        assert!(tasks.0.is_empty());
        assert_eq!(tasks.0.join(), Ok(()));
    });
}
