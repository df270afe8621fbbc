//! An exploration, translated for loom: a model's searches, and what they came to.
//!
//! Loom has no deaths, no early returns and no deadlines of its own; the world inside it has them as settings of a
//! search ([`Setting`]). So one exploration becomes many searches:
//!
//! | the exploration says | the searches |
//! |---|---|
//! | `kills(n)` | for each set of up to `n` lanes: one for each step before which each of them is killed |
//! | `early_returns(n)` | one for each `k`: the `k`th sleep of every lane, and the `n - 1` behind it, return early |
//! | a wait with a deadline | no deadline passes; all do; then each alone |
//! | which sleeper a wake takes | the longest asleep, or the last that fell asleep |
//! | `preemptions(n)` | that bound; else a sweep with two, and then one without a bound |
//! | `most_runs(n)` | after so many executions no search is begun |
//!
//! A policy that draws is not translated: loom's order is its own. Nor is a shard: the first does it all.

use std::fmt;

use serde::Serialize;

use super::loom::{
    LANES_MAX, Loom, Nth, Outcome, Program, Record, Setting, Swept, Tally, WakeOrder, explore,
    with_each_killed,
};
use super::model::Model;
use super::search::{Policy, Search};
use super::trace::Trace;

/// What loom made of a model.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LoomReport {
    pub searches: u64,
    pub executions: u64,
    /// Lanes that were killed, in all executions.
    pub deaths: u64,
    pub steps: u64,
    /// Every execution was looked at that the settings allow.
    pub is_all: bool,
    /// A sweep came to its end: with at most so many preemptions as follow.
    pub is_complete: bool,
    /// Of the widest sweep that came to its end. `None`: no bound, or there was none.
    pub preemptions: Option<usize>,
    /// What was not searched, or not in every combination.
    pub left_out: Vec<&'static str>,
    pub failure: Option<LoomFailure>,
}

/// An execution that fails: the first that was met.
#[derive(Clone, Debug, Serialize)]
pub struct LoomFailure {
    /// How.
    pub text: String,
    /// In which setting, in words.
    pub setting: String,
    pub trace: Trace,
    /// What the lanes did in it, in steps.
    pub steps: usize,
}

/// A sweep without a bound comes behind one with this.
const FIRST_PREEMPTIONS: usize = 2;
/// Loom looks at its bound on executions every so often.
const EXECUTIONS_STEP: u64 = 1_000;
/// In the searches where every deadline passes: so often for each lane.
const TIME_OUTS: u32 = 8;

const NO_ROOM: &str = "loom has room for four lanes";
const NO_COMBINATIONS: &str = "early returns: of the same sleeps of every lane at once";
const ONLY_A_DEADLINE: &str =
    "executions that only a deadline would end, beside those in which it passes at once";
const ANOTHER_SHARD: &str = "the first shard searches all of it";

impl LoomReport {
    /// An execution fails; or nothing was seen, which is no pass.
    pub fn fails(&self) -> bool {
        self.failure.is_some() || self.is_blind()
    }

    /// It searched, and met no step.
    pub fn is_blind(&self) -> bool {
        self.searches > 0 && self.steps == 0
    }
}

/// Has loom search a model as the exploration says.
///
/// # Panics
/// If the model has no lanes.
pub(super) fn search<M: Model>(search: &Search) -> LoomReport {
    let lanes = M::lanes::<Loom>();
    assert!(!lanes.is_empty(), "a model has lanes: this one has none");
    let (names, codes): (Vec<_>, Vec<_>) = lanes.into_iter().unzip();
    let mut report = LoomReport::default();
    if codes.len() > LANES_MAX {
        report.left_out.push(NO_ROOM);
        return report;
    }
    if search.shard.index != 1 {
        report.left_out.push(ANOTHER_SHARD);
        return report;
    }
    let mut searches = Searches {
        program: Program::with_parts(M::set_up, &codes, M::finally, M::parts),
        names,
        most: search.most_runs as u64,
        report,
    };
    searches.all(search);
    searches.report
}

struct Searches {
    program: Program,
    names: Vec<&'static str>,
    /// Executions, after which no search is begun.
    most: u64,
    report: LoomReport,
}

/// Why no more searches are made.
enum Stop {
    Failed,
    MostExecutions,
}

impl Searches {
    fn all(&mut self, search: &Search) {
        let bounds = match search.policy {
            Policy::Unreduced {
                preemptions: Some(most),
            } => vec![Some(most)],
            _ => vec![Some(FIRST_PREEMPTIONS), None],
        };
        for bound in bounds {
            if self.within(bound, search).is_err() {
                return;
            }
            self.report.is_complete = true;
            self.report.preemptions = bound;
            self.report.is_all = bound.is_none() && self.report.left_out.is_empty();
        }
    }

    /// One search or more for each way to kill, end early and wake.
    fn within(&mut self, preemptions_max: Option<usize>, search: &Search) -> Result<(), Stop> {
        let lanes = self.names.len() as u32;
        let orders = [WakeOrder::FirstIn, WakeOrder::LastIn];
        // One sleeper at most beside the one that wakes: the order is none.
        let orders = &orders[..if lanes > 2 { 2 } else { 1 }];
        for kills in 0..=search.kills.min(lanes as usize) {
            for victims in sets(lanes, kills) {
                for &wake_order in orders {
                    let setting = Setting {
                        wake_order,
                        preemptions_max,
                        records: true,
                        passes_spinners: true,
                        ..Setting::default()
                    };
                    self.with_ends(&setting, &victims, search.early_returns as u32)?;
                }
            }
        }
        Ok(())
    }

