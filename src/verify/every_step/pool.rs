//! A pool: of each task there is one answer, its result or its worker's death, wherever the worker dies.
//!
//! The lanes are workers, at what workers do, and a parent, which buries them as a pool does: it learns of a death
//! by a lock that the worker holds as long as it lives. Whom it does not bury are buried when all is quiet. Who runs a
//! task asks, too, what would be said of the others if they were dead.

use std::sync::Mutex;

use super::Subject;
use crate::explore::{Stage, run_all};
use crate::process::pool::envelope::Envelope;
use crate::process::pool::function::{Callable, Returns, place_of, run};
use crate::process::pool::slots::{self, Slots};

use crate::process::pool::staff::taken_by;
use crate::process::pool::worker::{Equipment, Report, Task, work};
use crate::{Array, GetError, Lock, LockError, Queue};

/// The subjects of this file. Any lane may be killed, and no other waits for it for ever.
pub(super) static SUBJECTS: &[Subject] = &[
    Subject {
        primitive: "Pool",
        name: "pool-two-workers-3",
        lanes: 3,
        run: |plans| run_all(pool, &(2, 1), plans),
    },
    Subject {
        primitive: "Pool",
        name: "pool-two-tasks-2",
        lanes: 2,
        run: |plans| run_all(pool, &(1, 2), plans),
    },
    Subject {
        primitive: "Pool",
        name: "pool-two-of-both-3",
        lanes: 3,
        run: |plans| run_all(pool, &(2, 2), plans),
    },
];

/// What all lanes have.
#[derive(Clone)]
struct Scene {
    tasks: Queue<Task>,
    results: Queue<Report>,
    slots: Slots,
    /// Each worker's.
    lives: Vec<Lock>,
    /// By task: how often it was run.
    runs: Array<u8>,
    /// By task: how many answers there are.
    answers: Array<u8>,
    /// By task: whether the answer is a worker's death.
    lost: Array<u8>,
    /// By worker: it has its life, it has ended, it was buried.
    began: Array<u8>,
    ended: Array<u8>,
    buried: Array<u8>,
    /// The parent is taking answers up: killed now, it takes one along.
    is_burying: Array<u8>,
}

/// In a worker's lane: the scene, and which worker it is. A function that workers run has nothing but its arguments.
static LANE: Mutex<Option<(Scene, usize)>> = Mutex::new(None);

/// A task: whoever runs one is the only worker that can have taken it along, also if others died about to take it.
fn count_run(task: u64) -> u64 {
    let lane = LANE.lock().expect("no one panics with it").clone();
    let (scene, own) = lane.expect("set by the lane");
    add(&scene.runs, task as usize);
    for place in (0..scene.lives.len()).filter(|place| *place != own) {
        let lost = taken_by(place, &scene.tasks, scene.puts(), &scene.slots);
        assert_ne!(lost, Some(task), "worker {place} has not taken it");
    }
    task
}

fn add(marks: &Array<u8>, at: usize) {
    let count = marks.get_unlocked(at).expect("it has a mark");
    marks.set_unlocked(at, count + 1).expect("it has a mark");
}

fn is_marked(marks: &Array<u8>, at: usize) -> bool {
    marks.get_unlocked(at).expect("it has a mark") != 0
}

fn place<F: Callable<(u64,)>>(_: F) -> std::io::Result<u64> {
    place_of(run::<F, (u64,)>)
}

impl Scene {
    fn new(stage: &mut Stage, workers: usize, count: u64) -> Scene {
        let array = |len| Array::<u8>::new(len).expect("memory for marks");
        let queue = "memory for a queue";
        let life = || Lock::new().expect("memory for a lock");
        let scene = Scene {
            tasks: Queue::with_capacity(None, 512).expect(queue),
            // With room for the text of a panic, should a task find that something is wrong.
            results: Queue::with_capacity(None, 64 << 10).expect(queue),
            slots: Slots::new(workers).expect("memory for slots"),
            lives: (0..workers).map(|_| life()).collect(),
            runs: array(count as usize),
            answers: array(count as usize),
            lost: array(count as usize),
            began: array(workers),
            ended: array(workers),
            buried: array(workers),
            is_burying: array(1),
        };
        stage.name("tasks", &scene.tasks);
        stage.name("results", &scene.results);
        stage.name("slots", &scene.slots);
        for (place, life) in scene.lives.iter().enumerate() {
            stage.name(&format!("life {place}"), life);
        }
        stage.name("runs", &scene.runs);
        stage.name("answers", &scene.answers);
        for number in 0..count {
            let (chunk, holds) = Envelope::seal(&vec![(number,)]).expect("numbers can be written");
            let function = place(count_run).expect("in this program");
            let task = Task {
                number,
                function,
                chunk,
                limit: None,
            };
            scene.tasks.put(task).expect("room");
            holds.delivered();
        }
        scene.tasks.close().expect("no locks are held");
        scene
    }

