//! Which schedules to run: all of them, with or without reduction, or drawn ones; each with deaths, time-outs and
//! early returns; shared out in shards.
//!
//! | policy | chooses | finds |
//! |---|---|---|
//! | [`Policy::Exhaustive`] | one schedule of each kind that differs in the order of steps that commute | all that there is to find, if there is time for it |
//! | [`Policy::Unreduced`] | every schedule, one by one | the same, in more runs |
//! | [`Policy::Unreduced`] with a bound | every schedule with at most so many preemptions | most bugs in few runs: they need one or two (Musuvathi and Qadeer, PLDI 2007) |
//! | [`Policy::Random`] | any lane at each step | bugs that many schedules have |
//! | [`Policy::Pct`] | by priorities, which change now and then | bugs that rest on the order of a few steps |
//! | [`Policy::Portfolio`] | a bit of each, then all | what one of them alone would miss |
//!
//! # How
//! A policy writes [`Orders`], a [`Program`] runs by them and gives a [`Record`], and the policy learns from it. This
//! is stateless search: a state is reached by running to it again from the start.
//!
//! # What is not covered
//! Reduction and a bound on preemptions together: with a bound every schedule is run. (A sound combination needs more
//! runs again: Coons, Musuvathi and McKinley, "Bounded partial-order reduction", OOPSLA 2013.)

mod choices;
mod draws;
mod exhaustive;
mod order;
mod program;
mod shard;
mod shrink;
mod tally;
mod tree;

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

pub use choices::{Choices, Lanes};
pub use program::{
    Death, End, Move, Orders, Program, Record, Sleeper, Then, Touch, commutes, is_preemption,
};
pub use shard::Shard;
pub use shrink::{Size, shrink};
pub use tally::{DifferentSearches, Part, Tally, Way};
pub use tree::NotReproducible;

use draws::{Draw, Draws};
use exhaustive::Exhaustive;
use tree::{Breadth, Learned};

/// How schedules are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Policy {
    /// All, one of each kind that differs in the order of steps that commute.
    Exhaustive,
    /// All, one by one; or those with at most so many preemptions: a preemption takes the turn from a lane that could
    /// have gone on.
    Unreduced { preemptions: Option<usize> },
    /// Drawn.
    Random { seed: u64 },
    /// Drawn, for bugs that rest on the order of `depth` pairs of steps.
    Pct { seed: u64, depth: usize },
    /// A sixteenth of the runs, at most 2,000, for each of: at most one preemption, random, PCT of depths 2 and 3;
    /// then all schedules, as far as the rest goes.
    Portfolio { seed: u64 },
}

/// What to search, and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    pub policy: Policy,
    /// At most so many lanes die in a run.
    pub kills: usize,
    /// At most so many waits of each lane return early.
    pub early_returns: usize,
    /// The runs after which the search ends. For drawn schedules it is the number of all shards' runs, for the others
    /// that of each shard's.
    pub most_runs: usize,
    /// The choices after which a run is cut short.
    pub most_moves: usize,
    pub shard: Shard,
}

/// Why a search ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError<E> {
    #[error("there was no run: {0}")]
    Program(E),
    #[error(transparent)]
    NotReproducible(#[from] NotReproducible),
}

/// One way of choosing, with its share of the runs.
struct Stage {
    way: Way,
    most_runs: usize,
    source: Source,
}

enum Source {
    Exhaustive(Box<Exhaustive>),
    Draws(Draws),
}

impl Search {
    /// Everything with this policy, without kills, within 100,000 runs of 10,000 moves.
    pub fn new(policy: Policy) -> Search {
        Search {
            policy,
            kills: 0,
            early_returns: 0,
            most_runs: 100_000,
            most_moves: 10_000,
            shard: Shard::WHOLE,
        }
    }

