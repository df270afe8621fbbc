//! A model: a claim, the programs that could refute it, and the settings in which they are searched.
//!
//! A model's run is a set of searches: each program, in each combination of kernel, wake order, early
//! returns and time-outs, with each way to kill its victims. It ends at the first failure. It ends as
//! [`Verdict::Blind`] if it never met what it is about: a check that has stopped looking must not pass.

use serde::Serialize;

use crate::explore::loom::{
    Kernel, Nth, Outcome, Program, STEPS_MAX, Setting, Swept, Tally, WakeOrder, explore,
    with_each_killed,
};

/// How much to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// For every look at the table: as the quick one, but where there are three lanes, or one is killed, they are made
    /// to wait only once in an execution; and without the slowest models.
    Brief,
    /// For every `cargo test`: under a minute.
    Quick,
    /// All combinations of settings, wider bounds and three lanes wherever two will do for the quick one: many minutes.
    Full,
}

/// What came of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No execution refutes the claim.
    Holds,
    /// One does.
    Fails,
    /// The search was given up before its end.
    Unfinished,
    /// The search did not meet what it is about: it proves nothing, and counts as a failure.
    Blind,
}

/// A model's result. Counts only: the same on every machine.
#[derive(Clone, Debug, Serialize)]
pub struct ModelReport {
    pub name: &'static str,
    pub claim: &'static str,
    pub lanes: usize,
    /// Searches: programs by settings by kills.
    pub searches: u64,
    pub executions: u64,
    /// Executions in which a lane was killed, once for each lane.
    pub deaths: u64,
    pub verdict: Verdict,
    /// The first failure, and in which setting; or what was not met.
    pub message: Option<String>,
}

/// What a model must meet, or it is blind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meets {
    Sleep,
    EarlyReturn,
    TimeOut,
    /// A lane dies whose id stands in the word.
    OwnerDeath,
    /// The kernel passes on a wake that a dead lane had been given, or was about to give.
    PassedOn,
}

/// Whose deadlines pass: of the first sleep, or of the second where the first returns early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deadlines {
    None,
    /// In one half of the searches.
    PassSometimes(u32),
    PassAlways(u32),
}

/// A claim, and the programs and settings that could refute it.
pub struct Model {
    pub name: &'static str,
    pub claim: &'static str,
    pub(super) programs: Vec<Program>,
    pub(super) kernels: &'static [Kernel],
    pub(super) deadlines: Deadlines,
    /// How many locks a lane may hold.
    pub(super) room: u32,
    /// Lanes that are killed, each before each of its steps; two: in all pairs.
    pub(super) victims: &'static [u32],
    pub(super) preemptions_quick: Option<usize>,
    pub(super) preemptions_full: Option<usize>,
    /// Left out of the quick budget.
    pub(super) full_only: bool,
    /// Left out of the brief budget: seconds even within its bounds.
    pub(super) slow: bool,
    pub(super) meets: &'static [Meets],
}

pub(super) const BOTH: &[Kernel] = &[Kernel::Linux6_2, Kernel::Linux5_5];
/// Older kernels lose the wake of a waiter that is killed after another's death woke it.
pub(super) const NEWER: &[Kernel] = &[Kernel::Linux6_2];

/// A search with more executions than this would take minutes: its bounds are wrong.
const EXECUTIONS_MAX_QUICK: u64 = 300_000;
const EXECUTIONS_MAX_FULL: u64 = 100_000_000;

struct Run<'a> {
    report: ModelReport,
    tally: Tally,
    progress: &'a mut dyn FnMut(&ModelReport),
}

impl Model {
    pub(super) const NEW: Model = Model {
        name: "",
        claim: "",
        programs: Vec::new(),
        kernels: BOTH,
        deadlines: Deadlines::None,
        room: 2_048,
        victims: &[],
        preemptions_quick: Some(2),
        preemptions_full: Some(3),
        full_only: false,
        slow: false,
        meets: &[Meets::Sleep, Meets::EarlyReturn],
    };

