//! The workers: started, replaced when they end, and what a death means for the task that the worker had.
//!
//! # Whose task is lost
//! A worker writes a task's number into its slot before the one store that takes the task off the queue, and puts the
//! result into the queue of results before it writes the next. Tasks are taken in the order of their numbers. So of a
//! dead worker whose slot says *k*:
//!
//! 1. Task *k* was not taken: it is in the queue, for others.
//! 2. It was taken, and another slot says *k* too: the other one has it. (Both were about to take it, and this one died
//!    before it could.)
//! 3. The result of *k* is there, or was: it is answered.
//! 4. None of these: the dead worker had it, and has taken it along.
//!
//! They are tried in this order, as things only move on in this order: who takes *k* after the first look did not find
//! it taken leaves nothing to be found out; who has it when the second look comes shows it in its slot until its result
//! is there for the third.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{Ordering::Acquire, fence};

use super::dispatcher::{Dispatcher, Phase, State};
use super::error::{PoolError, end_text};
use super::feed::{Bereft, parted};
use super::initializer::Prepared;
use super::slots::{Slots, Stage};
use super::worker::{Equipment, work};
use crate::data::Queue;
use crate::process::{Process, StartMethod};

/// How the workers are to be.
pub(super) struct Plan {
    pub processes: usize,
    pub method: Option<StartMethod>,
    pub most_tasks: Option<u64>,
    pub initializer: Option<Prepared>,
}

impl Plan {
    /// How many of so many tasks travel together, if nothing else is said: a quarter of a worker's share.
    pub fn share(&self, tasks: usize) -> usize {
        tasks.div_ceil(4 * self.processes)
    }
}

pub(super) struct Staff {
    /// By place; `None` where there is to be one.
    workers: Vec<Option<Worker>>,
    /// Some may have ended.
    may_have_ended: bool,
    /// How many ended since the last result that had taken nothing.
    fruitless: usize,
    started: u64,
}

pub(super) struct Worker {
    process: Process,
    sentinel: Arc<OwnedFd>,
}

/// So many more workers than the pool has may end one after another before they take anything; a pool in which one was
/// killed now and then is not to stop.
const FRUITLESS_MORE: usize = 16;

/// Which task a dead worker has taken along, unless the result is there: to be looked for after this.
pub(crate) fn taken_by<T>(place: usize, tasks: &Queue<T>, puts: u64, slots: &Slots) -> Option<u64> {
    let Stage::Taking(task) = slots.get(place) else {
        return None;
    };
    let waiting = tasks.len() as u64;
    // Acquire: pairs with the Release by which a getter commits: who sees the task gone sees the slot of who took it.
    fence(Acquire);
    let is_taken = task < puts - waiting;
    (is_taken && !slots.is_with_another(task, place)).then_some(task)
}

impl Worker {
    /// Kills it, and waits.
    pub fn end(self) {
        // It is ours; and a status that is lost is an end, too.
        let _ = self.process.kill().and_then(|()| self.process.join());
    }
}

impl Staff {
    pub fn new(count: usize) -> Staff {
        Staff {
            workers: (0..count).map(|_| None).collect(),
            may_have_ended: false,
            fruitless: 0,
            started: 0,
        }
    }

    pub fn is_gone(&self) -> bool {
        self.workers.iter().all(Option::is_none)
    }

    pub fn sentinels(&self) -> Vec<Arc<OwnedFd>> {
        let workers = self.workers.iter().flatten();
        workers.map(|worker| worker.sentinel.clone()).collect()
    }

    /// All of them, who are to be ended.
    pub fn leave(&mut self) -> Vec<Worker> {
        self.workers.iter_mut().filter_map(Option::take).collect()
    }

    /// Someone may have ended.
    pub fn look_after(&mut self) {
        self.may_have_ended = true;
    }

    /// There is a result.
    pub fn thrives(&mut self) {
        self.fruitless = 0;
    }
}

