//! The tree of choices, depth first: each run is a path, and the next run differs from the last as late as it can.
//!
//! With reduction it is source-DPOR with sleep sets: Abdulla, Aronis, Jonsson and Sagonas, "Optimal dynamic
//! partial order reduction" (POPL 2014; "Source sets", JACM 2017), where a *process* is a lane. What they leave
//! open, or exclude:
//! - **A lane can have several transitions** (a sleep that times out, or returns early; a wake that takes this
//!   sleeper, or that one). Whoever tries a lane at a node tries all that it has there.
//! - **A lane can lose a transition by another's move**: a wake takes who could have timed out. Then there
//!   is no later move to race with, so the lane is to be tried at the wake's own node ([`Tree::lost`]).
//! - **Early returns do not come by themselves**: at the end of a run each that is possible is one more branch.
//!
//! # What is not covered
//! The reduction knows what lanes did, not what they would have done: a run that is cut short (a failure that ends
//! it, a bound on its moves) hides the races of what was left, so only a search without such runs is of all.

use super::choices::Choices;
use super::order::Order;
use super::program::{End, Move, Orders, Record, Sleeper, Touch, commutes, is_preemption};
use super::shard::Shard;
use crate::explore::schedule::Choice;

/// Which of a node's choices are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breadth {
    /// Those that lead to something that no other order of steps that commute leads to.
    Reduced,
    /// Each one, while the turn was taken from a lane that could have gone on at most so often.
    Preemptions(Option<usize>),
}

/// A state on the path of the last run.
struct Node {
    /// The choice of the last run; none at its end.
    choice: Option<Choice>,
    possible: Choices,
    /// What is to be tried, what was tried included.
    wanted: Choices,
    tried: Choices,
    /// The sleep set, those tried here included, and where it lies.
    asleep: Choices,
    sleepers: Span,
    /// What the choice touched.
    touches: Span,
    /// The number of the choice's move in the order; a take has that of its wake.
    event: usize,
    /// The lane that went last before it, and how often the turn had been taken from one.
    last: Option<usize>,
    preemptions: usize,
}

/// From, to.
type Span = (usize, usize);

/// A member of a node's sleep set.
#[derive(Clone, Copy)]
struct Asleep {
    choice: Choice,
    touches: Span,
}

pub(super) struct Tree {
    breadth: Breadth,
    shard: Shard,
    /// Nodes above this depth are the same in all shards, and have all their choices tried.
    split: usize,
    /// Subtrees met at that depth.
    roots: usize,
    is_new: bool,
    nodes: Vec<Node>,
    /// Of all nodes: what belongs to a node lies before what belongs to those below it.
    asleep: Vec<Asleep>,
    touches: Vec<Touch>,
    order: Order,
    /// The node of each move in the order.
    places: Vec<usize>,
    races: Vec<usize>,
}

/// A run did not do what it did before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a run is not reproducible: at choice {at} it could not do what it did before, or could do more"
)]
pub struct NotReproducible {
    pub at: usize,
}

/// What a run was to the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learned {
    New,
    Redundant,
    /// A run of a smaller set of deaths: not all of this set's happened.
    Repeated,
    /// Another shard's.
    NotOurs,
}

impl Tree {
    pub fn new(breadth: Breadth, shard: Shard) -> Tree {
        Tree {
            breadth,
            shard,
            split: shard.depth(),
            roots: 0,
            is_new: true,
            nodes: Vec::new(),
            asleep: Vec::new(),
            touches: Vec::new(),
            order: Order::default(),
            places: Vec::new(),
            races: Vec::new(),
        }
    }

    /// Writes the next run's prefix and sleep set. False: none is left.
    pub fn next(&mut self, orders: &mut Orders) -> bool {
        orders.prefix.clear();
        orders.asleep.clear();
        if std::mem::take(&mut self.is_new) {
            return true;
        }
        while let Some(node) = self.nodes.last() {
            let open = node.wanted.without(node.tried).without(node.asleep);
            if let Some(next) = open.first() {
                self.turn_to(next);
                self.tell(orders);
                return true;
            }
            self.nodes.pop();
        }
        false
    }

