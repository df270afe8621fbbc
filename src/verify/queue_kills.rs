//! Random kills of two producers and two consumers, between whom a queue moves messages of mixed sizes, some of them
//! with a shared object inside.
//!
//! # What is judged
//! Of each message: it is whole; it is got once, if its put returned, and otherwise at most once; each consumer gets
//! each producer's in order. Missing are at most as many as consumers were killed, each of which may have taken one
//! along.

use serde::{Deserialize, Serialize};

use super::Fallible;
use super::crew::{Board, Tally, Work};
use crate::explore::dice::Dice;
use crate::{Array, Process, PutError, Queue, Value};

const PRODUCERS: usize = 2;
const CONSUMERS: usize = 2;
/// Small, so that producers wait for room, too.
const QUEUE_BYTES: usize = 64 << 10;
/// One message of so many carries a shared object.
const CARRIES: u64 = 64;
const CARRIED: u32 = 7;

/// A message that can be checked.
#[derive(Serialize, Deserialize)]
struct Message {
    producer: usize,
    number: u64,
    content: Vec<u8>,
    along: Option<Value<u32>>,
}

/// Messages on their way.
pub struct Flow {
    queue: Queue<Message>,
    carried: Value<u32>,
    log: Log,
    /// How many there are to be, at least, spread over so many kills.
    messages: u64,
    kills: u64,
}

/// The last messages of each producer, each at its number modulo [`SPAN`]; far more than are on their way at once.
#[derive(Clone, Serialize, Deserialize)]
struct Log {
    /// The number, when its put has returned.
    acknowledged: [Array<u32>; PRODUCERS],
    /// The number, when it was got.
    got: [Array<u32>; PRODUCERS],
    /// By producer: the last number that was begun; none is begun twice.
    begun: Array<u64>,
    /// By producer: messages that were acknowledged and had not been got when their place was needed again.
    missing: Array<u64>,
    /// By consumer, and producer: the last number that was got.
    last: Array<u64>,
    /// By consumer: how often it was started.
    lives: Array<u64>,
}

/// Numbers that the log remembers: a second's worth.
const SPAN: usize = 1 << 21;

impl Flow {
    /// # Errors
    /// No memory.
    pub fn new(messages: u64, kills: u64) -> Fallible<Flow> {
        let many = || Array::new(SPAN);
        let log = Log {
            acknowledged: [many()?, many()?],
            got: [many()?, many()?],
            begun: Array::new(PRODUCERS)?,
            missing: Array::new(PRODUCERS)?,
            last: Array::new(CONSUMERS * PRODUCERS)?,
            lives: Array::new(CONSUMERS)?,
        };
        Ok(Flow {
            queue: Queue::with_capacity(None, QUEUE_BYTES)?,
            carried: Value::new(CARRIED)?,
            log,
            messages,
            kills,
        })
    }
}

impl Work for Flow {
    fn lanes(&self) -> usize {
        PRODUCERS + CONSUMERS
    }

    fn lane(&self, number: usize, board: Board) -> Process {
        let (queue, log) = (self.queue.clone(), self.log.clone());
        if number < PRODUCERS {
            Process::new(produce, (number, queue, self.carried.clone(), log, board))
        } else {
            Process::new(consume, (number - PRODUCERS, queue, log, board))
        }
    }

    fn goes_on_without(&self, lane: usize, dead: &[usize]) -> bool {
        let (producers, consumers) = (0..PRODUCERS, PRODUCERS..PRODUCERS + CONSUMERS);
        let mut others = if lane < PRODUCERS {
            consumers
        } else {
            producers
        };
        others.any(|other| !dead.contains(&other))
    }

    fn moves_before(&self, kill: u64) -> u64 {
        // Each message is put, and got.
        2 * self.messages * (kill - 1) / self.kills.max(1)
    }

    fn wind_up(&self) -> Fallible {
        Ok(self.queue.close()?)
    }

