//! Random kills of lanes that send and receive: two senders at one end of a pipe, one receiver at the other.
//!
//! # What is judged
//! Each message is whole, and comes once, in its sender's order. None that was sent is missing, but for one with each
//! death of the receiver, which took it along.

use serde::{Deserialize, Serialize};

use super::Fallible;
use super::crew::{Board, Tally, Work};
use crate::explore::dice::Dice;
use crate::{Array, Pipe, Process, Receiver, Sender};

const SENDERS: usize = 2;
const RECEIVER: usize = SENDERS;

/// A message that can be checked.
#[derive(Serialize, Deserialize)]
struct Parcel {
    lane: usize,
    number: u64,
    content: Vec<u8>,
}

/// Parcels on their way.
pub struct Parcels {
    receiver: Receiver<Option<Parcel>>,
    sender: Sender<Option<Parcel>>,
    log: Log,
}

/// Of each sender; each array is written by one lane only.
#[derive(Clone, Serialize, Deserialize)]
struct Log {
    /// The last number that was begun: it is never sent again.
    begun: Array<u64>,
    sent: Array<u64>,
    /// Numbers that were begun by a sender that was killed before it could say that they were sent.
    unknown: Array<u64>,
    /// The last number that was received.
    last: Array<u64>,
    received: Array<u64>,
}

impl Parcels {
    pub fn new() -> Fallible<Parcels> {
        let (receiver, sender) = Pipe::one_way()?;
        let log = Log {
            begun: Array::new(SENDERS)?,
            sent: Array::new(SENDERS)?,
            unknown: Array::new(SENDERS)?,
            last: Array::new(SENDERS)?,
            received: Array::new(SENDERS)?,
        };
        Ok(Parcels {
            receiver,
            sender,
            log,
        })
    }
}

impl Work for Parcels {
    fn lanes(&self) -> usize {
        SENDERS + 1
    }

    fn lane(&self, number: usize, board: Board) -> Process {
        let log = self.log.clone();
        if number == RECEIVER {
            Process::new(receive, (self.receiver.clone(), log, board))
        } else {
            Process::new(send, (number, self.sender.clone(), log, board))
        }
    }

    /// Without a receiver the pipe fills up.
    fn goes_on_without(&self, _lane: usize, victim: usize) -> bool {
        victim != RECEIVER
    }

    fn wind_up(&self) -> Fallible {
        Ok(self.sender.send(&None)?)
    }

    fn judge(&self, tally: &Tally) -> Fallible {
        // What is left in the pipe counts as received: behind the end's mark come those who were slow to stop.
        let mut left = Line::of(&self.log)?;
        while self.receiver.poll(std::time::Duration::ZERO)? {
            if let Some(parcel) = self.receiver.recv()? {
                left.receive(parcel, &self.log)?;
            }
        }
        let sum = |array: &Array<u64>| array.to_vec_unlocked().iter().sum::<u64>();
        let (sent, received) = (sum(&self.log.sent), sum(&self.log.received));
        let (least, most) = (
            sent.saturating_sub(tally.kills),
            sent + sum(&self.log.unknown),
        );
        if !(least..=most).contains(&received) {
            return Err(format!(
                "{sent} parcels were sent and {received} received, with {} deaths: it should be {least} to {most}",
                tally.kills
            )
            .into());
        }
        Ok(())
    }
}

/// What the receiver knows of each sender.
struct Line {
    last: Vec<u64>,
    received: Vec<u64>,
}

impl Line {
    fn of(log: &Log) -> Fallible<Line> {
        Ok(Line {
            last: log.last.to_vec_unlocked(),
            received: log.received.to_vec_unlocked(),
        })
    }

    /// Whether numbers are missing before this one.
    fn receive(&mut self, parcel: Parcel, log: &Log) -> Fallible<bool> {
        let Parcel {
            lane,
            number,
            content,
        } = parcel;
        if content != contents(lane, number) {
            return Err(format!("parcel {number} of sender {lane} is not what was sent").into());
        }
        let last = self.last[lane];
        if number <= last {
            return Err(
                format!("parcel {number} of sender {lane} comes after parcel {last}").into(),
            );
        }
        self.last[lane] = number;
        self.received[lane] += 1;
        log.last.set_unlocked(lane, number)?;
        log.received.set_unlocked(lane, self.received[lane])?;
        Ok(number > last + 1)
    }
}

/// Of a few bytes, and now and then of more than a packet holds.
fn contents(lane: usize, number: u64) -> Vec<u8> {
    let mut dice = Dice::new(number ^ (lane as u64) << 32);
    let size = match dice.below(16) {
        0 => dice.below(40_000),
        _ => dice.below(100),
    };
    (0..size).map(|_| dice.roll() as u8).collect()
}

fn send(lane: usize, sender: Sender<Option<Parcel>>, log: Log, board: Board) -> Fallible {
    let mut line = board.line(lane)?;
    let (mut begun, mut sent) = (log.begun.get_unlocked(lane)?, log.sent.get_unlocked(lane)?);
    let unknown = log.unknown.get_unlocked(lane)?;
    if begun > sent + unknown {
        log.unknown.set_unlocked(lane, begun - sent)?;
        line.met_a_death(); // its own predecessor's, between the two
    }
    while !line.is_stopped() {
        begun += 1;
        log.begun.set_unlocked(lane, begun)?;
        let content = contents(lane, begun);
        sender.send(&Some(Parcel {
            lane,
            number: begun,
            content,
        }))?;
        sent += 1;
        log.sent.set_unlocked(lane, sent)?;
        line.moved();
    }
    Ok(())
}

fn receive(receiver: Receiver<Option<Parcel>>, log: Log, board: Board) -> Fallible {
    let mut line = board.line(RECEIVER)?;
    let mut known = Line::of(&log)?;
    while let Some(parcel) = receiver.recv()? {
        if known.receive(parcel, &log)? {
            line.met_a_death();
        }
        line.moved();
    }
    // Senders that wait for room go on, and see that they are to stop.
    while receiver.poll(std::time::Duration::ZERO)? {
        if let Some(parcel) = receiver.recv()? {
            known.receive(parcel, &log)?;
        }
    }
    Ok(())
}
