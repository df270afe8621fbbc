//! All schedules: a tree of choices for each set of deaths.
//!
//! The sets are found as the search goes. First nobody dies; from what lanes were seen to do in the runs of a set
//! it is known where one more of them can die. Whatever deaths happen in a run, the first of them is met in a run
//! without any, the second in one with the first, and so on: so no set is missed, that of a lane that goes
//! further because another has died included.
//!
//! The sets take turns, some runs each: where there are too many schedules for all of them, deaths are among those that
//! are tried.
//!
//! Shards share out the tree if nobody dies; else the largest sets, after each has explored the smaller ones for
//! itself, from which the larger ones grow. What a shard runs for itself alone is looked at in one shard only. (The
//! largest sets grow nothing: so the others are found in the same order by all shards.)

use std::collections::{HashSet, VecDeque};

use super::program::{Death, Orders, Record, Then};
use super::shard::Shard;
use super::tree::{Breadth, Learned, NotReproducible, Tree};
use crate::explore::schedule::{Choice, MAX_LANES};

/// The runs of a set's turn.
const TURN: usize = 16;

pub(super) struct Exhaustive {
    breadth: Breadth,
    kills: usize,
    shard: Shard,
    /// Those that are not done, the one whose turn it is first.
    sets: VecDeque<Set>,
    /// The runs that are left of its turn.
    left: usize,
    known: HashSet<Vec<Death>>,
}

/// Deaths, and the schedules with these.
struct Set {
    deaths: Vec<Death>,
    /// The set's number, in the order in which sets are found.
    number: usize,
    /// How many places each lane has to die at.
    places: [usize; MAX_LANES],
    /// From its first turn on.
    tree: Option<Box<Tree>>,
}

impl Exhaustive {
    pub fn new(breadth: Breadth, kills: usize, shard: Shard) -> Exhaustive {
        let mut all = Exhaustive {
            breadth,
            kills,
            shard,
            sets: VecDeque::new(),
            left: TURN,
            known: HashSet::new(),
        };
        all.add(Vec::new());
        all
    }

    fn add(&mut self, deaths: Vec<Death>) {
        let number = self.known.len();
        if !self.known.insert(deaths.clone()) {
            return;
        }
        // Smaller sets are explored by all shards: the larger ones grow from them.
        if deaths.len() < self.kills || self.is_ours(number) {
            self.sets.push_back(Set {
                deaths,
                number,
                places: [0; MAX_LANES],
                tree: None,
            });
        }
    }

    /// False: all is done.
    pub fn next(&mut self, orders: &mut Orders) -> bool {
        loop {
            if self.left == 0 {
                self.sets.rotate_left(1);
                self.left = TURN;
            }
            let shard = if self.kills == 0 {
                self.shard
            } else {
                Shard::WHOLE
            };
            let Some(set) = self.sets.front_mut() else {
                return false;
            };
            let tree = set
                .tree
                .get_or_insert_with(|| Box::new(Tree::new(self.breadth, shard)));
            if tree.next(orders) {
                self.left -= 1;
                orders.deaths.clone_from(&set.deaths);
                orders.then = Then::Stay;
                return true;
            }
            self.sets.pop_front();
            self.left = TURN;
        }
    }

    /// # Errors
    /// As [`Tree::learn`].
    pub fn learn<F>(&mut self, record: &Record<F>) -> Result<Learned, NotReproducible> {
        let set = self.sets.front_mut().expect("a run is of a set");
        let tree = set.tree.as_mut().expect("which has had a turn");
        let learned = tree.learn(record)?;
        if learned != Learned::New {
            return Ok(learned);
        }
        let (number, size) = (set.number, set.deaths.len());
        if size < self.kills {
            self.grow(record);
        }
        let kills = record
            .choices()
            .filter(|choice| matches!(choice, Choice::Kill(_)));
        Ok(if !self.is_ours(number) {
            Learned::NotOurs
        } else if kills.count() < size {
            Learned::Repeated
        } else {
            Learned::New
        })
    }

    /// Without deaths it is the tree that is shared out, not the sets.
    fn is_ours(&self, number: usize) -> bool {
        self.kills == 0 || self.shard.has(number)
    }

    /// The sets that have one death more than the first, at a place that no run of it had come to before.
    fn grow<F>(&mut self, record: &Record<F>) {
        let set = &mut self.sets[0];
        let seen = places(record);
        let deaths = set.deaths.clone();
        let known = set.places;
        for (most, seen) in set.places.iter_mut().zip(seen) {
            *most = seen.max(*most);
        }
        for lane in 0..MAX_LANES {
            if deaths.iter().any(|death| death.lane == lane) {
                continue;
            }
            for after in known[lane]..seen[lane] {
                let mut more = deaths.clone();
                more.push(Death { lane, after });
                more.sort_unstable();
                self.add(more);
            }
        }
    }
}

/// At how many places each lane could have died in a run.
fn places<F>(record: &Record<F>) -> [usize; MAX_LANES] {
    let mut places = [0; MAX_LANES];
    for choice in record.choices() {
        if !matches!(choice, Choice::Take(_)) {
            places[choice.lane()] += 1;
        }
    }
    for (lane, place) in places.iter_mut().enumerate() {
        *place += usize::from(record.alive.has(lane)); // and at last
    }
    places
}