    /// A worker's lane.
    fn work(self, place: usize) {
        // Free, or looked at by the parent; an owner that died is not this worker.
        let _life = self.lives[place].lock().expect("no one else dies with it");
        add(&self.began, place);
        *LANE.lock().expect("no one panics with it") = Some((self.clone(), place));
        let equipment = Equipment {
            tasks: self.tasks.clone(),
            results: self.results.clone(),
            slots: self.slots.clone(),
            place,
            initializer: None,
            most_tasks: None,
        };
        work(equipment).expect("nothing is refused");
        add(&self.ended, place);
    }

    /// The parent's lane. A worker that has not begun is left for later.
    fn bury_all(&self) {
        self.is_burying.set_unlocked(0, 1).expect("a mark");
        for place in 0..self.lives.len() {
            if let Err(LockError::OwnerDied(life)) = self.lives[place].lock() {
                drop(life);
                self.bury(place);
            }
        }
        self.drain();
        self.is_burying.set_unlocked(0, 0).expect("a mark");
    }

    /// As the dispatcher does it.
    fn bury(&self, place: usize) {
        let lost = taken_by(place, &self.tasks, self.puts(), &self.slots);
        self.drain();
        if let Some(task) = lost.filter(|task| !is_marked(&self.answers, *task as usize)) {
            add(&self.lost, task as usize); // first: the parent may be killed between the two
            add(&self.answers, task as usize);
        }
        self.slots.slot(place).set(slots::Stage::Starting);
        add(&self.buried, place);
    }

    /// How many tasks there were.
    fn puts(&self) -> u64 {
        self.runs.len() as u64
    }

    fn drain(&self) {
        loop {
            match self.results.try_get() {
                Ok(Report::Done { task, answer }) => {
                    let answer = answer.expect("numbers can be written and read");
                    let returned: Returns<u64> = answer.open().expect("numbers can be read");
                    assert_eq!(returned, [Ok(task)]);
                    add(&self.answers, task as usize);
                }
                Ok(Report::NotInitialized(why)) => panic!("there is no initializer, which {why}"),
                Err(GetError::Empty) => return,
                Err(other) => panic!("{other}"),
            }
        }
    }

    /// When all lanes have ended, or were killed.
    fn judge(&self) {
        let parent_died = is_marked(&self.is_burying, 0);
        let has_ended = |place: &usize| is_marked(&self.ended, *place);
        for place in (0..self.lives.len()).filter(|place| !has_ended(place)) {
            if !is_marked(&self.buried, place) {
                self.bury(place);
            }
        }
        self.drain();
        let any_survived = (0..self.lives.len()).any(|place| has_ended(&place));
        let taken = self.puts() - self.tasks.len() as u64;
        assert!(
            !any_survived || taken == self.puts(),
            "{taken} tasks are taken"
        );
        for task in 0..self.puts() as usize {
            let count = |marks: &Array<u8>| marks.get_unlocked(task).expect("it has a mark");
            let (runs, answers, lost) =
                (count(&self.runs), count(&self.answers), count(&self.lost));
            assert!(runs <= 1, "task {task} was run {runs} times");
            let expected = u8::from((task as u64) < taken);
            if parent_died {
                assert!(answers <= expected, "task {task} has {answers} answers");
            } else {
                assert_eq!(answers, expected, "answers to task {task}");
            }
            assert!(
                runs == 1 || answers <= lost,
                "task {task} has a value, and was not run"
            );
        }
    }
}

fn pool(stage: &mut Stage, (workers, tasks): (usize, u64)) {
    let scene = Scene::new(stage, workers, tasks);
    for place in 0..workers {
        let scene = scene.clone();
        stage.lane(&format!("worker {place}"), move |_| scene.work(place));
    }
    let parent = scene.clone();
    stage.lane("parent", move |_| parent.bury_all());
    stage.finally(move |_| scene.judge());
}
