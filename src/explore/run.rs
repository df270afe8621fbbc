//! One controlled run, as it is told.

use serde::{Deserialize, Serialize};

use super::schedule::{Choice, Schedule};
use super::trace::Trace;

/// One controlled run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub ended: Ended,
    /// The choices that were made: [`Plan::Exactly`](super::Plan::Exactly) these is a replay.
    pub schedule: Schedule,
    pub kills: usize,
    /// May be without events if the run went well: see [`run_all`](super::run_all).
    pub trace: Trace,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Ended {
    #[error("well")]
    Well,
    /// In a lane, or in the last look (`finally`).
    #[error("{lane} panics: {text}")]
    Panicked { lane: String, text: String },
    #[error("deadlock: {}", asleep.iter().map(|(lane, word)| format!("{lane} sleeps on {word}"))
        .collect::<Vec<_>>().join(", "))]
    Deadlock { asleep: Vec<(String, String)> },
    /// No order of the lanes' calls explains what they returned: see [`Stage::judged`](super::Stage::judged).
    #[error("{why}")]
    Illegal { why: String },
    #[error("no verdict on the calls, after {tried} were tried")]
    Unjudged { tried: usize },
    #[error("no end after {choices} choices")]
    Endless { choices: usize },
    /// It exited, or was killed, by no choice of the schedule. The status is an exit code, or minus a signal.
    #[error("{lane} ended by itself, with status {status}")]
    LaneEnded { lane: String, status: i32 },
    /// It is somewhere where no schedule can see it: in a system call that does not return, or a loop that accesses
    /// nothing shared.
    #[error("a lane comes to no step")]
    Stuck,
    #[error("the schedule does not fit this program: choice {at} is {wanted:?}")]
    Diverged { at: usize, wanted: Option<Choice> },
}

impl Run {
    pub fn is_well(&self) -> bool {
        self.ended == Ended::Well
    }

    /// How it ended, and its timeline, for a person.
    pub fn told_of(&self, program: &str) -> String {
        format!("{program}: {}\n\n{}", self.ended, self.trace)
    }

    /// The lanes' steps that were granted.
    pub fn steps(&self) -> usize {
        self.schedule
            .0
            .iter()
            .filter(|choice| matches!(choice, Choice::Go(_)))
            .count()
    }
}

impl Ended {
    /// Two runs of one kind fail in the same way, whatever they say of it.
    pub(super) fn kind(&self) -> std::mem::Discriminant<Ended> {
        std::mem::discriminant(self)
    }
}
