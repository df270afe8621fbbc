//! How many schedules a second: this library's controller, whose lanes are processes, beside shuttle and loom, whose
//! lanes are coroutines of one thread.
//!
//! ```text
//! cargo bench --bench schedules
//! ```
//! All rows are run in turn, several times, so that what else the machine does meets each of them; told is the median.
//! shuttle has no futex: here it is a mutex and a condition of its own. loom looks for weak memory, too, and so does more
//! for each execution. The last row does nothing but to change from process to process, as often as a drawn schedule of two
//! lanes with ten steps each does: the limit of what lanes can do that are processes on one core.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::time::Instant;

use forkproof::explore::loom::{self, Loom, LoomWord, Outcome, Program, Setting};
use forkproof::explore::{Choice, Plan, Schedule, Stage, random, run_all};
use forkproof::sys::{Os, SharedWord, fork};
use forkproof::world::{Word, World};
use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity, sched_yield};
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use nix::unistd::Pid;

const ROUNDS: usize = 5;
const RUNS: usize = 20_000;
const KILLED_RUNS: usize = 2_000;
const LOOM_RUNS: u64 = 5_000;
const STEPS: usize = 10;

struct Row {
    what: &'static str,
    who: &'static str,
    /// One round: how many schedules.
    run: fn(seed: u64) -> usize,
}

const ROWS: [Row; 6] = [
    Row {
        what: "two lanes of ten steps",
        who: "forkproof",
        run: ten_steps,
    },
    Row {
        what: "the same, a kill in each",
        who: "forkproof",
        run: ten_steps_killed,
    },
    Row {
        what: "a lock of three states",
        who: "forkproof",
        run: |seed| explored(random(seed), lock),
    },
    Row {
        what: "a lock of three states",
        who: "shuttle",
        run: shuttle_lock,
    },
    Row {
        what: "a lock of three states",
        who: "loom",
        run: |_| loom_lock(),
    },
    Row {
        what: "ten changes of process",
        who: "sched_yield",
        run: |_| changes_of_process(),
    },
];

fn main() {
    // `cargo test --benches` runs this, too, without the argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("to measure: cargo bench --bench schedules");
        return;
    }
    let mut rates: [Vec<f64>; ROWS.len()] = Default::default();
    for round in 0..ROUNDS {
        for (row, rates) in ROWS.iter().zip(&mut rates) {
            let begun = Instant::now();
            let schedules = (row.run)(round as u64);
            rates.push(schedules as f64 / begun.elapsed().as_secs_f64());
        }
    }
    let medians = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        (rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1])
    });
    let mine = medians[2].1; // the lock's
    println!(
        "{:26} {:10} {:>11} {:>21} {:>9}",
        "program", "by", "schedules/s", "least .. most", "ratio"
    );
    for (row, (least, median, most)) in ROWS.iter().zip(medians) {
        let spread = format!("{least:.0} .. {most:.0}");
        let ratio = median / mine;
        println!(
            "{:26} {:10} {median:>11.0} {spread:>21} {ratio:>9.2}",
            row.what, row.who
        );
    }
}

fn explored(
    exploration: forkproof::explore::Exploration,
    set_up: impl Fn(&mut Stage, ()) + Copy + 'static,
) -> usize {
    let report = exploration.most_runs(RUNS).check((), set_up);
    let report = report.expect("the explorer runs");
    assert!(!report.fails(), "{report}");
    report.tally.schedules()
}

fn ten_steps(seed: u64) -> usize {
    explored(random(seed), steps)
}

/// Each lane loads and adds, in turn, to a word of all.
fn steps(stage: &mut Stage, (): ()) {
    let word = stage.shared_as("word", <SharedWord as Word>::new(0));
    for lane in 0..2 {
        stage.lane(&format!("lane {lane}"), move |_| {
            for _ in 0..STEPS / 2 {
                Word::load(&*word, Relaxed);
                word.fetch_add(1, Relaxed);
            }
        });
    }
}

/// One lane is killed before each of its steps, with the other before each of its own.
fn ten_steps_killed(_: u64) -> usize {
    let plans = (0..KILLED_RUNS).map(|number| {
        let (victim, mine, others) = (number % 2, number % STEPS, number / STEPS % STEPS);
        let go = |lane, count| std::iter::repeat_n(Choice::Go(lane), count);
        let choices = go(1 - victim, others).chain(go(victim, mine));
        Plan::About(Schedule(choices.chain([Choice::Kill(victim)]).collect()))
    });
    let runs = run_all(steps, &(), &plans.collect::<Vec<_>>()).expect("the explorer runs");
    assert!(runs.iter().all(|run| run.kills == 1 && run.is_well()));
    runs.len()
}

/// A word that can be slept on.
trait Futex {
    fn new(value: u32) -> Self;
    fn load(&self) -> u32;
    fn store(&self, value: u32);
    fn swap(&self, value: u32) -> u32;
    fn compare_exchange(&self, current: u32, new: u32) -> bool;
    fn wait(&self, expected: u32);
    fn wake_one(&self);
}

/// In a world of this library.
macro_rules! futex_of_world {
    ($word:ty, $world:ty) => {
        impl Futex for $word {
            fn new(value: u32) -> Self {
                Word::new(value)
            }

            fn load(&self) -> u32 {
                Word::load(self, Relaxed)
            }

            fn store(&self, value: u32) {
                Word::store(self, value, Relaxed);
            }

            fn swap(&self, value: u32) -> u32 {
                Word::swap(self, value, AcqRel)
            }

            fn compare_exchange(&self, current: u32, new: u32) -> bool {
                Word::compare_exchange(self, current, new, Acquire, Relaxed).is_ok()
            }

            fn wait(&self, expected: u32) {
                <$world>::wait(self, expected, None);
            }

            fn wake_one(&self) {
                <$world>::wake(self, 1);
            }
        }
    };
}

