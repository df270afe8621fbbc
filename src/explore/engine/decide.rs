//! Who goes next: what is possible, and which of it is chosen.

use super::board::{Board, MOST_TOUCHES, Move, Over, Place, life_place};
use super::course::Then;
use crate::explore::schedule::{Choice, MAX_LANES};
use crate::explore::search::{Choices, Lanes, commutes};

/// What whoever has the turn does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Gives it to this lane.
    Go(usize),
    /// Gives it to the boss, to kill this lane.
    Kill(usize),
    /// Gives it to the boss: the run is over.
    Over(Over),
}

impl Board {
    /// Makes choices until a lane is to go on, or the boss is wanted.
    pub fn decide(&mut self) -> Decision {
        loop {
            if self.diverges {
                return Decision::Over(self.divergence());
            }
            if let Some(lane) = self.goes_first() {
                if self.seats[lane].place == Place::Start {
                    self.seats[lane].place = Place::Ready;
                }
                return Decision::Go(lane); // as a part of the move that is being made
            }
            self.settle_sleep_set();
            let possible = self.possible();
            let choice = match self.choose(possible) {
                Ok(choice) => choice,
                Err(over) => return Decision::Over(over),
            };
            let lane = choice.lane();
            self.note(choice, possible);
            self.seats[lane].made += 1;
            match choice {
                Choice::Go(_) => {
                    self.current = lane;
                    if self.seats[lane].place == Place::Start {
                        self.seats[lane].place = Place::Ready;
                    }
                    return Decision::Go(lane);
                }
                Choice::Kill(_) => return Decision::Kill(lane),
                Choice::TimeOut(_) => self.rouse(lane, true),
                Choice::ReturnEarly(_) => {
                    self.seats[lane].early_returns += 1;
                    self.rouse(lane, false);
                }
                Choice::Take(_) => unreachable!("takes are made by wakes"),
            }
        }
    }

    /// Which of the sleepers a wake takes; the longest asleep comes first.
    pub fn choose_taken(&mut self, sleepers: &[usize]) -> usize {
        if let [only] = sleepers {
            return *only;
        }
        let mut possible = Choices::default();
        for &lane in sleepers {
            possible.add(Choice::Take(lane));
        }
        let waking = self.making;
        let taken = match self.course.prefix.get(self.at).copied() {
            Some(choice @ Choice::Take(lane)) if possible.has(choice) => {
                self.at += 1;
                lane
            }
            Some(_) if !self.course.is_lenient => {
                self.diverges = true;
                return sleepers[0];
            }
            None if self.course.then == Then::Random => {
                sleepers[self.dice.below(sleepers.len() as u64) as usize]
            }
            _ => sleepers[0],
        };
        self.note(Choice::Take(taken), possible);
        self.making = waking;
        taken
    }

    fn note(&mut self, choice: Choice, possible: Choices) {
        self.making = self.moves.len();
        let noted = self.moves.push(Move {
            choice,
            possible,
            step: None,
            fell_asleep: false,
            wakes: Lanes::NONE,
            first_touch: self.touches.len() as u32,
            touches: 0,
        });
        assert!(noted, "choose() and the wakes look for room first");
        let lane = choice.lane();
        if lane >= self.fixed && !matches!(choice, Choice::Take(_)) {
            // Another lane's signal, or end, may end this one: what it does until then does not commute with that.
            self.touch(life_place(lane), false);
        }
    }

    pub fn possible(&self) -> Choices {
        let mut possible = Choices::default();
        let mut spinning = Choices::default();
        for (lane, seat) in self.seats[..self.lanes].iter().enumerate() {
            let due = self.course.death_of(lane) == Some(seat.made);
            match seat.place {
                Place::Ended | Place::Dead => {}
                _ if due => possible.add(Choice::Kill(lane)),
                Place::Start | Place::Ready | Place::Awake { .. } => {
                    if seat.spin.is_stuck() {
                        spinning.add(Choice::Go(lane));
                    } else {
                        possible.add(Choice::Go(lane));
                    }
                }
                Place::Asleep { timed, files } => {
                    if timed {
                        possible.add(Choice::TimeOut(lane));
                    }
                    if !files && seat.early_returns < self.course.early_returns {
                        possible.add(Choice::ReturnEarly(lane));
                    }
                }
            }
        }
        // Who spins goes on if nothing else would happen by itself: it may count its rounds.
        if possible.iter().all(is_early) {
            possible = possible.or(spinning);
        }
        possible
    }

    fn choose(&mut self, possible: Choices) -> Result<Choice, Over> {
        // A move, with the takes of its wake, must find room; and so must all that it touches.
        let is_long = self.moves.len() + self.lanes >= self.course.most_moves;
        if (is_long || self.touches.room() < MOST_TOUCHES) && !possible.is_empty() {
            return Err(Over::TooLong);
        }
        while let Some(&wanted) = self.course.prefix.get(self.at) {
            if self.can_be_told(wanted, possible) {
                self.at += 1;
                return Ok(wanted);
            }
            if !self.course.is_lenient {
                return Err(self.divergence());
            }
            self.at += 1;
        }
        // What no wake would end is a deadlock, even if a sleeper may wake for no reason.
        if possible.iter().all(is_early) {
            return Err(Over::Still);
        }
        if self.course.then == Then::Stop {
            return Err(self.divergence());
        }
        let mut left = possible;
        for sleeper in self.course.asleep.iter() {
            left.remove(sleeper.choice);
        }
        if self.course.then == Then::Stay {
            let early = (0..MAX_LANES).map(Choice::ReturnEarly).collect();
            left = left.without(early);
        }
        if left.is_empty() {
            return Err(Over::Redundant);
        }
        Ok(self.choose_freely(left))
    }

