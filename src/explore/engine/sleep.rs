//! Sleeping and waking, as a futex does it: who sleeps stands on the board, and which sleeper a wake takes is a choice.
//!
//! The memory is real and so is a death: the kernel walks the dead lane's robust list and changes the words. Whom it
//! would wake by that is worked out here, by its own rule (`handle_futex_death`, see [`World`](crate::world::World)),
//! as the lanes sleep for the turn and not on the words; and the boss compares what it has written with the rule.

use super::board::{Board, FILES, MOST_HELD, Place, life_place, queue_place, word_place};
use super::family::life_address;
use super::list::List;
use super::spin::Spin;
use crate::explore::schedule::MAX_LANES;
use crate::world::{OWNER_DIED, TID_MASK, WAITERS};

/// A word that a lane may own, as it was when the lane was still alive.
#[derive(Clone, Copy)]
pub(super) struct Owned {
    pub address: usize,
    pub was: u32,
    /// It is announced, not linked.
    announced: bool,
}

/// What the kernel does with an owned word at its owner's death.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Bequest {
    pub address: usize,
    /// What it writes, if it writes.
    pub becomes: Option<u32>,
    pub wakes_one: bool,
}

impl Board {
    /// The lane falls asleep on these words; on none: on open files.
    pub fn fall_asleep(
        &mut self,
        lane: usize,
        words: impl IntoIterator<Item = usize>,
        timed: bool,
    ) {
        self.falls += 1;
        let since = self.falls;
        let seat = &mut self.seats[lane];
        seat.queues.set(words);
        seat.asleep_since = since;
        seat.spin = Spin::NEW;
        let files = seat.queues.is_empty();
        seat.place = Place::Asleep { timed, files };
        if !self.last_look {
            self.moves[self.making].fell_asleep = true;
        }
    }

    /// A sleeper is woken by no wake: its time has passed, or for no reason.
    pub fn rouse(&mut self, lane: usize, timed_out: bool) {
        let files = matches!(self.seats[lane].place, Place::Asleep { files: true, .. });
        if files {
            self.touch(FILES, true);
        }
        let queues = self.seats[lane].queues;
        for &address in queues.iter() {
            self.touch(queue_place(address), true);
        }
        self.seats[lane].place = Place::Awake { timed_out };
    }

    /// A wake of up to `count` of those who sleep on a word. How many it takes.
    pub fn wake(&mut self, address: usize, count: u32) -> u32 {
        self.touch(queue_place(address), true);
        let mut woken = 0;
        while woken < count {
            let sleepers = self.sleepers(address);
            if sleepers.is_empty() {
                break;
            }
            let all_go = (count - woken) as usize >= sleepers.len();
            let taken = if all_go {
                sleepers[0]
            } else {
                self.choose_taken(&sleepers)
            };
            self.seats[taken].place = Place::Awake { timed_out: false };
            self.wakes(taken);
            woken += 1;
        }
        woken
    }

    /// Who sleeps on a word, the longest first.
    fn sleepers(&self, address: usize) -> List<usize, { MAX_LANES }> {
        let mut sleepers = List::EMPTY;
        for (lane, seat) in self.seats[..self.lanes].iter().enumerate() {
            let asleep = matches!(seat.place, Place::Asleep { files: false, .. });
            if asleep && seat.queues.contains(&address) {
                sleepers.push(lane);
            }
        }
        sleepers.sort_unstable_by_key(|&lane: &usize| self.seats[lane].asleep_since);
        sleepers
    }

    /// Something has happened to open files.
    pub fn files_changed(&mut self) {
        self.touch(FILES, true);
        self.stir();
    }

    /// Who waits for open files looks again.
    fn stir(&mut self) {
        for lane in 0..self.lanes {
            if matches!(self.seats[lane].place, Place::Asleep { files: true, .. }) {
                self.seats[lane].place = Place::Awake { timed_out: false };
                self.wakes(lane);
            }
        }
    }

    /// A lane is about to go on from a sleep. Whether its time had passed.
    pub fn go_on(&mut self, lane: usize) -> bool {
        let timed_out = self.seats[lane].place == Place::Awake { timed_out: true };
        let seat = &mut self.seats[lane];
        seat.place = Place::Ready;
        seat.queues.clear();
        timed_out
    }