impl Dispatcher {
    /// Starts the workers that are missing. If some are there, the others can wait for better times.
    pub(super) fn hire(&self, state: &mut State) -> Result<(), PoolError> {
        let is_idle = || state.phase != Phase::Open && self.tasks.is_empty() && state.is_fed();
        if state.failure.is_some() || is_idle() {
            return Ok(());
        }
        for place in 0..state.staff.workers.len() {
            if state.staff.workers[place].is_some() {
                continue;
            }
            match self.start(place, state.staff.started + 1) {
                Ok(worker) => {
                    state.staff.started += 1;
                    state.staff.workers[place] = Some(worker);
                    self.ring(state); // the one who sleeps is to look after it
                }
                Err(error) if state.staff.is_gone() => return Err(error),
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    fn start(&self, place: usize, number: u64) -> Result<Worker, PoolError> {
        let initializer = self.plan.initializer.as_ref();
        let (initializer, holds) = initializer.map(Prepared::sealed).transpose()?.unzip();
        self.slots.slot(place).set(Stage::Starting);
        let equipment = Equipment {
            tasks: self.tasks.clone(),
            results: self.results.clone(),
            slots: self.slots.clone(),
            place,
            initializer,
            most_tasks: self.plan.most_tasks,
        };
        let mut process = Process::new(work, (equipment,))
            .named(format!("PoolWorker-{number}"))
            .daemon(true);
        if let Some(method) = self.plan.method {
            process = process.start_method(method);
        }
        process.start()?;
        if let Some(holds) = holds {
            holds.delivered();
        }
        let sentinel = match process.sentinel() {
            Ok(sentinel) => Arc::new(sentinel),
            Err(error) => {
                let _ = process.kill().and_then(|()| process.join());
                return Err(error.into());
            }
        };
        Ok(Worker { process, sentinel })
    }

    /// Takes up the deaths.
    pub(super) fn bury(&self, state: &mut State) -> Result<(), PoolError> {
        if !state.staff.may_have_ended {
            return Ok(());
        }
        for place in 0..state.staff.workers.len() {
            self.bury_one(state, place)?;
        }
        state.staff.may_have_ended = false;
        Ok(())
    }

    fn bury_one(&self, state: &mut State, place: usize) -> Result<(), PoolError> {
        let worker = state.staff.workers[place].as_ref();
        let Some(ended) = worker.filter(|worker| !worker.process.is_alive()) else {
            return Ok(());
        };
        let exit = ended.process.join().ok();
        let stage = self.slots.get(place);
        let at = self.slots.begun(place);
        let lost = taken_by(place, &self.tasks, state.puts, &self.slots);
        self.drain(state)?; // after an error the dead is still there
        state.staff.workers[place] = None;
        state.happened += 1;
        self.slots.slot(place).set(Stage::Starting);
        if let Some(pending) = lost.and_then(|task| state.open.remove(&task)) {
            match pending.bereft(exit, at) {
                Bereft::Again(pending) => state.bereft.push_back(pending),
                Bereft::Lost(delivery) => state.deliveries.push_back(delivery),
            }
        }
        let (code, signal) = parted(exit);
        match stage {
            Stage::Taking(_) => {}
            // It ends itself, and would again. A kill is another matter.
            Stage::Initializing if code.is_some() => {
                let why = format!("ended the worker with {}", end_text(code, None));
                self.fail(state, PoolError::Initializer { why });
            }
            // At its end, if the pool is closed.
            Stage::Starting | Stage::Idle if exit == Some(0) && state.phase == Phase::Closed => {}
            Stage::Starting | Stage::Idle | Stage::Initializing => state.staff.fruitless += 1,
        }
        if state.staff.fruitless > state.staff.workers.len() + FRUITLESS_MORE {
            let why = match stage {
                Stage::Initializing => PoolError::Initializer {
                    why: format!("died of {}, again and again", end_text(code, signal)),
                },
                _ => PoolError::WorkersFail { exit: code, signal },
            };
            self.fail(state, why);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Pool, PoolError};
    use crate::data::wait;
    use crate::sync::Event;

    /// Longer than anything here takes.
    const LONG: Duration = Duration::from_secs(60);

    fn pass(gate: Event) -> u32 {
        gate.wait();
        7
    }

    /// A worker's last result comes, and then its end, between the two looks of a call.
    #[test]
    fn a_result_that_came_before_the_death_is_no_death() -> Result<(), PoolError> {
        let pool = Pool::builder()
            .processes(1)
            .max_tasks_per_child(1)
            .build()?;
        let gate = Event::new()?;
        let result = pool.apply_async(pass, (gate.clone(),))?;
        let dispatcher = &pool.dispatcher;
        let mut state = dispatcher.state();
        dispatcher.drain(&mut state)?;
        gate.set();
        let sentinels = state.staff.sentinels();
        assert_eq!(wait(&[&*sentinels[0]], Some(LONG))?, [0]);
        state.staff.look_after();
        dispatcher.bury(&mut state)?;
        assert!(state.staff.is_gone(), "the death was seen");
        drop(state);
        assert_eq!(result.get()?, 7);
        Ok(())
    }
}
