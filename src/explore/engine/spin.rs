//! Spinning: a lane that reads again and again what no one has written.
//!
//! Such a lane does nothing that others could see, and were it let go on for ever there would be no end to the
//! schedules. So once it has come round a few times it is passed over until someone writes what it reads, as long as
//! another lane can move.

use super::list::List;

/// How often it must have read again all that it reads.
const ROUNDS: u32 = 2;

#[derive(Clone, Copy)]
pub(super) struct Spin {
    /// What was read since its last write: place and value.
    seen: List<(u64, u64), 8>,
    again: u32,
    pub stuck: bool,
}

impl Spin {
    pub const NEW: Spin = Spin {
        seen: List::EMPTY,
        again: 0,
        stuck: false,
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
        self.stuck = self.again >= ROUNDS * self.seen.len() as u32;
    }

    /// Someone has written a place. Whether the lane had been passed over.
    pub fn written(&mut self, place: u64) -> bool {
        let freed = self.seen.iter().any(|&(seen, _)| seen == place);
        let was_stuck = self.stuck;
        if freed {
            *self = Spin::NEW;
        }
        freed && was_stuck
    }
}
