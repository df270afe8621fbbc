//! What a worker does: it takes tasks from the queue by itself, one after another, and puts the results into another.

use std::cell::OnceCell;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::envelope::Envelope;
use super::function::{Fault, function_at};
use super::initializer::Initializer;
use super::panics::keep_quiet;
use super::slots::{Slot, Slots, Stage};
use crate::data::{GetError, PutError, Queue};
use crate::process::ExitCode;
use crate::sys::limit::TimeLimit;

/// A chunk of tasks on its way to a worker.
#[derive(Serialize, Deserialize)]
pub(crate) struct Task {
    /// Tasks are counted from 0 in the order in which they were put.
    pub number: u64,
    /// Its [`place_of`](super::function::place_of).
    pub function: u64,
    pub chunk: Envelope,
    /// For each task in it.
    pub limit: Option<Duration>,
}

/// What a worker has to say.
#[derive(Serialize, Deserialize)]
pub(crate) enum Report {
    Done {
        task: u64,
        answer: Result<Envelope, Fault>,
    },
    /// The initializer failed, and why. The worker ends.
    NotInitialized(String),
}

/// What a worker is given.
#[derive(Serialize, Deserialize)]
pub(crate) struct Equipment {
    pub tasks: Queue<Task>,
    pub results: Queue<Report>,
    pub slots: Slots,
    /// Which of the slots is its own.
    pub place: usize,
    pub initializer: Option<Initializer>,
    /// It ends after so many chunks of tasks.
    pub most_tasks: Option<u64>,
}

crate::spawnable!(work);

/// A worker at a chunk of tasks.
pub(crate) struct Shift<'a> {
    slot: &'a Slot,
    /// Made at the first need; the worker's own.
    clock: &'a OnceCell<TimeLimit>,
    limit: Option<Duration>,
}

impl Shift<'_> {
    /// Does one of the tasks, in its time. Nothing but the task itself is limited: no queue is held when the time is
    /// over.
    ///
    /// # Errors
    /// There is no timer to be had, and nothing was done.
    pub fn during<R>(&self, task: usize, act: impl FnOnce() -> R) -> io::Result<R> {
        self.slot.begin(task);
        let Some(limit) = self.limit else {
            return Ok(act());
        };
        let clock = match self.clock.get() {
            Some(clock) => clock,
            None => {
                let clock = TimeLimit::new()?;
                self.clock.get_or_init(|| clock)
            }
        };
        clock.start(limit)?;
        let done = act();
        clock.stop();
        Ok(done)
    }
}

/// A worker's life. An error is said on standard error, and the parent finds it dead.
pub(crate) fn work(equipment: Equipment) -> Result<ExitCode, String> {
    let Equipment {
        tasks,
        results,
        slots,
        place,
        initializer,
        most_tasks,
    } = equipment;
    keep_quiet();
    let slot = slots.slot(place);
    if let Some(initializer) = initializer {
        slot.set(Stage::Initializing);
        // SAFETY: it came from the parent, which is this same program, and sealed it.
        if let Err(why) = unsafe { initializer.run() } {
            let report = Report::NotInitialized(why);
            results.put(report).map_err(|error| error.to_string())?;
            return Ok(ExitCode(1)); // the parent tells
        }
    }
    slot.set(Stage::Idle);
    let clock = OnceCell::new();
    for _ in 0..most_tasks.unwrap_or(u64::MAX) {
        let taken = tasks.process(|task| {
            // Before the task leaves the queue, so that the parent knows who had it.
            slot.begin(0);
            slot.set(Stage::Taking(task.number));
            task
        });
        let task = match taken {
            Ok(task) => task,
            Err(GetError::Closed) => break,
            Err(other) => return Err(format!("cannot take a task: {other}")),
        };
        let shift = Shift {
            slot,
            clock: &clock,
            limit: task.limit,
        };
        finish(task, &shift, &results)?;
    }
    Ok(ExitCode(0))
}

fn finish(task: Task, shift: &Shift<'_>, results: &Queue<Report>) -> Result<(), String> {
    let number = task.number;
    // SAFETY: the parent is this same program, and got the place from place_of().
    let run = unsafe { function_at(task.function) };
    let report = |answer| Report::Done {
        task: number,
        answer,
    };
    let unsent = match run(task.chunk, shift) {
        Err(fault) => results.put(report(Err(fault))),
        Ok((returns, holds)) => match results.put(report(Ok(returns))) {
            Ok(()) => {
                holds.delivered();
                Ok(())
            }
            Err(unsent @ (PutError::TooManyFiles(_) | PutError::Io(..))) => {
                results.put(report(Err(Fault::Unsendable(unsent.to_string()))))
            }
            refused => refused,
        },
    };
    unsent.map_err(|error| format!("cannot send a result: {error}"))
}
