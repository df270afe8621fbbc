//! A lane's side of the turn: it reports each step before it takes it, and goes on when it is told to.

use std::cell::RefCell;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use serde::{Deserialize, Serialize};

use crate::sys::futex;
use crate::sys::poll::{self, For};
use crate::sys::step::{Observer, Outcome, Step, Watched, observe};
use crate::world::{Deadline, WAIT_ANY_MAX, Woken};

/// What a lane tells the boss: what came of its last step, and where it is now.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Report {
    pub last: Option<(Step, Outcome)>,
    pub now: Now,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Now {
    /// Before the lane's own code.
    Starting,
    Before(Step),
    /// The word held what was expected: from here the lane goes to sleep in the kernel.
    FallingAsleep {
        word: usize,
        timed: bool,
        /// Where a wake under the lane's bit takes this sleeper and no other; 0 for one that waits for open files:
        /// it also waits for [`RING`].
        bell: usize,
    },
    Awake,
    Ended,
    Panicked(String),
}

/// What the boss tells a lane.
pub(super) const GO: u8 = b'g';
/// Go on, and take the wake for a time-out.
pub(super) const TIMED_OUT: u8 = b't';
/// Stop waiting for open files.
pub(super) const RING: u8 = b'r';

/// The bit by which one sleeper is woken and no other. Whoever wakes without naming a bit wakes any.
pub(super) fn bit(lane: usize) -> u32 {
    1 << lane
}

struct Lane {
    number: usize,
    /// Always 0, shared with the boss.
    bell: &'static AtomicU32,
    boss: PipeWriter,
    turn: PipeReader,
    last: Option<(Step, Outcome)>,
}

thread_local! {
    /// Empty before the lane's code and after it: what the process does then is no step.
    static LANE: RefCell<Option<Lane>> = const { RefCell::new(None) };
}

static OBSERVER: Observer = Observer {
    before,
    after,
    wait,
    wait_any,
    poll,
};

/// Runs a lane's code under the turn. Called once, in the lane's process.
pub(super) fn live(
    number: usize,
    bell: &'static AtomicU32,
    boss: PipeWriter,
    turn: PipeReader,
    code: impl FnOnce(),
) -> i32 {
    let report = |now| with_lane(|lane| lane.report(now));
    observe(&OBSERVER);
    silence_panics();
    LANE.set(Some(Lane {
        number,
        bell,
        boss,
        turn,
        last: None,
    }));
    report(Now::Starting);
    with_lane(Lane::await_turn);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(code));
    report(match outcome {
        Ok(()) => Now::Ended,
        Err(_) => Now::Panicked(PANIC.take().unwrap_or_default()),
    });
    LANE.set(None);
    0
}

fn before(step: &Step) {
    with_lane(|lane| {
        lane.report(Now::Before(*step));
        lane.await_turn();
    });
}

fn after(step: &Step, outcome: Outcome) {
    with_lane(|lane| lane.last = Some((*step, outcome)));
}

/// A futex's wait, with the schedule for a clock: the deadline passes when the boss says so.
fn wait(word: &AtomicU32, expected: u32, until: Option<Deadline>) -> Woken {
    // SeqCst: one lane runs at a time, and the pipes order them; so any order would do.
    if word.load(SeqCst) != expected {
        return Woken::Changed;
    }
    let word_at = word.as_ptr() as usize;
    match fall_asleep(word_at, until, word_at) {
        Some(number) => {
            futex::wait(word, expected, bit(number), None);
            wake_up()
        }
        // No longer under the turn.
        None => futex::wait(word, expected, futex::ANYONE, until),
    }
}

