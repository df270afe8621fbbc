//! What happened before what in a run, and which two moves raced.
//!
//! Clocks as in Flanagan and Godefroid, "Dynamic partial-order reduction for model checking software" (POPL 2005).
//! A move happens before another if it is of the same lane and earlier, if it woke its lane, if they conflict and
//! it is earlier, or by a chain of these. Two moves *race* if they conflict and nothing else puts them in order.
//!
//! Moves are pushed and popped at the end, so that runs with a common beginning share its clocks. A push costs the
//! accesses since the last write of each place that it touches, and no more.

use std::collections::HashMap;

use super::choices::Lanes;
use super::program::Touch;
use crate::explore::schedule::MAX_LANES;

/// For each lane, how many moves there were up to its last one that happened before, or is, this one; 0: none.
type Clock = [u32; MAX_LANES];

const NONE: u32 = u32::MAX;

struct Event {
    lane: usize,
    clock: Clock,
    /// Its accesses start here.
    accesses: usize,
    /// What `last` and `woken` were of its lane, and of those it woke, before it.
    last: u32,
    woken: Clock,
}

struct Access {
    event: u32,
    write: bool,
    place: u32,
    /// The access to this place before it.
    previous: u32,
}

/// The moves of a run, without the takes, which are parts of moves.
#[derive(Default)]
pub(super) struct Order {
    events: Vec<Event>,
    accesses: Vec<Access>,
    /// Each place's number, which it keeps.
    places: HashMap<u64, u32>,
    /// The last access to each place.
    newest: Vec<u32>,
    /// One more than the last move of each lane, and than the last move that woke it; 0: none.
    last: Clock,
    woken: Clock,
    candidates: Vec<u32>,
}

impl Order {
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Forgets the moves from number `length` on. Costs what is forgotten.
    pub fn truncate(&mut self, length: usize) {
        while self.events.len() > length {
            let event = self.events.pop().expect("longer than that");
            for access in self.accesses.drain(event.accesses..).rev() {
                self.newest[access.place as usize] = access.previous;
            }
            self.last[event.lane] = event.last;
            self.woken = event.woken;
        }
    }

    /// The next move. Gives the earlier ones that it races with, the latest first.
    pub fn push(&mut self, lane: usize, touches: &[Touch], wakes: Lanes, races: &mut Vec<usize>) {
        let number = self.events.len() as u32;
        let mut clock = self.clock_of(self.last[lane]);
        join(&mut clock, &self.clock_of(self.woken[lane]));
        self.gather(touches);
        races.clear();
        for &candidate in &self.candidates {
            let earlier = &self.events[candidate as usize];
            if clock[earlier.lane] <= candidate {
                races.push(candidate as usize);
                join(&mut clock, &earlier.clock);
            }
        }
        clock[lane] = number + 1;
        let accesses = self.accesses.len();
        for touch in touches {
            let place = self.place(touch.place);
            let previous =
                std::mem::replace(&mut self.newest[place as usize], self.accesses.len() as u32);
            let (event, write) = (number, touch.write);
            self.accesses.push(Access {
                event,
                write,
                place,
                previous,
            });
        }
        let (last, woken) = (self.last[lane], self.woken);
        self.last[lane] = number + 1;
        for other in wakes.iter() {
            self.woken[other] = number + 1;
        }
        self.events.push(Event {
            lane,
            clock,
            accesses,
            last,
            woken,
        });
    }

    /// More lanes that the last move woke: those that its takes took.
    pub fn also_wakes(&mut self, lanes: Lanes) {
        for lane in lanes.iter() {
            self.woken[lane] = self.events.len() as u32;
        }
    }

    /// Calls `found` for each lane with which a run could go on in the place of move `first`, to have the last
    /// move, with which that races, before it: the lanes of what comes behind `first` without having to, up to
    /// the last move, that nothing else of it comes before (the *initials*). Stops when `found` says so.
    pub fn initials(&self, first: usize, mut found: impl FnMut(usize) -> bool) {
        let reversed = self.events[first].lane;
        // One more than each lane's first move among them.
        let mut starts: Clock = [0; MAX_LANES];
        for (number, event) in self.events.iter().enumerate().skip(first + 1) {
            let is_last = number + 1 == self.events.len();
            let follows = event.clock[reversed] > first as u32;
            if starts[event.lane] > 0 || (follows && !is_last) {
                continue;
            }
            let comes_first = |(lane, &start): (usize, &u32)| {
                start == 0 || event.clock[lane] < start || lane == event.lane
            };
            if starts.iter().enumerate().all(comes_first) && found(event.lane) {
                return;
            }
            starts[event.lane] = number as u32 + 1;
        }
    }

    /// The moves that conflict with these touches and that no later one of them hides, the latest first.
    fn gather(&mut self, touches: &[Touch]) {
        self.candidates.clear();
        for touch in touches {
            let place = self.place(touch.place);
            let mut at = self.newest[place as usize];
            while let Some(access) = self.accesses.get(at as usize) {
                if access.write || touch.write {
                    self.candidates.push(access.event);
                }
                if access.write {
                    break;
                }
                at = access.previous;
            }
        }
        self.candidates.sort_unstable_by(|a, b| b.cmp(a));
        self.candidates.dedup();
    }

    fn place(&mut self, place: u64) -> u32 {
        let next = self.newest.len() as u32;
        let number = *self.places.entry(place).or_insert(next);
        if number == next {
            self.newest.push(NONE);
        }
        number
    }

    fn clock_of(&self, one_more: u32) -> Clock {
        match one_more.checked_sub(1) {
            Some(event) => self.events[event as usize].clock,
            None => [0; MAX_LANES],
        }
    }
}

fn join(clock: &mut Clock, other: &Clock) {
    for (mine, theirs) in clock.iter_mut().zip(other) {
        *mine = (*mine).max(*theirs);
    }
}
