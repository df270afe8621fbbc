//! A lane's side of the turn: before each step it gives the turn to whoever is chosen, and goes on when it has it again.

use std::cell::RefCell;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::board::{Over, Place, Wanted};
use super::control::{BOSS, Control, Turn};
use super::decide::Decision;
use super::steps::has_memory;
use crate::explore::stage::{self, Code};
use crate::sys::robust;
use crate::sys::step::{Expected, Observer, Outcome, Step, Watched, observe};
use crate::sys::{futex, poll};
use crate::world::{Deadline, Update, Woken};

struct Lane {
    seat: usize,
    control: &'static Control,
    /// Taken only while another has it.
    turn: Option<Turn>,
    /// The choice for the lane's next step has been made already.
    granted: bool,
    /// The eight bytes that the step lies in, before it.
    was: u64,
}

thread_local! {
    /// Empty before the lane's code and after it: what the process does then is no step.
    static LANE: RefCell<Option<Lane>> = const { RefCell::new(None) };
}

/// The thread that is the lane.
static THREAD: OnceLock<std::thread::ThreadId> = OnceLock::new();

static OBSERVER: Observer = Observer {
    before,
    after,
    wait,
    wait_any,
    wake,
    update_and_wake_all,
    poll,
    is_nobody,
    beyond,
};

/// Runs a lane's code in each run, from its first turn of it on; `once`: in one run. Called once, in the lane's process.
pub(super) fn live(seat: usize, control: &'static Control, code: Box<dyn Code>, once: bool) -> i32 {
    THREAD.get_or_init(|| std::thread::current().id());
    observe(&OBSERVER);
    silence_panics();
    let mut code = Some(code);
    let which = stage::Lane { number: seat };
    loop {
        let turn = control.take(seat);
        LANE.set(Some(Lane {
            seat,
            control,
            turn: Some(turn),
            granted: true,
            was: 0,
        }));
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            if !once {
                code.as_ref().expect("it is kept").again(&which);
            } else if let Some(code) = code.take() {
                code.once(&which);
            }
        }));
        let lane = LANE.take().expect("set above, and taken here alone");
        match ended {
            Ok(()) => {
                if lane.end() {
                    return 0;
                }
            }
            Err(_) => lane.fail(),
        }
    }
}

fn before(step: &Step) {
    with_lane(|lane| lane.before(step));
}

fn after(step: &Step, outcome: Outcome) {
    with_lane(|lane| {
        let (seat, was) = (lane.seat, lane.was);
        let is = memory_of(step);
        lane.turn().after(seat, step, outcome, was, is);
    });
}

/// A futex's wait, with the schedule for a clock: the deadline passes when it is chosen to.
fn wait(word: &AtomicU32, expected: u32, until: Option<Deadline>) -> Woken {
    wait_any(&[(word, expected)], until)
}

fn wait_any(words: &[Expected], until: Option<Deadline>) -> Woken {
    let woken = with_lane(|lane| {
        for (word, expected) in words {
            lane.turn().looks_to_sleep(word.as_ptr() as usize);
            // SeqCst: one lane runs at a time, and the turn orders them; so any order would do.
            if word.load(SeqCst) != *expected {
                return Woken::Changed;
            }
        }
        let words = words.iter().map(|(word, _)| word.as_ptr() as usize);
        lane.sleep(words, until.is_some())
    });
    woken.unwrap_or_else(|| futex::wait_any(words.iter().copied(), until))
}

fn wake(word: &AtomicU32, count: u32) -> u32 {
    with_lane(|lane| lane.turn().wake(word.as_ptr() as usize, count))
        .unwrap_or_else(|| futex::wake(word, count, futex::ANYONE))
}

fn update_and_wake_all(word: &AtomicU32, update: Update) -> u32 {
    let woken = with_lane(|lane| {
        // SeqCst: the kernel's change is a full barrier.
        match update {
            Update::Set(value) => word.store(value, SeqCst),
            Update::Add(value) => drop(word.fetch_add(value, SeqCst)),
            Update::Or(bits) => drop(word.fetch_or(bits, SeqCst)),
        }
        lane.turn().wake(word.as_ptr() as usize, u32::MAX)
    });
    woken.unwrap_or_else(|| futex::update_and_wake_all(word, update))
}

/// The wait for open files: whenever something may have happened to some, the lane looks again.
fn poll(files: &[Watched], until: Option<Deadline>) -> io::Result<Vec<bool>> {
    let now = Deadline { monotonic_ns: 0 };
    loop {
        let found = poll::ready(files, Some(now))?;
        if found.contains(&true) {
            return Ok(found);
        }
        match with_lane(|lane| lane.sleep(std::iter::empty(), until.is_some())) {
            Some(Woken::TimedOut) => return Ok(found),
            Some(_) => {}
            None => return poll::ready(files, until), // no longer under control
        }
    }
}

