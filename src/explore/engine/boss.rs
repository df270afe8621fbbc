//! The boss: starts the lanes, kills them for real when a schedule says so, and has the last look taken.
//!
//! Lanes go on from run to run: what they share is put back in between, from the steps' own record of what they
//! wrote. A lane that was killed is forked anew from the boss, whose memory is as the set-up left it. Where something
//! has changed that no step tells of (an object was made, a file sent), nothing can be put back: then
//! [`Boss::is_spent`], and the next run needs another boss.

use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::board::{Board, Over, Place, Wanted};
use super::control::{BOSS, Control, FINALLY, Heard, LOOK, Turn};
use super::decide::Decision;
use super::lane;
use super::sleep::Owned;
use crate::explore::schedule::MAX_LANES;
use crate::explore::stage::{Code, Stage};
use crate::sys::child::{Child, Signal, adopt_orphans};
use crate::sys::memory::shared_ranges;
use crate::sys::{Os, fork, futex, sigchld};
use crate::world::{Deadline, World};

/// A lane that comes to no step for so long is somewhere where the schedule cannot see it.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Boss {
    control: &'static Control,
    turn: Option<Turn>,
    stage: Stage,
    /// The lanes that the program begins with.
    seats: Vec<Seat>,
    last_look: Seat,
    /// The lanes that others have started, as far as they had to be looked at, by their numbers.
    started: [Option<Child>; MAX_LANES],
    /// Whether deaths wake the sleepers of marked words: see `World::death_wakes_marked_word`.
    marked: bool,
    spent: bool,
}

struct Seat {
    code: Option<Box<dyn Code>>,
    child: Option<Child>,
}

impl Seat {
    /// Kills the process, if there is one.
    fn clear(&mut self) -> io::Result<()> {
        if let Some(child) = self.child.take() {
            child.signal(Signal::KILL)?;
            child.wait()?;
        }
        Ok(())
    }
}

/// How a run ended, besides what stands on the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    Over(Over),
    /// Lanes sleep that nobody will wake.
    Deadlock,
    /// A lane's process ended by no choice, with this status.
    LaneEnded {
        lane: usize,
        status: i32,
    },
    /// A lane came to no step for [`PATIENCE`].
    Stuck,
}

impl Boss {
    /// Of a program that has been set up in this process. `once`: for one run only, in which the lanes' processes end
    /// with their code.
    ///
    /// # Errors
    /// The kernel refuses to say what is mapped, or to tell of deaths.
    pub fn new(mut turn: Turn, mut stage: Stage, once: bool) -> io::Result<Boss> {
        let control = turn.control();
        sigchld::tell_ends(control.word(BOSS), LOOK)?;
        control.led_by_me();
        adopt_orphans()?;
        turn.fixed = stage.codes.len();
        turn.lanes = turn.fixed;
        turn.lanes_exit = once;
        turn.whole_calls = stage.whole_calls;
        turn.undo.clear();
        turn.beyond = false;
        let shared = shared_ranges()?;
        let all = turn.shared.set(shared.iter().map(|map| (map.from, map.to)));
        turn.maps
            .set(shared.iter().map(|map| (map.identity, map.from)));
        turn.fixed_maps = turn.maps.len();
        turn.lanes_exit |= !all; // too many to look through at each step: nothing is put back
        stage.region.keep();
        let seat = |code| Seat { code, child: None };
        let seats = stage.codes.drain(..).map(|code| seat(Some(code)));
        let seats = seats.collect();
        let last_look = seat(stage.finally.take());
        Ok(Boss {
            control,
            turn: Some(turn),
            stage,
            seats,
            last_look,
            started: [const { None }; MAX_LANES],
            marked: Os::death_wakes_marked_word(),
            spent: false,
        })
    }

    pub fn turn(&mut self) -> &mut Turn {
        self.turn
            .as_mut()
            .expect("between runs the boss has the turn")
    }

    /// What a run can be told from.
    pub fn seen(&self) -> (&Board, &Stage) {
        let turn = self.turn.as_ref();
        let board = turn.expect("between runs the boss has the turn");
        (board, &self.stage)
    }

    /// No other run can start here.
    pub fn is_spent(&self) -> bool {
        self.spent
    }

    /// The turn, from a boss that has no other use for it.
    ///
    /// # Errors
    /// A lane cannot be killed.
    pub fn hand_in(&mut self) -> io::Result<Turn> {
        self.clear_away()?;
        Ok(self
            .turn
            .take()
            .expect("between runs the boss has the turn"))
    }

