//! A program for loom, and the search through all its executions.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;

use super::death::Killed;
use super::record::{self, Deed, Record};
use super::stage::{self, JUDGE, LANES_MAX, Setting, Tally};
use super::{acting_as, quiet};
use crate::explore::stage::Part;

/// Lanes that run beside each other, between a prologue and an epilogue that run alone.
#[derive(Clone)]
pub struct Program {
    execute: Arc<dyn Fn() + Send + Sync>,
    lanes: usize,
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No execution failed, and within the setting's bounds none is left.
    Holds,
    /// What the first failing execution panicked with.
    Fails(String),
    /// Given up after [`Setting::executions_max`].
    Unfinished,
}

/// A search through the executions of one program in one setting.
#[derive(Clone, Debug)]
pub struct Search {
    pub outcome: Outcome,
    pub tally: Tally,
    /// Of the execution that failed, if the setting says so.
    pub(in crate::explore) record: Option<Record>,
    /// It failed with a lane asleep whose deadline would have passed.
    pub(in crate::explore) had_deadline: bool,
}

/// More operations than this in one execution, and it is taken for one that never ends.
const BRANCHES_MAX: usize = 3_000;
/// How often loom looks at the bound on executions.
const CHECK_EVERY: usize = 1_000;

impl Program {
    /// `start` makes what the lanes share, anew for each execution; lane `n` (from 1) runs `lanes[n - 1]`;
    /// `end` judges what is left. Each fails by panicking.
    ///
    /// # Panics
    /// If there are no lanes, or more than [`LANES_MAX`].
    pub fn new<T: 'static>(start: fn() -> T, lanes: &[fn(&T)], end: fn(&T)) -> Program {
        Program::with_parts(start, lanes, end, |_| Vec::new())
    }

    /// As [`new`](Program::new), with names for the parts of what the lanes share.
    pub(in crate::explore) fn with_parts<T: 'static>(
        start: fn() -> T,
        lanes: &[fn(&T)],
        end: fn(&T),
        parts: fn(&T) -> Vec<Part>,
    ) -> Program {
        assert!(!lanes.is_empty() && lanes.len() <= LANES_MAX);
        let lanes: Vec<fn(&T)> = lanes.to_vec();
        Program {
            lanes: lanes.len(),
            execute: Arc::new(move || execute(start, &lanes, end, parts)),
        }
    }

    pub fn lanes(&self) -> usize {
        self.lanes
    }
}

/// Runs every execution of the program that the setting allows, until one fails.
///
/// # Panics
/// If called inside a search, or if [`Setting::executions_max`] is no multiple of 1,000.
pub fn explore(program: &Program, setting: &Setting) -> Search {
    assert!(setting.executions_max.is_multiple_of(CHECK_EVERY as u64));
    let mut builder = ::loom::model::Builder::new();
    // All that the environment could change is set: a search means the same wherever it runs.
    builder.max_threads = LANES_MAX; // lane 1 runs on the model's own
    builder.max_branches = BRANCHES_MAX;
    builder.max_permutations = Some(setting.executions_max as usize);
    builder.max_duration = None;
    builder.preemption_bound = setting.preemptions_max;
    builder.checkpoint_file = None;
    builder.checkpoint_interval = CHECK_EVERY;
    builder.expect_explicit_explore = false;
    builder.location = false;
    builder.log = false;
    let execute = program.execute.clone();
    let (result, remains) = stage::set_for(setting, || {
        quiet::catch(AssertUnwindSafe(|| builder.check(move || execute())))
    });
    let outcome = match result {
        Err(message) => Outcome::Fails(message),
        Ok(()) if remains.tally.executions + 1 >= setting.executions_max => Outcome::Unfinished,
        Ok(()) => Outcome::Holds,
    };
    Search {
        outcome,
        tally: remains.tally,
        record: remains.record,
        had_deadline: remains.timed_asleep > 0,
    }
}

fn execute<T: 'static>(
    start: fn() -> T,
    lanes: &[fn(&T)],
    end: fn(&T),
    parts: fn(&T) -> Vec<Part>,
) {
    stage::begin();
    let shared = Rc::new(acting_as(JUDGE, start));
    record::name(|| parts(&shared));
    stage::with(|stage| stage.prologue = false);
    let others: Vec<_> = (2..)
        .zip(&lanes[1..])
        .map(|(id, &lane)| {
            let shared = shared.clone();
            ::loom::thread::spawn(move || acting_as(id, || run(lane, &shared)))
        })
        .collect();
    acting_as(1, || run(lanes[0], &shared));
    for other in others {
        let Ok(()) = other.join() else {
            unreachable!("a lane that panics ends the search")
        };
    }
    acting_as(JUDGE, || end(&shared));
}

/// Runs a lane to its end, or to its death.
fn run<T>(lane: fn(&T), shared: &T) {
    let me = stage::me(); // where no one can go on, loom knows no longer who it was
    match catch_unwind(AssertUnwindSafe(|| lane(shared))) {
        Ok(()) => stage::with_actor(|actor| {
            assert!(
                actor.announced.is_none(),
                "a thread ended with a node announced: its death would touch a lock that it gave up"
            );
            assert!(
                actor.held.is_empty(),
                "a thread ended with a node in its robust list"
            );
        }),
        Err(death) if death.is::<Killed>() => {}
        Err(panic) => {
            record::note_of(me, Deed::Panics(quiet::text(&*panic)));
            resume_unwind(panic)
        }
    }
}