    /// The words that the kernel would look at if the lane died now: its list, then what it has announced. The caller
    /// can `read` those that were there before the lanes; of the others the steps have told.
    pub fn owned(
        &self,
        lane: usize,
        read: impl Fn(usize) -> u32,
    ) -> List<Owned, { MOST_HELD + 1 }> {
        let seat = &self.seats[lane];
        let mut owned = List::EMPTY;
        let mut add = |address: usize, announced: bool| {
            let was = match self.is_shared(address) {
                true => Some(read(address)),
                false => self.known_word(address),
            };
            if let Some(was) = was {
                owned.push(Owned {
                    address,
                    was,
                    announced,
                });
            }
        };
        let held = seat.held.iter().rev();
        held.filter(|&&address| address != seat.announced)
            .for_each(|&address| add(address, false));
        if seat.announced != 0 {
            add(seat.announced, true);
        }
        owned
    }

    fn known_word(&self, address: usize) -> Option<u32> {
        let known = self.known.iter().find(|(word, _)| *word == address);
        known.map(|(_, value)| *value)
    }

    /// Of the words that are known, those of which this holds have these values now.
    fn update_known(&mut self, which: impl Fn(usize) -> bool, value: impl Fn(usize) -> u32) {
        for (word, known) in self.known.iter_mut().filter(|(word, _)| which(*word)) {
            *known = value(*word);
        }
    }

    /// Remembers what stands in a word that a lane may come to own, from now on, if the boss cannot see it. `eight` are
    /// the bytes that it lies in.
    pub fn keep_known(&mut self, address: usize, eight: u64) {
        if !self.is_shared(address) && self.known_word(address).is_none() {
            self.known.push((address, word_of(address, eight)));
        }
    }

    /// A step has seen, or written, these eight bytes.
    pub fn learn(&mut self, address: usize, eight: u64) {
        let within = |word: usize| word & !7 == address & !7;
        self.update_known(within, |word| word_of(word, eight));
    }

    /// The lane has died, or ended: what the kernel did with a word that it may have owned, and the wake that came
    /// with it.
    pub fn inherit(&mut self, bequest: Bequest) {
        // It was looked at, and what it was decides whether anything is done: so whoever writes it does not commute.
        let place = word_place(bequest.address);
        let is_written = bequest.becomes.is_some();
        self.touch(place, is_written);
        if let Some(value) = bequest.becomes {
            self.written(place);
            self.update_known(|word| word == bequest.address, |_| value);
        }
        if bequest.wakes_one {
            self.wake(bequest.address, 1);
        }
    }

    /// The lane is no more: it was killed, or its code has ended.
    pub fn is_gone(&mut self, lane: usize, place: Place) {
        self.touch(life_place(lane), true);
        let queues = self.seats[lane].queues;
        for &address in queues.iter() {
            self.touch(queue_place(address), true);
        }
        self.seats[lane].place = place;
        self.seats[lane].queues.clear();
        self.seats[lane].held.clear();
        self.seats[lane].announced = 0;
        if lane >= self.fixed {
            self.wake(life_address(lane), u32::MAX); // who has started it may wait for it
        }
        if self.lanes_exit {
            self.stir(); // whoever looks at files looks at the lanes' lives
        }
    }

    /// Whether the lane that has this id is over; none has it: `None`.
    pub fn is_over(&mut self, id: u32) -> Option<bool> {
        let lane = (0..self.lanes).find(|&lane| self.seats[lane].id == id)?;
        self.touch(life_place(lane), false);
        Some(self.seats[lane].is_over())
    }

    /// Lanes that spin on a place go on, as it was written.
    pub fn written(&mut self, place: u64) {
        for lane in 0..self.lanes {
            if self.seats[lane].spin.written(place) {
                self.wakes(lane);
            }
        }
    }
}

/// A word, of the eight bytes that it lies in.
fn word_of(address: usize, eight: u64) -> u32 {
    (eight >> (8 * (address & 4))) as u32
}

impl Owned {
    /// The kernel's rule, for a dead thread of this id. On kernels that know of it (`marked`), an announced word
    /// without an owner wakes one sleeper even if it is not 0.
    pub fn bequest(self, id: u32, marked: bool) -> Bequest {
        let is_its = self.was & TID_MASK == id;
        let free = self.was & TID_MASK == 0 && (marked || self.was == 0);
        Bequest {
            address: self.address,
            becomes: is_its.then_some(self.was & WAITERS | OWNER_DIED),
            wakes_one: (is_its && self.was & WAITERS != 0) || (self.announced && free),
        }
    }
}
