//! What is searched: a program that can be run again and again, what a run is told, and what it tells.
//!
//! A policy knows lanes, choices and places, and nothing of processes. So it is the same that chooses among the
//! runs of real processes, and, in its tests, among those of a simulated machine whose answers can be known.

use super::choices::{Choices, Lanes};
use crate::explore::schedule::Choice;

/// Something that can be run again and again from the same start.
///
/// Runs are deterministic: the same [`Orders`] give the same [`Record`].
pub trait Program {
    /// What is told of a run that failed.
    type Failure;
    /// Why there was no run.
    type Error;

    /// How many lanes it has, at most [`MAX_LANES`](crate::explore::MAX_LANES).
    fn lanes(&self) -> usize;

    /// Runs it once, from its start to its end.
    ///
    /// # Errors
    /// There was no run, and there is to be no other: the search ends with it. What goes wrong in the program is
    /// no error, but an [`End`].
    fn run(&mut self, orders: &Orders) -> Result<Record<Self::Failure>, Self::Error>;
}

/// What a run is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// Made first, one after another; a run that cannot make one of them ends as [`End::Diverged`].
    pub prefix: Vec<Choice>,
    /// Transitions that need not be tried, as what they lead to has been explored: the sleep set in which the last
    /// choice of the prefix is made. One is taken out once a move is made that does not commute with it, from that
    /// last choice on; the others are not made behind the prefix, and if nothing else is possible the run ends as
    /// [`End::Redundant`].
    pub asleep: Vec<Sleeper>,
    /// How the choices behind the prefix are made.
    pub then: Then,
    /// Lanes that die, at most one entry for each.
    pub deaths: Vec<Death>,
    /// How many waits of each lane may return early.
    pub early_returns: usize,
    /// The choices after which a run ends as [`End::TooLong`].
    pub most_moves: usize,
}

/// A transition, and what it touched when it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sleeper {
    pub choice: Choice,
    pub touches: Vec<Touch>,
}

/// How a run goes on when nobody tells it what comes next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// The lane that went last goes on while it can, then the next one that can, in their order and round; time
    /// passes only if no lane can go, and no wait returns early. Who has slept longest is taken first.
    #[default]
    Stay,
    /// Any possible lane; now and then a wait times out, or returns early.
    Random { seed: u64 },
    /// The possible lane of the highest priority. At each of the moves in `changes` (ascending) the one that would
    /// go falls below all others first. The second half of `priorities` is for the lanes' sleeps: a sleep that
    /// can end by itself is ended when it is its turn by priority, and then falls below all others.
    Pct {
        /// For each lane, then for each lane's sleeps; all different. Who falls gets what is one below the lowest.
        priorities: Vec<u8>,
        changes: Vec<usize>,
    },
}

/// In the place of its transition number `after` (0: its first) the lane is killed.
///
/// A lane's transitions are its [`Go`](Choice::Go), [`TimeOut`](Choice::TimeOut) and
/// [`ReturnEarly`](Choice::ReturnEarly). Once it has made `after` of them, and has not ended,
/// [`Kill`](Choice::Kill) is the only one that it has, awake or asleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Death {
    pub lane: usize,
    pub after: usize,
}

/// One choice of a run, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    pub choice: Choice,
    /// Everything that could have been chosen here, this one and those of the sleep set included.
    ///
    /// After a wake, or a death, that takes some of those who sleep, but not all of them, only
    /// [`Take`](Choice::Take)s are possible, until it has taken its number.
    pub possible: Choices,
    /// Two moves of different lanes that touch no place in common, or only read it, commute: made one after the
    /// other, they lead to the same in either order.
    ///
    /// A wait and a wake write the *queue* of their word, which is a place of its own; so do a time-out and an early
    /// return, and the death of who is asleep, or was taken and has not gone on since. A [`Take`](Choice::Take)
    /// touches nothing more than the move that it belongs to.
    pub touches: Vec<Touch>,
    /// Lanes that could not go before this move and can because of it.
    pub wakes: Lanes,
}

/// An access to a place in shared memory, or in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// Any number that is the same in all runs.
    pub place: u64,
    pub write: bool,
}

impl Touch {
    pub fn read(place: u64) -> Touch {
        let write = false;
        Touch { place, write }
    }

    pub fn write(place: u64) -> Touch {
        let write = true;
        Touch { place, write }
    }

    /// Whether the order of the two can matter.
    pub fn conflicts(self, other: Touch) -> bool {
        self.place == other.place && (self.write || other.write)
    }
}

/// Whether two transitions lead to the same in either order. Those of one lane do not.
pub fn commutes(one: Choice, touches: &[Touch], other: Choice, others: &[Touch]) -> bool {
    let conflict = |touch: &Touch| others.iter().any(|other| touch.conflicts(*other));
    one.lane() != other.lane() && !touches.iter().any(conflict)
}

/// Whether a choice takes the turn from a lane that could have gone on. A take is not a turn.
pub fn is_preemption(last: Option<usize>, possible: Choices, choice: Choice) -> bool {
    let could_go = |last: usize| !possible.of_lane(last).steps().is_empty();
    !matches!(choice, Choice::Take(_))
        && last.is_some_and(|last| last != choice.lane() && could_go(last))
}

/// What a run tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<F> {
    pub moves: Vec<Move>,
    pub end: End<F>,
    /// What is still possible at the end. A run that went to its very end leaves nothing but early returns: of
    /// lanes that sleep for good. One that was cut short (by a failure that ends the run at once, or a bound)
    /// leaves what its lanes had still to do.
    pub left: Choices,
    /// Lanes that have neither ended nor died: they sleep for good, or the run was cut short.
    pub alive: Lanes,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End<F> {
    Well,
    Failed(F),
    /// Nothing is possible but what is in the sleep set: another run is, or will be, equivalent to this one.
    Redundant,
    /// [`Orders::most_moves`] were made, and there was more to do.
    TooLong,
    /// The prefix's choice number `moves.len()` was not possible.
    Diverged,
}

impl<F> Record<F> {
    pub fn choices(&self) -> impl Iterator<Item = Choice> {
        self.moves.iter().map(|made| made.choice)
    }

    /// Its lanes still had something to do when it ended.
    pub fn was_cut(&self) -> bool {
        self.left
            .iter()
            .any(|left| !matches!(left, Choice::ReturnEarly(_)))
    }
}

impl Orders {
    /// The run of a schedule that is known: these choices, then as in [`Then::Stay`].
    pub fn replay(prefix: Vec<Choice>, most_moves: usize) -> Orders {
        Orders {
            prefix,
            most_moves,
            ..Orders::default()
        }
    }
}