    /// The last node goes on with another choice; the one that it had goes to sleep.
    fn turn_to(&mut self, next: Choice) {
        let node = self.nodes.last_mut().expect("a node to turn");
        self.asleep.truncate(node.sleepers.1);
        let is_reduced = self.breadth == Breadth::Reduced;
        let done = node.choice.filter(|done| is_reduced && !is_take(*done));
        if let Some(choice) = done {
            let touches = node.touches;
            self.asleep.push(Asleep { choice, touches });
            node.asleep.add(choice);
            node.sleepers.1 += 1;
            node.touches = (touches.1, touches.1);
        }
        self.touches.truncate(node.touches.0);
        node.choice = Some(next);
        node.tried.add(next);
    }

    fn tell(&self, orders: &mut Orders) {
        let choices = self.nodes.iter().filter_map(|node| node.choice);
        orders.prefix.extend(choices);
        let (from, to) = self.nodes.last().map_or((0, 0), |node| node.sleepers);
        let sleepers = self.asleep[from..to].iter().map(|sleeper| Sleeper {
            choice: sleeper.choice,
            touches: self.touches[sleeper.touches.0..sleeper.touches.1].to_vec(),
        });
        orders.asleep.extend(sleepers);
    }

    /// What came of the run.
    ///
    /// # Errors
    /// [`NotReproducible`]: its beginning was not as it had been.
    pub fn learn<F>(&mut self, record: &Record<F>) -> Result<Learned, NotReproducible> {
        let moves = &record.moves;
        self.compare(moves)?;
        let is_root = self.nodes.len() <= self.split;
        let turned = self.nodes.len().saturating_sub(1);
        // A wake whose takes change is put in order anew.
        let is_start = |node: &Node| !node.choice.is_some_and(is_take);
        let start = self.nodes.iter().rposition(is_start).unwrap_or(0);
        if let Some(node) = self.nodes.get(start) {
            self.order.truncate(node.event);
            self.places.truncate(node.event);
        }
        for (at, made) in moves.iter().enumerate().skip(start) {
            if at >= self.nodes.len() {
                self.enter(made.possible);
                self.choose(made.choice);
            }
            if at >= turned {
                self.keep(at, &made.touches);
            }
            if self.breadth == Breadth::Reduced {
                self.put_in_order(at, made);
            }
        }
        if self.breadth == Breadth::Reduced {
            self.lose(record.left);
        }
        self.end(record);
        if is_root {
            self.roots += 1;
            if !self.shard.has(self.roots - 1) {
                self.nodes.truncate(self.split);
                return Ok(Learned::NotOurs);
            }
        }
        Ok(match record.end {
            End::Redundant => Learned::Redundant,
            _ => Learned::New,
        })
    }

    fn compare(&self, moves: &[Move]) -> Result<(), NotReproducible> {
        for (at, node) in self.nodes.iter().enumerate() {
            let again = |made: &Move| (Some(made.choice), made.possible);
            if moves.get(at).map(again) != Some((node.choice, node.possible)) {
                return Err(NotReproducible { at });
            }
        }
        Ok(())
    }

    /// One node more, below the last.
    fn enter(&mut self, possible: Choices) {
        let sleepers = self.asleep.len();
        let touches = self.touches.len();
        let mut node = Node {
            choice: None,
            possible,
            wanted: Choices::NONE,
            tried: Choices::NONE,
            asleep: Choices::NONE,
            sleepers: (sleepers, sleepers),
            touches: (touches, touches),
            event: self.order.len(),
            last: None,
            preemptions: 0,
        };
        let above = self.nodes.last();
        if let Some((above, choice)) = above.and_then(|above| Some((above, above.choice?))) {
            for at in above.sleepers.0..above.sleepers.1 {
                let sleeper = self.asleep[at];
                let theirs = &self.touches[sleeper.touches.0..sleeper.touches.1];
                let ours = &self.touches[above.touches.0..above.touches.1];
                if is_take(choice) || commutes(sleeper.choice, theirs, choice, ours) {
                    self.asleep.push(sleeper);
                    node.asleep.add(sleeper.choice);
                }
            }
            node.sleepers.1 = self.asleep.len();
            let taken = is_preemption(above.last, above.possible, choice);
            node.preemptions = above.preemptions + usize::from(taken);
            node.last = if is_take(choice) {
                above.last
            } else {
                Some(choice.lane())
            };
        }
        node.wanted = self.wanted_at_first(&node);
        self.nodes.push(node);
    }

