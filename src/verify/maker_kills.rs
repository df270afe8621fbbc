//! Random kills of lanes that make shared objects of every kind and send them to others, who use them.
//!
//! # What is judged
//! What arrives works, whoever made it and is dead since. Memory is given back: what the dead made goes with the last
//! that has it. No one else is disturbed.

use serde::{Deserialize, Serialize};

use super::Fallible;
use super::crew::{Board, Line, Tally, Work};
use super::leftovers::shared_bytes;
use crate::explore::dice::Dice;
use crate::{
    Array, Barrier, BoundedSemaphore, Condition, Event, GetError, Lock, Pipe, Process, PutError,
    Queue, RLock, Receiver, Semaphore, Sender, Value,
};

const MAKERS: usize = 2;
const USERS: usize = 2;
const NUMBER: u64 = 7;

/// A new object.
#[derive(Serialize, Deserialize)]
enum Made {
    Lock(Lock),
    RLock(RLock),
    Semaphore(Semaphore),
    BoundedSemaphore(BoundedSemaphore),
    Event(Event),
    Condition(Condition),
    Barrier(Barrier),
    Value(Value<u64>),
    /// Larger than an arena begins.
    Array(Array<u64>),
    Queue(Queue<u64>),
    Pipe(Receiver<u64>, Sender<u64>),
}

const KINDS: u64 = 11;
const ARRAY_LEN: usize = 20_000;
const QUEUE_BYTES: usize = 4_096;

/// Objects on their way.
#[derive(Clone, Serialize, Deserialize)]
pub struct Objects {
    /// With the maker, and which of its lives it is.
    queue: Queue<(usize, u64, Made)>,
    /// By lane: how often it was started.
    lives: Array<u64>,
}

/// Objects between two looks at the memory of their maker.
const MADE: u64 = 32;
/// Bytes that it may share more than at first: there are few objects at a time, and those of each size have room in the
/// first arena of that size.
const MOST_BYTES: u64 = 7 * (64 << 10);
/// Bytes that a dead user may hold of its.
const HELD_BY_ONE: u64 = 32 << 10;

impl Objects {
    /// # Errors
    /// No memory.
    pub fn new() -> Fallible<Objects> {
        Ok(Objects {
            queue: Queue::bounded(4)?,
            lives: Array::new(MAKERS + USERS)?,
        })
    }
}

impl Objects {
    fn lives_of_users(&self) -> u64 {
        self.lives.to_vec_unlocked()[MAKERS..].iter().sum()
    }
}

impl Made {
    fn new(kind: u64) -> Fallible<Made> {
        Ok(match kind {
            0 => Made::Lock(Lock::new()?),
            1 => Made::RLock(RLock::new()?),
            2 => Made::Semaphore(Semaphore::new(1)?),
            3 => Made::BoundedSemaphore(BoundedSemaphore::new(1)?),
            4 => Made::Event(Event::new()?),
            5 => Made::Condition(Condition::new()?),
            6 => Made::Barrier(Barrier::new(1)?),
            7 => Made::Value(Value::new(NUMBER)?),
            8 => Made::Array(Array::from_slice(&[NUMBER; ARRAY_LEN])?),
            9 => {
                let queue = Queue::with_capacity(None, QUEUE_BYTES)?;
                queue.put(NUMBER).map_err(|error| error.to_string())?;
                Made::Queue(queue)
            }
            _ => {
                let (receiver, sender) = Pipe::one_way()?;
                Made::Pipe(receiver, sender)
            }
        })
    }

    /// It is as it was made, and works.
    fn try_out(self) -> Fallible {
        let found = match self {
            Made::Lock(lock) => lock.try_lock().is_ok(),
            Made::RLock(lock) => lock.try_lock().is_ok(),
            Made::Semaphore(permits) => permits.try_acquire().is_ok(),
            Made::BoundedSemaphore(permits) => permits.try_acquire().is_ok(),
            Made::Event(event) => {
                let was_set = event.is_set();
                event.set();
                !was_set && event.is_set()
            }
            Made::Condition(condition) => condition.lock().is_ok() && condition.waiters() == 0,
            Made::Barrier(barrier) => barrier.wait().is_ok(),
            Made::Value(value) => value.get_unlocked() == NUMBER,
            Made::Array(array) => array.to_vec_unlocked() == [NUMBER; ARRAY_LEN],
            Made::Queue(queue) => queue.try_get().is_ok_and(|number| number == NUMBER),
            Made::Pipe(receiver, sender) => {
                sender.send(&NUMBER)?;
                receiver.recv()? == NUMBER
            }
        };
        found
            .then_some(())
            .ok_or_else(|| "what arrived does not work".into())
    }
}

impl Work for Objects {
    fn lanes(&self) -> usize {
        MAKERS + USERS
    }

    fn lane(&self, number: usize, board: Board) -> Process {
        Process::new(lane, (number, self.clone(), board))
    }

    fn goes_on_without(&self, lane: usize, dead: &[usize]) -> bool {
        let (makers, users) = (0..MAKERS, MAKERS..MAKERS + USERS);
        let mut others = if lane < MAKERS { users } else { makers };
        others.any(|other| !dead.contains(&other))
    }

    fn wind_up(&self) -> Fallible {
        Ok(self.queue.close()?)
    }

    fn judge(&self, _tally: &Tally) -> Fallible {
        match self.queue.len() {
            0 => Ok(()),
            left => Err(format!("the users have left {left} objects").into()),
        }
    }
}

fn lane(number: usize, objects: Objects, board: Board) -> Fallible {
    let mut line = board.line(number)?;
    let life = objects.lives.get_unlocked(number)? + 1;
    objects.lives.set_unlocked(number, life)?;
    if number < MAKERS {
        make(number, life, &objects, &mut line)
    } else {
        try_out(&objects, &mut line)
    }
}

fn make(maker: usize, life: u64, objects: &Objects, line: &mut Line) -> Fallible {
    let mut dice = Dice::new(line.moves() ^ (maker as u64) << 32);
    let (at_first, lives) = (shared_bytes()?, objects.lives_of_users());
    while !line.is_stopped() {
        let made = Made::new(dice.below(KINDS))?;
        match objects.queue.put((maker, life, made)) {
            Ok(()) => {}
            Err(PutError::Closed(_)) => return Ok(()),
            Err(other) => return Err(other.to_string().into()),
        }
        line.moved();
        if line.moves().is_multiple_of(MADE) {
            // Some may be dead, and not started again.
            let dead = objects.lives_of_users() - lives + USERS as u64;
            let (shared, most) = (shared_bytes()?, at_first + MOST_BYTES + HELD_BY_ONE * dead);
            if shared > most {
                let made = line.moves();
                return Err(format!(
                    "{made} objects were made, and their maker shares {shared} bytes, not {most}"
                )
                .into());
            }
        }
    }
    Ok(())
}

fn try_out(objects: &Objects, line: &mut Line) -> Fallible {
    loop {
        match objects.queue.get() {
            Ok((maker, life, made)) => {
                if life < objects.lives.get_unlocked(maker)? {
                    line.met_a_death();
                }
                made.try_out()?;
            }
            Err(GetError::Closed) => return Ok(()),
            Err(other) => return Err(other.into()),
        }
        line.moved();
    }
}
