//! The outcome set of a program: everything that it can print, and end with, in any schedule.
//!
//! A race's output differs from run to run; what it can be does not, so that can be known, shown and compared.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::ops::ControlFlow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::apart::{self, ExploreError, Task};
use super::engine::{Explorer, Trouble};
use super::exploration::{Controlled, Exploration, trouble};
use super::replay::Replay;
use super::report::program_of;
use super::run::{Ended, Run};
use super::schedule::Schedule;
use super::search::{Search, Tally};
use super::stage::Stage;

/// Everything that a program can print and end with, as far as it was explored: see [`Exploration::outcomes`].
#[derive(Clone, Debug)]
pub struct Outcomes {
    program: String,
    /// In the order of what is printed.
    pub all: Vec<Outcome>,
    pub tally: Tally,
    /// The lanes' steps, in all runs.
    pub steps: usize,
}

/// One way in which a program can go.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// All that its lanes print by [`print`](crate::sys::oversight::print), in this order.
    pub output: String,
    /// The first run that led to it.
    pub run: Run,
}

impl Exploration {
    /// Explores a program, and collects what it prints and how it ends. A run that fails is an outcome like others.
    ///
    /// ```
    /// use forkproof::Process;
    /// use forkproof::explore::exhaustive;
    /// use forkproof::tutorial::println;
    ///
    /// fn greet(name: String) {
    ///     println!("hello, {name}");
    /// }
    ///
    /// let outcomes = exhaustive().outcomes((), |stage, ()| {
    ///     stage.lane("main", |_| {
    ///         let children = ["Ann", "Ben"].map(|name| Process::new(greet, (name.to_owned(),)));
    ///         children.iter().for_each(|child| child.start().unwrap());
    ///     });
    /// })?;
    /// assert!(outcomes.tally.is_all());
    /// let texts: Vec<&str> = outcomes.all.iter().map(|outcome| outcome.output.as_str()).collect();
    /// assert_eq!(texts, ["hello, Ann\nhello, Ben\n", "hello, Ben\nhello, Ann\n"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ExploreError`]: there was no run.
    pub fn outcomes<A, F>(self, arguments: A, set_up: F) -> Result<Outcomes, ExploreError>
    where
        A: Serialize + DeserializeOwned + 'static,
        F: Fn(&mut Stage, A) + Copy + 'static,
    {
        let collected = apart::explore(set_up, &arguments, Collect(self.search()))?;
        Ok(Outcomes {
            program: program_of::<F>(),
            all: collected.all,
            tally: collected.tally,
            steps: collected.steps,
        })
    }
}

impl Outcomes {
    /// The same, of a program that has another name in replay strings.
    pub fn called(mut self, program: &str) -> Outcomes {
        self.program = program.to_owned();
        self
    }

    /// The string that replays an outcome, of a program with these arguments.
    pub fn replay(&self, outcome: &Outcome, arguments: &str) -> Replay {
        Replay::new(&self.program, arguments, &outcome.run)
    }
}

/// How it is told, when it is not well.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.output)?;
        match &self.run.ended {
            Ended::Well => Ok(()),
            ended => writeln!(f, "[{ended}]"),
        }
    }
}

/// As the explorer tells them.
#[derive(Serialize, Deserialize)]
struct Collected {
    all: Vec<Outcome>,
    tally: Tally,
    steps: usize,
}

/// What was printed, and how the run ended.
pub(super) type Seen = BTreeMap<(Vec<u8>, String), Schedule>;

/// What the explorer is told.
#[derive(Serialize, Deserialize)]
struct Collect(Search);

impl Task for Collect {
    type Answer = Collected;

    fn run(&self, explorer: &mut Explorer) -> Result<Collected, Trouble> {
        let mut controlled = Controlled::new(explorer);
        controlled.outcomes = Some(Seen::new());
        let tally = self
            .0
            .run(&mut controlled, |_, _| ControlFlow::Continue(()));
        let tally = tally.map_err(trouble)?;
        let steps = controlled.steps;
        let mut all = Vec::new();
        for ((output, _), schedule) in controlled.outcomes.take().unwrap_or_default() {
            all.push(Outcome {
                output: String::from_utf8_lossy(&output).into_owned(),
                run: controlled.exactly(&schedule)?,
            });
        }
        Ok(Collected { all, tally, steps })
    }
}

/// A run came to this.
pub(super) fn note(seen: &mut Seen, output: Vec<u8>, run: &Run) {
    if let Entry::Vacant(new) = seen.entry((output, run.ended.to_string())) {
        new.insert(run.schedule.clone());
    }
}
