//! What a search has done, and what it may claim.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How schedules were chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// All of them, one of each kind that differs in the order of steps that commute.
    Reduced,
    /// All of them, one by one.
    All,
    /// All in which the turn is taken at most so often from a lane that could go on.
    Preemptions(usize),
    Random,
    /// By priorities, with this depth.
    Pct(usize),
}

/// What a search has done in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub way: Way,
    /// In how many lanes' deaths at most, and early returns of each lane.
    pub kills: usize,
    pub early_returns: usize,
    /// Schedules looked at, each counted once (drawn ones may be drawn twice).
    pub schedules: usize,
    /// Runs made: those above and those that showed nothing new.
    pub runs: usize,
    /// Runs that ended when they turned out to be like another.
    pub redundant: usize,
    /// Runs in which a lane that was to die ended first: they were runs of fewer deaths.
    pub repeated: usize,
    pub failed: usize,
    /// Schedules that ended at the bound on moves, or when they failed, with lanes that had more to do.
    pub cut: usize,
    /// Nothing of this way is left to do.
    pub is_complete: bool,
}

/// What a search has done. Shards' tallies add up to the tally of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub parts: Vec<Part>,
}

/// Tallies of different searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these are shards of different searches")]
pub struct DifferentSearches;

impl Part {
    pub(super) fn new(way: Way, kills: usize, early_returns: usize) -> Part {
        Part {
            way,
            kills,
            early_returns,
            schedules: 0,
            runs: 0,
            redundant: 0,
            repeated: 0,
            failed: 0,
            cut: 0,
            is_complete: false,
        }
    }

    fn is_drawn(&self) -> bool {
        matches!(self.way, Way::Random | Way::Pct(_))
    }
}

impl Tally {
    /// Whether lanes were to be killed in schedules that are left.
    pub(in crate::explore) fn has_deaths_to_come(&self) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| part.kills > 0 && !part.is_drawn() && !part.is_complete)
    }

    /// Whether every schedule was looked at to its end, those apart that differ in the order of steps that commute.
    pub fn is_all(&self) -> bool {
        let whole = |part: &Part| {
            let unbounded = matches!(part.way, Way::Reduced | Way::All);
            unbounded && part.is_complete && part.cut == 0
        };
        self.parts.iter().any(whole)
    }

    /// Whether each way came to its end, within its bounds, and no schedule was cut short.
    pub fn is_complete(&self) -> bool {
        let whole = |part: &Part| part.is_complete && part.cut == 0;
        !self.parts.is_empty() && self.parts.iter().all(whole)
    }

    pub fn schedules(&self) -> usize {
        self.parts.iter().map(|part| part.schedules).sum()
    }

    pub fn failed(&self) -> usize {
        self.parts.iter().map(|part| part.failed).sum()
    }

    /// Adds another shard's.
    ///
    /// # Errors
    /// [`DifferentSearches`]: the ways, or their bounds, are not the same. Nothing was added.
    pub fn merge(&mut self, other: &Tally) -> Result<(), DifferentSearches> {
        let same = |(mine, theirs): (&Part, &Part)| {
            let bounds = |part: &Part| (part.way, part.kills, part.early_returns);
            bounds(mine) == bounds(theirs)
        };
        let pairs = || self.parts.iter().zip(&other.parts);
        if self.parts.len() != other.parts.len() || !pairs().all(same) {
            return Err(DifferentSearches);
        }
        for (mine, theirs) in self.parts.iter_mut().zip(&other.parts) {
            mine.schedules += theirs.schedules;
            mine.runs += theirs.runs;
            mine.redundant += theirs.redundant;
            mine.repeated += theirs.repeated;
            mine.failed += theirs.failed;
            mine.cut += theirs.cut;
            mine.is_complete &= theirs.is_complete;
        }
        Ok(())
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.schedules;
        let all = self.is_complete && self.cut == 0 && !self.is_drawn();
        let schedules = match self.way {
            Way::Random => "random schedule",
            _ => "schedule",
        };
        if all {
            f.write_str("all ")?;
        }
        write!(f, "{count} {schedules}{}", plural(count))?;
        match self.way {
            Way::Reduced if all => f.write_str(" (up to the order of steps that commute)")?,
            Way::Preemptions(most) => {
                write!(f, " with at most {most} preemption{}", plural(most))?;
            }
            Way::Pct(depth) => write!(f, " by priorities of depth {depth}")?,
            _ => {}
        }
        if self.kills > 0 {
            write!(f, ", at most {} kill{}", self.kills, plural(self.kills))?;
        }
        if self.early_returns > 0 {
            let count = self.early_returns;
            write!(f, ", {count} early return{} a lane", plural(count))?;
        }
        if self.cut > 0 {
            write!(f, ", {} of them cut short", self.cut)?;
        }
        if !self.is_complete {
            f.write_str(", and more are left")?;
        }
        Ok(())
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.parts.iter().enumerate() {
            let between = if at > 0 { "; " } else { "" };
            write!(f, "{between}{part}")?;
        }
        Ok(())
    }
}
