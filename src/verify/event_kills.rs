//! Random kills of lanes that tell each other of work by events.
//!
//! Producers write that there is one item more, set an event, and wait for an event of their own; the consumer waits
//! for the first, clears it, looks what there is, and sets the events of those whose items it has seen. A wake that
//! is lost, or a set that is missed by who clears, and they wait for each other for ever.
//!
//! # What is judged
//! After a death the others go on, and in the end each item was seen that its producer was told of.

use serde::{Deserialize, Serialize};

use super::Fallible;
use super::crew::{Board, Line, Tally, Work};
use crate::{Array, Event, Process};

const PRODUCERS: usize = 3;
const CONSUMER: usize = PRODUCERS;

/// Items, and who knows of them.
#[derive(Clone, Serialize, Deserialize)]
pub struct Items {
    /// Of each producer; written by it only.
    made: Array<u64>,
    /// Of each producer; written by the consumer only.
    seen: Array<u64>,
    work: Event,
    done: Vec<Event>,
}

impl Items {
    pub fn new() -> Fallible<Items> {
        let done = (0..PRODUCERS).map(|_| Event::new());
        Ok(Items {
            made: Array::new(PRODUCERS)?,
            seen: Array::new(PRODUCERS)?,
            work: Event::new()?,
            done: done.collect::<Result<_, _>>()?,
        })
    }

    fn unseen(&self, producer: usize) -> Fallible<bool> {
        Ok(self.seen.get_unlocked(producer)? < self.made.get_unlocked(producer)?)
    }

    /// True if there was something to see.
    fn look(&self) -> Fallible<bool> {
        let mut found = false;
        for producer in 0..PRODUCERS {
            if self.unseen(producer)? {
                let made = self.made.get_unlocked(producer)?;
                self.seen.set_unlocked(producer, made)?;
                found = true;
            }
            // Even if it was seen before: by a consumer that was killed before it could say so.
            self.done[producer].set();
        }
        Ok(found)
    }

    fn produce(&self, producer: usize, line: &mut Line) -> Fallible {
        if self.unseen(producer)? {
            line.met_a_death(); // its predecessor's
            self.await_seen(producer, line)?;
        }
        while !line.is_stopped() {
            let made = self.made.get_unlocked(producer)?;
            self.made.set_unlocked(producer, made + 1)?;
            self.await_seen(producer, line)?;
            line.moved();
        }
        Ok(())
    }

    fn await_seen(&self, producer: usize, line: &Line) -> Fallible {
        self.work.set();
        while self.unseen(producer)? && !line.is_stopped() {
            self.done[producer].wait();
            self.done[producer].clear(); // and then looks
        }
        Ok(())
    }

    fn consume(&self, line: &mut Line) -> Fallible {
        if self.look()? && line.moves() > 0 {
            line.met_a_death(); // what its predecessor was called for
        }
        while !line.is_stopped() {
            self.work.wait();
            self.work.clear(); // and then looks
            if self.look()? {
                line.moved();
            }
        }
        Ok(())
    }
}

impl Work for Items {
    fn lanes(&self) -> usize {
        PRODUCERS + 1
    }

    fn lane(&self, number: usize, board: Board) -> Process {
        Process::new(lane, (number, self.clone(), board))
    }

    /// No one else says that an item was seen; and someone must make one.
    fn goes_on_without(&self, lane: usize, dead: &[usize]) -> bool {
        match lane {
            CONSUMER => dead.len() < PRODUCERS,
            _ => !dead.contains(&CONSUMER),
        }
    }

    fn wind_up(&self) -> Fallible {
        self.work.set();
        self.done.iter().for_each(Event::set);
        Ok(())
    }

    fn judge(&self, _tally: &Tally) -> Fallible {
        let (made, seen) = (self.made.to_vec_unlocked(), self.seen.to_vec_unlocked());
        // The last of each may have come too late.
        let fits = |(&made, &seen): (&u64, &u64)| seen == made || seen + 1 == made;
        if made.iter().zip(&seen).all(fits) {
            Ok(())
        } else {
            Err(format!("of the items {made:?}, {seen:?} were seen").into())
        }
    }
}

fn lane(number: usize, items: Items, board: Board) -> Fallible {
    let mut line = board.line(number)?;
    if number == CONSUMER {
        items.consume(&mut line)
    } else {
        items.produce(number, &mut line)
    }
}
