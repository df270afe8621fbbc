//! The boss: starts the lanes, kills them for real when a schedule says so, and has the last look taken.
//!
//! Lanes go on from run to run: what they share is put back in between, from the steps' own record of what they
//! wrote. A lane that was killed is forked anew from the boss, whose memory is as the set-up left it. Where something
//! has changed that no step tells of (an object was made, a file sent), nothing can be put back: then
//! [`Boss::is_spent`], and the next run needs another boss.

use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::board::{Over, Place, Wanted};
use super::control::{BOSS, Control, FINALLY, Heard, LOOK, Turn};
use super::decide::Decision;
use super::lane;
use super::sleep::Owned;
use crate::explore::stage::{Code, Stage};
use crate::sys::child::{Child, Signal};
use crate::sys::memory::shared_ranges;
use crate::sys::{Os, fork, futex, sigchld};
use crate::world::{Deadline, World};

/// A lane that comes to no step for so long is somewhere where the schedule cannot see it.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Boss {
    control: &'static Control,
    turn: Option<Turn>,
    pub stage: Stage,
    seats: Vec<Seat>,
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
        turn.lanes = stage.codes.len();
        turn.lanes_exit = once;
        turn.undo.clear();
        turn.beyond = false;
        let shared = shared_ranges()?;
        let all = turn.shared.set(shared);
        turn.lanes_exit |= !all; // too many to look through at each step: nothing is put back
        stage.region.keep();
        let mut codes: Vec<_> = stage.codes.drain(..).map(Some).collect();
        codes.push(stage.finally.take());
        let seats = codes.into_iter().map(|code| Seat { code, child: None });
        let seats = seats.collect();
        Ok(Boss {
            control,
            turn: Some(turn),
            stage,
            seats,
            marked: Os::death_wakes_marked_word(),
            spent: false,
        })
    }

    pub fn turn(&mut self) -> &mut Turn {
        self.turn
            .as_mut()
            .expect("between runs the boss has the turn")
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
        let lanes = self.seats.len() - 1;
        for number in 0..lanes {
            self.fill(number)?;
        }
        let turn = self.turn();
        turn.begin();
        let mut finish = self.play()?;
        let asleep = |turn: &Turn| {
            let mut seats = turn.seats[..lanes].iter();
            seats.any(|seat| matches!(seat.place, Place::Asleep { .. }))
        };
        if finish == Finish::Over(Over::Still) {
            if asleep(self.turn()) {
                finish = Finish::Deadlock;
            } else if self.seats[lanes].code.is_some() {
                finish = self.look()?;
            }
        }
        self.spent |= self.turn().beyond || self.turn().lanes_exit;
        self.put_back()?;
        Ok(finish)
    }

    /// Forks the process of a seat, if it has none.
    fn fill(&mut self, number: usize) -> io::Result<()> {
        if self.seats[number].child.is_some() {
            return Ok(());
        }
        let seat = if number + 1 == self.seats.len() {
            FINALLY
        } else {
            number
        };
        let once = self.turn().lanes_exit;
        let control = self.control;
        let seats = &mut self.seats;
        let child = fork::child(|| {
            let code = seats[number].code.take();
            if once {
                // What the others have open is theirs.
                seats.iter_mut().for_each(|other| drop(other.code.take()));
            }
            let code = code.expect("a seat that is filled has a code");
            lane::live(seat, control, code, once)
        })?;
        self.turn().seats[seat].id = child.pid();
        self.seats[number].child = Some(child);
        if once {
            self.seats[number].code = None;
        }
        Ok(())
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
                Wanted::Kill(lane) => self.bury(lane, Place::Dead)?,
                Wanted::Exit(lane) => self.bury(lane, Place::Ended)?,
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
                    let Some(finish) = self.look_for_the_dead()? else {
                        continue;
                    };
                    // A lane that exits by choice gives the turn to the boss first.
                    if let Some(turn) = self.control.given(BOSS) {
                        let wanted = turn.wanted;
                        self.turn = Some(turn);
                        return Ok(Ok(wanted));
                    }
                    self.clear_away()?;
                    return Ok(Err(finish));
                }
                Heard::Silence => {
                    self.clear_away()?;
                    return Ok(Err(Finish::Stuck));
                }
            }
        }
    }

    /// A lane whose process has ended.
    fn look_for_the_dead(&self) -> io::Result<Option<Finish>> {
        for (lane, seat) in self.seats.iter().enumerate() {
            if let Some(child) = &seat.child
                && let Some(status) = child.try_wait()?
            {
                let status = status.code();
                return Ok(Some(Finish::LaneEnded { lane, status }));
            }
        }
        Ok(None)
    }

    /// A lane dies by choice, or exits: the kernel's part of it is real, and whom it wakes is chosen here.
    fn bury(&mut self, lane: usize, place: Place) -> io::Result<()> {
        let marked = self.marked;
        let owned = self.turn().owned(lane, word_at);
        let id = self.turn().seats[lane].id;
        let child = self.seats[lane]
            .child
            .take()
            .expect("who is buried was alive");
        if place == Place::Dead {
            child.signal(Signal::KILL)?;
        }
        child.wait()?; // the kernel has walked the dead lane's list before it can be waited for
        self.turn().is_gone(lane, place);
        for word in owned.iter() {
            let bequest = Owned::bequest(*word, id, marked);
            let due = bequest.becomes.unwrap_or(word.was);
            let is = word_at(word.address);
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
        let last = self.seats.len() - 1;
        self.fill(last)?;
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
        // SAFETY: every lane is dead.
        self.turn = Some(unsafe { Turn::of_the_dead(self.control) });
        Ok(())
    }

    /// As it was before the run: lanes that stand somewhere in their code are no use to another one.
    fn put_back(&mut self) -> io::Result<()> {
        let lanes = self.seats.len() - 1;
        let last_look = self.turn().last_look;
        for number in 0..=lanes {
            let seat = if number == lanes { FINALLY } else { number };
            let place = self.turn().seats[seat].place;
            let looked_well = last_look && self.turn().wanted == Wanted::Over(Over::Still);
            let rests = match seat {
                FINALLY => looked_well || !last_look,
                _ => matches!(place, Place::Ended | Place::Start),
            };
            if !rests {
                self.seats[number].clear()?;
            }
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
