//! Exploring a program of one's own: every schedule of it, or some, until one fails.

use std::io;
use std::mem::Discriminant;
use std::ops::ControlFlow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::apart::{self, ExploreError, Task};
use super::engine::{Course, Explorer, Trouble};
use super::outcomes::{self, Seen};
use super::replay::Replay;
use super::report::{Report, asked_for, program_of};
use super::run::{Ended, Run};
use super::schedule::{Plan, Schedule};
use super::search::{
    self, End, Orders, Policy, Program, Record, Search, SearchError, Shard, Tally,
};
use super::stage::Stage;

/// What to explore, and how far. See [`exhaustive`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[must_use = "it explores nothing until it is told what: `run`"]
pub struct Exploration {
    search: Search,
}

/// Every schedule, one of each kind that differs only in the order of steps that commute.
///
/// A lane that only reads the same again and again goes on within one step once it has come round twice. After 130 rounds it
/// is passed over, until someone writes what it reads: that is taken for waiting, and not for counting.
///
/// ```
/// use std::sync::atomic::Ordering::Relaxed;
/// use forkproof::sys::SharedWord;
/// use forkproof::world::Word;
///
/// struct Account {
///     balance: SharedWord,
/// }
///
/// impl Account {
///     fn deposit(&self, amount: u32) {
///         self.balance.fetch_add(amount, Relaxed);
///     }
///
///     fn withdraw(&self, amount: u32) {
///         self.balance.fetch_sub(amount, Relaxed);
///     }
/// }
///
/// forkproof::explore::exhaustive().kills(1).run(|stage| {
///     let account = stage.shared(Account { balance: SharedWord::new(200) });
///     stage.lane("deposit", move |_| account.deposit(1));
///     stage.lane("withdraw", move |_| account.withdraw(1));
///     // One of the two may have been killed before.
///     stage.finally(move |_| assert!((199..=201).contains(&account.balance.load(Relaxed))));
/// });
/// ```
pub fn exhaustive() -> Exploration {
    Exploration::new(Policy::Exhaustive)
}

/// Schedules drawn from a seed: any lane that can go, at each step.
pub fn random(seed: u64) -> Exploration {
    Exploration::new(Policy::Random { seed })
}

/// Schedules drawn from a seed by priorities that change at `depth - 1` moments: good at bugs that rest on the order of
/// `depth` pairs of steps (Burckhardt and others, "A randomized scheduler with probabilistic guarantees of finding
/// bugs", ASPLOS 2010).
pub fn pct(seed: u64, depth: usize) -> Exploration {
    Exploration::new(Policy::Pct { seed, depth })
}

/// A bit of each, then every schedule as far as the runs go: what to begin with.
pub fn portfolio(seed: u64) -> Exploration {
    Exploration::new(Policy::Portfolio { seed })
}

impl Exploration {
    fn new(policy: Policy) -> Exploration {
        Exploration {
            search: Search::new(policy),
        }
    }

    /// At most so many lanes are killed in a run, by SIGKILL, each at every step. None, if this is not called.
    ///
    /// A search of every schedule begins with some in which no one dies; then these and those of each set of deaths take
    /// turns.
    pub fn kills(mut self, most: usize) -> Exploration {
        self.search.kills = most;
        self
    }

    /// At most so many waits of each lane return early, for no reason. None, if this is not called.
    pub fn early_returns(mut self, most: usize) -> Exploration {
        self.search.early_returns = most;
        self
    }

    /// Only schedules that take the turn at most so often from a lane that could go on; each of them, without reduction.
    pub fn preemptions(mut self, most: usize) -> Exploration {
        self.search.policy = Policy::Unreduced {
            preemptions: Some(most),
        };
        self
    }

    /// Every schedule, one by one, also those that differ only in the order of steps that commute.
    pub fn unreduced(mut self) -> Exploration {
        self.search.policy = Policy::Unreduced { preemptions: None };
        self
    }

    /// At most so many runs: 100,000, if this is not called.
    pub fn most_runs(mut self, most: usize) -> Exploration {
        self.search.most_runs = most;
        self
    }

    /// At most so many choices in a run, after which it counts as one that does not end: 10,000, if this is not called.
    pub fn most_moves(mut self, most: usize) -> Exploration {
        self.search.most_moves = most;
        self
    }

    pub(super) fn search(self) -> Search {
        self.search
    }

    /// Only this shard's part of the runs.
    pub fn shard(mut self, shard: Shard) -> Exploration {
        self.search.shard = shard;
        self
    }

