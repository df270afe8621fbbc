//! The zoo's table.

use std::fmt;

use serde::Serialize;

use super::{EntryReport, Twin};

/// What came of some entries, or of all: displayed as a table, and serialised as its rows.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    pub entries: Vec<EntryReport>,
}

impl Table {
    /// Every bug is caught, no twin is accused, and there is an entry.
    pub fn holds(&self) -> bool {
        !self.entries.is_empty() && self.entries.iter().all(EntryReport::holds)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>2}  {:34} by  caught in  within  steps  twin",
            "", "bug"
        )?;
        let (mut trials, mut hold) = (0, 0);
        for entry in &self.entries {
            for (nth, trial) in entry.trials.iter().enumerate() {
                let (number, name) = match nth {
                    0 => (entry.number.to_string(), entry.name),
                    _ => (String::new(), ""),
                };
                let or_none = |count: Option<String>| count.unwrap_or_else(|| "ESCAPED".to_owned());
                let caught = or_none(trial.caught_after.map(|runs| runs.to_string()));
                let steps = trial
                    .steps
                    .map_or("-".to_owned(), |steps| steps.to_string());
                let runs = trial.twin_runs;
                let twin = match &trial.twin {
                    Twin::Passes => format!("passes {runs}"),
                    Twin::Accused(of) => format!("ACCUSED: {of}"),
                    Twin::Unfinished => format!("UNFINISHED after {runs}"),
                    Twin::Blind => "BLIND: no step was made".to_owned(),
                };
                writeln!(
                    f,
                    "{number:>2}  {name:34} {:2}  {caught:>9}  {:>6}  {steps:>5}  {twin}",
                    trial.technique.letter(),
                    trial.within,
                )?;
                trials += 1;
                hold += usize::from(trial.holds());
            }
        }
        write!(
            f,
            "\n{} bugs and their twins, {hold} of {trials} trials as they should be",
            self.entries.len()
        )
    }
}
