//! Spinning in a model: a lane that reads again and again what no one has written yields to the others.
//!
//! Loom would let it come round for ever, and take that for an execution without an end. The rule is the
//! controller's: what counts is what the lane has read since it last changed something, or slept.

use super::stage;

/// How often it must have read again all that it reads.
const ROUNDS: usize = 2;
/// A wider search is no spin.
const PLACES_MAX: usize = 8;

/// What a lane has read since its last change: place and value.
#[derive(Default)]
pub(super) struct Spin {
    seen: Vec<(usize, u64)>,
    again: usize,
}

impl Spin {
    /// Whether the lane has come round often enough to be taken for one that waits.
    fn read(&mut self, place: usize, value: u64) -> bool {
        if self.seen.contains(&(place, value)) {
            self.again += 1;
        } else {
            self.again = 0;
            self.seen.push((place, value));
            if self.seen.len() > PLACES_MAX {
                self.seen.clear();
            }
        }
        !self.seen.is_empty() && self.again >= ROUNDS * self.seen.len()
    }
}

/// The calling lane has read a place, and not changed it.
pub(super) fn read(place: usize, value: u64) {
    let passes = stage::with(|stage| stage.setting.passes_spinners);
    if passes && stage::with_actor(|actor| actor.spin.read(place, value)) {
        // What was read before is not read again if something newer is there; and the one goes first that yielded least.
        // Who else could is not tried: two that spin would yield to each other for ever.
        if stage::with(|stage| std::mem::replace(&mut stage.explores, false)) {
            ::loom::stop_exploring();
        }
        ::loom::thread::yield_now();
    }
}

/// The calling lane has changed something, or slept.
pub(super) fn moved() {
    stage::with_actor(|actor| actor.spin = Spin::default());
}

/// The calling lane has put `new` in the place of `old`.
pub(super) fn exchanged(place: usize, old: u64, new: u64) {
    if old == new {
        read(place, old);
    } else {
        moved();
    }
}

/// Comes before every step: behind a yield, all is tried again.
pub(super) fn explores() {
    if !stage::with(|stage| std::mem::replace(&mut stage.explores, true)) {
        ::loom::explore();
    }
}