    fn judge(&self, _: &Tally) -> Fallible {
        if !self.queue.is_empty() {
            return Err(format!("the consumers have left {} messages", self.queue.len()).into());
        }
        let mut missing: u64 = self.log.missing.to_vec_unlocked().iter().sum();
        for producer in 0..PRODUCERS {
            let acknowledged = self.log.acknowledged[producer].to_vec_unlocked();
            let got = self.log.got[producer].to_vec_unlocked();
            missing += acknowledged
                .iter()
                .zip(&got)
                .filter(|(put, got)| put > got)
                .count() as u64;
        }
        let lives: u64 = self.log.lives.to_vec_unlocked().iter().sum();
        let dead = lives - CONSUMERS as u64;
        if missing > dead {
            return Err(format!(
                "{missing} messages are missing whose puts returned, and {dead} consumers were killed"
            )
            .into());
        }
        Ok(())
    }
}

fn place(number: u64) -> usize {
    number as usize % SPAN
}

/// Mostly a few bytes, now and then some KiB.
fn content(producer: usize, number: u64) -> Vec<u8> {
    let mut dice = Dice::new(number ^ (producer as u64) << 32);
    let size = match dice.below(32) {
        0 => dice.below(6_000),
        1..4 => dice.below(500),
        _ => dice.below(40),
    };
    let first = number as u8;
    (0..size).map(|at| first.wrapping_add(at as u8)).collect()
}

fn produce(
    producer: usize,
    queue: Queue<Message>,
    carried: Value<u32>,
    log: Log,
    board: Board,
) -> Fallible {
    let mut line = board.line(producer)?;
    let (acknowledged, got) = (&log.acknowledged[producer], &log.got[producer]);
    let mut number = log.begun.get_unlocked(producer)?;
    let mut missing = log.missing.get_unlocked(producer)?;
    if number > 0 && acknowledged.get_unlocked(place(number))? != number as u32 {
        line.met_a_death(); // its predecessor's, before it could say that the put had returned
    }
    while !line.is_stopped() {
        number += 1;
        let before = acknowledged.get_unlocked(place(number))?;
        if before > got.get_unlocked(place(number))? {
            missing += 1;
            log.missing.set_unlocked(producer, missing)?;
            acknowledged.set_unlocked(place(number), 0)?; // counted
        }
        log.begun.set_unlocked(producer, number)?;
        let message = Message {
            producer,
            number,
            content: content(producer, number),
            along: number.is_multiple_of(CARRIES).then(|| carried.clone()),
        };
        match queue.put(message) {
            Ok(()) => {}
            Err(PutError::Closed(_)) => return Ok(()),
            Err(other) => return Err(other.to_string().into()),
        }
        acknowledged.set_unlocked(place(number), number as u32)?;
        line.moved();
    }
    Ok(())
}

fn consume(consumer: usize, queue: Queue<Message>, log: Log, board: Board) -> Fallible {
    let mut line = board.line(PRODUCERS + consumer)?;
    let lives = log.lives.get_unlocked(consumer)? + 1;
    log.lives.set_unlocked(consumer, lives)?;
    for message in queue.iter() {
        receive(consumer, message?, &log)?;
        line.moved();
    }
    Ok(())
}

fn receive(consumer: usize, message: Message, log: &Log) -> Fallible {
    let Message {
        producer,
        number,
        content: received,
        along,
    } = message;
    let which = || format!("message {number} of producer {producer}");
    if received != content(producer, number) {
        return Err(format!("{} is not what was put", which()).into());
    }
    let carried = along.map(|along| along.get_unlocked());
    if carried != number.is_multiple_of(CARRIES).then_some(CARRIED) {
        return Err(format!("{} carries {carried:?}", which()).into());
    }
    let at = consumer * PRODUCERS + producer;
    let last = log.last.get_unlocked(at)?;
    if number <= last {
        return Err(format!("{} comes after {last}", which()).into());
    }
    if log.got[producer].get_unlocked(place(number))? == number as u32 {
        return Err(format!("{} is got twice", which()).into());
    }
    log.got[producer].set_unlocked(place(number), number as u32)?;
    log.last.set_unlocked(at, number)?;
    Ok(())
}
