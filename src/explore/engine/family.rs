//! Lanes that lanes start, what becomes of them, and what all of them print: the board's part of it.

use std::io;

use super::board::{Board, OUTPUT, Place, SEATS, life_place, queue_place};
use crate::explore::schedule::MAX_LANES;
use crate::sys::memory::Identity;
use crate::sys::step::{Access, Step};

/// Memory that a lane maps has a place of its own, by who mapped it first: the addresses differ from lane to lane.
const MAPPED_AT: usize = 1 << 50;
/// Whoever waits for a lane's end sleeps here.
const LIVES_AT: usize = 1 << 56;

/// The word, so to say, on which who waits for a lane's end sleeps.
pub(super) fn life_address(lane: usize) -> usize {
    LIVES_AT + 8 * lane
}

/// The lane whose end is waited for there.
pub(in crate::explore) fn whose_life(address: usize) -> Option<usize> {
    let lane = address.checked_sub(LIVES_AT)? / 8;
    (lane < MAX_LANES).then_some(lane)
}

impl Board {
    /// A lane starts another one: its seat.
    ///
    /// # Errors
    /// There are [`MAX_LANES`].
    pub fn admit(&mut self, starter: usize, title: &str, ends_with: bool) -> io::Result<usize> {
        let lane = self.lanes;
        if lane == MAX_LANES {
            let text = format!("under control there are at most {MAX_LANES} processes");
            return Err(io::Error::other(text));
        }
        // Seats are given in the order of the starts, which so do not commute.
        self.touch(SEATS, true);
        self.touch(life_place(lane), true);
        self.lanes += 1;
        let seat = &mut self.seats[lane];
        seat.place = Place::Start;
        seat.ends_with = ends_with.then_some(starter);
        self.titles[lane].set(title.bytes());
        Ok(lane)
    }

    /// It was started, and has this number; or it was not.
    pub fn is_started(&mut self, lane: usize, pid: Option<u32>) {
        match pid {
            Some(pid) => {
                self.seats[lane].id = pid;
                self.wakes(lane);
            }
            None => self.seats[lane].place = Place::Ended,
        }
    }

    /// The name of a lane that was started by another.
    pub fn title(&self, lane: usize) -> String {
        let alike = |other: usize| *self.titles[other] == *self.titles[lane];
        let title = String::from_utf8_lossy(&self.titles[lane]).into_owned();
        match (self.fixed..lane).filter(|&other| alike(other)).count() {
            0 => title,
            before => format!("{title}-{}", before + 1),
        }
    }

    /// The lane of a process.
    pub fn lane_of(&self, pid: u32) -> Option<usize> {
        (0..self.lanes).find(|&lane| self.seats[lane].id == pid)
    }

    /// Whether a lane has ended, for one that may wait for it.
    pub fn looks_for_end(&mut self, lane: usize) -> bool {
        self.touch(life_place(lane), false);
        self.touch(queue_place(life_address(lane)), true);
        self.seats[lane].is_over()
    }

    /// The lane that goes on before any choice is made, where calls are whole: one that serves others does at once what
    /// there is to do for them; then whoever waited for that does.
    pub fn goes_first(&self) -> Option<usize> {
        if !self.whole_calls || self.moves.is_empty() {
            return None;
        }
        let can_go = |lane: &usize| {
            matches!(
                self.seats[*lane].place,
                Place::Start | Place::Ready | Place::Awake { .. }
            )
        };
        let mut lanes = 0..self.lanes;
        let server = lanes.find(|lane| self.seats[*lane].serves && can_go(lane));
        let caller = Some(self.moves[self.making].choice.lane());
        server.or(caller.filter(|lane| self.seats[*lane].is_asking && can_go(lane)))
    }

    /// Whether a lane's next step belongs to the call that it is in: of a value, an array or a queue, which has a lock of
    /// its own, until that is given back; of any other object, as long as something of it is announced.
    pub fn is_within_call(&self, lane: usize, step: &Step) -> bool {
        let seat = &self.seats[lane];
        let goes_on = |node: usize, whole: bool| {
            let mut made = self.made.iter().rev();
            let object = made.find(|made| made.offset_of(node).is_some());
            let object = object.filter(|made| !whole || made.is_whole);
            object.is_some_and(|made| {
                step.access == Access::Withdraw || made.offset_of(step.address).is_some()
            })
        };
        (seat.announced != 0 && goes_on(seat.announced, false))
            || seat.held.iter().any(|&node| goes_on(node, true))
    }

    /// The lanes that are to end with this one, now that it has.
    pub fn left_behind(&self, parent: usize) -> Option<usize> {
        (0..self.lanes).find(|&lane| {
            let seat = &self.seats[lane];
            seat.ends_with == Some(parent) && !seat.is_over()
        })
    }

    /// The lane prints, as the step that is being made.
    ///
    /// # Panics
    /// If all lanes together print more than there is room for.
    pub fn print(&mut self, text: &str) {
        self.touch(OUTPUT, true);
        let access = Access::Print {
            from: self.output.len() as u32,
            bytes: text.len() as u32,
        };
        if !self.last_look {
            self.moves[self.making].step = Some((Step { access, address: 0 }, None));
        }
        let all = text.bytes().all(|byte| self.output.push(byte));
        assert!(all, "under control a program prints at most 64 KiB");
    }

    /// Where memory lies that a lane has mapped: the same for all lanes that map it.
    pub fn base_of(&mut self, lane: usize, identity: Identity) -> usize {
        if let Some((_, base)) = self.maps.iter().find(|(known, _)| *known == identity) {
            return *base;
        }
        let seat = &mut self.seats[lane];
        let base = MAPPED_AT | lane << 45 | (seat.mapped as usize) << 34;
        seat.mapped += 1;
        self.maps.push((identity, base)); // without room each lane has its own place for it, as the lanes' own memory
        base
    }
}