    /// Runs the program again and again, and shows each schedule's run, with the orders that led to it, until the
    /// caller breaks, or all is done.
    ///
    /// Costs, beside the runs, time in proportion to the moves behind the point where a run differs from the one
    /// before, and for each of them to the lanes and the races that it has; and memory for one run.
    ///
    /// # Errors
    /// [`SearchError::Program`]: there was no run. [`SearchError::NotReproducible`]: a run did not do what one with the
    /// same choices had done.
    ///
    /// # Panics
    /// If the program has no lanes, or more than [`MAX_LANES`](crate::explore::MAX_LANES).
    pub fn run<P: Program>(
        &self,
        program: &mut P,
        mut look: impl FnMut(&Orders, &Record<P::Failure>) -> ControlFlow<()>,
    ) -> Result<Tally, SearchError<P::Error>> {
        let lanes = program.lanes();
        assert!(
            (1..=crate::explore::MAX_LANES).contains(&lanes),
            "{lanes} lanes"
        );
        let mut orders = Orders {
            early_returns: self.early_returns,
            most_moves: self.most_moves,
            ..Orders::default()
        };
        let mut tally = Tally::default();
        for mut stage in self.stages(lanes) {
            let mut part = Part::new(stage.way, self.kills, self.early_returns);
            let goes_on = self.run_stage(program, &mut stage, &mut orders, &mut part, &mut look);
            tally.parts.push(part);
            if goes_on?.is_break() {
                break;
            }
        }
        Ok(tally)
    }

    fn run_stage<P: Program>(
        &self,
        program: &mut P,
        stage: &mut Stage,
        orders: &mut Orders,
        part: &mut Part,
        look: &mut impl FnMut(&Orders, &Record<P::Failure>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, SearchError<P::Error>> {
        loop {
            if !stage.source.next(orders, stage.most_runs) {
                part.is_complete = true;
                return Ok(ControlFlow::Continue(()));
            }
            if part.runs >= stage.most_runs {
                return Ok(ControlFlow::Continue(()));
            }
            let record = program.run(orders).map_err(SearchError::Program)?;
            part.runs += 1;
            match stage.source.learn(&record)? {
                Learned::Redundant => part.redundant += 1,
                Learned::Repeated => part.repeated += 1,
                Learned::NotOurs => {}
                Learned::New => {
                    part.schedules += 1;
                    part.failed += usize::from(matches!(record.end, End::Failed(_)));
                    part.cut += usize::from(record.was_cut());
                    let goes_on = look(orders, &record);
                    if goes_on.is_break() {
                        return Ok(goes_on);
                    }
                }
            }
        }
    }

    fn stages(&self, lanes: usize) -> Vec<Stage> {
        let all = self.most_runs;
        let stage = |way, most_runs| Stage {
            way,
            most_runs,
            source: self.source(way, lanes),
        };
        match self.policy {
            Policy::Exhaustive => vec![stage(Way::Reduced, all)],
            Policy::Unreduced { preemptions: None } => vec![stage(Way::All, all)],
            Policy::Unreduced {
                preemptions: Some(most),
            } => vec![stage(Way::Preemptions(most), all)],
            Policy::Random { .. } => vec![stage(Way::Random, all)],
            Policy::Pct { depth, .. } => vec![stage(Way::Pct(depth), all)],
            Policy::Portfolio { .. } => {
                let bit = (all / 16).min(2_000);
                vec![
                    stage(Way::Preemptions(1), bit),
                    stage(Way::Random, bit),
                    stage(Way::Pct(2), bit),
                    stage(Way::Pct(3), bit),
                    stage(Way::Reduced, all - 4 * bit),
                ]
            }
        }
    }

    fn source(&self, way: Way, lanes: usize) -> Source {
        let all = |breadth| {
            let exhaustive = Exhaustive::new(breadth, self.kills, self.shard);
            Source::Exhaustive(Box::new(exhaustive))
        };
        let seed = match self.policy {
            Policy::Random { seed } | Policy::Pct { seed, .. } | Policy::Portfolio { seed } => seed,
            Policy::Exhaustive | Policy::Unreduced { .. } => 0, // nothing is drawn
        };
        let drawn = |draw| Source::Draws(Draws::new(draw, seed, lanes, self.kills, self.shard));
        match way {
            Way::Reduced => all(Breadth::Reduced),
            Way::All => all(Breadth::Preemptions(None)),
            Way::Preemptions(most) => all(Breadth::Preemptions(Some(most))),
            Way::Random => drawn(Draw::Random),
            Way::Pct(depth) => drawn(Draw::Pct { depth }),
        }
    }
}

impl Source {
    fn next(&mut self, orders: &mut Orders, most_runs: usize) -> bool {
        match self {
            Source::Exhaustive(exhaustive) => exhaustive.next(orders),
            Source::Draws(draws) => draws.next(orders, most_runs),
        }
    }

    fn learn<F>(&mut self, record: &Record<F>) -> Result<Learned, NotReproducible> {
        match self {
            Source::Exhaustive(exhaustive) => exhaustive.learn(record),
            Source::Draws(draws) => Ok(draws.learn(record)),
        }
    }
}