    fn divergence(&self) -> Over {
        Over::Diverged {
            at: self.at,
            wanted: self.course.prefix.get(self.at).copied(),
        }
    }

    /// Whether a schedule may ask for it here: what is possible, a step of a lane that spins, and any death.
    fn can_be_told(&self, choice: Choice, possible: Choices) -> bool {
        let Some(seat) = self.seats[..self.lanes].get(choice.lane()) else {
            return false;
        };
        match choice {
            Choice::Kill(_) => !seat.is_over(),
            Choice::Go(_) => matches!(
                seat.place,
                Place::Start | Place::Ready | Place::Awake { .. }
            ),
            Choice::ReturnEarly(_) => matches!(seat.place, Place::Asleep { files: false, .. }),
            Choice::TimeOut(_) | Choice::Take(_) => possible.has(choice),
        }
    }

    fn choose_freely(&mut self, possible: Choices) -> Choice {
        match self.course.then {
            Then::Stay | Then::Stop => self.in_order(possible, 0),
            Then::Picks => {
                let pick = self.course.picks.get(self.moves.len()).copied();
                self.in_order(possible, pick.unwrap_or(0).into())
            }
            Then::Random => self.at_random(possible),
            Then::Priorities => self.by_priority(possible),
        }
    }

    /// The lane that went last comes first, then the others in order; then those for whom time may pass, or who may
    /// wake for no reason.
    fn in_order(&self, possible: Choices, number: usize) -> Choice {
        let lanes = self.lanes;
        let order = (0..lanes).map(|lane| (self.current + lane) % lanes);
        let moves = order
            .clone()
            .flat_map(|lane| [Choice::Go(lane), Choice::Kill(lane)]);
        let kinds: [fn(usize) -> Choice; 2] = [Choice::TimeOut, Choice::ReturnEarly];
        let others = kinds.into_iter().flat_map(|kind| order.clone().map(kind));
        let mut possible_here = moves.chain(others).filter(|&choice| possible.has(choice));
        possible_here
            .nth(number % possible.len())
            .expect("fewer than there are")
    }

    fn at_random(&mut self, possible: Choices) -> Choice {
        let steps = possible.steps();
        let seldom = self.dice.below(8) == 0;
        let pool = if steps.is_empty() || seldom {
            possible
        } else {
            steps
        };
        let number = self.dice.below(pool.len() as u64) as usize;
        pool.nth(number).expect("fewer than there are")
    }

    fn by_priority(&mut self, possible: Choices) -> Choice {
        let highest = self.highest(possible);
        let falls = self.course.changes.contains(&self.moves.len());
        // A sleep that could end again and again would keep all others from going on.
        if falls || Choices::one(highest).steps().is_empty() {
            let lowest = self.course.priorities.iter().min().copied().unwrap_or(0);
            let place = self.priority_place(highest);
            self.course.priorities[place] = lowest - 1;
        }
        if falls {
            self.highest(possible)
        } else {
            highest
        }
    }

    /// Of a sleep that can end in both ways, its time passes.
    fn highest(&self, possible: Choices) -> Choice {
        let priority = |choice: &Choice| {
            let priority = self.course.priorities.get(self.priority_place(*choice));
            (priority.copied().unwrap_or(0), !is_early(*choice))
        };
        let highest = possible.iter().max_by_key(priority);
        highest.expect("something is possible")
    }

    /// Whose priority a choice has: its lane's, or that of its lane's sleeps.
    fn priority_place(&self, choice: Choice) -> usize {
        match choice {
            Choice::TimeOut(lane) | Choice::ReturnEarly(lane) => {
                self.course.priorities.len() / 2 + lane
            }
            _ => choice.lane(),
        }
    }

    fn is_past_prefix(&self) -> bool {
        self.at >= self.course.prefix.len()
    }

    /// Takes out of the sleep set what does not commute with a move that was made.
    fn settle_sleep_set(&mut self) {
        if self.course.asleep.is_empty() || !self.is_past_prefix() {
            // The sleep set stands before the prefix's last choice.
            self.settled = self.moves.len();
            return;
        }
        for number in self.settled..self.moves.len() {
            let made = self.moves[number].choice;
            let mut at = 0;
            while let Some(sleeper) = self.course.asleep.get(at) {
                let touches = self.touches_of(number);
                if commutes(sleeper.choice, &sleeper.touches, made, touches) {
                    at += 1;
                } else {
                    self.course.asleep.remove(at);
                }
            }
        }
        self.settled = self.moves.len();
    }
}

fn is_early(choice: Choice) -> bool {
    matches!(choice, Choice::ReturnEarly(_))
}
