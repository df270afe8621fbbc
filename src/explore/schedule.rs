//! Schedules: the choices of one run, as data and as a string that replays it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::dice::Dice;

/// The most lanes that a run may have: each has a letter and a bit of a futex's bitset.
pub const MAX_LANES: usize = 8;

/// One choice. Lanes are numbered in the order in which they were set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Choice {
    /// The lane takes its next step.
    Go(usize),
    /// The lane is killed where it is, by SIGKILL.
    Kill(usize),
    /// The lane, asleep with a deadline, is told that it passed.
    TimeOut(usize),
    /// The lane, asleep, is woken for no reason.
    ReturnEarly(usize),
    /// The wake, or the death, that was made just before takes this sleeper: one for each that it takes, where
    /// more sleep than it takes.
    Take(usize),
}

impl Choice {
    pub fn lane(self) -> usize {
        match self {
            Choice::Go(lane)
            | Choice::Kill(lane)
            | Choice::TimeOut(lane)
            | Choice::ReturnEarly(lane)
            | Choice::Take(lane) => lane,
        }
    }

    /// What stands before the lane's letter; no lane has one of these.
    fn mark(self) -> &'static str {
        match self {
            Choice::Go(_) => "",
            Choice::Kill(_) => "k",
            Choice::TimeOut(_) => "t",
            Choice::ReturnEarly(_) => "r",
            Choice::Take(_) => "w",
        }
    }
}

/// The choices of one run, from its start to its end.
///
/// As a string, lanes are letters from `a` on, a number repeats a step, and `k`, `t`, `r` and `w` stand before a
/// lane that is killed, timed out, woken early or taken by a wake:
/// ```
/// use forkproof::explore::{Choice, Schedule};
/// let schedule: Schedule = "a2bka".parse().unwrap();
/// assert_eq!(schedule.0, [Choice::Go(0), Choice::Go(0), Choice::Go(1), Choice::Kill(0)]);
/// assert_eq!(schedule.to_string(), "a2bka");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule(pub Vec<Choice>);

impl Schedule {
    /// How often the turn was taken from a lane that moves again later.
    pub fn preemptions(&self) -> usize {
        let taken = |choice: &&Choice| matches!(choice, Choice::Take(_)); // not a turn of the lane's own
        let turns: Vec<_> = self.0.iter().filter(|choice| !taken(choice)).collect();
        let changes = turns.windows(2).enumerate().filter(|(at, pair)| {
            let left = pair[0].lane();
            left != pair[1].lane() && turns[at + 2..].iter().any(|later| later.lane() == left)
        });
        changes.count()
    }
}

/// A string that is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a schedule: {0}")]
pub struct NotASchedule(pub String);

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for same in self.0.chunk_by(|a, b| a == b) {
            let letter = (b'a' + same[0].lane() as u8) as char;
            write!(f, "{}{letter}", same[0].mark())?;
            if same.len() > 1 {
                write!(f, "{}", same.len())?;
            }
        }
        Ok(())
    }
}

impl FromStr for Schedule {
    type Err = NotASchedule;

    fn from_str(text: &str) -> Result<Schedule, NotASchedule> {
        let mut choices = Vec::new();
        let mut chars = text.chars().peekable();
        while let Some(first) = chars.next() {
            let (mark, letter) = match first {
                'k' | 't' | 'r' | 'w' => (Some(first), chars.next()),
                _ => (None, Some(first)),
            };
            let lane = letter.and_then(|letter| (letter as usize).checked_sub('a' as usize));
            let lane = lane.filter(|&lane| lane < MAX_LANES).ok_or_else(|| {
                NotASchedule(format!("a lane is a letter from a to h, not {letter:?}"))
            })?;
            let mut digits = String::new();
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            let times: usize = match digits.as_str() {
                "" => 1,
                digits => digits
                    .parse()
                    .ok()
                    .filter(|times| (1..=100_000).contains(times))
                    .ok_or_else(|| NotASchedule(format!("no lane takes {digits} steps at once")))?,
            };
            let choice = match mark {
                None => Choice::Go(lane),
                Some('k') => Choice::Kill(lane),
                Some('t') => Choice::TimeOut(lane),
                Some('w') => Choice::Take(lane),
                _ => Choice::ReturnEarly(lane),
            };
            choices.extend(std::iter::repeat_n(choice, times));
        }
        Ok(Schedule(choices))
    }
}

/// How the choices of a run come about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Plan {
    /// These choices and no others: a replay. One that cannot be made fails the run.
    Exactly(Schedule),
    /// These choices, but those that cannot be made (the lane is dead, or has ended) are passed over.
    About(Schedule),
    /// Generated: at each step one number. 0 lets the lane go on that went last, others take another that
    /// can go; so fewer and smaller numbers mean fewer changes of lane, and a generator's shrinking leads
    /// to a simple schedule.
    Picks(Vec<u8>),
}

impl Plan {
    /// Every plan that takes the turn from a lane that could go on exactly `count` times within `steps` steps.
    pub fn with_preemptions(steps: usize, lanes: usize, count: usize) -> Vec<Plan> {
        let mut plans = vec![Vec::new()];
        for _ in 0..count {
            plans = plans
                .iter()
                .flat_map(|picks| one_more(picks, steps, lanes))
                .collect();
        }
        plans.into_iter().map(Plan::Picks).collect()
    }

    /// `length` choices from a seed: mostly the same lane again, now and then another.
    pub fn random(seed: u64, length: usize) -> Plan {
        let mut dice = Dice::new(seed);
        let picks = std::iter::repeat_with(|| {
            let random = dice.roll();
            if random.is_multiple_of(4) {
                (random >> 8) as u8
            } else {
                0
            }
        });
        Plan::Picks(picks.take(length).collect())
    }
}

/// The picks, and then, at each later step, another lane.
fn one_more(picks: &[u8], steps: usize, lanes: usize) -> Vec<Vec<u8>> {
    let places = (picks.len()..steps).flat_map(|at| (1..lanes as u8).map(move |lane| (at, lane)));
    let more = places.map(|(at, lane)| {
        let mut picks = picks.to_vec();
        picks.resize(at, 0);
        picks.push(lane);
        picks
    });
    more.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_that_are_no_schedules_are_refused() {
        for text in [
            "z",
            "k",
            "a0",
            "a99999999999999999999",
            "ka5x",
            "A",
            "ä",
            "3a",
        ] {
            assert!(text.parse::<Schedule>().is_err(), "{text}");
        }
    }

    #[test]
    fn preemptions_are_enumerated_and_counted() {
        assert_eq!(Plan::with_preemptions(3, 2, 0), [Plan::Picks(vec![])]);
        let one = [vec![1], vec![0, 1], vec![0, 0, 1]].map(Plan::Picks);
        assert_eq!(Plan::with_preemptions(3, 2, 1), one);
        let count = |text: &str| text.parse::<Schedule>().unwrap().preemptions();
        assert_eq!(["a3b3", "a2b3a", "aba2b", "abab"].map(count), [0, 1, 2, 2]);
        assert_eq!(count("awba"), 0);
    }

    #[test]
    fn every_schedule_survives_its_string() {
        let choices = [
            Choice::Go(0),
            Choice::Go(0),
            Choice::Go(7),
            Choice::Kill(2),
            Choice::TimeOut(1),
            Choice::ReturnEarly(0),
            Choice::Take(3),
            Choice::Go(4),
        ];
        for start in 0..choices.len() {
            let schedule = Schedule(choices[start..].to_vec());
            assert_eq!(schedule.to_string().parse(), Ok(schedule));
        }
    }
}
