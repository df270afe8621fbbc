//! All schedules: a tree of choices for each set of deaths.
//!
//! The sets are found as the search goes. First nobody dies; from what lanes were seen to do in the runs of a set
//! it is known where one more of them can die. Whatever deaths happen in a run, the first of them is met in a run
//! without any, the second in one with the first, and so on: so no set is missed, that of a lane that goes
//! further because another has died included.
//!
//! Shards share out the tree if nobody dies; else the largest sets, after each has explored the smaller ones for
//! itself, from which the larger ones grow. What a shard runs for itself alone is looked at in one shard only.

use std::collections::{HashSet, VecDeque};

use super::program::{Death, Orders, Record, Then};
use super::shard::Shard;
use super::tree::{Breadth, Learned, NotReproducible, Tree};
use crate::explore::schedule::{Choice, MAX_LANES};

pub(super) struct Exhaustive {
    breadth: Breadth,
    kills: usize,
    shard: Shard,
    tree: Tree,
    set: Vec<Death>,
    /// The set's number, in the order in which sets are explored.
    number: usize,
    /// How many places each lane has to die at, in this set.
    places: [usize; MAX_LANES],
    to_do: VecDeque<Vec<Death>>,
    known: HashSet<Vec<Death>>,
}

impl Exhaustive {
    pub fn new(breadth: Breadth, kills: usize, shard: Shard) -> Exhaustive {
        Exhaustive {
            breadth,
            kills,
            shard,
            tree: Tree::new(breadth, if kills == 0 { shard } else { Shard::WHOLE }),
            set: Vec::new(),
            number: 0,
            places: [0; MAX_LANES],
            to_do: VecDeque::new(),
            known: HashSet::new(),
        }
    }

    /// False: all is done.
    pub fn next(&mut self, orders: &mut Orders) -> bool {
        while !self.tree.next(orders) {
            self.grow();
            let Some(set) = self.to_do.pop_front() else {
                return false;
            };
            self.set = set;
            self.number += 1;
            self.places = [0; MAX_LANES];
            self.tree = Tree::new(self.breadth, Shard::WHOLE);
            // Smaller sets are explored by all shards: the larger ones grow from them.
            if !self.grows() && !self.is_ours() {
                self.tree.skip();
            }
        }
        orders.deaths.clone_from(&self.set);
        orders.then = Then::Stay;
        true
    }

    /// # Errors
    /// As [`Tree::learn`].
    pub fn learn<F>(&mut self, record: &Record<F>) -> Result<Learned, NotReproducible> {
        let learned = self.tree.learn(record)?;
        if learned != Learned::New {
            return Ok(learned);
        }
        if self.grows() {
            self.measure(record);
        }
        let kills = record
            .choices()
            .filter(|choice| matches!(choice, Choice::Kill(_)));
        Ok(if !self.is_ours() {
            Learned::NotOurs
        } else if kills.count() < self.set.len() {
            Learned::Repeated
        } else {
            Learned::New
        })
    }

    fn grows(&self) -> bool {
        self.set.len() < self.kills
    }

    /// Without deaths it is the tree that is shared out, not the sets.
    fn is_ours(&self) -> bool {
        self.kills == 0 || self.shard.has(self.number)
    }

    fn measure<F>(&mut self, record: &Record<F>) {
        let mut places = [0; MAX_LANES];
        for choice in record.choices() {
            if !matches!(choice, Choice::Take(_)) {
                places[choice.lane()] += 1;
            }
        }
        for (lane, place) in places.iter().enumerate() {
            let and_at_last = usize::from(record.alive.has(lane));
            self.places[lane] = self.places[lane].max(place + and_at_last);
        }
    }

    /// The sets that have one death more than this one.
    fn grow(&mut self) {
        if !self.grows() {
            return;
        }
        for (lane, &places) in self.places.iter().enumerate() {
            if self.set.iter().any(|death| death.lane == lane) {
                continue;
            }
            for after in 0..places {
                let mut set = self.set.clone();
                set.push(Death { lane, after });
                set.sort_unstable();
                if self.known.insert(set.clone()) {
                    self.to_do.push_back(set);
                }
            }
        }
    }
}