fn is_nobody(id: u32) -> bool {
    with_lane(|lane| lane.turn().is_over(id))
        .flatten()
        .unwrap_or_else(|| robust::is_nobody(id))
}

fn beyond() {
    with_lane(|lane| lane.turn().beyond = true);
}

/// # Panics
/// If the lane's code has started a thread, and that comes to a step.
fn with_lane<R>(act: impl FnOnce(&mut Lane) -> R) -> Option<R> {
    assert!(
        THREAD.get() == Some(&std::thread::current().id()),
        "a lane has one thread: what another one does has no place in the schedule"
    );
    LANE.with_borrow_mut(|lane| lane.as_mut().map(act))
}

impl Lane {
    fn turn(&mut self) -> &mut Turn {
        self.turn
            .as_mut()
            .expect("the lane goes on only with the turn")
    }

    fn before(&mut self, step: &Step) {
        if !self.granted && !self.turn().last_look {
            self.pause();
        }
        self.granted = false;
        let was = memory_of(step);
        self.was = was;
        self.turn().before(step, was);
    }

    /// Gives the turn to whoever is chosen, until it is this lane's again.
    fn pause(&mut self) {
        let turn = self
            .turn
            .take()
            .expect("the lane goes on only with the turn");
        if let Err(turn) = pass_on(turn, self.seat) {
            self.turn = Some(turn);
        } else {
            self.turn = Some(self.control.take(self.seat));
        }
    }

    fn sleep(&mut self, words: impl Iterator<Item = usize>, timed: bool) -> Woken {
        let seat = self.seat;
        self.turn().fall_asleep(seat, words, timed);
        if self.turn().last_look {
            self.turn().wanted = Wanted::Over(Over::LastLookSleeps);
            let turn = self.turn.take().expect("used above");
            turn.give(BOSS);
            self.turn = Some(self.control.take(seat)); // never: the boss kills it
        } else {
            self.pause();
        }
        self.granted = true;
        if self.turn().go_on(seat) {
            Woken::TimedOut
        } else {
            Woken::Perhaps
        }
    }

    /// Its code has ended. Whether its process must, too.
    fn end(mut self) -> bool {
        let seat = self.seat;
        let mut turn = self
            .turn
            .take()
            .expect("the lane goes on only with the turn");
        // It has changed what lasts, or its end is to be seen: by the kernel, which finds the locks that it holds, or by
        // who waits for its files.
        let exits = !turn.last_look && (turn.lanes_exit || turn.beyond || robust::held() != 0);
        if turn.last_look {
            turn.wanted = Wanted::Over(Over::Still);
            turn.give(BOSS);
        } else if exits {
            turn.wanted = Wanted::Exit(seat);
            turn.give(BOSS);
        } else {
            turn.is_gone(seat, Place::Ended);
            let passed = pass_on(turn, seat);
            assert!(passed.is_ok(), "a lane that has ended is not chosen");
        }
        exits
    }

    /// Its code has panicked.
    fn fail(mut self) {
        let text = PANIC.take().unwrap_or_default();
        let seat = self.seat;
        let mut turn = self
            .turn
            .take()
            .expect("the lane goes on only with the turn");
        turn.panic.set(text.bytes());
        turn.wanted = Wanted::Over(Over::Panicked { seat });
        turn.give(BOSS);
    }
}

/// Gives the turn to whoever is chosen; back to the caller, if it is the one.
fn pass_on(mut turn: Turn, me: usize) -> Result<(), Turn> {
    let (to, wanted) = match turn.decide() {
        Decision::Go(lane) if lane == me => return Err(turn),
        Decision::Go(lane) => (lane, Wanted::Nothing),
        Decision::Kill(lane) => (BOSS, Wanted::Kill(lane)),
        Decision::Over(over) => (BOSS, Wanted::Over(over)),
    };
    turn.wanted = wanted;
    turn.give(to);
    Ok(())
}

/// What stands in the eight bytes that a step accesses; 0 for one that accesses none.
fn memory_of(step: &Step) -> u64 {
    if !has_memory(step.access) {
        return 0;
    }
    // SAFETY: the step is about to access this word, or has done so, by atomics; so its eight aligned bytes, which lie
    // in one page, are mapped. Relaxed: only the holder of the turn accesses memory.
    unsafe { AtomicU64::from_ptr((step.address & !7) as *mut u64).load(Relaxed) }
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
