//! A lane's side of the turn: before each step it gives the turn to whoever is chosen, and goes on when it has it again.

use std::cell::RefCell;
use std::io;
use std::mem::ManuallyDrop;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::board::{Over, Place, Wanted, word_place};
use super::control::{BOSS, Control, Turn};
use super::decide::Decision;
use super::overseen::{self, known_as};
use super::spin::only_reads;
use super::steps::has_memory;
use crate::explore::stage::{self, Code};
use crate::sys::oversight::oversee;
use crate::sys::step::{Access, Expected, Observer, Outcome, Step, Watched, observe};
use crate::sys::{Os, futex, life, poll, robust};
use crate::world::{Deadline, Update, Woken, World};

pub(super) struct Lane {
    pub seat: usize,
    pub control: &'static Control,
    /// Taken only while another has it.
    turn: Option<Turn>,
    /// The choice for the lane's next step has been made already.
    granted: bool,
    /// The eight bytes that the step lies in, before it.
    was: u64,
    /// It has started processes, which it waits for at its exit.
    pub has_children: bool,
    /// Its process may end without being asked to: its code has come to its end, or it was started by another lane.
    may_leave: bool,
    /// A call that begins with the lane's next step. What has no destructor can be used at the thread's very end, where
    /// others' destructors make steps.
    opening: ManuallyDrop<Option<Vec<u8>>>,
}

thread_local! {
    /// Empty before the lane's code and after it: what the process does then is no step. Never dropped: what is done at
    /// exit(3) is done under control, too.
    static LANE: ManuallyDrop<RefCell<Option<Lane>>> =
        const { ManuallyDrop::new(RefCell::new(None)) };
}

/// The thread that is the lane.
static THREAD: AtomicU32 = AtomicU32::new(0);

static CONTROL: OnceLock<&'static Control> = OnceLock::new();

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
    // Relaxed: read by this thread, or by one that it starts.
    THREAD.store(Os::me(), Relaxed);
    CONTROL.get_or_init(|| control);
    observe(&OBSERVER);
    oversee(&overseen::OVERSEER);
    life::begin_anew();
    life::at_exit(overseen::at_exit).expect("there is room for one thing to do at the exit");
    silence_panics();
    let mut code = Some(code);
    let which = stage::Lane { number: seat };
    loop {
        set(Some(Lane::new(seat, control)));
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            if !once {
                code.as_ref().expect("it is kept").again(&which);
            } else if let Some(code) = code.take() {
                code.once(&which);
            }
        }));
        let mut lane = set(None).expect("set above, and taken at the end alone");
        match ended {
            Ok(()) if lane.has_children => {
                lane.may_leave = true;
                set(Some(lane));
                std::process::exit(0) // as any program: it waits for its children
            }
            Ok(()) => {
                if lane.end() {
                    return 0;
                }
            }
            Err(_) => lane.fail(),
        }
    }
}

/// A call of the lane on the object that is judged; `act` makes it, and returns what it returned. Both are told as bytes.
/// Of what the last look calls nothing is noted.
///
/// # Panics
/// If the calls of a run are more, or longer, than there is room for.
pub(in crate::explore) fn call<R>(
    call: Vec<u8>,
    act: impl FnOnce() -> R,
    tell: fn(&R) -> Vec<u8>,
) -> R {
    with_lane(|lane| lane.opens(call));
    let returned = act();
    with_lane(|lane| lane.returns(&tell(&returned)));
    returned
}

fn before(step: &Step) {
    with_lane(|lane| lane.before(step));
}

fn after(step: &Step, outcome: Outcome) {
    with_lane(|lane| lane.after(step, outcome));
}

/// A futex's wait, with the schedule for a clock: the deadline passes when it is chosen to.
fn wait(word: &AtomicU32, expected: u32, until: Option<Deadline>) -> Woken {
    wait_any(&[(word, expected)], until)
}

fn wait_any(words: &[Expected], until: Option<Deadline>) -> Woken {
    let woken = with_lane(|lane| {
        for (word, expected) in words {
            lane.turn().looks_to_sleep(known_as(word.as_ptr() as usize));
            // SeqCst: one lane runs at a time, and the turn orders them; so any order would do.
            if word.load(SeqCst) != *expected {
                return Woken::Changed;
            }
        }
        let words = words
            .iter()
            .map(|(word, _)| known_as(word.as_ptr() as usize));
        lane.sleep(words, until.is_some())
    });
    woken.unwrap_or_else(|| futex::wait_any(words.iter().copied(), until))
}

fn wake(word: &AtomicU32, count: u32) -> u32 {
    with_lane(|lane| lane.turn().wake(known_as(word.as_ptr() as usize), count))
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
        lane.turn().wake(known_as(word.as_ptr() as usize), u32::MAX)
    });
    woken.unwrap_or_else(|| futex::update_and_wake_all(word, update))
}

