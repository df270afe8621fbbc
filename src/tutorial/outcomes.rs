//! What the examples can print, in any schedule: each program as it is written, under control.

use std::fmt;

use super::size::{self, Size, set_size};
use super::{Example, Order, find, invariant, judge};
use crate::explore::{ExploreError, Outcomes, Plan, Replay, Run, Stage, exhaustive, run};

/// What replay strings call the examples, before their ids.
const SCENARIO: &str = "tutorial.";

/// Why an example's outcomes cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutcomesError {
    #[error("example {0} has one size, the tutorial's")]
    NoSize(&'static str),
    #[error("example {id} is not explored: {why}")]
    NotExplored { id: &'static str, why: &'static str },
    #[error(transparent)]
    Explore(#[from] ExploreError),
    #[error("{0:?} is no size")]
    NotASize(String),
}

/// Everything that an example can print.
#[derive(Clone, Debug)]
pub struct OutcomeSet {
    pub example: &'static str,
    /// The size it was explored at, if it has any.
    pub size: Option<(Size, usize)>,
    pub outcomes: Outcomes,
}

/// Why an example is not explored; else nothing.
fn not_explored(id: &str) -> Option<&'static str> {
    match id {
        "001.s" => Some("what it prints is a measurement, and time is not under control"),
        "001.n" => Some("its messages go through TCP, which is not under control"),
        _ => None,
    }
}

/// How often the turn is taken from a process that could go on, if there are too many schedules to try them all.
fn preemptions(id: &str) -> Option<usize> {
    match id {
        "000.d" | "001.e5" => Some(2),
        "003.3" | "003.7" => Some(1),
        _ => None,
    }
}

/// Explores an example, in at most so many runs: at this size, else at its small one.
///
/// # Errors
/// [`OutcomesError`].
pub fn outcomes(
    example: &'static Example,
    runs: usize,
    asked_for: Option<usize>,
) -> Result<OutcomeSet, OutcomesError> {
    let id = example.id;
    if let Some(why) = not_explored(id) {
        return Err(OutcomesError::NotExplored { id, why });
    }
    let size = match (size::of(example), asked_for) {
        (None, None) => None,
        (None, Some(_)) => return Err(OutcomesError::NoSize(id)),
        (Some(size), asked_for) => Some((size, asked_for.unwrap_or(size.small))),
    };
    let number = size.map_or(0, |(_, number)| number);
    let all = exhaustive().most_runs(runs);
    let exploration = match preemptions(id) {
        Some(most) => all.preemptions(most),
        None => all,
    };
    let outcomes = exploration.outcomes((id.to_owned(), number), program)?;
    Ok(OutcomeSet {
        example: id,
        size,
        outcomes: outcomes.called(&format!("{SCENARIO}{id}")),
    })
}

/// One lane, which is the example's own process.
fn program(stage: &mut Stage, (id, size): (String, usize)) {
    stage.whole_calls();
    stage.lane("main", move |_| {
        if size > 0 {
            // SAFETY: a lane has one thread.
            unsafe { set_size(size) };
        }
        let example = find(&id).expect("it was found before");
        if let Err(error) = (example.run)() {
            panic!("{error}");
        }
    });
}

/// All outcomes, each with the string that replays it, and what they rest on.
impl fmt::Display for OutcomeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, outcome) in self.outcomes.all.iter().enumerate() {
            writeln!(f, "--- {}", self.replay(place))?;
            write!(f, "{outcome}")?;
            if !self.outcomes.all[place].output.ends_with('\n') {
                writeln!(f)?;
            }
        }
        write!(f, "\n{}", self.summary())
    }
}

impl OutcomeSet {
    /// What the set rests on, in words: the same in every run.
    pub fn bound(&self) -> String {
        let mut text = match (self.outcomes.tally.is_complete(), preemptions(self.example)) {
            (false, _) => "some schedules".to_owned(),
            (true, Some(1)) => "all schedules with at most 1 preemption".to_owned(),
            (true, Some(most)) => format!("all schedules with at most {most} preemptions"),
            (true, None) => "all schedules".to_owned(),
        };
        if let Some((size, number)) = self.size {
            text += &format!(", at size {number} ({})", size.of);
        }
        text
    }

    /// How many outcomes there are, and what that rests on.
    pub fn summary(&self) -> String {
        let count = self.outcomes.all.len();
        let outcomes = if count == 1 { "outcome" } else { "outcomes" };
        let size = self.size.map(|(size, number)| {
            let Size {
                of,
                in_the_tutorial,
                ..
            } = size;
            format!(" at size {number} ({of}; {in_the_tutorial} in the tutorial)")
        });
        let size = size.unwrap_or_default();
        format!("{count} {outcomes}{size} in {}", self.outcomes.tally)
    }

    /// Looks whether it is what the example claims: each outcome is one that the example may have; and of a complete set,
    /// that what it prints when it runs free is among them, and what its race is to show.
    ///
    /// # Errors
    /// What is wrong, with the output or the timeline that shows it.
    pub fn judge(&self) -> Result<(), String> {
        let example = find(self.example).expect("it was explored");
        let wrong = |what: String| Err(format!("{}: {what}", self.example));
        if self.outcomes.steps == 0 {
            return wrong("it made no step".to_owned());
        }
        let all = &self.outcomes.all;
        if let Some(bad) = all.iter().find(|outcome| !outcome.run.is_well()) {
            return wrong(format!("\n{bad}\n{}", bad.run.trace));
        }
        let texts: Vec<&str> = all.iter().map(|outcome| outcome.output.as_str()).collect();
        if example.order() == Order::Fixed && texts.len() != 1 {
            return wrong(format!("not one output, but {texts:#?}"));
        }
        let is_complete = self.outcomes.tally.is_complete();
        if self.size.is_none() {
            // Another size prints other texts.
            for text in &texts {
                judge::judge(example, text.as_bytes(), false)
                    .or_else(|why| wrong(format!("{why}, in:\n{text}")))?;
            }
            let expected = example.expected().text();
            let common = |text: &str| judge::common(example, text.as_bytes(), false);
            let is_among = match example.order() {
                Order::Race => texts.contains(&expected),
                Order::Fixed => texts.iter().any(|text| common(text) == common(expected)),
            };
            if is_complete && !is_among {
                return wrong(format!("what it prints is not among {texts:#?}"));
            }
        }
        match invariant::of(self.example) {
            Some(race) if is_complete && !texts.iter().any(|text| race.is_shown_by(text)) => {
                wrong(format!("in none {}", race.shows))
            }
            _ => Ok(()),
        }
    }

    /// The string that replays an outcome, by its place in the set.
    pub fn replay(&self, place: usize) -> Replay {
        let size = self
            .size
            .map_or(String::new(), |(_, size)| size.to_string());
        self.outcomes.replay(&self.outcomes.all[place], &size)
    }
}

/// Runs a schedule of an example again. `None`, if the string is of something else.
///
/// # Errors
/// [`OutcomesError`].
pub fn replay(replay: &Replay) -> Option<Result<Run, OutcomesError>> {
    let example = find(replay.scenario.strip_prefix(SCENARIO)?).ok()?;
    let size = match replay.arguments.as_str() {
        "" => Ok(0),
        text => text
            .parse()
            .map_err(|_| OutcomesError::NotASize(text.to_owned())),
    };
    let plan = Plan::Exactly(replay.schedule.clone());
    Some(size.and_then(|size| Ok(run(program, &(example.id.to_owned(), size), plan)?)))
}