    /// One run, by the course on the board.
    ///
    /// # Errors
    /// A lane cannot be started; the kernel did something else at a death than its rule says.
    pub fn run(&mut self) -> io::Result<Finish> {
        for number in 0..self.seats.len() {
            self.fill(number)?;
        }
        let turn = self.turn();
        turn.begin();
        let mut finish = self.play()?;
        let asleep = |turn: &Turn| {
            let mut seats = turn.seats[..turn.lanes].iter();
            seats.any(|seat| matches!(seat.place, Place::Asleep { .. }))
        };
        if finish == Finish::Over(Over::Still) {
            if asleep(self.turn()) {
                finish = Finish::Deadlock;
            } else if self.last_look.code.is_some() || self.last_look.child.is_some() {
                finish = self.look()?;
            }
        }
        self.spent |= self.turn().beyond || self.turn().lanes_exit;
        self.put_back()?;
        Ok(finish)
    }

    /// Forks the process of a seat, if it has none.
    fn fill(&mut self, number: usize) -> io::Result<()> {
        if self.seat(number).child.is_some() {
            return Ok(());
        }
        let once = self.turn().lanes_exit;
        let control = self.control;
        let child = fork::child(|| {
            let code = self.seat(number).code.take();
            if once {
                // What the others have open is theirs.
                self.seats.iter_mut().for_each(|other| other.code = None);
                self.last_look.code = None;
            }
            let code = code.expect("a seat that is filled has a code");
            lane::live(number, control, code, once)
        })?;
        self.turn().seats[number].id = child.pid();
        let seat = self.seat(number);
        seat.child = Some(child);
        if once {
            seat.code = None;
        }
        Ok(())
    }

    /// One of those that the program begins with, or the last look's.
    fn seat(&mut self, number: usize) -> &mut Seat {
        let seat = self.seats.get_mut(number);
        seat.unwrap_or(&mut self.last_look)
    }

    fn play(&mut self) -> io::Result<Finish> {
        loop {
            let decision = self.turn().decide();
            let wanted = match decision {
                Decision::Go(lane) => match self.hand_over(lane)? {
                    Ok(wanted) => wanted,
                    Err(finish) => return Ok(finish),
                },
                Decision::Kill(lane) => Wanted::Kill(lane),
                Decision::Over(over) => Wanted::Over(over),
            };
            match wanted {
                Wanted::Nothing => unreachable!("the boss gets the turn for a reason"),
                Wanted::Kill(lane) => self.bury_all(lane, Some(Signal::KILL))?,
                Wanted::Signal(lane, number) => self.deliver(lane, Signal(number))?,
                Wanted::Exit(lane) => self.bury_all(lane, None)?,
                Wanted::Over(over) => return Ok(Finish::Over(over)),
            }
        }
    }

    /// Gives the turn to a seat and waits until the boss is wanted.
    fn hand_over(&mut self, seat: usize) -> io::Result<Result<Wanted, Finish>> {
        let turn = self.turn.take().expect("the boss has the turn");
        turn.give(seat);
        loop {
            let until = Deadline {
                monotonic_ns: futex::monotonic_ns() + PATIENCE.as_nanos() as u64,
            };
            match self.control.hear(BOSS, Some(until)) {
                Heard::Turn(turn) => {
                    let wanted = turn.wanted;
                    self.turn = Some(turn);
                    return Ok(Ok(wanted));
                }
                Heard::Look => {
                    let Some(lane) = self.look_for_the_dead()? else {
                        continue;
                    };
                    // A lane that exits by choice gives the turn to the boss first.
                    if let Some(turn) = self.control.given(BOSS) {
                        let wanted = turn.wanted;
                        self.turn = Some(turn);
                        return Ok(Ok(wanted));
                    }
                    let status = self.status_of(lane)?;
                    self.clear_away()?;
                    return Ok(Err(Finish::LaneEnded { lane, status }));
                }
                Heard::Silence => {
                    self.clear_away()?;
                    return Ok(Err(Finish::Stuck));
                }
            }
        }
    }

    /// A lane whose process has ended.
    fn look_for_the_dead(&mut self) -> io::Result<Option<usize>> {
        for lane in 0..MAX_LANES {
            let lives = match self.seats.get(lane) {
                Some(seat) => seat.child.is_some(),
                None => self.control.started(lane) != 0,
            };
            if lives && self.process(lane)?.has_ended()? {
                return Ok(Some(lane));
            }
        }
        match &self.last_look.child {
            Some(child) if child.has_ended()? => Ok(Some(FINALLY)),
            _ => Ok(None),
        }
    }

    /// How a lane's process has ended, of which nobody else takes notice.
    fn status_of(&mut self, lane: usize) -> io::Result<i32> {
        if (self.seats.len()..MAX_LANES).contains(&lane) {
            self.seats.iter_mut().try_for_each(Seat::clear)?; // so it is this process's child, in place of theirs
        }
        Ok(self.process(lane)?.wait()?.code())
    }

    /// The process of a lane that is alive.
    fn process(&mut self, lane: usize) -> io::Result<&Child> {
        let child = match self.seats.get(lane) {
            Some(seat) => &seat.child,
            None if lane == FINALLY => &self.last_look.child,
            None => {
                let started = &mut self.started[lane];
                if started.is_none() {
                    *started = Some(Child::adopted(self.control.started(lane))?);
                }
                &*started
            }
        };
        Ok(child.as_ref().expect("a lane that is alive has a process"))
    }