futex_of_world!(SharedWord, Os);
futex_of_world!(LoomWord, Loom);

struct ShuttleWord {
    value: shuttle::sync::atomic::AtomicU32,
    /// Held to compare and fall asleep as one step.
    line: shuttle::sync::Mutex<()>,
    bell: shuttle::sync::Condvar,
}

impl Futex for ShuttleWord {
    fn new(value: u32) -> Self {
        ShuttleWord {
            value: shuttle::sync::atomic::AtomicU32::new(value),
            line: shuttle::sync::Mutex::new(()),
            bell: shuttle::sync::Condvar::new(),
        }
    }

    fn load(&self) -> u32 {
        self.value.load(Relaxed)
    }

    fn store(&self, value: u32) {
        self.value.store(value, Relaxed);
    }

    fn swap(&self, value: u32) -> u32 {
        self.value.swap(value, AcqRel)
    }

    fn compare_exchange(&self, current: u32, new: u32) -> bool {
        self.value
            .compare_exchange(current, new, Acquire, Relaxed)
            .is_ok()
    }

    fn wait(&self, expected: u32) {
        let line = self.line.lock().expect("no one panics");
        if self.value.load(Acquire) == expected {
            drop(self.bell.wait(line).expect("no one panics"));
        }
    }

    fn wake_one(&self) {
        let _line = self.line.lock().expect("no one panics");
        self.bell.notify_one();
    }
}

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Held, and someone may be asleep.
const CONTENDED: u32 = 2;

/// Two visits under Drepper's second mutex, each of five steps if no one is in the way.
fn visit(lock: &impl Futex, count: &impl Futex) {
    for _ in 0..2 {
        if !lock.compare_exchange(FREE, HELD) {
            while lock.swap(CONTENDED) != FREE {
                lock.wait(CONTENDED);
            }
        }
        count.store(count.load() + 1);
        if lock.swap(FREE) == CONTENDED {
            lock.wake_one();
        }
    }
}

fn lock(stage: &mut Stage, (): ()) {
    let lock = stage.shared_as("lock", <SharedWord as Futex>::new(FREE));
    let count = stage.shared_as("count", <SharedWord as Futex>::new(0));
    for lane in 0..2 {
        stage.lane(&format!("lane {lane}"), move |_| visit(&*lock, &*count));
    }
}

fn shuttle_lock(seed: u64) -> usize {
    let scheduler = shuttle::scheduler::RandomScheduler::new_from_seed(seed, RUNS);
    let runner = shuttle::Runner::new(scheduler, shuttle::Config::default());
    runner.run(|| {
        let shared = std::sync::Arc::new((ShuttleWord::new(FREE), ShuttleWord::new(0)));
        let other = shared.clone();
        let other = shuttle::thread::spawn(move || visit(&other.0, &other.1));
        visit(&shared.0, &shared.1);
        other.join().expect("no one panics");
    })
}

fn loom_lock() -> usize {
    type Both = (LoomWord, LoomWord);
    let start = || (<LoomWord as Futex>::new(FREE), <LoomWord as Futex>::new(0));
    let lane: fn(&Both) = |(lock, count)| visit(lock, count);
    let program = Program::new(start, &[lane, lane], |_| {});
    let setting = Setting {
        executions_max: LOOM_RUNS,
        ..Setting::default()
    };
    let search = loom::explore(&program, &setting);
    assert!(!matches!(search.outcome, Outcome::Fails(_)));
    search.tally.executions as usize
}

/// Two processes on one core, each of which waits for its turn and hands it on.
fn changes_of_process() -> usize {
    const CHANGES: usize = RUNS * 10;
    let bytes = NonZeroUsize::new(size_of::<AtomicUsize>()).expect("8 bytes");
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: new memory, anywhere.
    let memory = unsafe { mmap_anonymous(None, bytes, access, MapFlags::MAP_SHARED) };
    let memory = memory.expect("there is memory");
    // SAFETY: zeroes are a number, it is unmapped at the end, and whoever has it shares it as an atomic.
    let turn: &AtomicUsize = unsafe { memory.cast().as_ref() };
    let mut core = CpuSet::new();
    let at = sched_getcpu().expect("this thread runs somewhere");
    core.set(at).expect("a core of this machine");
    let take_turns = |own: usize| {
        move || {
            sched_setaffinity(Pid::from_raw(0), &core).expect("it is allowed to be where it was");
            for mine in (own..CHANGES).step_by(2) {
                // Acquire: pairs with the Release below.
                while turn.load(Acquire) != mine {
                    sched_yield().expect("it always succeeds");
                }
                // Release: pairs with the Acquire above.
                turn.store(mine + 1, Release);
            }
            0
        }
    };
    let processes =
        [0, 1].map(|own| fork::child(take_turns(own)).expect("one thread, so it can fork"));
    for process in processes {
        process.wait().expect("it is a child");
    }
    assert_eq!(turn.load(Relaxed), CHANGES);
    // SAFETY: nobody has it any more: the processes have ended, and `turn` is not used again.
    unsafe { munmap(memory, bytes.get()) }.expect("it was mapped");
    RUNS
}
