//! What one model knows of itself: who is on stage, how far each has come, and what is to befall whom.
//!
//! All of loom's threads are coroutines of one thread of the operating system, so a plain thread-local
//! holds it, and models run side by side in parallel tests.

use std::cell::{Cell, RefCell};
use std::fmt;

use super::LoomWord;
use super::record::{self, Deed, Record};
use crate::explore::engine::Spin;

/// The most lanes of a model. Loom has room for five threads; no search of five comes to an end.
pub const LANES_MAX: usize = 4;

/// The thread id of the single-threaded prologue and epilogue of an execution.
pub const JUDGE: u32 = LANES_MAX as u32 + 1;
/// A thread of the prologue that falls asleep and is killed in its sleep, once the prologue is over.
pub const PASSER_BY: u32 = JUDGE + 1;

const IDS: usize = PASSER_BY as usize + 1;

/// In which order a wake takes the sleepers. The kernel's is first in, first out among threads of equal
/// priority: no promise, so models run with both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakeOrder {
    FirstIn,
    LastIn,
}

/// What a death does with an announced word that has no owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Wakes one sleeper (Linux 6.2 and later).
    Linux6_2,
    /// Wakes one sleeper if the whole word is 0 (Linux 5.5 to 6.1).
    Linux5_5,
}

/// The `nth` (from 1) of something, by lane `lane` (from 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nth {
    pub lane: u32,
    pub nth: u32,
}

/// What is fixed for all executions of one search; everything else is loom's to vary.
#[derive(Clone, Debug)]
pub struct Setting {
    pub wake_order: WakeOrder,
    pub kernel: Kernel,
    /// Sleeps that end early, without a wake.
    pub early_returns: Vec<Nth>,
    /// Sleeps with a deadline that end by it. Others with a deadline sleep until woken: a wake that is
    /// lost must be found even where a deadline would hide it.
    pub time_outs: Vec<Nth>,
    /// Steps before which a lane is killed.
    pub kills: Vec<Nth>,
    /// How many locks a thread may hold.
    pub room: u32,
    /// At most so many times is a thread that could go on made to wait; `None`: no bound.
    pub preemptions_max: Option<usize>,
    /// After so many executions (a multiple of 1,000) the search is given up.
    pub executions_max: u64,
    /// Note what the lanes do, so that a failure can be read.
    pub records: bool,
    /// Pass over lanes that spin, which loom would let come round for ever. Who goes on in their place is then not tried
    /// in every order: so it is for programs that spin alone.
    pub passes_spinners: bool,
}

impl Default for Setting {
    fn default() -> Self {
        Setting {
            wake_order: WakeOrder::FirstIn,
            kernel: Kernel::Linux6_2,
            early_returns: Vec::new(),
            time_outs: Vec::new(),
            kills: Vec::new(),
            room: 2_048,
            preemptions_max: None,
            executions_max: 10_000_000,
            records: false,
            passes_spinners: false,
        }
    }
}

/// In a line.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kernel {
            Kernel::Linux6_2 => "Linux 6.2",
            Kernel::Linux5_5 => "Linux 5.5",
        })?;
        f.write_str(match self.wake_order {
            WakeOrder::FirstIn => ", first in, first woken",
            WakeOrder::LastIn => ", last in, first woken",
        })?;
        for (what, all) in [
            ("returns early from sleep", &self.early_returns),
            ("times out of sleep", &self.time_outs),
            ("is killed before step", &self.kills),
        ] {
            for Nth { lane, nth } in all {
                write!(f, ", lane {lane} {what} {nth}")?;
            }
        }
        Ok(())
    }
}

/// What was met, over all executions of one or more searches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub executions: u64,
    /// Of lanes: accesses to a word, sleeps, wakes, and what is told to the kernel.
    pub steps: u64,
    /// Sleeps that only a wake could end.
    pub sleeps: u64,
    pub early_returns: u64,
    pub time_outs: u64,
    /// Sleeps with a deadline, whatever ended them.
    pub timed: u64,
    /// Sleepers woken, by whom ever.
    pub woken: u64,
    /// Deaths, by the lane that died.
    pub deaths_of: [u64; LANES_MAX + 1],
    /// Deaths of a lane whose id stood in a word.
    pub owner_deaths: u64,
    /// Sleepers that were woken by the kernel because one who had announced a word without owner died.
    pub passed_on: u64,
}

impl Tally {
    /// Of all lanes.
    pub fn deaths(&self) -> u64 {
        self.deaths_of.iter().sum()
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.executions += other.executions;
        self.steps += other.steps;
        self.sleeps += other.sleeps;
        self.early_returns += other.early_returns;
        self.time_outs += other.time_outs;
        self.timed += other.timed;
        self.woken += other.woken;
        for (mine, others) in self.deaths_of.iter_mut().zip(other.deaths_of) {
            *mine += others;
        }
        self.owner_deaths += other.owner_deaths;
        self.passed_on += other.passed_on;
    }
}

/// What becomes of a thread that is about to sleep.
pub(super) enum Fate {
    Sleeps,
    ReturnsEarly,
    TimesOut,
    PassesBy,
}

/// What the kernel knows of one modelled thread, and how far it has come.
#[derive(Default)]
pub(super) struct Actor {
    steps: u32,
    sleeps: u32,
    pub(super) spin: Spin,
    pub(super) announced: Option<LoomWord>,
    /// The robust list, oldest first.
    pub(super) held: Vec<LoomWord>,
}