    /// A lane sends another one a signal, which may be its death.
    fn deliver(&mut self, lane: usize, signal: Signal) -> io::Result<()> {
        let process = self.process(lane)?;
        match process.would_end_by(signal)? {
            true => self.bury_all(lane, Some(signal)),
            false => process.signal(signal),
        }
    }

    /// A lane dies by choice, of a signal, or exits; and so do those that are to end with it.
    fn bury_all(&mut self, lane: usize, signal: Option<Signal>) -> io::Result<()> {
        self.bury(lane, signal)?;
        while let Some(other) = self.turn().left_behind(lane) {
            self.bury_all(other, Some(Signal::KILL))?;
        }
        Ok(())
    }

    /// The kernel's part of a death is real, and whom it wakes is chosen here.
    fn bury(&mut self, lane: usize, signal: Option<Signal>) -> io::Result<()> {
        let marked = self.marked;
        let owned = self.turn().owned(lane, word_at);
        let id = self.turn().seats[lane].id;
        let process = self.process(lane)?;
        if let Some(signal) = signal {
            process.signal(signal)?;
        }
        process.await_end()?; // the kernel has walked the dead lane's list before it can be waited for
        match self.seats.get_mut(lane) {
            Some(seat) => seat.clear()?,
            None => self.control.set_started(lane, 0),
        }
        let place = match signal {
            Some(_) => Place::Dead,
            None => Place::Ended,
        };
        self.turn().is_gone(lane, place);
        for word in owned.iter() {
            let bequest = Owned::bequest(*word, id, marked);
            let due = bequest.becomes.unwrap_or(word.was);
            let is = match self.turn().is_shared(word.address) {
                true => word_at(word.address),
                false => due, // it cannot be seen from here
            };
            if is != due {
                return Err(io::Error::other(format!(
                    "at a death the kernel made {is:#x} of a word that was {:#x}, where {due:#x} was due",
                    word.was
                )));
            }
            self.turn().inherit(bequest);
        }
        Ok(())
    }

    /// The last look, alone.
    fn look(&mut self) -> io::Result<Finish> {
        self.fill(FINALLY)?;
        self.turn().last_look = true;
        Ok(match self.hand_over(FINALLY)? {
            Ok(Wanted::Over(over)) => Finish::Over(over),
            Ok(_) => unreachable!("the last look makes no choices"),
            Err(finish) => finish,
        })
    }

    /// Kills every lane, and takes the turn back from whoever had it.
    fn clear_away(&mut self) -> io::Result<()> {
        self.seats.iter_mut().try_for_each(Seat::clear)?;
        self.last_look.clear()?;
        self.clear_started()?;
        // SAFETY: every lane is dead.
        self.turn = Some(unsafe { Turn::of_the_dead(self.control) });
        Ok(())
    }

    /// Kills the lanes that others have started, who are dead: so they are this process's children by now.
    fn clear_started(&mut self) -> io::Result<()> {
        for lane in self.seats.len()..MAX_LANES {
            if self.control.started(lane) != 0 {
                self.process(lane)?.signal(Signal::KILL)?;
                self.control.set_started(lane, 0);
            }
        }
        for child in self.started.iter_mut().filter_map(Option::take) {
            child.await_end()?;
            let _status = child.wait(); // there is none of one that its parent has waited for
        }
        Ok(())
    }

    /// As it was before the run: lanes that stand somewhere in their code are no use to another one.
    fn put_back(&mut self) -> io::Result<()> {
        for number in 0..self.seats.len() {
            if !matches!(self.turn().seats[number].place, Place::Ended | Place::Start) {
                self.seats[number].clear()?;
            }
        }
        if self.turn().last_look && self.turn().wanted != Wanted::Over(Over::Still) {
            self.last_look.clear()?;
        }
        if self.spent {
            return self.clear_away();
        }
        for &(address, was) in self.turn().undo.iter().rev() {
            // SAFETY: shared memory that was mapped before the lanes were forked (Board::before() looks), accessed by
            // atomics, and no lane runs. Relaxed: the turn orders it.
            unsafe { AtomicU64::from_ptr(address as *mut u64).store(was, Relaxed) };
        }
        self.turn().undo.clear();
        self.stage.region.put_back();
        Ok(())
    }
}

impl Drop for Boss {
    fn drop(&mut self) {
        let _ended = self.clear_away(); // what cannot be killed is gone
    }
}

/// A word that a lane may own.
fn word_at(address: usize) -> u32 {
    // SAFETY: a node in shared memory that was mapped before the lanes were forked (owned() looks), so it is mapped here,
    // at the same address; accessed by atomics. Relaxed: no lane runs.
    unsafe { AtomicU32::from_ptr(address as *mut u32).load(Relaxed) }
}