    /// Lanes of its largest program.
    pub fn lanes(&self) -> usize {
        self.programs.iter().map(Program::lanes).max().unwrap_or(0)
    }

    /// Whether it belongs to this budget.
    pub fn fits(&self, budget: Budget) -> bool {
        match budget {
            Budget::Brief => !self.full_only && !self.slow,
            Budget::Quick => !self.full_only,
            Budget::Full => true,
        }
    }

    /// Searches until something fails. `progress` is told of the counts so far, after each search.
    pub fn run(&self, budget: Budget, progress: &mut dyn FnMut(&ModelReport)) -> ModelReport {
        let mut run = Run {
            report: ModelReport {
                name: self.name,
                claim: self.claim,
                lanes: self.lanes(),
                searches: 0,
                executions: 0,
                deaths: 0,
                verdict: Verdict::Holds,
                message: None,
            },
            tally: Tally::default(),
            progress,
        };
        for (index, program) in self.programs.iter().enumerate() {
            for setting in self.settings(budget, index) {
                if run.over_kills(program, setting, self.victims).is_none() {
                    return run.report;
                }
            }
        }
        if let Some(missed) = self.missed(&run.tally, run.report.searches) {
            run.report.verdict = Verdict::Blind;
            run.report.message = Some(missed);
        }
        run.report
    }

    /// The combinations of kernel, wake order, early returns and time-outs. The full budget takes all; the
    /// quick one takes half of them, such that any choice of two meets (an orthogonal array of strength 2).
    fn settings(&self, budget: Budget, program: usize) -> Vec<Setting> {
        let lanes = self.programs[program].lanes();
        let early_returns: Vec<Nth> = first_of(1..=lanes as u32);
        let mut settings = Vec::new();
        for (k, &kernel) in self.kernels.iter().enumerate() {
            for (o, wake_order) in [WakeOrder::FirstIn, WakeOrder::LastIn]
                .into_iter()
                .enumerate()
            {
                for early in [false, true] {
                    for timed_out in [false, true] {
                        let timed = match (self.deadlines, timed_out) {
                            (Deadlines::None | Deadlines::PassSometimes(_), false) => None,
                            (
                                Deadlines::PassSometimes(lane) | Deadlines::PassAlways(lane),
                                true,
                            ) => Some(lane),
                            (Deadlines::None, true) | (Deadlines::PassAlways(_), false) => continue,
                        };
                        // One sleeper at most beside the owner: the order is none.
                        if wake_order == WakeOrder::LastIn && lanes <= 2 {
                            continue;
                        }
                        let odd = (program + k + o + usize::from(early) + usize::from(timed_out))
                            % 2
                            == 1;
                        if odd && lanes > 2 && budget != Budget::Full {
                            continue;
                        }
                        // After an early return, the second sleep is the one that times out.
                        let nth = if early { 2 } else { 1 };
                        let time_outs = timed.iter().map(|&lane| Nth { lane, nth }).collect();
                        let (preemptions_max, executions_max) = match budget {
                            Budget::Brief if lanes > 2 || !self.victims.is_empty() => {
                                let bound = self.preemptions_quick.map_or(1, |quick| quick.min(1));
                                (Some(bound), EXECUTIONS_MAX_QUICK)
                            }
                            Budget::Brief | Budget::Quick => {
                                (self.preemptions_quick, EXECUTIONS_MAX_QUICK)
                            }
                            Budget::Full => (self.preemptions_full, EXECUTIONS_MAX_FULL),
                        };
                        settings.push(Setting {
                            wake_order,
                            kernel,
                            early_returns: early_returns
                                .iter()
                                .copied()
                                .filter(|_| early)
                                .collect(),
                            time_outs,
                            room: self.room,
                            preemptions_max,
                            executions_max,
                            ..Setting::default()
                        });
                    }
                }
            }
        }
        settings
    }

