//! Random kills of two lanes that put tasks into a queue, a few at a time, and wait until all are done, and of the one
//! that does them.
//!
//! Who waits is told of the task that a killed worker had, and writes it off.
//!
//! # What is judged
//! No one waits for ever: after each death of a putter the others go on, and all do when the worker is back. A join
//! that returned returned rightly. Each task came once, but for one with each worker that was killed, and no more are
//! written off than that. In the end none is unfinished.

use serde::{Deserialize, Serialize};

use super::crew::{Board, Line, Tally, Work};
use super::ledger::Ledger;
use super::{Fallible, pace};
use crate::explore::dice::Dice;
use crate::{Array, GetError, JoinError, JoinableQueue, Process, PutError, TaskError};

const PUTTERS: usize = 2;
const WORKER: usize = PUTTERS;
/// The most tasks that are put at a time.
const BATCH: u64 = 4;

/// Who puts it, and its number.
type Task = (usize, u64);

/// Tasks on their way.
#[derive(Clone, Serialize, Deserialize)]
pub struct Tasks {
    queue: JoinableQueue<Task>,
    ledger: Ledger,
    /// By putter: its last task that the worker says is done; written by the worker only.
    done: Array<u64>,
    /// By putter: how many it has written off.
    written_off: Array<u64>,
}

impl Tasks {
    /// # Errors
    /// No memory.
    pub fn new() -> Fallible<Tasks> {
        Ok(Tasks {
            queue: JoinableQueue::bounded(BATCH as usize)?,
            ledger: Ledger::new(PUTTERS)?,
            done: Array::new(PUTTERS)?,
            written_off: Array::new(PUTTERS)?,
        })
    }

    fn put_some(&self, putter: usize, line: &mut Line) -> Fallible {
        if self.ledger.take_over(putter)? {
            line.met_a_death();
        }
        let mut dice = Dice::new(line.moves() ^ (putter as u64) << 32);
        while !line.is_stopped() {
            for _ in 0..1 + dice.below(BATCH) {
                let number = self.ledger.begin(putter)?;
                match self.queue.put((putter, number)) {
                    Ok(()) => self.ledger.has_sent(putter)?,
                    Err(PutError::Closed(_)) => return Ok(()),
                    Err(other) => return Err(other.to_string().into()),
                }
            }
            let put = self.ledger.last_begun(putter)?;
            self.join(putter, line)?;
            // A worker that was killed with one has said so of none.
            let done = self.done.get_unlocked(putter)?;
            if done + self.ledger.dead_receivers() < put {
                return Err(format!("{put} tasks were put, {done} done, and all joined").into());
            }
            line.moved();
        }
        Ok(())
    }

    fn join(&self, putter: usize, line: &mut Line) -> Fallible {
        loop {
            line.about_to("join");
            match self.queue.join() {
                Ok(()) => return Ok(()),
                Err(JoinError::WorkerDied { .. }) => {
                    line.met_a_death();
                    // The other putter may have been faster.
                    let tasks = self.queue.write_off()? as u64;
                    let before = self.written_off.get_unlocked(putter)?;
                    self.written_off.set_unlocked(putter, before + tasks)?;
                }
                Err(other) => return Err(other.into()),
            }
        }
    }

    fn work(&self, line: &mut Line) -> Fallible {
        self.ledger.new_receiver();
        let mut dice = Dice::new(line.moves());
        loop {
            let task = match self.queue.get() {
                Ok(task) => task,
                Err(GetError::Closed) => return Ok(()),
                Err(other) => return Err(other.into()),
            };
            self.take(task)?;
            pace::dawdle(&mut dice, 200)();
            self.queue.task_done()?;
            line.moved();
        }
    }

    fn take(&self, (putter, number): Task) -> Fallible {
        self.ledger.receive(putter, number)?;
        Ok(self.done.set_unlocked(putter, number)?)
    }
}

impl Work for Tasks {
    fn lanes(&self) -> usize {
        PUTTERS + 1
    }

    fn lane(&self, number: usize, board: Board) -> Process {
        Process::new(lane, (number, self.clone(), board))
    }

    fn goes_on_without(&self, lane: usize, dead: &[usize]) -> bool {
        match lane {
            WORKER => dead.len() < PUTTERS,
            _ => !dead.contains(&WORKER),
        }
    }

    fn wind_up(&self) -> Fallible {
        Ok(self.queue.close()?)
    }

    fn judge(&self, _tally: &Tally) -> Fallible {
        let left = self.queue.len();
        let unfinished = self.queue.unfinished();
        let written_off = self.queue.write_off()?;
        if left != 0 || unfinished != written_off {
            return Err(format!(
                "{left} tasks are left, {unfinished} unfinished, and of those {written_off} dead workers'"
            )
            .into());
        }
        let written_off =
            written_off as u64 + self.written_off.to_vec_unlocked().iter().sum::<u64>();
        let dead = self.ledger.dead_receivers();
        if written_off > dead {
            return Err(
                format!("{written_off} tasks of {dead} dead workers are written off").into(),
            );
        }
        self.queue.join()?;
        if !matches!(self.queue.task_done(), Err(TaskError::TooManyDone)) {
            return Err("one more was done than was put".into());
        }
        self.ledger.judge()
    }
}

fn lane(number: usize, tasks: Tasks, board: Board) -> Fallible {
    let mut line = board.line(number)?;
    match number {
        WORKER => tasks.work(&mut line),
        putter => tasks.put_some(putter, &mut line),
    }
}