/// The wait for open files: whenever something may have happened to some, the lane looks again.
fn poll(files: &[Watched], until: Option<Deadline>) -> io::Result<Vec<bool>> {
    let now = Deadline { monotonic_ns: 0 };
    loop {
        let found = poll::ready(files, Some(now))?;
        with_lane(|lane| lane.turn().looks_at_files());
        if found.contains(&true) || until.is_some_and(futex::has_passed) {
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
pub(super) fn with_lane<R>(act: impl FnOnce(&mut Lane) -> R) -> Option<R> {
    assert!(
        is_lanes_thread(),
        "a lane has one thread: what another one does has no place in the schedule"
    );
    LANE.with(|lane| lane.borrow_mut().as_mut().map(act))
}

fn is_lanes_thread() -> bool {
    // Relaxed: written by this thread, or before it was started.
    THREAD.load(Relaxed) == Os::me()
}

/// What there was before.
fn set(lane: Option<Lane>) -> Option<Lane> {
    LANE.with(|here| here.replace(lane))
}

impl Lane {
    /// At its first turn.
    fn new(seat: usize, control: &'static Control) -> Lane {
        let turn = control.take(seat);
        Lane {
            seat,
            control,
            turn: Some(turn),
            granted: true,
            was: 0,
            opening: ManuallyDrop::new(None),
            has_children: false,
            may_leave: false,
        }
    }

    /// Whether the calling thread is a lane, and under control.
    pub fn is_here() -> bool {
        is_lanes_thread() && LANE.with(|lane| lane.try_borrow().map_or(true, |lane| lane.is_some()))
    }

    /// In a process that a lane has forked: the lane is the other one.
    pub fn leave_to_parent() {
        set(None);
        // Relaxed, here and elsewhere: there is one thread.
        THREAD.store(Os::me(), Relaxed);
    }

    /// In such a process: it is a lane from here on, once it has the turn.
    pub fn join_as(seat: usize) {
        let control = *CONTROL.get().expect("a lane has forked this process");
        let mut lane = Lane::new(seat, control);
        lane.may_leave = true;
        set(Some(lane));
    }

    /// Its process is about to exit.
    pub fn take_leave() {
        let Some(lane) = set(None) else { return };
        if lane.may_leave {
            lane.exit();
        }
    }

    /// The end of its process: a step, before which it may be killed as before others.
    fn exit(mut self) {
        self.before(&Step {
            access: Access::Exit,
            address: 0,
        });
        let mut turn = self.turn.expect("the lane goes on only with the turn");
        turn.wanted = Wanted::Exit(self.seat);
        turn.give(BOSS);
    }

    /// Has the boss do something; goes on when it is this lane's turn again.
    pub fn ask_boss(&mut self, wanted: Wanted) {
        let mut turn = self
            .turn
            .take()
            .expect("the lane goes on only with the turn");
        turn.wanted = wanted;
        turn.give(BOSS);
        self.turn = Some(self.control.take(self.seat));
        self.granted = true;
    }

    pub fn turn(&mut self) -> &mut Turn {
        self.turn
            .as_mut()
            .expect("the lane goes on only with the turn")
    }

    pub fn before(&mut self, step: &Step) {
        let seat = self.seat;
        let known = known(step);
        let spin = self.turn().seats[seat].spin;
        let spins = spin.goes_on(word_place(known.address)) && only_reads(&known, memory_of(step));
        let is_within_call = self.turn().whole_calls
            && (self.turn().is_within_call(seat, &known) || self.turn().goes_first() == Some(seat));
        if !self.granted && !self.turn().last_look && !spins && !is_within_call {
            self.pause();
        }
        self.granted = false;
        let moves = self.turn().making;
        self.begin_call(moves);
        let was = memory_of(step);
        self.was = was;
        self.turn().before(&known, was);
    }

    pub fn after(&mut self, step: &Step, outcome: Outcome) {
        let (seat, was) = (self.seat, self.was);
        let is = memory_of(step);
        self.turn().after(seat, &known(step), outcome, was, is);
    }

    fn opens(&mut self, call: Vec<u8>) {
        if !self.turn().last_look {
            assert!(self.opening.is_none(), "a lane has one call open at a time");
            *self.opening = Some(call);
        }
    }

    fn begin_call(&mut self, moves: usize) {
        if let Some(call) = self.opening.take() {
            let seat = self.seat;
            self.turn().call_begins(seat, &call, moves);
        }
    }

    fn returns(&mut self, value: &[u8]) {
        if !self.turn().last_look {
            let (seat, moves) = (self.seat, self.turn().moves.len());
            self.begin_call(moves); // one without a step
            self.turn().call_returns(seat, value);
        }
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

    pub fn sleep(&mut self, words: impl Iterator<Item = usize>, timed: bool) -> Woken {
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
        let turn = self.turn();
        // It has changed what lasts, or its end is to be seen: by the kernel, which finds the locks that it holds, or by
        // who waits for its files.
        let exits = !turn.last_look && (turn.lanes_exit || turn.beyond || robust::held() != 0);
        if exits {
            self.exit();
            return true;
        }
        let mut turn = self.turn.expect("the lane goes on only with the turn");
        if turn.last_look {
            turn.wanted = Wanted::Over(Over::Still);
            turn.give(BOSS);
        } else {
            turn.is_gone(self.seat, Place::Ended);
            let passed = pass_on(turn, self.seat);
            assert!(passed.is_ok(), "a lane that has ended is not chosen");
        }
        false
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

/// The step, where all lanes know its place.
fn known(step: &Step) -> Step {
    Step {
        access: step.access,
        address: known_as(step.address),
    }
}

/// What stands in the eight bytes that a step accesses; 0 for one that accesses none.
fn memory_of(step: &Step) -> u64 {
    if !has_memory(step.access) && step.access != Access::Announce {
        return 0;
    }
    // SAFETY: the step is about to access this word, or has done so, by atomics, or announces it; so its eight aligned bytes, which lie
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