    /// Explores the program that a set-up makes, which captures nothing: it is called in another process.
    ///
    /// With `FORKPROOF_REPLAY` in the environment it runs that one schedule, if it is one of this program.
    ///
    /// # Panics
    /// If a schedule fails: with the schedule, shrunk, as a timeline, and the string that replays it. If there was no
    /// run ([`ExploreError`]).
    #[track_caller]
    pub fn run<F>(self, set_up: F)
    where
        F: Fn(&mut Stage) + Copy + 'static,
    {
        self.assert(program_of::<F>(), (), move |stage: &mut Stage, ()| {
            set_up(stage)
        });
    }

    /// As [`run`](Exploration::run), with arguments for the set-up.
    ///
    /// # Panics
    /// As [`run`](Exploration::run).
    #[track_caller]
    pub fn run_with<A, F>(self, arguments: A, set_up: F)
    where
        A: Serialize + DeserializeOwned + 'static,
        F: Fn(&mut Stage, A) + Copy + 'static,
    {
        self.assert(program_of::<F>(), arguments, set_up);
    }

    #[track_caller]
    fn assert<A, F>(self, program: String, arguments: A, set_up: F)
    where
        A: Serialize + DeserializeOwned + 'static,
        F: Fn(&mut Stage, A) + Copy + 'static,
    {
        match self.explore_asked(program, &arguments, set_up) {
            Ok(report) if report.fails() => panic!("{report}"),
            Ok(_) => {}
            Err(error) => panic!("nothing was explored: {error}"),
        }
    }

    /// Explores, and tells what came of it.
    ///
    /// # Errors
    /// [`ExploreError`]: there was no run. What a run finds is in the report.
    pub fn check<A, F>(self, arguments: A, set_up: F) -> Result<Report, ExploreError>
    where
        A: Serialize + DeserializeOwned + 'static,
        F: Fn(&mut Stage, A) + Copy + 'static,
    {
        self.explore_asked(program_of::<F>(), &arguments, set_up)
    }

    /// As [`check`](Exploration::check), under the name of a type in place of the set-up's.
    pub(super) fn check_under<N, F>(self, set_up: F) -> Result<Report, ExploreError>
    where
        F: Fn(&mut Stage, ()) + Copy + 'static,
    {
        self.explore_asked(program_of::<N>(), &(), set_up)
    }

    fn explore_asked<A, F>(
        self,
        program: String,
        arguments: &A,
        set_up: F,
    ) -> Result<Report, ExploreError>
    where
        A: Serialize + DeserializeOwned + 'static,
        F: Fn(&mut Stage, A) + Copy + 'static,
    {
        let named = Named {
            replayed: asked_for(&program).map_err(ExploreError::Explorer)?,
            program,
            arguments: String::new(),
            shrinks: true,
            again: Again::Test,
        };
        self.explore(named, arguments, set_up)
    }

    /// Explores a program of this name; or runs the one schedule that is to be replayed.
    pub(crate) fn explore<A, F>(
        self,
        named: Named,
        arguments: &A,
        set_up: F,
    ) -> Result<Report, ExploreError>
    where
        A: Serialize + DeserializeOwned + 'static,
        F: Fn(&mut Stage, A) + Copy + 'static,
    {
        let replayed = named.replayed.as_ref();
        let wish = Wish {
            search: self.search,
            replay: replayed.map(|replay| replay.schedule.clone()),
            shrinks: named.shrinks,
        };
        Ok(Report::new(named, apart::explore(set_up, arguments, wish)?))
    }
}

/// What is explored, in the words of a replay string.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub program: String,
    /// None, if it is empty.
    pub arguments: String,
    /// The string that is to be replayed.
    pub replayed: Option<Replay>,
    /// A failure's schedule is shrunk.
    pub shrinks: bool,
    pub again: Again,
}

/// How a failure is replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// By the test that found it, with the string in its environment.
    Test,
    /// By `forkproof replay`.
    Command,
}

/// What the explorer is told.
#[derive(Serialize, Deserialize)]
pub(super) struct Wish {
    search: Search,
    /// Only this schedule.
    replay: Option<Schedule>,
    /// What fails is shrunk.
    shrinks: bool,
}

/// What it found.
#[derive(Serialize, Deserialize)]
pub(super) struct Explored {
    pub tally: Tally,
    pub kills: usize,
    pub steps: usize,
    pub found: Option<Found>,
}

/// A schedule that fails.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Found {
    /// Shrunk.
    pub run: Run,
    /// As it was found.
    pub first: Schedule,
    pub first_ended: Ended,
    /// The runs until it was found, and those that shrank it.
    pub runs: usize,
    pub runs_to_shrink: usize,
    /// The same schedule ended differently when it was run again.
    pub is_not_reproducible: bool,
}

impl Task for Wish {
    type Answer = Explored;

    fn run(&self, explorer: &mut Explorer) -> Result<Explored, Trouble> {
        let mut controlled = Controlled::new(explorer);
        match &self.replay {
            Some(schedule) => controlled.replay(schedule),
            None => controlled.search(self.search, self.shrinks),
        }
    }
}

