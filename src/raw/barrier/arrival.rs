//! What a party that comes to a barrier asks for, and what it gets.

use super::phase::{ACTING, FILLING, round, status};

/// What the last to come does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// Lets all pass.
    Releases,
    /// Runs an action first, and then calls [`RawBarrier::acted`](super::RawBarrier::acted) or [`RawBarrier::failed`](super::RawBarrier::failed).
    Acts,
}

/// A party has come, and all others have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// It has passed, as the nth to come.
    Passed(usize),
    /// It came last, and is to act.
    Acts(Turn),
}

/// The turn to act: of the last to come, in one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "all others wait until the action has ended"]
pub struct Turn {
    pub(super) seat: Seat,
}

/// Why a party has not passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPassed {
    /// Someone died, gave up, aborted or reset the barrier; or its action failed.
    Broken,
    /// The deadline came first. If this party had a seat the barrier is broken for all.
    TimedOut,
    /// The calling thread holds as many locks as the kernel would look at if it died. Nothing was changed.
    TooManyHeld,
}

/// A party's place in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) number: usize,
    /// The phase's round.
    pub(super) round: u32,
}

impl Seat {
    /// Whether its round has not ended.
    pub(super) fn is_pending(self, phase: u32) -> bool {
        round(phase) == self.round && matches!(status(phase), FILLING | ACTING)
    }

    /// How its round has ended.
    pub(super) fn outcome(self, phase: u32) -> Result<usize, NotPassed> {
        if round(phase) == self.round {
            Err(NotPassed::Broken)
        } else {
            Ok(self.number)
        }
    }
}