/// The same for several words. futex_waitv(2) knows no bits, so the lane adds a word of its own, by which the boss
/// can wake it alone.
fn wait_any(words: &[(&AtomicU32, u32)], until: Option<Deadline>) -> Woken {
    // SeqCst: as in wait().
    if words
        .iter()
        .any(|(word, expected)| word.load(SeqCst) != *expected)
    {
        return Woken::Changed;
    }
    let first = words[0].0.as_ptr() as usize;
    let asleep = with_lane(|lane| lane.bell)
        .filter(|bell| fall_asleep(first, until, std::ptr::from_ref(*bell) as usize).is_some());
    let Some(bell) = asleep else {
        return futex::wait_any(words.iter().copied(), until); // no longer under the turn
    };
    assert!(
        words.len() < WAIT_ANY_MAX,
        "under the turn a lane waits on at most {} words",
        WAIT_ANY_MAX - 1
    );
    futex::wait_any(words.iter().copied().chain([(bell, 0)]), None);
    wake_up()
}

/// The same for open files, of which the turn itself is one more.
fn poll(files: &[Watched], until: Option<Deadline>) -> io::Result<Vec<bool>> {
    let now = Deadline { monotonic_ns: 0 };
    let found = poll::ready(files, Some(now))?;
    if found.contains(&true) {
        return Ok(found);
    }
    let turn = with_lane(|lane| lane.turn.as_fd().as_raw_fd());
    loop {
        let Some(turn) = turn.filter(|_| fall_asleep(0, until, 0).is_some()) else {
            return poll::ready(files, until); // no longer under the turn
        };
        // SAFETY: the lane's own descriptor, which is closed after its code has ended.
        let turn = unsafe { BorrowedFd::borrow_raw(turn) };
        let with_turn: Vec<Watched> = files.iter().copied().chain([(turn, For::Input)]).collect();
        let mut found = poll::ready(&with_turn, None)?;
        if found.pop() == Some(true) {
            let rung = with_lane(Lane::await_turn);
            debug_assert_eq!(rung, Some(RING));
        }
        if wake_up() == Woken::TimedOut {
            return Ok(vec![false; found.len()]);
        }
        if found.contains(&true) {
            return Ok(found);
        } // rung for no reason: poll(2) would sleep on
    }
}

/// Tells the boss. `None` if there is none any more.
fn fall_asleep(word: usize, until: Option<Deadline>, bell: usize) -> Option<usize> {
    with_lane(|lane| {
        lane.report(Now::FallingAsleep {
            word,
            timed: until.is_some(),
            bell,
        });
        lane.number
    })
}

/// What the boss makes of the wake.
fn wake_up() -> Woken {
    let told = with_lane(|lane| {
        lane.report(Now::Awake);
        lane.await_turn()
    });
    if told == Some(TIMED_OUT) {
        Woken::TimedOut
    } else {
        Woken::Perhaps
    }
}

fn with_lane<R>(act: impl FnOnce(&mut Lane) -> R) -> Option<R> {
    LANE.with_borrow_mut(|lane| lane.as_mut().map(act))
}

impl Lane {
    fn report(&mut self, now: Now) {
        let report = Report {
            last: self.last.take(),
            now,
        };
        let bytes = postcard::to_allocvec(&report).expect("a report serialises");
        let frame = [&(bytes.len() as u32).to_le_bytes()[..], &bytes].concat();
        if self.boss.write_all(&frame).is_err() {
            std::process::abort(); // without a boss there is no turn, and no one to tell
        }
    }

    fn await_turn(&mut self) -> u8 {
        let mut told = [0];
        if self.turn.read_exact(&mut told).is_err() {
            std::process::abort();
        }
        told[0]
    }
}

/// The next report of a lane, or `None` if the lane is gone.
pub(super) fn receive(lane: &mut PipeReader) -> Option<Report> {
    let mut length = [0; 4];
    lane.read_exact(&mut length).ok()?;
    let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
    lane.read_exact(&mut bytes).ok()?;
    postcard::from_bytes(&bytes).ok()
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A lane's panic is a finding, told in the report of the run.
fn silence_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.payload_as_str().unwrap_or("a panic without a text");
        let place = panic
            .location()
            .map(|place| format!(" ({}:{})", place.file(), place.line()));
        PANIC.set(Some(format!("{text}{}", place.unwrap_or_default())));
    }));
}