/// A program under control, as the search sees it.
pub(super) struct Controlled<'a, 'e> {
    explorer: &'a mut Explorer<'e>,
    runs: usize,
    kills: usize,
    pub steps: usize,
    /// What the runs came to, if that is asked for.
    pub outcomes: Option<Seen>,
}

impl Program for Controlled<'_, '_> {
    type Failure = Ended;
    type Error = Trouble;

    fn lanes(&self) -> usize {
        self.explorer.lanes()
    }

    fn run(&mut self, orders: &Orders) -> Result<Record<Ended>, Trouble> {
        let told = self
            .explorer
            .run(&|course: &mut Course| course.order(orders), false)?;
        self.runs += 1;
        self.kills += told.run.kills;
        self.steps += told.steps;
        if let Some(seen) = &mut self.outcomes
            && matches!(told.record.end, End::Well | End::Failed(_) | End::TooLong)
        {
            outcomes::note(seen, told.output, &told.run);
        }
        Ok(told.record)
    }
}

impl<'a, 'e> Controlled<'a, 'e> {
    pub fn new(explorer: &'a mut Explorer<'e>) -> Self {
        Controlled {
            explorer,
            runs: 0,
            kills: 0,
            steps: 0,
            outcomes: None,
        }
    }

    fn search(&mut self, search: Search, shrinks: bool) -> Result<Explored, Trouble> {
        let mut failure = None;
        let outcome = search.run(self, |_, record| match &record.end {
            End::Failed(_) | End::TooLong => {
                failure = Some(record.clone());
                ControlFlow::Break(())
            }
            End::Well | End::Redundant | End::Diverged => ControlFlow::Continue(()),
        });
        let tally = outcome.map_err(trouble)?;
        let found = match failure {
            Some(record) => Some(self.found(record, search.most_moves, shrinks)?),
            None => None,
        };
        Ok(Explored {
            tally,
            kills: self.kills,
            steps: self.steps,
            found,
        })
    }

    /// The failure, shrunk if it is to be, and run twice more.
    fn found(
        &mut self,
        record: Record<Ended>,
        most_moves: usize,
        shrinks: bool,
    ) -> Result<Found, Trouble> {
        let runs = self.runs;
        let first = Schedule(record.choices().collect());
        let kind = kind_of(&record);
        let first_ended = match &record.end {
            End::Failed(ended) => ended.clone(),
            _ => Ended::Endless {
                choices: first.0.len(),
            },
        };
        let same = |other: &Record<Ended>| kind_of(other) == kind;
        let smallest = match shrinks {
            true => search::shrink(self, record, most_moves, same).map_err(trouble)?,
            false => record,
        };
        let runs_to_shrink = self.runs - runs;
        let schedule = Schedule(smallest.choices().collect());
        let run = self.exactly(&schedule)?;
        let again = self.exactly(&schedule)?;
        Ok(Found {
            is_not_reproducible: run != again || Some(run.ended.kind()) != kind,
            run,
            first,
            first_ended,
            runs,
            runs_to_shrink,
        })
    }

    fn replay(&mut self, schedule: &Schedule) -> Result<Explored, Trouble> {
        let run = self.exactly(schedule)?;
        Ok(Explored {
            tally: Tally::default(),
            kills: self.kills,
            steps: self.steps,
            found: Some(Found {
                first: schedule.clone(),
                first_ended: run.ended.clone(),
                run,
                runs: 1,
                runs_to_shrink: 0,
                is_not_reproducible: false,
            }),
        })
    }

    /// A run of exactly this schedule.
    pub fn exactly(&mut self, schedule: &Schedule) -> Result<Run, Trouble> {
        let plan = Plan::Exactly(schedule.clone());
        let told = self
            .explorer
            .run(&|course: &mut Course| course.follow(&plan), true)?;
        self.runs += 1;
        self.kills += told.run.kills;
        self.steps += told.steps;
        let mut run = told.run;
        let choices = schedule.0.len();
        if run.ended
            == (Ended::Diverged {
                at: choices,
                wanted: None,
            })
        {
            // It was cut short then, and is so now.
            run.ended = Ended::Endless { choices };
        }
        Ok(run)
    }
}

/// How a run fails.
fn kind_of(record: &Record<Ended>) -> Option<Discriminant<Ended>> {
    match &record.end {
        End::Failed(ended) => Some(ended.kind()),
        End::TooLong => Some(Ended::Endless { choices: 0 }.kind()),
        End::Well | End::Redundant | End::Diverged => None,
    }
}

pub(super) fn trouble(error: SearchError<Trouble>) -> Trouble {
    match error {
        SearchError::Program(trouble) => trouble,
        SearchError::NotReproducible(error) => Trouble::Io(io::Error::other(error)),
    }
}
