//! Random kills of two producers and two consumers, between whom a queue moves messages of mixed sizes, some of them
//! with a shared object inside; or a byte queue, where every other message is written and read in its place.
//!
//! # What is judged
//! Of each message: it is whole; it is got once, if its put returned, and otherwise at most once; each consumer gets
//! each producer's in order. Missing are at most as many as consumers were killed, each of which may have taken one
//! along.

use serde::{Deserialize, Serialize};

use super::Fallible;
use super::crew::{Board, Tally, Work};
use crate::explore::dice::Dice;
use crate::{Array, ByteQueue, GetError, Process, PutError, PutFailure, Queue, Value};

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

/// What messages pass through.
#[derive(Clone, Serialize, Deserialize)]
enum Road {
    Values(Queue<Message>),
    Bytes(ByteQueue),
}

/// Messages on their way.
pub struct Flow {
    road: Road,
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
    pub fn of_values(messages: u64, kills: u64) -> Fallible<Flow> {
        let queue = Queue::with_capacity(None, QUEUE_BYTES)?;
        Flow::over(Road::Values(queue), messages, kills)
    }

    /// # Errors
    /// No memory.
    pub fn of_bytes() -> Fallible<Flow> {
        let queue = ByteQueue::with_capacity(None, QUEUE_BYTES)?;
        Flow::over(Road::Bytes(queue), 0, 0)
    }

    fn over(road: Road, messages: u64, kills: u64) -> Fallible<Flow> {
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
            road,
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
        let (road, log) = (self.road.clone(), self.log.clone());
        if number < PRODUCERS {
            Process::new(produce, (number, road, self.carried.clone(), log, board))
        } else {
            Process::new(consume, (number - PRODUCERS, road, log, board))
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
        match &self.road {
            Road::Values(queue) => queue.close()?,
            Road::Bytes(queue) => queue.close()?,
        }
        Ok(())
    }

    fn judge(&self, _: &Tally) -> Fallible {
        let left = match &self.road {
            Road::Values(queue) => queue.len(),
            Road::Bytes(queue) => queue.len(),
        };
        if left > 0 {
            return Err(format!("the consumers have left {left} messages").into());
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

impl Road {
    /// Whether the message of that number carries an object.
    fn carries(&self, number: u64) -> bool {
        matches!(self, Road::Values(_)) && number.is_multiple_of(CARRIES)
    }

    /// `false`: it is closed.
    fn put(&self, message: Message) -> Fallible<bool> {
        let queue = match self {
            Road::Values(queue) => {
                return match queue.put(message) {
                    Ok(()) => Ok(true),
                    Err(PutError::Closed(_)) => Ok(false),
                    Err(other) => Err(other.to_string().into()),
                };
            }
            Road::Bytes(queue) => queue,
        };
        let mut bytes = (message.producer as u64).to_le_bytes().to_vec();
        bytes.extend(message.number.to_le_bytes());
        bytes.extend(message.content);
        let put = if message.number.is_multiple_of(2) {
            queue.put(&bytes)
        } else {
            queue.reserve(bytes.len()).and_then(|mut place| {
                place.copy_from_slice(&bytes);
                place.put()
            })
        };
        match put {
            Ok(()) => Ok(true),
            Err(PutFailure::Closed) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// `None`: it is closed, and empty.
    fn get(&self) -> Fallible<Option<Message>> {
        let got = match self {
            Road::Values(queue) => queue.get(),
            Road::Bytes(queue) if queue.len().is_multiple_of(2) => queue.process(read),
            Road::Bytes(queue) => queue.get().map(|bytes| read(&bytes)),
        };
        match got {
            Ok(message) => Ok(Some(message)),
            Err(GetError::Closed) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }
}

/// As [`Road::put`] writes it.
fn read(bytes: &[u8]) -> Message {
    let number = |at| {
        bytes[at..]
            .first_chunk()
            .copied()
            .map_or(0, u64::from_le_bytes)
    };
    Message {
        producer: number(0) as usize,
        number: number(8),
        content: bytes[16..].to_vec(),
        along: None,
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

fn produce(producer: usize, road: Road, carried: Value<u32>, log: Log, board: Board) -> Fallible {
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
            along: road.carries(number).then(|| carried.clone()),
        };
        if !road.put(message)? {
            return Ok(());
        }
        acknowledged.set_unlocked(place(number), number as u32)?;
        line.moved();
    }
    Ok(())
}

fn consume(consumer: usize, road: Road, log: Log, board: Board) -> Fallible {
    let mut line = board.line(PRODUCERS + consumer)?;
    let lives = log.lives.get_unlocked(consumer)? + 1;
    log.lives.set_unlocked(consumer, lives)?;
    while let Some(message) = road.get()? {
        receive(consumer, &road, message, &log)?;
        line.moved();
    }
    Ok(())
}

fn receive(consumer: usize, road: &Road, message: Message, log: &Log) -> Fallible {
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
    if carried != road.carries(number).then_some(CARRIED) {
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