    /// As the setting is; and with sleeps that end by themselves, if there are such.
    fn with_ends(&mut self, setting: &Setting, victims: &[u32], early: u32) -> Result<(), Stop> {
        let lanes = 1..=self.names.len() as u32;
        let each = |nths: std::ops::Range<u32>| -> Vec<Nth> {
            let pairs = nths.flat_map(|nth| lanes.clone().map(move |lane| Nth { lane, nth }));
            pairs.collect()
        };
        let plain = self.with_kills(setting, victims)?;
        let mut first = 1;
        if early > 0 {
            loop {
                let early_returns = each(first..first + early);
                let setting = Setting {
                    early_returns,
                    ..setting.clone()
                };
                if self.with_kills(&setting, victims)?.early_returns == 0 {
                    break; // no one sleeps so often
                }
                self.leaves_out(NO_COMBINATIONS);
                first += 1;
            }
        }
        if plain.timed == 0 {
            return Ok(());
        }
        let timed = |time_outs| Setting {
            time_outs,
            ..setting.clone()
        };
        self.with_kills(&timed(each(1..TIME_OUTS + 1)), victims)?;
        for nth in each(1..TIME_OUTS + 1) {
            self.with_kills(&timed(vec![nth]), victims)?;
        }
        Ok(())
    }

    fn with_kills(&mut self, setting: &Setting, victims: &[u32]) -> Result<Tally, Stop> {
        let mut stop = Stop::Failed;
        let swept = with_each_killed(setting.clone(), victims, &mut |setting| {
            let searched = self.search(setting);
            searched.map_err(|reason| stop = reason).ok()
        });
        match swept {
            Swept::Whole(tally) => Ok(tally),
            Swept::Stopped => Err(stop),
            Swept::Endless { lane } => {
                let name = self.names[lane as usize - 1];
                self.report.failure = Some(LoomFailure {
                    text: format!("{name} comes to no end"),
                    setting: setting.to_string(),
                    trace: Record::default().trace(&self.names),
                    steps: 0,
                });
                Err(Stop::Failed)
            }
        }
    }

    fn search(&mut self, setting: &Setting) -> Result<Tally, Stop> {
        let left = self.most.saturating_sub(self.report.executions);
        if left == 0 {
            return Err(Stop::MostExecutions);
        }
        let setting = Setting {
            executions_max: left.next_multiple_of(EXECUTIONS_STEP),
            ..setting.clone()
        };
        let search = explore(&self.program, &setting);
        self.report.searches += 1;
        self.report.executions += search.tally.executions;
        self.report.deaths += search.tally.deaths();
        self.report.steps += search.tally.steps;
        let text = match search.outcome {
            Outcome::Holds => return Ok(search.tally),
            Outcome::Unfinished => return Err(Stop::MostExecutions),
            Outcome::Fails(text) => text,
        };
        let is_deadlock = text.starts_with("deadlock");
        if is_deadlock && search.had_deadline {
            // No failure: time would pass. What else this search would have met is not known.
            self.leaves_out(ONLY_A_DEADLINE);
            return Ok(search.tally);
        }
        let record = search.record.unwrap_or_default();
        let text = if is_deadlock {
            record.deadlock(&self.names)
        } else if text.contains("maximum number of branches") {
            "no end: lanes come round again and again, and none of them can end it".to_owned()
        } else {
            text
        };
        self.report.failure = Some(LoomFailure {
            text,
            setting: setting.to_string(),
            trace: record.trace(&self.names),
            steps: record.steps(),
        });
        Err(Stop::Failed)
    }

    fn leaves_out(&mut self, what: &'static str) {
        if !self.report.left_out.contains(&what) {
            self.report.left_out.push(what);
        }
    }
}

/// All sets of so many of the lanes, which are counted from 1.
fn sets(lanes: u32, size: usize) -> Vec<Vec<u32>> {
    let mut sets = vec![Vec::new()];
    for _ in 0..size {
        let longer = |set: Vec<u32>| {
            let next = set.last().map_or(1, |last| last + 1);
            (next..=lanes).map(move |lane| [&set[..], &[lane]].concat())
        };
        sets = sets.into_iter().flat_map(longer).collect();
    }
    sets
}

impl fmt::Display for LoomReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(failure) = &self.failure {
            writeln!(f, "{}\n\n{}", failure.text, failure.trace)?;
            return write!(
                f,
                "Found in execution {}: {}. What is `old` was there before; a processor may see it still.",
                self.executions, failure.setting
            );
        }
        if self.is_blind() {
            return f.write_str("blind, as the lanes made no step");
        }
        let (executions, searches) = (self.executions, self.searches);
        if self.is_all {
            f.write_str("all ")?;
        }
        write!(f, "{executions} executions in {searches} searches")?;
        if self.deaths > 0 {
            write!(f, ", {} deaths", self.deaths)?;
        }
        match self.preemptions {
            _ if self.is_all => {}
            Some(most) => write!(
                f,
                ": all with at most {most} preemptions, and more are left"
            )?,
            None if !self.is_complete => f.write_str(", and more are left")?,
            None => {}
        }
        for what in &self.left_out {
            write!(f, "; not in full: {what}")?;
        }
        Ok(())
    }
}
