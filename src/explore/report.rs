//! What an exploration came to, for a person.

use std::fmt;

use serde::{Serialize, Serializer};

use super::exploration::{Again, Explored, Found, Named};
use super::replay::Replay;
use super::run::Run;
use super::search::Tally;

/// The variable that asks for one schedule of one program.
const REPLAY: &str = "FORKPROOF_REPLAY";

/// What was explored, and what was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    #[serde(rename = "program", serialize_with = "serialize_program")]
    named: Named,
    /// The test that explored it.
    test: String,
    pub tally: Tally,
    /// Processes that were killed, in all runs.
    pub kills: usize,
    /// The lanes' steps, in all runs.
    pub steps: usize,
    found: Option<Found>,
}

impl Report {
    pub(super) fn new(named: Named, explored: Explored) -> Report {
        Report {
            test: test_of(&named.program),
            named,
            tally: explored.tally,
            kills: explored.kills,
            steps: explored.steps,
            found: explored.found,
        }
    }

    /// A schedule fails; or nothing was seen, which is no pass.
    pub fn fails(&self) -> bool {
        self.is_blind()
            || self
                .found
                .as_ref()
                .is_some_and(|found| !found.run.is_well())
    }

    /// It is of one schedule, which the environment asked for.
    pub(super) fn is_replay(&self) -> bool {
        self.named.replayed.is_some()
    }

    /// The lanes made no step: whatever they do, it is not under control.
    pub fn is_blind(&self) -> bool {
        self.steps == 0 && !self.is_empty_shard()
    }

    /// The other shards do all that there is to do.
    fn is_empty_shard(&self) -> bool {
        let mut parts = self.tally.parts.iter();
        !self.tally.parts.is_empty() && parts.all(|part| part.is_complete && part.runs == 0)
    }

    /// The run that was to be replayed, however it ended.
    pub(crate) fn into_replayed(self) -> Option<Run> {
        self.found.map(|found| found.run)
    }

    /// The run that fails, shrunk.
    pub fn failure(&self) -> Option<&Run> {
        self.found
            .as_ref()
            .map(|found| &found.run)
            .filter(|run| !run.is_well())
    }

    /// The string that replays the failure.
    pub fn replay(&self) -> Option<String> {
        let run = self.failure()?;
        Some(Replay::new(&self.named.program, &self.named.arguments, run).to_string())
    }

    /// The runs until the failure was found.
    pub fn runs_until_found(&self) -> Option<usize> {
        self.found.as_ref().map(|found| found.runs)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = &self.named.program;
        if self.is_blind() {
            return write!(
                f,
                "{program}: blind, as the lanes made no step: what they do does not go through words of this library"
            );
        }
        let Some(found) = &self.found else {
            let (tally, kills, steps) = (&self.tally, self.kills, self.steps);
            write!(f, "{program}: {tally}; {steps} steps, {kills} kills. ")?;
            if kills == 0 && tally.has_deaths_to_come() {
                write!(f, "{NO_DEATHS} ")?;
            }
            return write!(f, "{RESTS_ON}");
        };
        let run = &found.run;
        if let Some(replayed) = &self.named.replayed
            && !replayed.is_of(run)
        {
            writeln!(
                f,
                "{program} has changed since the string was made; now this is what it leads to:"
            )?;
        }
        writeln!(f, "{}", run.told_of(program))?;
        if self.named.replayed.is_some() {
            return Ok(());
        }
        if found.is_not_reproducible {
            writeln!(
                f,
                "The same schedule ended differently when it was run again ({} at first): the lanes depend on \
                 something that is not under control (time, chance, what they keep from run to run).",
                found.first_ended,
            )?;
        }
        writeln!(
            f,
            "Found in run {}, with {} choices; {} runs shrank it to {}, {} of which {} the turn from a lane that could \
             go on.",
            found.runs,
            found.first.0.len(),
            found.runs_to_shrink,
            run.schedule.0.len(),
            run.schedule.preemptions(),
            if run.schedule.preemptions() == 1 {
                "takes"
            } else {
                "take"
            },
        )?;
        let string = Replay::new(program, &self.named.arguments, run);
        match self.named.again {
            Again::Test => write!(f, "Replay it: {REPLAY}='{string}' cargo test {}", self.test),
            Again::Command => write!(f, "Replay it: forkproof replay {string}"),
        }
    }
}

fn serialize_program<S: Serializer>(named: &Named, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&named.program)
}

/// What was asked for, and was not tried.
const NO_DEATHS: &str = "No lane was killed: the runs ended before the first death's turn.";

/// What no pass proves.
const RESTS_ON: &str =
    "Every access in the order in which it was granted: weaker orders are for the loom models.";

/// The test that runs now: libtest and nextest name its thread.
fn test_of(program: &str) -> String {
    let thread = std::thread::current();
    let name = thread.name().filter(|name| *name != "main");
    let name = name.or_else(|| program.rsplit('.').next());
    name.unwrap_or(program).to_owned()
}

/// What a program is called, by the place where its set-up was written, or its subject.
pub(super) fn program_of<T>() -> String {
    let path = std::any::type_name::<T>().replace("::{{closure}}", "");
    let fit = |part: char| {
        if part.is_alphanumeric() || part == '_' {
            part
        } else {
            '.'
        }
    };
    let name: String = path.chars().map(fit).collect();
    let parts: Vec<_> = name.split('.').filter(|part| !part.is_empty()).collect();
    parts.join(".")
}

/// The schedule that the environment asks for, if it is one of this program.
pub(super) fn asked_for(program: &str) -> Result<Option<Replay>, String> {
    let Ok(string) = std::env::var(REPLAY) else {
        return Ok(None);
    };
    let replay: Replay = string
        .parse()
        .map_err(|error| format!("{REPLAY}: {error}"))?;
    Ok(Some(replay).filter(|replay| replay.scenario == program))
}
