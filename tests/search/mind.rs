//! What a run of the machine does next: the prefix, then its way of going on.

use forkproof::explore::dice::Dice;
use forkproof::explore::search::{Choices, Orders, Then, Touch, commutes};
use forkproof::explore::{Choice, MAX_LANES};

/// Where a run stands in its orders.
#[derive(Clone, Copy, Debug)]
pub struct Mind {
    /// Choices made.
    made: usize,
    /// The lane that went last.
    last: usize,
    asleep: Choices,
    /// The seed, moved on at each random choice.
    seed: u64,
    /// Of lanes, and of their sleeps.
    priorities: [u8; 2 * MAX_LANES],
    /// What the next one to be lowered gets: below all that were lowered before.
    lowest: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Make(Choice),
    /// Nothing is possible that could come by itself: the run has ended.
    Over,
    Redundant,
    TooLong,
    Diverged,
}

/// To how many one a random choice prefers a step to a sleep that ends by itself.
const STEP_WEIGHT: usize = 8;

impl Mind {
    /// Before the first move.
    pub fn new(orders: &Orders) -> Mind {
        let mut mind = Mind {
            made: 0,
            last: 0,
            asleep: orders.asleep.iter().map(|sleeper| sleeper.choice).collect(),
            seed: 0,
            priorities: [0; 2 * MAX_LANES],
            lowest: u8::MAX,
        };
        match &orders.then {
            Then::Stay => {}
            Then::Random { seed } => mind.seed = *seed,
            Then::Pct { priorities, .. } => {
                mind.priorities[..priorities.len()].copy_from_slice(priorities);
                mind.lowest = priorities.iter().copied().min().unwrap_or(0);
            }
        }
        mind
    }

    /// What comes next. `longest` is who has slept longest among those that can be taken; it means nothing
    /// where nobody can.
    pub fn decide(&mut self, orders: &Orders, possible: Choices, longest: usize) -> Decision {
        if let Some(&choice) = orders.prefix.get(self.made) {
            return if possible.has(choice) {
                Decision::Make(choice)
            } else {
                Decision::Diverged
            };
        }
        // No wait returns early by itself: a lane that only this could wake sleeps for good.
        if possible.iter().all(is_early) {
            return Decision::Over;
        }
        if self.made >= orders.most_moves {
            return Decision::TooLong;
        }
        if !possible.takes().is_empty() {
            return Decision::Make(self.taken(orders, possible, longest));
        }
        let open = possible.without(self.asleep);
        let choice = match &orders.then {
            Then::Stay => self.stay(open),
            Then::Random { .. } => self.random(open),
            Then::Pct {
                priorities,
                changes,
            } => self.by_priority(open, priorities.len() / 2, changes),
        };
        choice.map_or(Decision::Redundant, Decision::Make)
    }

    /// A choice was made, by the prefix or not, and touched these.
    pub fn made(&mut self, orders: &Orders, choice: Choice, touches: &[Touch]) {
        let is_last_told = self.made + 1 >= orders.prefix.len();
        self.made += 1;
        if matches!(choice, Choice::Take(_)) {
            return; // part of the move before it, by which its waker has lost what does not commute
        }
        self.last = choice.lane();
        if is_last_told && !self.asleep.is_empty() {
            for sleeper in &orders.asleep {
                if !commutes(sleeper.choice, &sleeper.touches, choice, touches) {
                    self.asleep.remove(sleeper.choice);
                }
            }
        }
    }

    fn taken(&mut self, orders: &Orders, possible: Choices, longest: usize) -> Choice {
        let takes = possible.takes();
        let random = match orders.then {
            Then::Random { .. } => takes.nth(self.roll(takes.len())),
            _ => None,
        };
        random.unwrap_or(Choice::Take(longest))
    }

    fn stay(&self, open: Choices) -> Option<Choice> {
        let step = |lane| open.of_lane(lane).steps().first();
        let order = || (0..MAX_LANES).map(|lane| (self.last + lane) % MAX_LANES);
        let late = |lane| Some(Choice::TimeOut(lane)).filter(|&late| open.has(late));
        order().find_map(step).or_else(|| order().find_map(late))
    }

    fn random(&mut self, open: Choices) -> Option<Choice> {
        let steps = open.steps();
        let ends = open.without(steps);
        let all = STEP_WEIGHT * steps.len() + ends.len();
        if all == 0 {
            return None;
        }
        let pick = self.roll(all);
        match pick.checked_sub(STEP_WEIGHT * steps.len()) {
            Some(end) => ends.nth(end),
            None => steps.nth(pick / STEP_WEIGHT),
        }
    }

    fn by_priority(&mut self, open: Choices, sleeps: usize, changes: &[usize]) -> Option<Choice> {
        let highest = self.highest(open, sleeps)?;
        let place = place(highest, sleeps);
        if changes.binary_search(&self.made).is_ok() {
            self.lower(place);
            return self.highest(open, sleeps);
        }
        if place >= sleeps {
            self.lower(place);
        }
        Some(highest)
    }

    fn highest(&self, open: Choices, sleeps: usize) -> Option<Choice> {
        // Of a sleep's time-out and early return the first: `max_by_key` gives the last of equals.
        let choices = open.iter().map(|choice| (choice, place(choice, sleeps)));
        let highest = choices.reduce(|best, next| {
            if self.priorities[next.1] > self.priorities[best.1] {
                next
            } else {
                best
            }
        });
        highest.map(|(choice, _)| choice)
    }

    fn lower(&mut self, place: usize) {
        self.lowest = self.lowest.saturating_sub(1);
        self.priorities[place] = self.lowest;
    }

    fn roll(&mut self, bound: usize) -> usize {
        let mut dice = Dice::new(self.seed);
        self.seed = dice.roll();
        dice.below(bound as u64) as usize
    }
}

fn is_early(choice: Choice) -> bool {
    matches!(choice, Choice::ReturnEarly(_))
}

/// Whose priority a choice has: its lane's, or that of its lane's sleeps.
fn place(choice: Choice, sleeps: usize) -> usize {
    match choice {
        Choice::TimeOut(lane) | Choice::ReturnEarly(lane) => sleeps + lane,
        _ => choice.lane(),
    }
}
