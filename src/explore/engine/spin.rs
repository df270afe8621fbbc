//! Spinning: a lane that reads again and again what no one has written.
//!
//! Such a lane does nothing that others could see, and were each of its reads a move there would be no end to the
//! schedules. So once it has come round a few times its reads go on within one move: that is how a spin that counts its
//! rounds comes to its end. One that has none is then passed over until someone writes what it reads, as long as another
//! lane can move.
//!
//! What is left out: a write between two of the reads that are one move. The lane would see it then, as it sees it if the
//! write comes before them, or after; but it would have counted other numbers of rounds.

use super::list::List;
use crate::sys::step::{Access, Step};

/// How often it must have read again all that it reads, until its reads are one move.
const ROUNDS: u32 = 2;
/// And until it is passed over. No one spins so often who means to stop.
const MOST_ROUNDS: u32 = 130;

#[derive(Clone, Copy)]
pub(in crate::explore) struct Spin {
    /// What was read since its last write: place and value.
    seen: List<(u64, u64), 8>,
    again: u32,
}

impl Default for Spin {
    fn default() -> Spin {
        Spin::NEW
    }
}

impl Spin {
    pub const NEW: Spin = Spin {
        seen: List::EMPTY,
        again: 0,
    };

    /// The lane has read a place, and not changed it.
    pub fn read(&mut self, place: u64, value: u64) {
        if self.seen.contains(&(place, value)) {
            self.again += 1;
        } else {
            self.again = 0;
            if !self.seen.push((place, value)) {
                *self = Spin::NEW; // a wide search is no spin
            }
        }
    }

    /// Someone has written a place. Whether the lane had been passed over.
    pub fn written(&mut self, place: u64) -> bool {
        let freed = self.seen.iter().any(|&(seen, _)| seen == place);
        let was_stuck = self.is_stuck();
        if freed {
            *self = Spin::NEW;
        }
        freed && was_stuck
    }

    /// Whether it reads a place once more, that it has come round to often enough, and not too often.
    pub fn goes_on(&self, place: u64) -> bool {
        self.repeats(place, |_| true) && !self.is_stuck()
    }

    /// Whether it has come round often enough, and an access to this place does so again: one that `leaves` a value as it
    /// is that was seen there.
    pub fn repeats(&self, place: u64, leaves: impl Fn(u64) -> bool) -> bool {
        let mut seen = self.seen.iter();
        self.has_come_round(ROUNDS) && seen.any(|&(other, value)| other == place && leaves(value))
    }

    /// Whether it is to be passed over.
    pub fn is_stuck(&self) -> bool {
        self.has_come_round(MOST_ROUNDS)
    }

    pub fn has_come_round(&self, times: u32) -> bool {
        !self.seen.is_empty() && self.again >= times * self.seen.len() as u32
    }
}

/// Whether a step will leave memory as it is; `is`: what stands in the eight bytes that it accesses.
pub(super) fn only_reads(step: &Step, is: u64) -> bool {
    let word = (is >> (8 * (step.address & 4))) as u32;
    match step.access {
        Access::Load | Access::LoadWide => true,
        Access::Store { value } | Access::Swap { value } => value == word,
        Access::CompareExchange { current, new } => current != word || current == new,
        Access::StoreWide { value } | Access::SwapWide { value } => value == is,
        Access::CompareExchangeWide { current, new } => current != is || current == new,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(places: impl IntoIterator<Item = u64>) -> Spin {
        let mut spin = Spin::NEW;
        places.into_iter().for_each(|place| spin.read(place, 0));
        spin
    }

    #[test]
    fn who_comes_round_goes_on_within_a_move_and_is_stuck_after_many() {
        assert!(!after([1, 2, 1, 2, 1]).goes_on(2));
        let twice = after([1, 2, 1, 2, 1, 2]);
        assert!(twice.goes_on(1) && twice.goes_on(2) && !twice.goes_on(3) && !twice.is_stuck());
        let often = after([1, 2].repeat(1 + MOST_ROUNDS as usize));
        assert!(often.is_stuck() && !often.goes_on(1));
    }

    #[test]
    fn a_write_of_what_it_reads_frees_who_is_stuck() {
        let mut stuck = after([1].repeat(200));
        assert!(stuck.is_stuck());
        assert!(!stuck.written(3));
        assert!(stuck.written(1));
        assert!(!stuck.is_stuck());
        assert!(!after([1, 1, 1]).written(1), "who was not passed over");
    }

    #[test]
    fn who_searches_widely_does_not_spin() {
        for places in [(0..100).collect::<Vec<_>>(), (0..16).chain(0..16).collect()] {
            for end in 0..places.len() {
                let spin = after(places[..end].iter().copied());
                assert!(!spin.is_stuck() && !spin.goes_on(places[end]));
            }
        }
    }

    #[test]
    fn a_step_that_changes_nothing_only_reads() {
        let step = |access, address| Step { access, address };
        let is = 7 << 32 | 3; // two words
        assert!(only_reads(&step(Access::Store { value: 3 }, 8), is));
        assert!(only_reads(&step(Access::Store { value: 7 }, 12), is));
        assert!(!only_reads(&step(Access::Store { value: 3 }, 12), is));
        let exchange = |current, new| Access::CompareExchange { current, new };
        assert!(only_reads(&step(exchange(2, 4), 8), is));
        assert!(!only_reads(&step(exchange(3, 4), 8), is));
        assert!(!only_reads(&step(Access::Add { value: 1 }, 8), is));
    }
}
