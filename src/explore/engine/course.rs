//! What the processes of a run are told of it, in a form that lies in shared memory.

use super::board::MOST_MOVES;
use super::list::List;
use crate::explore::schedule::{Choice, MAX_LANES, Plan, Schedule};
use crate::explore::search::{self, Orders, Touch};

/// How the choices behind the prefix are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Then {
    /// The lane that went last goes on while it can; else the next one that can, in their order.
    Stay,
    /// As [`Stay`](Then::Stay), but each number says how many possible choices to pass over.
    Picks,
    /// Each choice alike, but time-outs and early returns, which are rarer.
    Random,
    /// What has the highest priority, which falls to the lowest at each change point, and if it ends a sleep.
    Priorities,
    /// There are none.
    Stop,
}

/// A choice that need not be made, and what it would touch.
#[derive(Clone, Copy)]
pub(in crate::explore) struct Sleeper {
    pub choice: Choice,
    pub touches: List<Touch, 8>,
}

#[repr(C)]
pub(in crate::explore) struct Course {
    pub prefix: List<Choice, MOST_MOVES>,
    /// Choices of the prefix that are not possible are passed over.
    pub is_lenient: bool,
    pub then: Then,
    /// For [`Then::Picks`].
    pub picks: List<u8, MOST_MOVES>,
    /// For [`Then::Random`].
    pub seed: u64,
    /// For [`Then::Priorities`]: the lanes', then their sleeps', and the moves at which the highest falls.
    pub priorities: List<i32, { 2 * MAX_LANES }>,
    pub changes: List<usize, 16>,
    /// The sleep set before the prefix's last choice.
    pub asleep: List<Sleeper, 64>,
    /// After how many of its moves each lane dies; none for a lane that lives.
    pub deaths: List<(usize, u32), MAX_LANES>,
    pub early_returns: u32,
    pub most_moves: usize,
}

impl Course {
    /// Completes one that is all zeroes, in which the lists are empty.
    ///
    /// # Safety
    /// `at` is memory of zeroes for a course, and the caller's alone.
    pub unsafe fn lay_out(at: *mut Course) {
        // SAFETY: within the course, by the caller's word.
        unsafe { (&raw mut (*at).then).write(Then::Stay) };
    }

    pub fn clear(&mut self) {
        self.prefix.clear();
        self.is_lenient = false;
        self.then = Then::Stay;
        self.picks.clear();
        self.seed = 0;
        self.priorities.clear();
        self.changes.clear();
        self.asleep.clear();
        self.deaths.clear();
        self.early_returns = 0;
        self.most_moves = MOST_MOVES;
    }

    /// What a plan says.
    ///
    /// # Panics
    /// If it has more choices than a run may have.
    pub fn follow(&mut self, plan: &Plan) {
        let room = match plan {
            Plan::Exactly(Schedule(choices)) => {
                self.then = Then::Stop;
                self.prefix.set(choices.iter().copied())
            }
            Plan::About(Schedule(choices)) => {
                self.is_lenient = true;
                self.prefix.set(choices.iter().copied())
            }
            Plan::Picks(picks) => {
                self.then = Then::Picks;
                self.picks.set(picks.iter().copied())
            }
        };
        assert!(room, "a run has at most {MOST_MOVES} choices");
    }

    /// What a search says.
    pub fn order(&mut self, orders: &Orders) {
        let prefix = self.prefix.set(orders.prefix.iter().copied());
        assert!(prefix, "a run has at most {MOST_MOVES} choices");
        for sleeper in &orders.asleep {
            let mut touches = List::EMPTY;
            // One that is left out is tried, which is more work and no less proof.
            if touches.set(sleeper.touches.iter().copied()) {
                let choice = sleeper.choice;
                self.asleep.push(Sleeper { choice, touches });
            }
        }
        match &orders.then {
            search::Then::Stay => self.then = Then::Stay,
            search::Then::Random { seed } => {
                self.then = Then::Random;
                self.seed = *seed;
            }
            search::Then::Pct {
                priorities,
                changes,
            } => {
                self.then = Then::Priorities;
                self.priorities.set(priorities.iter().map(|&p| p.into()));
                self.changes.set(changes.iter().copied());
            }
        }
        let deaths = orders.deaths.iter();
        self.deaths
            .set(deaths.map(|death| (death.lane, death.after as u32)));
        self.early_returns = orders.early_returns as u32;
        self.most_moves = orders.most_moves.min(MOST_MOVES);
    }

    /// After how many moves the lane dies.
    pub fn death_of(&self, lane: usize) -> Option<u32> {
        let due = self.deaths.iter().find(|(who, _)| *who == lane);
        due.map(|(_, after)| *after)
    }
}
