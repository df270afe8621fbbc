//! Small sets: of lanes, and of choices.

use std::fmt;

use crate::explore::schedule::{Choice, MAX_LANES};

/// A set of lanes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Lanes(u8);

/// A set of choices.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Choices(u64);

const _: () = assert!(
    MAX_LANES <= 8,
    "a lane is a bit of a byte, and of each byte of the choices"
);

impl Lanes {
    pub const NONE: Lanes = Lanes(0);

    /// # Panics
    /// If there is no such lane: from [`MAX_LANES`] on.
    pub fn one(lane: usize) -> Lanes {
        assert!(lane < MAX_LANES, "there are {MAX_LANES} lanes at most");
        Lanes(1 << lane)
    }

    pub fn has(self, lane: usize) -> bool {
        lane < MAX_LANES && self.0 & 1 << lane != 0
    }

    pub fn add(&mut self, lane: usize) {
        self.0 |= Lanes::one(lane).0;
    }

    pub fn or(self, other: Lanes) -> Lanes {
        Lanes(self.0 | other.0)
    }

    /// In their order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_LANES).filter(move |&lane| self.has(lane))
    }
}

/// The kinds of choices in the order of their bits.
const KINDS: [fn(usize) -> Choice; 5] = [
    Choice::Go,
    Choice::Kill,
    Choice::TimeOut,
    Choice::ReturnEarly,
    Choice::Take,
];

fn bit(choice: Choice) -> u64 {
    let kind = match choice {
        Choice::Go(_) => 0,
        Choice::Kill(_) => 1,
        Choice::TimeOut(_) => 2,
        Choice::ReturnEarly(_) => 3,
        Choice::Take(_) => 4,
    };
    u64::from(Lanes::one(choice.lane()).0) << (8 * kind)
}

impl Choices {
    pub const NONE: Choices = Choices(0);

    /// # Panics
    /// If its lane is not below [`MAX_LANES`]; so do all that take a choice.
    pub fn one(choice: Choice) -> Choices {
        Choices(bit(choice))
    }

    pub fn has(self, choice: Choice) -> bool {
        self.0 & bit(choice) != 0
    }

    pub fn add(&mut self, choice: Choice) {
        self.0 |= bit(choice);
    }

    pub fn remove(&mut self, choice: Choice) {
        self.0 &= !bit(choice);
    }

    pub fn or(self, other: Choices) -> Choices {
        Choices(self.0 | other.0)
    }

    pub fn without(self, other: Choices) -> Choices {
        Choices(self.0 & !other.0)
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Those that are some lane's own: all but the takes, which belong to a move that has been made.
    pub fn of_lane(self, lane: usize) -> Choices {
        let own = u64::from(Lanes::one(lane).0) * 0x0001_0101_0101;
        Choices(self.0 & own & !TAKES)
    }

    /// Those that make the turn go on with a lane that is awake, or that dies.
    pub fn steps(self) -> Choices {
        Choices(self.0 & STEPS)
    }

    pub fn takes(self) -> Choices {
        Choices(self.0 & TAKES)
    }

    pub fn first(self) -> Option<Choice> {
        if self.is_empty() {
            return None;
        }
        let at = self.0.trailing_zeros() as usize;
        Some(KINDS[at / 8](at % 8))
    }

    /// The choice number `index` of [`iter`](Choices::iter).
    pub fn nth(self, index: usize) -> Option<Choice> {
        self.iter().nth(index)
    }

    /// Steps first, then deaths, time-outs, early returns and takes; each by lane.
    pub fn iter(self) -> impl Iterator<Item = Choice> {
        let mut rest = self;
        std::iter::from_fn(move || {
            let first = rest.first()?;
            rest.0 &= rest.0 - 1;
            Some(first)
        })
    }
}

const STEPS: u64 = 0xffff;
const TAKES: u64 = 0xff << 32;

impl FromIterator<Choice> for Choices {
    fn from_iter<I: IntoIterator<Item = Choice>>(choices: I) -> Choices {
        let bits = choices.into_iter().map(bit);
        Choices(bits.fold(0, |all, one| all | one))
    }
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl fmt::Debug for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        let all = [
            Choice::Go(0),
            Choice::Go(7),
            Choice::Kill(3),
            Choice::TimeOut(1),
            Choice::ReturnEarly(7),
            Choice::Take(2),
        ];
        let set: Choices = all.into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), all);
        assert_eq!(set.len(), all.len());
        assert_eq!(set.nth(2), Some(Choice::Kill(3)));
        assert_eq!(set.of_lane(7).iter().collect::<Vec<_>>(), [all[1], all[4]]);
        assert_eq!(set.of_lane(2), Choices::NONE);
        assert_eq!(set.steps().iter().collect::<Vec<_>>(), all[..3]);
        assert_eq!(set.takes().iter().collect::<Vec<_>>(), all[5..]);
        for choice in all {
            let mut rest = set;
            rest.remove(choice);
            assert!(set.has(choice) && !rest.has(choice));
            assert_eq!(set.without(rest), Choices::one(choice));
        }
    }

    #[test]
    #[should_panic(expected = "8 lanes at most")]
    fn a_ninth_lane_is_refused() {
        Choices::one(Choice::Go(8));
    }
}