    fn missed(&self, tally: &Tally, searches: u64) -> Option<String> {
        if tally.steps == 0 || tally.executions <= searches {
            return Some("no step, or no choice, was met".into());
        }
        for meets in self.meets {
            let count = match meets {
                Meets::Sleep => tally.sleeps,
                Meets::EarlyReturn => tally.early_returns,
                Meets::TimeOut => tally.time_outs,
                Meets::OwnerDeath => tally.owner_deaths,
                Meets::PassedOn => tally.passed_on,
            };
            if count == 0 {
                return Some(format!("{meets:?} was never met"));
            }
        }
        None
    }
}

impl Run<'_> {
    /// One search, or one for each way to kill the victims. `None`: the model is decided.
    fn over_kills(
        &mut self,
        program: &Program,
        setting: Setting,
        victims: &[u32],
    ) -> Option<Tally> {
        let swept = with_each_killed(setting, victims, &mut |setting| {
            self.search(program, setting)
        });
        match swept {
            Swept::Whole(tally) => Some(tally),
            Swept::Stopped => None,
            Swept::Endless { lane } => {
                self.report.verdict = Verdict::Fails;
                self.report.message =
                    Some(format!("lane {lane} takes more than {STEPS_MAX} steps"));
                None
            }
        }
    }

    fn search(&mut self, program: &Program, setting: &Setting) -> Option<Tally> {
        let search = explore(program, setting);
        self.tally += search.tally;
        self.report.searches += 1;
        self.report.executions += search.tally.executions;
        self.report.deaths += search.tally.deaths();
        let (verdict, message) = match search.outcome {
            Outcome::Holds => {
                (self.progress)(&self.report);
                return Some(search.tally);
            }
            Outcome::Fails(message) => (Verdict::Fails, message),
            Outcome::Unfinished => (Verdict::Unfinished, "too many executions".into()),
        };
        self.report.verdict = verdict;
        self.report.message = Some(format!("{message} [{setting}]"));
        (self.progress)(&self.report);
        None
    }
}

fn first_of(lanes: impl Iterator<Item = u32>) -> Vec<Nth> {
    lanes.map(|lane| Nth { lane, nth: 1 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::loom::{LoomWord, step};
    use crate::world::Word;
    use std::sync::atomic::Ordering::Relaxed;

    fn check(model: Model, expected: Verdict, message: &str) {
        let report = model.run(Budget::Quick, &mut |_| {});
        let said = report.message.clone().unwrap_or_default();
        assert!(
            report.verdict == expected && said.contains(message),
            "{report:?}"
        );
    }

    fn of(lanes: &[fn(&LoomWord)]) -> Model {
        Model {
            programs: vec![Program::new(|| LoomWord::new(0), lanes, |_| {})],
            meets: &[],
            ..Model::NEW
        }
    }

    #[test]
    fn without_a_step_a_model_is_blind() {
        check(of(&[|_| {}, |_| {}]), Verdict::Blind, "no step");
    }

    #[test]
    fn without_a_choice_a_model_is_blind() {
        check(
            of(&[|word| word.store(1, Relaxed)]),
            Verdict::Blind,
            "no choice",
        );
    }

    #[test]
    fn without_what_it_must_meet_a_model_is_blind() {
        let meets: [&'static [Meets]; 5] = [
            &[Meets::Sleep],
            &[Meets::EarlyReturn],
            &[Meets::TimeOut],
            &[Meets::OwnerDeath],
            &[Meets::PassedOn],
        ];
        for meets in meets {
            let add: fn(&LoomWord) = |word| {
                word.fetch_add(1, Relaxed);
            };
            let model = Model {
                meets,
                victims: &[1],
                ..of(&[add, add])
            };
            check(model, Verdict::Blind, "never met");
        }
    }

    #[test]
    fn a_lane_without_an_end_fails() {
        let forever: fn(&LoomWord) = |_| {
            loop {
                step();
            }
        };
        let model = Model {
            victims: &[1],
            ..of(&[forever])
        };
        check(model, Verdict::Fails, "more than 500 steps");
    }
}