pub(super) struct Stage {
    pub(super) setting: Setting,
    pub(super) tally: Tally,
    pub(super) actors: [Actor; IDS],
    pub(super) prologue: bool,
    /// Of this execution.
    pub(super) owner_deaths: u32,
    pub(super) futex_calls: u32,
    /// Lanes that sleep until woken, though they have a deadline.
    pub(super) timed_asleep: u32,
    pub(super) record: Option<Record>,
    /// Loom looks at who else could go on.
    pub(super) explores: bool,
}

impl Stage {
    /// Whether the word is in anyone's robust list.
    pub(super) fn holds_any(&self, word: &LoomWord) -> bool {
        let mut held = self.actors.iter().flat_map(|actor| &actor.held);
        held.any(|held| held.is(word))
    }
}

thread_local! {
    static STAGE: RefCell<Option<Stage>> = const { RefCell::new(None) };
}

::loom::thread_local! {
    static ID: Cell<u32> = Cell::new(0)
}

/// The id of the modelled thread that is running.
///
/// # Panics
/// Outside a lane, a prologue and an epilogue: a `Loom` world lives inside `explore()`.
pub fn me() -> u32 {
    let id = ID.with(Cell::get);
    assert!(id != 0, "this thread of the model is no lane of it");
    id
}

/// Runs `act` under another id, for the prologue.
pub fn acting_as<R>(id: u32, act: impl FnOnce() -> R) -> R {
    let before = ID.with(|me| me.replace(id));
    let result = act();
    ID.with(|me| me.set(before));
    result
}

/// Deaths in this execution of lanes whose id stood in a word.
pub fn owner_deaths() -> u32 {
    with(|stage| stage.owner_deaths)
}

/// Waits and wakes in this execution, of all: a lock that no one contends for makes none.
pub fn futex_calls() -> u32 {
    with(|stage| stage.futex_calls)
}

/// # Panics
/// Outside `explore()`.
pub(super) fn with<R>(look: impl FnOnce(&mut Stage) -> R) -> R {
    STAGE.with_borrow_mut(|stage| {
        look(
            stage
                .as_mut()
                .expect("a Loom world lives inside explore() only"),
        )
    })
}

/// The calling thread's entry.
pub(super) fn with_actor<R>(look: impl FnOnce(&mut Actor) -> R) -> R {
    let id = me() as usize;
    with(|stage| look(&mut stage.actors[id]))
}

/// What remains of a search.
pub(super) struct Remains {
    pub tally: Tally,
    /// Of the last execution.
    pub record: Option<Record>,
    pub timed_asleep: u32,
}

/// Sets the stage, runs `search`, and says what was met.
///
/// # Panics
/// If a search is under way on this thread.
pub(super) fn set_for<R>(setting: &Setting, search: impl FnOnce() -> R) -> (R, Remains) {
    struct Strike;
    impl Drop for Strike {
        fn drop(&mut self) {
            STAGE.take();
        }
    }
    let before = STAGE.replace(Some(Stage {
        setting: setting.clone(),
        tally: Tally::default(),
        actors: Default::default(),
        prologue: true,
        owner_deaths: 0,
        futex_calls: 0,
        timed_asleep: 0,
        record: setting.records.then(Record::default),
        explores: true,
    }));
    assert!(before.is_none(), "one search at a time on a thread");
    let strike = Strike;
    let result = search();
    let remains = with(|stage| Remains {
        tally: stage.tally,
        record: stage.record.take(),
        timed_asleep: stage.timed_asleep,
    });
    drop(strike);
    (result, remains)
}

/// A new execution begins.
pub(super) fn begin() {
    with(|stage| {
        stage.tally.executions += 1;
        stage.actors = Default::default();
        stage.prologue = true;
        stage.owner_deaths = 0;
        stage.futex_calls = 0;
        stage.timed_asleep = 0;
        stage.explores = true;
        if let Some(record) = &mut stage.record {
            *record = Record::default();
        }
    });
}

/// Counts a step of a lane; what the prologue does in its name is none. True if the lane is to die before it.
pub(super) fn count_step() -> bool {
    let id = me();
    with(|stage| {
        if id >= JUDGE || stage.prologue {
            return false;
        }
        stage.tally.steps += 1;
        let actor = &mut stage.actors[id as usize];
        actor.steps += 1;
        let here = Nth {
            lane: id,
            nth: actor.steps,
        };
        stage.setting.kills.contains(&here)
    })
}

/// Decides over a sleep that is about to begin.
pub(super) fn fate(has_deadline: bool) -> Fate {
    let fate = choose_fate(has_deadline);
    match fate {
        Fate::ReturnsEarly => record::note(Deed::ReturnsEarly),
        Fate::TimesOut => record::note(Deed::TimesOut),
        Fate::Sleeps | Fate::PassesBy => {}
    }
    fate
}

fn choose_fate(has_deadline: bool) -> Fate {
    let id = me();
    with(|stage| {
        if id == PASSER_BY {
            return Fate::PassesBy;
        }
        let actor = &mut stage.actors[id as usize];
        actor.sleeps += 1;
        stage.tally.timed += u64::from(has_deadline);
        let here = Nth {
            lane: id,
            nth: actor.sleeps,
        };
        if has_deadline && stage.setting.time_outs.contains(&here) {
            stage.tally.time_outs += 1;
            Fate::TimesOut
        } else if stage.setting.early_returns.contains(&here) {
            stage.tally.early_returns += 1;
            Fate::ReturnsEarly
        } else {
            stage.tally.sleeps += 1;
            Fate::Sleeps
        }
    })
}
