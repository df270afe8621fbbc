//! Spinning in a model: a lane that reads again and again what no one has written yields to the others.
//!
//! Loom would let it come round for ever, and take that for an execution without an end. The rule is the
//! controller's: what counts is what the lane has read since it last changed something, or slept. Once it has come round
//! a few times it goes on alone, so that a spin that counts its rounds comes to its end; one that has none then yields.

use super::stage;
use crate::explore::engine::Spin;

/// How often a lane comes round until it yields: loom bounds what one execution does.
const MOST_ROUNDS: u32 = 20;

/// Comes before every access. Nothing is tried of one that a spin only repeats: of what it has seen at that place it
/// `leaves` something as it is.
pub(super) fn begins(place: usize, leaves: impl Fn(u64) -> bool) {
    let repeats = stage::with(|stage| stage.setting.passes_spinners)
        && stage::with_actor(|actor| actor.spin.repeats(place as u64, leaves));
    explores(!repeats);
}

/// The calling lane has read a place, and not changed it.
pub(super) fn read(place: usize, value: u64) {
    let passes = stage::with(|stage| stage.setting.passes_spinners);
    let yields = stage::with_actor(|actor| {
        actor.spin.read(place as u64, value);
        actor.spin.has_come_round(MOST_ROUNDS)
    });
    if passes && yields {
        // What was read before is not read again if something newer is there; and the one goes first that yielded least.
        // Who else could is not tried: two that spin would yield to each other for ever.
        explores(false);
        ::loom::thread::yield_now();
    }
}

/// The calling lane has changed something, or slept.
pub(super) fn moved() {
    stage::with_actor(|actor| actor.spin = Spin::NEW);
}

/// The calling lane has put `new` in the place of `old`.
pub(super) fn exchanged(place: usize, old: u64, new: u64) {
    if old == new {
        read(place, old);
    } else {
        moved();
    }
}

/// Whether all is tried from here on.
pub(super) fn explores(all: bool) {
    if stage::with(|stage| std::mem::replace(&mut stage.explores, all)) != all {
        match all {
            true => ::loom::explore(),
            false => ::loom::stop_exploring(),
        }
    }
}