    fn wanted_at_first(&self, node: &Node) -> Choices {
        match self.breadth {
            Breadth::Reduced if self.nodes.len() < self.split => node.possible,
            // A wake's takes are all tried; of lanes, first the one that the run chose.
            Breadth::Reduced => node.possible.takes(),
            Breadth::Preemptions(None) => node.possible,
            Breadth::Preemptions(Some(most)) => {
                let taken = |choice| is_preemption(node.last, node.possible, choice);
                let count = |choice| node.preemptions + usize::from(taken(choice));
                let choices = node.possible.iter();
                choices.filter(|&choice| count(choice) <= most).collect()
            }
        }
    }

    fn choose(&mut self, choice: Choice) {
        let node = self.nodes.last_mut().expect("a node to choose at");
        node.choice = Some(choice);
        node.tried.add(choice);
        if self.breadth == Breadth::Reduced {
            node.wanted = node.wanted.or(node.possible.of_lane(choice.lane()));
        }
    }

    fn keep(&mut self, at: usize, touches: &[Touch]) {
        let span = &mut self.nodes[at].touches;
        self.touches.truncate(span.0);
        self.touches.extend_from_slice(touches);
        span.1 = self.touches.len();
    }

    /// The run's end: each early return that is possible there is a branch of its own, as no run needs to have any.
    fn end<F>(&mut self, record: &Record<F>) {
        let is_over = matches!(record.end, End::Redundant) || !record.was_cut();
        let early = |choice: &Choice| matches!(choice, Choice::ReturnEarly(_));
        let early: Choices = record.left.iter().filter(early).collect();
        if is_over && !early.is_empty() {
            self.enter(record.left);
            if let (Breadth::Reduced, Some(node)) = (self.breadth, self.nodes.last_mut()) {
                node.wanted = node.wanted.or(early);
            }
        }
    }

    fn put_in_order(&mut self, at: usize, made: &Move) {
        if is_take(made.choice) {
            self.order.also_wakes(made.wakes);
            self.nodes[at].event = self.order.len() - 1;
            return;
        }
        self.lose(made.possible);
        self.nodes[at].event = self.order.len();
        self.places.push(at);
        let mut races = std::mem::take(&mut self.races);
        let lane = made.choice.lane();
        self.order.push(lane, &made.touches, made.wakes, &mut races);
        for &earlier in &races {
            self.reverse(earlier);
        }
        self.races = races;
    }

    /// The last move races with this one: it is to be tried before it, unless that is planned, or was done.
    fn reverse(&mut self, earlier: usize) {
        let node = &mut self.nodes[self.places[earlier]];
        let mut chosen = None;
        let mut is_planned = false;
        self.order.initials(earlier, |lane| {
            let choices = node.possible.of_lane(lane);
            if !choices.is_empty() {
                chosen = Some(choices); // the last one found is the lane of the last move, if that is one
                is_planned = node.plans(choices);
            }
            is_planned
        });
        if !is_planned {
            node.wanted = node.wanted.or(chosen.unwrap_or(node.possible));
        }
    }

    /// What other lanes could have done in the place of the last move, and cannot now, is to be tried there: it
    /// comes no more, so it would not be seen to race.
    fn lose(&mut self, possible: Choices) {
        let Some(&at) = self.places.last() else {
            return;
        };
        let node = &mut self.nodes[at];
        let mover = node
            .choice
            .map_or(Choices::NONE, |choice| node.possible.of_lane(choice.lane()));
        for lost in node.possible.without(possible).without(mover).iter() {
            let choices = node.possible.of_lane(lost.lane());
            if !node.plans(choices) {
                node.wanted = node.wanted.or(choices);
            }
        }
    }
}

impl Node {
    fn plans(&self, choices: Choices) -> bool {
        choices.without(self.wanted.or(self.asleep)).is_empty()
    }
}

fn is_take(choice: Choice) -> bool {
    matches!(choice, Choice::Take(_))
}
