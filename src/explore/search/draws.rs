//! Schedules that are drawn: each run's from the seed and its number alone, so that shards can share them out.
//!
//! The first run draws nothing: it shows how long the program is.

use super::program::{Death, Orders, Record, Then};
use super::shard::Shard;
use super::tree::Learned;
use crate::explore::dice::Dice;
use crate::explore::schedule::{Choice, MAX_LANES};

/// What a run goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Draw {
    Random,
    /// Burckhardt, Kothari, Musuvathi and Nagarakatte, "A randomized scheduler with probabilistic guarantees of
    /// finding bugs" (ASPLOS 2010): a bug that rests on the order of `depth` pairs of steps is met in a run of
    /// n lanes and k steps with a probability of at least 1 / (n * k^(depth - 1)).
    Pct {
        depth: usize,
    },
}

pub(super) struct Draws {
    draw: Draw,
    seed: u64,
    lanes: usize,
    kills: usize,
    shard: Shard,
    /// Of the next run.
    number: usize,
    /// The moves of the first run: of all lanes, and of each.
    length: usize,
    lengths: [usize; MAX_LANES],
}

/// The least priority that a lane starts with: room below it for those that fall.
const LEAST_PRIORITY: u8 = 128;

impl Draws {
    pub fn new(draw: Draw, seed: u64, lanes: usize, kills: usize, shard: Shard) -> Draws {
        Draws {
            draw,
            seed,
            lanes,
            kills,
            shard,
            number: 0,
            length: 0,
            lengths: [0; MAX_LANES],
        }
    }

    /// The next run's orders. False: all runs up to this number, in all shards, have been drawn.
    pub fn next(&mut self, orders: &mut Orders, most_runs: usize) -> bool {
        orders.prefix.clear();
        orders.asleep.clear();
        orders.deaths.clear();
        orders.then = Then::Stay;
        if self.number > 0 {
            while !self.shard.has(self.number) {
                self.number += 1;
            }
            if self.number >= most_runs {
                return false;
            }
            let mut dice = Dice::new(self.seed ^ Dice::new(self.number as u64).roll());
            self.draw_deaths(&mut dice, &mut orders.deaths);
            orders.then = self.then(&mut dice);
        }
        self.number += 1;
        true
    }

    pub fn learn<F>(&mut self, record: &Record<F>) -> Learned {
        if self.number > 1 {
            return Learned::New;
        }
        self.length = record.moves.len();
        for choice in record.choices() {
            self.lengths[choice.lane()] += usize::from(!matches!(choice, Choice::Take(_)));
        }
        if self.shard.has(0) {
            Learned::New
        } else {
            Learned::NotOurs
        }
    }

    /// None to all that may be, anywhere in a lane; a lane may go further than in the first run.
    fn draw_deaths(&self, dice: &mut Dice, deaths: &mut Vec<Death>) {
        let most = self.kills.min(self.lanes) as u64;
        let mut left = dice.below(most + 1);
        while left > 0 {
            let lane = dice.below(self.lanes as u64) as usize;
            if deaths.iter().all(|death| death.lane != lane) {
                let places = self.lengths[lane] * 3 / 2 + 2;
                let after = dice.below(places as u64) as usize;
                deaths.push(Death { lane, after });
                left -= 1;
            }
        }
    }

    fn then(&self, dice: &mut Dice) -> Then {
        let Draw::Pct { depth } = self.draw else {
            return Then::Random { seed: dice.roll() };
        };
        let mut priorities: Vec<u8> = (LEAST_PRIORITY..).take(2 * self.lanes).collect();
        for at in (1..priorities.len()).rev() {
            priorities.swap(at, dice.below(at as u64 + 1) as usize);
        }
        let place = |_| dice.below(self.length.max(1) as u64) as usize;
        let mut changes: Vec<_> = (1..depth).map(place).collect();
        changes.sort_unstable();
        changes.dedup();
        Then::Pct {
            priorities,
            changes,
        }
    }
}
