//! Random kills of lanes that send and receive: two senders at one end of a pipe, one receiver at the other.
//!
//! # What is judged
//! Each message is whole, and comes once, in its sender's order. None that was sent is missing, but for one with each
//! death of the receiver, which took it along.

use serde::{Deserialize, Serialize};

use super::Fallible;
use super::crew::{Board, Tally, Work};
use super::ledger::Ledger;
use crate::explore::dice::Dice;
use crate::{Pipe, Process, Receiver, Sender};

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
    ledger: Ledger,
}

impl Parcels {
    pub fn new() -> Fallible<Parcels> {
        let (receiver, sender) = Pipe::one_way()?;
        Ok(Parcels {
            receiver,
            sender,
            ledger: Ledger::new(SENDERS)?,
        })
    }
}

impl Work for Parcels {
    fn lanes(&self) -> usize {
        SENDERS + 1
    }

    fn lane(&self, number: usize, board: Board) -> Process {
        let ledger = self.ledger.clone();
        if number == RECEIVER {
            Process::new(receive, (self.receiver.clone(), ledger, board))
        } else {
            Process::new(send, (number, self.sender.clone(), ledger, board))
        }
    }

    /// Without a receiver the pipe fills up.
    fn goes_on_without(&self, lane: usize, dead: &[usize]) -> bool {
        match lane {
            RECEIVER => dead.len() < SENDERS,
            _ => !dead.contains(&RECEIVER),
        }
    }

    fn wind_up(&self) -> Fallible {
        Ok(self.sender.send(&None)?)
    }

    fn judge(&self, _tally: &Tally) -> Fallible {
        // What is left in the pipe counts as received: behind the end's mark come those who were slow to stop.
        drain(&self.receiver, &self.ledger)?;
        self.ledger.judge()
    }
}

/// Whether numbers are missing before this one.
fn take(parcel: Parcel, ledger: &Ledger) -> Fallible<bool> {
    let Parcel {
        lane,
        number,
        content,
    } = parcel;
    if content != contents(lane, number) {
        return Err(format!("parcel {number} of sender {lane} is not what was sent").into());
    }
    ledger.receive(lane, number)
}

/// All that is there now.
fn drain(receiver: &Receiver<Option<Parcel>>, ledger: &Ledger) -> Fallible {
    while receiver.poll(std::time::Duration::ZERO)? {
        if let Some(parcel) = receiver.recv()? {
            take(parcel, ledger)?;
        }
    }
    Ok(())
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

fn send(lane: usize, sender: Sender<Option<Parcel>>, ledger: Ledger, board: Board) -> Fallible {
    let mut line = board.line(lane)?;
    if ledger.take_over(lane)? {
        line.met_a_death();
    }
    while !line.is_stopped() {
        let number = ledger.begin(lane)?;
        let content = contents(lane, number);
        sender.send(&Some(Parcel {
            lane,
            number,
            content,
        }))?;
        ledger.has_sent(lane)?;
        line.moved();
    }
    Ok(())
}

fn receive(receiver: Receiver<Option<Parcel>>, ledger: Ledger, board: Board) -> Fallible {
    let mut line = board.line(RECEIVER)?;
    ledger.new_receiver();
    while let Some(parcel) = receiver.recv()? {
        if take(parcel, &ledger)? {
            line.met_a_death();
        }
        line.moved();
    }
    // Senders that wait for room go on, and see that they are to stop.
    drain(&receiver, &ledger)
}
