//! What a check is given, and what it gives back.

use std::fmt;

use super::progress::Progress;
use crate::explore::dice::any_seed;

/// What can fail for any reason, told in words.
pub type Fallible<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// How much a check may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub size: Size,
    /// From which everything that is generated comes. The same one gives the same scenarios, though not the same
    /// orders at full speed.
    pub seed: u64,
    /// In place of the size's number of random kills for each row.
    pub kills: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// For `cargo test`: seconds for all checks.
    Test,
    /// For a person who waits: under a minute for all.
    Default,
    /// Everything.
    Full,
}

/// One row of the table.
pub struct Check {
    /// What is checked.
    pub primitive: &'static str,
    /// How.
    pub technique: Technique,
    pub run: fn(Budget, &Progress) -> Report,
}

/// What a check rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Technique {
    /// Models of the algorithm in loom.
    Models,
    /// Broken variants that the models must catch.
    Variants,
    /// Every schedule of small programs, under control.
    Schedules,
    /// A kill at every step of the turn.
    EveryStep,
    /// Generated scenarios at full speed.
    Proptest,
    /// Kills at random moments, at full speed.
    RandomKills,
    /// Very many messages at full speed, with a kill now and then.
    Messages,
    /// Generated families of processes.
    Starts,
    /// Clients at work, beside one that means harm.
    Hostile,
    /// A bug that generated orders must find.
    LostUpdate,
    /// Another.
    LostAppend,
    /// What programs print, to the byte.
    Outputs,
    /// What every output of a race keeps.
    Invariants,
    /// All that programs can print, in every schedule.
    OutcomeSets,
    /// Known bugs that must be caught, and correct twins that must not be accused.
    Bugs,
}

/// What a check did, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Different things tried: scenarios, models, examples.
    pub cases: u64,
    /// How often they were run, in all.
    pub runs: u64,
    /// SIGKILLs, real or modelled.
    pub kills: u64,
    pub verdict: Verdict,
    /// How far each case was tried, where that can be said.
    pub extent: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    /// What went wrong, in words, and how to see it again.
    Fails(String),
}

impl Report {
    pub fn holds(cases: u64, runs: u64, kills: u64) -> Report {
        Report {
            cases,
            runs,
            kills,
            verdict: Verdict::Holds,
            extent: Vec::new(),
        }
    }

    /// The same work with another verdict.
    pub fn fails(self, why: impl Into<String>) -> Report {
        Report {
            verdict: Verdict::Fails(why.into()),
            ..self
        }
    }
}

impl Budget {
    /// With a random seed.
    pub fn new(size: Size) -> Budget {
        Budget {
            size,
            seed: any_seed(),
            kills: None,
        }
    }

    /// One of three amounts.
    pub fn of<T>(self, test: T, default: T, full: T) -> T {
        match self.size {
            Size::Test => test,
            Size::Default => default,
            Size::Full => full,
        }
    }
}

impl Technique {
    pub fn name(self) -> &'static str {
        match self {
            Technique::Models => "loom models",
            Technique::Variants => "broken variants",
            Technique::Schedules => "schedules",
            Technique::EveryStep => "kill at every step",
            Technique::Proptest => "proptest",
            Technique::RandomKills => "random kills",
            Technique::Messages => "many messages",
            Technique::Starts => "starts and ends",
            Technique::Hostile => "hostile clients",
            Technique::LostUpdate => "lost update",
            Technique::LostAppend => "lost append",
            Technique::Outputs => "outputs",
            Technique::Invariants => "invariants",
            Technique::OutcomeSets => "outcome sets",
            Technique::Bugs => "bugs and twins",
        }
    }

    /// Whether it starts no process.
    pub fn only_computes(self) -> bool {
        matches!(self, Technique::Models | Technique::Variants)
    }

    /// What a pass rests on, and what it does not prove.
    pub fn rests_on(self) -> &'static str {
        match self {
            Technique::Models => {
                "the shipped algorithm in loom: every order of 2 or 3 lanes within a bound on preemptions, with \
                 weak memory and modelled deaths. Not more lanes, and not the kernel itself"
            }
            Technique::Variants => {
                "the models themselves: each of these broken locks is caught. Not every bug is among them"
            }
            Technique::Schedules => {
                "small programs of real processes under control, one step at a time: every schedule, up to the order of \
                 steps that commute, or as many as is said above; with real SIGKILLs at every step, where there are \
                 kills. Sequentially consistent orders, and programs of 2 or 3 processes"
            }
            Technique::EveryStep => {
                "real processes that go one at a time, each killed by a real SIGKILL before each of its steps. \
                 Few orders, all sequentially consistent"
            }
            Technique::Proptest => {
                "generated scenarios in real processes at full speed, judged by a sequential specification. \
                 A rare order may not have come up"
            }
            Technique::RandomKills => {
                "real SIGKILLs at random moments, at full speed: the others go on, with whole data, and nothing \
                 is left. A moment of a few instructions may not have been hit"
            }
            Technique::Messages => {
                "two producers and two consumers at full speed, killed now and then and started again: what was \
                 acknowledged is got once, in order. Sizes up to some KiB"
            }
            Technique::Starts => {
                "generated families of processes, their exit codes, signals and arguments, and that nothing is \
                 left. Not every mixture of threads and signals"
            }
            Technique::Hostile => {
                "seven clients over a network count together, beside one that has the key and sends anything in every \
                 way: all are served, what they counted is true, and nothing is left. The cases are its attacks, \
                 random ones: not every message was among them"
            }
            Technique::LostUpdate | Technique::LostAppend => {
                "generated orders of a program without a lock, under the turn: what is lost is found, shrunk to two \
                 or three operations and replayed, and the correct twin is not accused"
            }
            Technique::Outputs => {
                "each program is run once and prints what its fixture says, to the byte"
            }
            Technique::Invariants => {
                "each program is run several times, and what all its outputs must keep is looked at. Not every \
                 output that it can print has been seen"
            }
            Technique::OutcomeSets => {
                "each program under control, of some a smaller one: what it prints in any schedule is what it may print. \
                 Of those that are cut short not every schedule was tried, and of some those with few preemptions alone"
            }
            Technique::Bugs => {
                "the checks themselves: each of these known bugs is caught by each technique of its row, in so many runs \
                 as stated, and its correct twin is not accused. Not every bug is among them"
            }
        }
    }
}

impl fmt::Display for Technique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
